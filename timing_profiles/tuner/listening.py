"""Listen at an address of this machine."""

from __future__ import annotations

import errno
import socket

from timing_profiles.problems import strerror

LOOPBACK = "127.0.0.1"
"""The address that only this machine reaches."""

DEFAULT_PORT = 7790
"""The port where the command line names none: a browser remembers the microphone for it."""


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
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = strerror(error) if isinstance(error, OSError) else str(error)
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            message = f"port {port} is in use; --port 0 takes a free one"
            raise _Taken(message) from None
        raise CannotListen(f"cannot listen at {host}:{port}: {reason}") from None
