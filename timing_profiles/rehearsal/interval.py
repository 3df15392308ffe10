"""A stretch of time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """From a first to a last moment, in seconds of one clock or from the start of a recording."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """The duration."""
        return self.end - self.start
