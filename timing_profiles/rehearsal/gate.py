"""Gates: limits that a profile holds, fails, or has too little evidence for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from timing_profiles.problems import listed, quoted
from timing_profiles.rehearsal import statistics
from timing_profiles.rehearsal.paired import Pair
from timing_profiles.rehearsal.result import ProfileResult

Verdict = Literal["holds", "fails", "not-enough-evidence"]

NEWLY_CUT: Final = "newly_cut"
"""The metric that compares two versions of a profile."""

_SHARES: Final = ("turns_cut", "pauses_cut", "wait_over_2s")
_QUANTILES: Final = {"wait_p50": 0.5, "wait_p90": 0.9, "wait_p95": 0.95}
_METRICS: Final = (*_SHARES, *_QUANTILES, NEWLY_CUT)
_EXPRESSION: Final = re.compile(r"\s*([a-z0-9_]+)\s*<=\s*(\d+(?:\.\d+)?)\s*(%|s)?\s*", re.ASCII)
_EXAMPLE: Final = "write turns_cut<=5% or wait_p50<=1.2"


class GateError(Exception):
    """A gate cannot be read; the text is a message."""


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit.

    Attributes:
        text: As it was written.
        metric: The limited quantity.
        limit: A share from 0 to 1, seconds, or a number of turns.
        is_count: Whether it is a number of turns, those of the recordings alone.
    """

    text: str
    metric: str
    limit: float
    is_count: bool = False

    @property
    def share(self) -> float:
        """The share of turns, pauses or waits that may miss the limit."""
        quantile = _QUANTILES.get(self.metric)
        return self.limit if quantile is None else round(1 - quantile, 9)


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict of the evidence on a gate.

    Attributes:
        verdict: Whether it holds.
        count: The items that miss the limit: turns or pauses that are cut, waits that are too long.
        of: Out of so many.
        needed: How many would show that it holds, if none missed the limit; None where none would,
            or where the verdict is known.
        more: How many more would show it, if none of them missed it.
    """

    verdict: Verdict
    count: int
    of: int
    needed: int | None = None
    more: int | None = None


def parse(text: str) -> Gate:
    """Read a gate such as `turns_cut<=5%` or `wait_p50<=1.2`.

    Raises:
        GateError: It cannot be read.
    """
    found = _EXPRESSION.fullmatch(text)
    if not found:
        raise GateError(f"gate {quoted(text)} cannot be read: {_EXAMPLE}")
    metric, number, unit = found.groups()
    if metric not in _METRICS:
        allowed = listed(_METRICS)
        raise GateError(f"gate {quoted(text)}: unknown {quoted(metric)}; there are {allowed}")
    if metric == NEWLY_CUT:
        if unit == "s":
            raise GateError(f"gate {quoted(text)}: the limit of {metric} is a number of turns")
    elif (unit == "%") != (metric in _SHARES):
        kind = "a share, as in 5%" if metric in _SHARES else "seconds, as in 1.2"
        raise GateError(f"gate {quoted(text)}: the limit of {metric} is {kind}")
    limit = float(number) / 100 if unit == "%" else float(number)
    return Gate(text, metric, limit, metric == NEWLY_CUT and unit is None)


def judged_pair(gate: Gate, pair: Pair) -> Result:
    """Judge a gate of newly cut turns: their number here, or their share at 95% confidence."""
    if pair.unknown is not None:
        return Result("not-enough-evidence", 0, 0)
    count, of = len(pair.newly_cut), len(pair.after.turns)
    if gate.is_count:
        return Result("holds" if count <= gate.limit else "fails", count, of)
    return _judged(gate.share, count, of)


def judged(gate: Gate, result: ProfileResult) -> Result:
    """Judge a gate at 95% confidence (one-sided).

    A limit for a quantile of the waits is one for the share of waits that are longer.
    """
    return _judged(gate.share, *_counted(gate, result))


def _judged(share: float, count: int, of: int) -> Result:
    if of and statistics.is_below(count, of, share):
        return Result("holds", count, of)
    if of and statistics.is_above(count, of, share):
        return Result("fails", count, of)
    total = statistics.needed(share, count)
    more = None if total is None else total - of
    return Result("not-enough-evidence", count, of, statistics.needed(share), more)


def _counted(gate: Gate, result: ProfileResult) -> tuple[int, int]:
    if result.unknown is not None:
        return 0, 0
    if gate.metric == "turns_cut":
        return result.turns_cut
    if gate.metric == "pauses_cut":
        return result.pauses_cut
    limit = 2.0 if gate.metric == "wait_over_2s" else gate.limit
    return sum(wait > limit for wait in result.waits), len(result.waits)
