"""Samples of a run -> what has grown, as a table."""

import itertools
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lab import markdown
from lab.soak.sample import BOUNDS

WARM_UP = 1 / 3
"""The part of a run, from its start, that is not looked at."""

_MOST_PAIRED = 400  # samples; more of them are thinned out, as every pair has its slope
_HEAD = ("quantity", "start", "middle", "end", "per 1,000 reloads", "grown", "at most", "held")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the worker.

    Attributes:
        reloads: How many there had been.
        values: Every quantity.
    """

    reloads: int
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Growth:
    """The change of one quantity, warm-up excluded.

    Attributes:
        quantity: Which one.
        thirds: Its median at the start, in the middle and at the end.
        slope: How much came with each reload.
        reloads: How many there were.
    """

    quantity: str
    thirds: tuple[float, float, float]
    slope: float
    reloads: int

    @property
    def grown(self) -> float:
        """Return the growth from the first sample to the last one, on the fitted line."""
        return self.slope * self.reloads

    @property
    def at_most(self) -> float:
        """Return the largest allowed growth."""
        return BOUNDS[self.quantity].of(self.reloads)

    @property
    def held(self) -> bool:
        """Return whether the growth is allowed."""
        return self.grown <= self.at_most


def growths(samples: Sequence[Sample]) -> list[Growth]:
    """Return the growth of each quantity, warm-up excluded.

    Args:
        samples: Of the whole run, oldest first; ten or more.
    """
    looked_at = samples[int(len(samples) * WARM_UP) :]
    return [_growth(quantity, looked_at) for quantity in BOUNDS]


def text(found: Sequence[Growth]) -> str:
    """Return rows as a table."""
    return markdown.table(_HEAD, (tuple(_cells(growth)) for growth in found))


def _growth(quantity: str, samples: Sequence[Sample]) -> Growth:
    points = [(sample.reloads, sample.values[quantity]) for sample in samples]
    third = len(points) // 3
    parts = points[:third], points[third:-third], points[-third:]
    start, middle, end = (statistics.median(value for _, value in part) for part in parts)
    reloads = points[-1][0] - points[0][0]
    return Growth(quantity, (start, middle, end), _slope(points), reloads)


def _slope(points: Sequence[tuple[int, float]]) -> float:
    thinned = points[:: len(points) // _MOST_PAIRED + 1]
    slopes = [
        (after - before) / (later - earlier)
        for (earlier, before), (later, after) in itertools.combinations(thinned, 2)
        if later > earlier
    ]
    return statistics.median(slopes) if slopes else 0.0


def _cells(growth: Growth) -> Iterator[str]:
    yield growth.quantity
    yield from (f"{value:.1f}" for value in growth.thirds)
    yield f"{growth.slope * 1000:+.2f}"
    yield f"{growth.grown:+.1f}"
    yield f"+{growth.at_most:.1f}"
    yield "yes" if growth.held else "GROWS"
