"""Ports that the environment names."""

from __future__ import annotations

import os
from collections.abc import Iterator

from timing_profiles.problems import Problem, quoted

METRICS = "METRICS_PORT"
"""Names the port of the metrics."""

READY = "READY_PORT"
"""Names the port of the readiness answer."""

_HIGHEST = 65535


def port(variable: str) -> int | None:
    """The port that a variable of the environment names; None where it names none."""
    text = os.environ.get(variable, "")
    return int(text) if _is_port(text) else None


def problems(variable: str) -> Iterator[Problem]:
    """What is wrong with it."""
    text = os.environ.get(variable, "")
    if text and not _is_port(text):
        message = f"{quoted(text)} is no port; 1 to {_HIGHEST} are"
        yield Problem("environment", message, variable)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= _HIGHEST
