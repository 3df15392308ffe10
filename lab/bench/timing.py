"""Two pieces of work, timed in turns, so that a busy moment of the machine meets both."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Pair:
    """Medians of two sides, in seconds.

    Attributes:
        ours: Of what was measured.
        theirs: Of what it is held against.
    """

    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """Return ours divided by theirs."""
        return self.ours / self.theirs


def in_turns(ours: Work, theirs: Work, *, rounds: int, calls: int) -> Pair:
    """Time two pieces of work.

    Args:
        ours: What is measured.
        theirs: What it is held against.
        rounds: How often each side gets its turn.
        calls: How often a side runs in one turn.

    Returns:
        The median turn of each side, for one call.
    """
    ours()
    theirs()
    turns = [(_seconds(ours, calls), _seconds(theirs, calls)) for _ in range(rounds)]
    return medians(turns)


def medians(turns: Sequence[tuple[float, float]]) -> Pair:
    """Return the median of each side, over turns of (ours, theirs)."""
    ours, theirs = zip(*turns, strict=True)
    return Pair(statistics.median(ours), statistics.median(theirs))


def _seconds(work: Work, calls: int) -> float:
    started = time.perf_counter()
    for _ in range(calls):
        work()
    return (time.perf_counter() - started) / calls


def shown(seconds: float) -> str:
    """Format a duration."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"
