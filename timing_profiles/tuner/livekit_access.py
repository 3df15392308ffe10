"""Reach the LiveKit server of the environment: its address, its keys, and no proxy in between."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from timing_profiles.tuner import listening

URL, API_KEY, API_SECRET = VARIABLES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
"""The environment variables of LiveKit's own tools."""

AGENT_NAME = "LIVEKIT_AGENT_NAME"
"""The environment variable that names the agent of a worker."""

_CLOUD = ".livekit.cloud"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


class AccessMissing(Exception):
    """A variable is not set, or invalid; the text is one message for people."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a LiveKit server.

    Attributes:
        url: As in `LIVEKIT_URL`.
        api_key: As in `LIVEKIT_API_KEY`.
        api_secret: As in `LIVEKIT_API_SECRET`; it never leaves this process.
    """

    url: str
    api_key: str
    api_secret: str = field(repr=False)

    def origins(self) -> tuple[str, ...]:
        """Return the origins that a browser connects to, for a content security policy."""
        address = urlsplit(self.url)
        secure = address.scheme in {"wss", "https"}
        hosts = [address.netloc.rpartition("@")[2]]
        # LiveKit Cloud sends its clients to the nearest region, under another name.
        if (address.hostname or "").endswith(_CLOUD):
            hosts.append(f"*{_CLOUD}")
        schemes = ("wss", "https") if secure else ("ws", "http")
        if ":" in (address.hostname or ""):  # a policy cannot name an IPv6 address
            return tuple(f"{scheme}:" for scheme in schemes)
        return tuple(f"{scheme}://{host}" for host in hosts for scheme in schemes)


def from_environment() -> Access:
    """Read the variables.

    Raises:
        AccessMissing: One is missing, or the address is not one of a LiveKit server.
    """
    missing = [name for name in VARIABLES if not os.environ.get(name)]
    if missing:
        raise AccessMissing(
            f"{', '.join(missing)} not set: the page calls an agent through a LiveKit server. "
            "`make dev` starts a local one with an agent and serves this page itself; for your "
            f"own deployment set {', '.join(VARIABLES)}, and name the agent with --agent. "
            "Files such as .env.local are not read: "
            "`uv run --env-file .env.local timing-profiles tune` sets what they contain"
        )
    url, api_key, api_secret = (os.environ[name] for name in VARIABLES)
    address = urlsplit(url)
    if address.scheme not in {"ws", "wss", "http", "https"} or not address.hostname:
        raise AccessMissing(f"{URL} is not an address such as wss://example.livekit.cloud")
    return Access(url, api_key, api_secret)


def bypass_proxies(url: str) -> None:
    """Remove proxies from this process's environment if a LiveKit server is on this machine.

    The SDK and its WebRTC library send everything through them, whatever `NO_PROXY` is, and the
    localhost of a proxy is the proxy's own.

    Args:
        url: Of the server.
    """
    if listening.is_loopback(urlsplit(url).hostname or ""):
        for name in proxies():
            del os.environ[name]


def proxies() -> Sequence[str]:
    """Return the variables of proxies that are set."""
    return [name for name in _PROXIES if os.environ.get(name)]
