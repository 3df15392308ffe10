"""Listen at an address of this machine."""

from __future__ import annotations

import errno
import ipaddress
import socket

from timing_profiles.problems import strerror

LOOPBACK = "127.0.0.1"
"""The address that only this machine reaches."""

DEFAULT_PORT = 7790
"""The port where the command line names none: a browser remembers the microphone for it."""

_ON_THIS_MACHINE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - compared only


def normalized(host: str) -> str:
    """Return an address as a browser sends it: `::1` for `[::1]` and `0:0:0:0:0:0:0:1`.

    Args:
        host: An address, or a name, which is returned in lower case.
    """
    bare = host.removeprefix("[").removesuffix("]")
    try:
        return ipaddress.ip_address(bare).compressed
    except ValueError:
        return host.lower()


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches an address.

    Args:
        host: The address, as `normalized` returns it.
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def location(host: str, port: int) -> str:
    """Return host and port as in the address of a page, for a browser on this machine.

    Args:
        host: The address, as `normalized` returns it.
        port: The port.
    """
    return _joined(_ON_THIS_MACHINE.get(host, host), port)


def _joined(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class CannotListen(Exception):
    """The address cannot be used; the text is one message for people."""


def listen(host: str, port: int | None) -> socket.socket:
    """Return a listening socket.

    Args:
        host: The address.
        port: The port; None for the default one, or any other where that is taken.

    Raises:
        CannotListen: The port is taken, or the address is not one of this machine.
    """
    if port is not None:
        return _listen(host, port)
    try:
        return _listen(host, DEFAULT_PORT)
    except _Taken:
        return _listen(host, 0)


class _Taken(CannotListen):
    pass


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        both = host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (OSError, OverflowError) as error:
        reason = strerror(error) if isinstance(error, OSError) else str(error)
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            message = f"port {port} is in use; --port 0 takes a free one"
            raise _Taken(message) from None
        raise CannotListen(f"cannot listen at {_joined(host, port)}: {reason}") from None
