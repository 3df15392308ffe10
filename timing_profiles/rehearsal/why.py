"""Explain a turn: the decision, and the smallest changes of one field that change the outcome."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from timing_profiles.rehearsal import outcome, sweep
from timing_profiles.rehearsal.outcome import Outcome, Played
from timing_profiles.rehearsal.sweep import THRESHOLD, HeardTurn, Policy, Silence
from timing_profiles.turns.fields import MAX_DELAY, MIN_DELAY, Values

_STEP: Final = {MIN_DELAY: 0.05, MAX_DELAY: 0.05, THRESHOLD: 0.01}
_FIELDS: Final = (THRESHOLD, MIN_DELAY, MAX_DELAY)


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one field that changes the outcome of a turn.

    Attributes:
        field: The dotted path.
        before: The value that was in force.
        after: The value nearest to it with which the outcome is another one.
        outcome: The outcome of the turn with it.
    """

    field: str
    before: float
    after: float
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Explained:
    """The outcome of a turn, and the reason.

    Attributes:
        heard: The turn, as a session hears it.
        outcome: The effect of the profile.
        changes: The smallest change of each field that changes it, confirmed by the engine.
    """

    heard: HeardTurn
    outcome: Outcome
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Price:
    """The cost of a change over some turns.

    Attributes:
        cut: By how many turns more are cut; less than 0 where fewer are.
        wait: By how many seconds the mean wait grows.
    """

    cut: int
    wait: float


def explain(played: Played, values: Values) -> Explained:
    """Explain a turn."""
    heard = sweep.hear(played, values)
    before = sweep.policy(values, heard.threshold)
    changes = [
        Change(field, _value_of(before, field), after, judged)
        for field in _FIELDS
        for after, judged in _smallest(played, values, heard, field)
    ]
    return Explained(heard, outcome.judge(played, values), changes)


def price(turns: Sequence[HeardTurn], values: Values, change: Change) -> Price:
    """Compute the cost of a change over some turns.

    Args:
        turns: All turns.
        values: The settings that are changed.
        change: The change.
    """
    before = [sweep.policy(values, turn.threshold) for turn in turns]
    after = [sweep.changed(one, change.field, change.after) for one in before]
    cut = sum(
        turn.is_cut(b) - turn.is_cut(a) for turn, a, b in zip(turns, before, after, strict=True)
    )
    waits = [(turn.wait(a), turn.wait(b)) for turn, a, b in zip(turns, before, after, strict=True)]
    moves = [b - a for a, b in waits if a is not None and b is not None]
    return Price(cut, math.fsum(moves) / len(moves) if moves else 0.0)


def _value_of(policy: Policy, field: str) -> float:
    return policy.settings()[field]


def _smallest(
    played: Played, values: Values, heard: HeardTurn, field: str
) -> Iterator[tuple[float, Outcome]]:
    """Yield the nearest value that changes the outcome, if the engine confirms it."""
    before = sweep.policy(values, heard.threshold)
    is_cut = heard.is_cut(before)
    for after in _values(heard, before, field, is_cut=is_cut):
        policy = sweep.changed(before, field, after)
        if policy.min_delay > policy.max_delay or not _is_better(heard, before, policy):
            continue
        judged = outcome.judge(played, {**values, field: after})
        if not judged.cuts:
            yield after, judged
            return


def _is_better(heard: HeardTurn, before: Policy, after: Policy) -> bool:
    """Whether a turn is kept that was cut, or is answered at least a tenth of a second sooner."""
    if heard.is_cut(after):
        return False
    if heard.is_cut(before):
        return True
    waits = heard.wait(before), heard.wait(after)
    return waits[0] is not None and waits[1] is not None and waits[1] < waits[0] - 0.1


def _values(heard: HeardTurn, before: Policy, field: str, *, is_cut: bool) -> Iterator[float]:
    """Yield values from the nearest one on that may change the outcome."""
    now, step = _value_of(before, field), _STEP[field]
    pauses = [one for one in heard.silences if not math.isinf(one.until)]
    if is_cut:
        needed = (_needed(one, field) for one in pauses)
        above = {_up(one, step) for one in needed if one is not None}
        yield from sorted(one for one in above if one > now)
    elif field == THRESHOLD:
        known = (one.probability for one in heard.silences if one.probability is not None)
        below = {_down(one, step) for one in known}
        yield from sorted((one for one in below if one < now), reverse=True)


def _needed(silence: Silence, field: str) -> float | None:
    """Return the value above which a silence is not cut."""
    if field == THRESHOLD:
        return silence.probability
    return silence.until - silence.start


def _up(value: float, step: float) -> float:
    return round((math.floor(round(value / step, 6)) + 1) * step, 6)


def _down(value: float, step: float) -> float:
    return round(math.floor(round(value / step, 6)) * step, 6)


def to_json(
    number: int, explained: Explained, turns: Sequence[HeardTurn], values: Values
) -> dict[str, Any]:
    """Return an explained turn as `why` prints it.

    Args:
        number: The turn, counted from 1.
        explained: Its outcome, and the reason.
        turns: All turns, for the price of each change.
        values: The settings.
    """
    speech = explained.heard.turn.speech
    return {
        "turn": number,
        "start": round(speech.start, 3),
        "end": round(speech.end, 3),
        "cut_at": explained.outcome.cuts[0].at if explained.outcome.cuts else None,
        "wait": explained.outcome.wait,
        "decided_by": explained.outcome.decided_by,
        "changes": [
            {
                "field": change.field,
                "from": change.before,
                "to": change.after,
                "wait": change.outcome.wait,
                "turns_cut": priced.cut,
                "mean_wait": round(priced.wait, 3),
            }
            for change in explained.changes
            for priced in [price(turns, values, change)]
        ],
    }
