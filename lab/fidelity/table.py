"""Measured rows beside what was predicted, as a Markdown table."""

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lab import markdown
from lab.fidelity.calls import Measured
from lab.fidelity.prediction import deepgram, predicted

DECISION_WITHIN = 0.020
"""Seconds by which the agent's decision may miss, at the 95th percentile of a row's turns."""

WAIT_WITHIN = 0.100
"""Seconds by which the median of a row's waits may miss."""

_HEAD = (
    "row",
    "decision predicted",
    "median",
    "p95",
    "error p95",
    "wait predicted",
    "median",
    "p95",
    "error",
    "in",
    "out",
    "Deepgram",
    "detector",
    "LLM",
    "TTS",
    "held",
)


@dataclass(frozen=True, slots=True)
class Column:
    """A quantity over the turns of a row, in seconds.

    Attributes:
        predicted: The median of what was predicted.
        median: The median of what was measured.
        p95: The 95th percentile of what was measured.
        error_p95: The 95th percentile of how far a turn is from what was predicted for it.
    """

    predicted: float
    median: float
    p95: float
    error_p95: float

    @property
    def error(self) -> float:
        """How far the median is from the predicted one; more than 0 is later."""
        return self.median - self.predicted


def decision(measured: Measured) -> Column:
    """Compute the column of the agent's decision."""
    pairs = [(predicted(measured.row, turn).decision, turn.decision) for turn in measured.turns]
    return _column(pairs)


def wait(measured: Measured) -> Column:
    """Compute the column of the caller's wait."""
    pairs = [(predicted(measured.row, turn).wait, turn.wait) for turn in measured.turns]
    return _column(pairs)


def missed(measured: Measured) -> str:
    """Return the missed goals of a row, or why it has none; empty when it held."""
    if measured.error:
        return f"NOT MEASURED: {measured.error}"
    late = [
        *(["decision"] if decision(measured).error_p95 > DECISION_WITHIN else []),
        *(["wait"] if abs(wait(measured).error) > WAIT_WITHIN else []),
    ]
    return f"MISSED: {' and '.join(late)}" if late else ""


def text(rows: Sequence[Measured]) -> str:
    """Return rows as a table; a missed goal is marked."""
    return markdown.table(_HEAD, (tuple(_cells(row)) for row in rows))


def _column(pairs: Sequence[tuple[float, float]]) -> Column:
    foreseen, seen = zip(*pairs, strict=True)
    errors = [abs(one - other) for one, other in pairs]
    return Column(statistics.median(foreseen), statistics.median(seen), _p95(seen), _p95(errors))


def _p95(numbers: Sequence[float]) -> float:
    return float(np.percentile(numbers, 95))


def _cells(measured: Measured) -> Iterator[str]:
    yield measured.row.name
    if measured.turns:
        decided, waited = decision(measured), wait(measured)
        yield from (*_seconds(decided), f"{decided.error_p95:.3f}")
        yield from (*_seconds(waited), f"{waited.error:+.3f}")
        yield from _others(measured)
    else:
        yield from [""] * (len(_HEAD) - 2)
    yield missed(measured) or "yes"


def _seconds(column: Column) -> Iterator[str]:
    for seconds in (column.predicted, column.median, column.p95):
        yield f"{seconds:.3f}"


def _others(measured: Measured) -> Iterator[str]:
    """Yield the medians of times outside of the settings; empty where a turn has none."""
    for of in (
        [turn.path_in for turn in measured.turns],
        [turn.path_out for turn in measured.turns],
        [deepgram(measured.row, turn) for turn in measured.turns],
        [turn.detector for turn in measured.turns],
        [turn.llm for turn in measured.turns],
        [turn.tts for turn in measured.turns],
    ):
        yield f"{statistics.median(of):.3f}" if any(of) else ""
