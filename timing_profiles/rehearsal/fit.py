"""Fit the delays and the threshold to recordings: frontier, choice, estimate for other calls."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from timing_profiles.rehearsal.sweep import Cost, HeardTurn, Policy

THRESHOLDS: Final = tuple(round(0.02 * step, 2) for step in range(1, 50))
"""The thresholds that are tried."""

DELAYS: Final = (
    *(round(0.1 * step, 1) for step in range(2, 21)),
    *(2.25, 2.5, 2.75, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0, 8.0),
)
"""The delays that are tried, in seconds: finer where a caller notices a tenth of a second."""

NOTICED: Final = 0.05
"""Seconds by which a mean wait must be shorter to count as shorter."""


@dataclass(frozen=True, slots=True)
class Point:
    """A policy and its effect, on average over the phases."""

    policy: Policy
    cost: Cost


@dataclass(frozen=True, slots=True)
class Bounds:
    """The values that the schema in force allows, lowest and highest."""

    threshold: tuple[float, float]
    min_delay: tuple[float, float]
    max_delay: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Need:
    """A turn at one phase, as far as its policy matters.

    Attributes:
        pauses: The probability of each pause, and the delay from which it is not cut.
        end: The probability at the end, and the wait at each of some delays; None where the end is
            not known.
    """

    pauses: tuple[tuple[float, float], ...]
    end: tuple[float, tuple[float, ...]] | None


def points(turns: Sequence[HeardTurn], bounds: Bounds) -> Iterator[Point]:
    """Yield every policy that is tried and its effect on some turns, at all their phases.

    Work grows with turns times thresholds, not with the number of policies: whether a turn is cut
    depends on its worst likely pause and its worst unlikely one, and the sum of the waits is one
    sum over likely ends and one over unlikely ends.
    """
    needs = [_need(turn) for turn in turns]
    shortest = [at for at in DELAYS if bounds.min_delay[0] <= at <= bounds.min_delay[1]]
    longest = [at for at in DELAYS if bounds.max_delay[0] <= at <= bounds.max_delay[1]]
    for threshold in THRESHOLDS:
        if bounds.threshold[0] <= threshold <= bounds.threshold[1]:
            yield from _points(needs, threshold, shortest, longest)


def frontier(found: Sequence[Point]) -> list[Point]:
    """Return the points that no other one beats in both cuts and wait, the fastest first."""
    best: list[Point] = []
    for point in sorted(found, key=lambda one: (one.cost.wait, one.cost.cut, _order(one))):
        if not best or point.cost.cut < best[-1].cost.cut - 1e-9:
            best.append(point)
    return best


def choose(found: Sequence[Point], most: float) -> Point | None:
    """Return the fastest point of a frontier that cuts at most this share of turns."""
    return next((point for point in found if point.cost.cut <= most + 1e-9), None)


def left_out(
    recordings: Mapping[str, Sequence[HeardTurn]], most: float, bounds: Bounds
) -> Cost | None:
    """Estimate the effect of a choice on other calls.

    Each recording is judged with the policy that is chosen without it.

    Args:
        recordings: The turns of each recording, at all phases.
        most: The share of turns that may be cut.
        bounds: The values that may be chosen.

    Returns:
        The mean over all turns; None with fewer than two recordings, or without a choice.
    """
    if len(recordings) <= 1:
        return None
    cuts: list[float] = []
    waits: list[float] = []
    for name in recordings:
        others = [turn for other, turns in recordings.items() if other != name for turn in turns]
        chosen = choose(frontier([*points(others, bounds)]), most)
        if chosen is None:
            return None
        cuts += [turn.is_cut(chosen.policy) for turn in recordings[name]]
        found = (turn.wait(chosen.policy) for turn in recordings[name])
        waits += [wait for wait in found if wait is not None]
    wait = math.fsum(waits) / len(waits) if waits else 0.0
    return Cost(sum(cuts) / len(cuts), wait)


def dominated_by(cost: Cost, found: Sequence[Point]) -> Point | None:
    """Return the point that cuts no more and answers sooner by most; None where none does."""
    better = [
        point
        for point in found
        if point.cost.cut <= cost.cut + 1e-9 and point.cost.wait < cost.wait - NOTICED
    ]
    return min(better, key=lambda point: point.cost.wait, default=None)


def _order(point: Point) -> tuple[float, ...]:
    policy = point.policy
    return policy.max_delay, policy.min_delay, policy.threshold


def _points(
    needs: Sequence[_Need], threshold: float, shortest: Sequence[float], longest: Sequence[float]
) -> Iterator[Point]:
    kept = _kept(needs, threshold, shortest, longest)
    likely, unlikely, ends = _sums(needs, threshold)
    for row, low in enumerate(shortest):
        for column, high in enumerate(longest):
            if low > high:
                continue
            cut = 1 - kept[row][column] / len(needs) if needs else 0.0
            total = likely[DELAYS.index(low)] + unlikely[DELAYS.index(high)]
            cost = Cost(cut, total / ends if ends else 0.0)
            yield Point(Policy(threshold, low, high), cost)


def _kept(
    needs: Sequence[_Need], threshold: float, shortest: Sequence[float], longest: Sequence[float]
) -> list[list[int]]:
    """Count the turns that are not cut, for each shorter (rows) and longer delay (columns)."""
    counts = [[0] * len(longest) for _ in shortest]
    for need in needs:
        likely = max((delay for p, delay in need.pauses if p >= threshold), default=0.0)
        unlikely = max((delay for p, delay in need.pauses if p < threshold), default=0.0)
        row, column = bisect_left(shortest, likely), bisect_left(longest, unlikely)
        if row < len(shortest) and column < len(longest):
            counts[row][column] += 1
    rows = [[*accumulate(row)] for row in counts]
    columns = [[*accumulate(column)] for column in zip(*rows, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)]


def _sums(needs: Sequence[_Need], threshold: float) -> tuple[list[float], list[float], int]:
    """Add up the waits of likely and of unlikely ends at each delay, and count the ends."""
    ends = [need.end for need in needs if need.end]
    likely = [waits for p, waits in ends if p >= threshold]
    unlikely = [waits for p, waits in ends if p < threshold]
    zeros = [0.0] * len(DELAYS)
    return (
        [math.fsum(at) for at in zip(*likely, strict=True)] or zeros,
        [math.fsum(at) for at in zip(*unlikely, strict=True)] or zeros,
        len(ends),
    )


def _need(turn: HeardTurn) -> _Need:
    end = turn.turn.speech.end
    pauses, last = [], None
    for silence in turn.silences:
        probability = 1.0 if silence.probability is None else silence.probability
        if silence.until <= end or (silence.start < end - 1 and not math.isinf(silence.until)):
            if silence.ready < end:
                pauses.append((probability, silence.until - silence.start))
        elif last is None and turn.turn.is_end:
            waits = tuple(max(silence.ready, silence.start + at) - end for at in DELAYS)
            last = probability, waits
    return _Need(tuple(pauses), last)
