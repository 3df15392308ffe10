"""A stretch of time."""

from __future__ import annotations

from collections.abc import Sequence
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


def overlap(ones: Sequence[Interval], others: Sequence[Interval]) -> float:
    """Return the seconds that lie in both of two lists of intervals; within each, none overlap."""
    return sum(max(0.0, min(a.end, b.end) - max(a.start, b.start)) for a in ones for b in others)
