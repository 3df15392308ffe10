"""Ports that the environment names, and the address of the one that this library opens."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator

from timing_profiles.problems import Problem, quoted

METRICS = "METRICS_PORT"
"""Names the port of the metrics."""

READY = "READY_PORT"
"""Names the port of the readiness answer."""

READY_HOST = "READY_HOST"
"""Names the address of the readiness answer."""

_HIGHEST = 65535
_LOOPBACK = "127.0.0.1"


def port(variable: str) -> int | None:
    """Return the port in an environment variable; None if there is none."""
    text = os.environ.get(variable, "")
    return int(text) if _is_port(text) else None


def ready_host() -> str:
    """Return the address that `READY_HOST` names; only this machine reaches the default."""
    return os.environ.get(READY_HOST) or _LOOPBACK


def problems(variable: str) -> Iterator[Problem]:
    """Yield what is wrong with a port in an environment variable."""
    text = os.environ.get(variable, "")
    if text and not _is_port(text):
        message = f"{quoted(text)} is not a port: use 1 to {_HIGHEST}"
        yield Problem("environment", message, variable)


def host_problems() -> Iterator[Problem]:
    """Yield what is wrong with `READY_HOST`."""
    try:
        ipaddress.ip_address(ready_host())
    except ValueError:
        message = f"{quoted(ready_host())} is not an IP address"
        yield Problem("environment", message, READY_HOST, hint="0.0.0.0 is every IPv4 interface")


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= _HIGHEST
