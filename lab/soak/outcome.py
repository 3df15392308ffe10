"""Outcomes of calls under reload, and their text."""

import itertools
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lab.fidelity.prediction import predicted
from lab.fidelity.rows import Row
from lab.fidelity.turn import Turn
from lab.soak.edits import DELAYS, PROFILE
from timing_profiles.resolution.settings import Settings

DECISION_WITHIN = round(min(b - a for a, b in itertools.pairwise(DELAYS)) / 2, 3)
"""Seconds by which an agent's decision may miss the prediction: it tells which edit is active."""

MISSES = 0.1
"""The part of the decisions that may miss by more, and of calls that cannot be measured at all.

Agents and sound stutter on a machine with too much to do. With ten processes for each core, 9 of
200 decisions did, though every session had the right edit active.
"""

DECISIONS_WITHIN = 0.02
"""Seconds by which the median of the decisions may miss."""

WAITS_WITHIN = 0.15
"""Seconds by which callers' waits may miss, at the lower quartile: a busy machine only adds."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one call.

    Attributes:
        error: What it failed by; empty where it held.
        revision: What the agent said it runs with.
        edit: The number of the edit that was active in its session.
        behind: Seconds for which another state had been in place when the call began.
        settings: What that state promises; None where the call did not get so far.
        turn: What was measured; None where nothing could be.
        spoiled: Why nothing could be measured of a call that was answered.
    """

    error: str = ""
    revision: str = ""
    edit: int = 0
    behind: float = 0.0
    settings: Settings | None = None
    turn: Turn | None = None
    spoiled: str = ""

    def __str__(self) -> str:
        """Format it."""
        if self.error or not self.spoiled:
            return self.error or "held"
        return f"answered, not measured: {self.spoiled}"

    @property
    def decision_error(self) -> float:
        """Seconds by which the agent decided later than predicted."""
        turn, foreseen = self._measured()
        return turn.decision - predicted(foreseen, turn).decision

    @property
    def wait_error(self) -> float:
        """Seconds by which the caller waited longer than predicted."""
        turn, foreseen = self._measured()
        return turn.wait - predicted(foreseen, turn).wait

    def _measured(self) -> tuple[Turn, Row]:
        if not (self.turn and self.settings):
            raise ValueError(f"nothing was measured: {self.error}")
        return self.turn, Row(PROFILE, "vad", self.settings.values)


@dataclass(frozen=True, slots=True)
class Run:
    """All calls.

    Attributes:
        outcomes: One for each call.
        edits: How often the folder was changed meanwhile.
        reloads: How many of its states were made active.
    """

    outcomes: tuple[Outcome, ...]
    edits: int
    reloads: int

    @property
    def failures(self) -> list[str]:
        """Return the failed checks, in words."""
        return [outcome.error for outcome in self.outcomes if outcome.error] + list(self._missed())

    @property
    def measured(self) -> list[Outcome]:
        """The calls that something was measured of."""
        return [outcome for outcome in self.outcomes if outcome.turn]

    @property
    def spoiled(self) -> int:
        """How many were answered and not measured."""
        return sum(bool(outcome.spoiled) for outcome in self.outcomes)

    def _missed(self) -> Iterator[str]:
        if self.spoiled > math.ceil(MISSES * len(self.outcomes)):
            yield f"nothing could be measured of {self.spoiled} of {len(self.outcomes)} calls"
        if not self.measured:
            return
        late = [outcome.decision_error for outcome in self.measured]
        missed = sum(abs(seconds) > DECISION_WITHIN for seconds in late)
        if missed > math.ceil(MISSES * len(late)):
            yield f"{missed} of {len(late)} decisions miss by more than {DECISION_WITHIN:g} s"
        decisions = statistics.median(late)
        if abs(decisions) > DECISIONS_WITHIN:
            yield f"the median of the decisions misses by {decisions:+.3f} s"
        waits = _quantile([outcome.wait_error for outcome in self.measured], 0.25)
        if abs(waits) > WAITS_WITHIN:
            yield f"the lower quartile of the waits misses by {waits:+.3f} s"


def text(found: Run) -> str:
    """Return the measurements, one on each line."""
    return "\n".join([*_counts(found), *(_times(found.measured) if found.measured else ())])


def _counts(found: Run) -> Iterator[str]:
    revisions = len({outcome.revision for outcome in found.outcomes if outcome.revision})
    failed = sum(bool(outcome.error) for outcome in found.outcomes)
    yield f"{len(found.outcomes)} calls, {failed} failed, {revisions} revisions among them"
    if found.spoiled:
        yield f"{found.spoiled} answered, not measured"
    yield f"{found.edits} edits meanwhile, {found.reloads} of them made active"


def _times(measured: Sequence[Outcome]) -> Iterator[str]:
    for name, seconds in (
        ("age of the revision, behind the folder", [one.behind for one in measured]),
        ("the agent's decision, later than predicted", [one.decision_error for one in measured]),
        ("the caller's wait, longer than predicted", [one.wait_error for one in measured]),
    ):
        misses = [abs(one) for one in seconds]
        yield (
            f"{name}: {statistics.median(seconds):.3f} s (median); "
            f"{_quantile(misses, 0.95):.3f} (p95), {max(misses):.3f} (most) either way"
        )


def _quantile(numbers: Sequence[float], part: float) -> float:
    return sorted(numbers)[min(int(len(numbers) * part), len(numbers) - 1)]
