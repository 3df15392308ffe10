"""Answer this page only: no other site, no other name of this machine, and only with the token."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from aiohttp import web

TOKEN = "token"  # noqa: S105 - the name of a parameter
API = "/api/"

_LOOPBACK = ("127.0.0.1", "localhost")
_EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared only

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """Decides which requests are answered.

    A page of another site may send requests here, and a name that its owner points at 127.0.0.1
    makes them look like requests of this page. Neither has the token; both are refused before.
    """

    def __init__(self, host: str, port: int, token: str) -> None:
        """Know the address.

        Args:
            host: The address that the server listens at.
            port: Its port.
            token: What each request of the API has.
        """
        self._port = port
        self._names = {*_LOOPBACK, host.lower()}
        self._takes_addresses = host in _EVERY_ADDRESS
        self._token = token.encode()

    def refusal(self, request: web.Request) -> tuple[int, str] | None:
        """Return the status and the reason of a refusal; None where a request is answered."""
        if not self._is_ours(f"http://{request.headers.get('Host', '')}"):
            return 421, "wrong Host: open the address that timing-profiles tune printed"
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_ours(origin):
            return 403, "wrong Origin: only the page of this server may ask"
        if not request.path.startswith(API) or self._has_token(request):
            return None
        return 401, "wrong or missing token: open the address that timing-profiles tune printed"

    def _is_ours(self, origin: str) -> bool:
        try:
            parts = urlsplit(origin)
            name, port = (parts.hostname or "").lower(), parts.port or 80
        except ValueError:
            return False
        is_plain = parts.scheme == "http" and not (parts.path or parts.query or parts.username)
        is_known = name in self._names or (self._takes_addresses and _is_address(name))
        return is_plain and port == self._port and is_known

    def _has_token(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if not given and "Upgrade" in request.headers:  # a browser's WebSocket sends no header
            given = request.query.get(TOKEN, "")
        elif scheme.lower() != "bearer":
            given = ""
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token)


def headers(own: Iterable[str], livekit: Iterable[str]) -> dict[str, str]:
    """Return the headers of every answer.

    Args:
        own: The addresses of this server's WebSocket.
        livekit: The origins of the LiveKit server.
    """
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "media-src": "'self' blob:",
        "connect-src": " ".join(("'self'", *own, *livekit)),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
        "Referrer-Policy": "no-referrer",  # the address has the token
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
