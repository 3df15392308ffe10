"""Sweep the delays and the threshold by arithmetic, over silences that a session has heard once.

A session decides at the later of two moments: its delay after the last sound that it heard, and the
turn detector's answer; a caller who resumes before that cancels it. With `endpointing.mode: fixed`
that is all there is to it, so that one pass of the engine is enough for any delays and threshold.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from timing_profiles.rehearsal import outcome, stored
from timing_profiles.rehearsal.course import Course, Decision, Prediction
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.outcome import Outcome, Played, silence_of_vad
from timing_profiles.rehearsal.replay import STT_DELAY
from timing_profiles.turns.fields import AUTO, DETECTION, MAX_DELAY, MIN_DELAY, Values

THRESHOLD: Final = "turn_detector.unlikely_threshold"
"""The dotted path of the threshold."""

PHASES: Final = (0.0, 0.01, 0.02, 0.03, 0.04)
"""Seconds by which the frames of a session are moved against the sound: 11.9% of the detector's
decisions differ between them."""

_HEARING: Final = ("vad.", "turn_detector.", "session.")  # sections
_NEVER: Final = 1000.0  # seconds of a delay that nothing outlasts
_AFTER: Final = 2.0  # seconds after the last sound in which the turn detector has answered


@dataclass(frozen=True, slots=True)
class Silence:
    """A silence as a session hears it, in seconds of the recording.

    Attributes:
        start: The last sound, from which the delays count.
        ready: The moment before which no decision is possible.
        until: When the caller continues; infinite where the silence lasts.
        probability: That of the turn detector; None where it was not asked.
    """

    start: float
    ready: float
    until: float
    probability: float | None

    def decision(self, policy: Policy) -> float | None:
        """Return when the session decides that the caller has finished; None where it does not."""
        at = max(self.ready, self.start + policy.delay(self.probability))
        return at if at < self.until else None


@dataclass(frozen=True, slots=True)
class Policy:
    """Two delays, in seconds, and the probability that chooses between them.

    Attributes:
        threshold: The probability from which the caller has likely finished.
        min_delay: The delay where that is likely.
        max_delay: The delay where it is not.
    """

    threshold: float
    min_delay: float
    max_delay: float

    def delay(self, probability: float | None) -> float:
        """Return the delay after a silence of this probability."""
        is_unlikely = probability is not None and probability < self.threshold
        return self.max_delay if is_unlikely else self.min_delay

    def settings(self) -> Mapping[str, float]:
        """Return the fields that make it."""
        return {
            THRESHOLD: self.threshold,
            MIN_DELAY: self.min_delay,
            MAX_DELAY: self.max_delay,
        }


@dataclass(frozen=True, slots=True)
class HeardTurn:
    """A turn, and its silences as a session hears them.

    Attributes:
        turn: The turn.
        silences: In order; the last one is its end.
        threshold: The detector's own; None where no detector was asked.
    """

    turn: Turn
    silences: tuple[Silence, ...]
    threshold: float | None = None

    def decisions(self, policy: Policy) -> Iterator[float]:
        """Yield when a session decides, in order."""
        for silence in self.silences:
            at = silence.decision(policy)
            if at is not None:
                yield at

    def is_cut(self, policy: Policy) -> bool:
        """Return whether a decision comes before the last sound."""
        return any(at < self.turn.speech.end for at in self.decisions(policy))

    def wait(self, policy: Policy) -> float | None:
        """Return the seconds from the last sound to the decision; None where that is unknown."""
        if not self.turn.is_end:
            return None
        end = self.turn.speech.end
        return next((at - end for at in self.decisions(policy) if at >= end), None)


@dataclass(frozen=True, slots=True)
class Cost:
    """The effect of a policy on some turns.

    Attributes:
        cut: The share of turns that are cut, 0 to 1.
        wait: The mean wait, in seconds; 0 where no end is known.
    """

    cut: float
    wait: float


def cost(turns: Sequence[HeardTurn], policy: Policy) -> Cost:
    """Compute the effect of a policy on some turns."""
    waits = [wait for turn in turns if (wait := turn.wait(policy)) is not None]
    cut = sum(turn.is_cut(policy) for turn in turns)
    return Cost(cut / len(turns) if turns else 0.0, math.fsum(waits) / len(waits) if waits else 0.0)


def hear(played: Played, values: Values, phase: float = 0.0) -> HeardTurn:
    """Play a turn to a session that never decides, and return its silences.

    Args:
        played: The turn.
        values: The settings; the delays and the threshold do not matter.
        phase: Seconds by which the frames are moved; see `PHASES`.
    """
    later = played.later(phase)
    start = later.start
    seconds = played.turn.speech.end - start + _AFTER
    settings = [round(seconds, 3), len(later.before), hearing(values)]
    key = stored.key("heard", later.before + later.samples, settings)
    threshold, found = stored.read(key) or _heard(key, later, values, seconds)
    silences = (
        Silence(start + at, start + ready, math.inf if until is None else start + until, asked)
        for at, ready, until, asked in found
    )
    return HeardTurn(played.turn, tuple(silences), threshold)


def hearing(values: Values) -> Mapping[str, Any]:
    """Return the settings on which the silences of a session depend."""
    paths = sorted({DETECTION, *(path for path in values if path.startswith(_HEARING))})
    return {path: values[path] for path in paths if path != THRESHOLD}


def judge_all(
    played: Played, profiles: Sequence[Values], stt_delay: float = STT_DELAY
) -> list[Outcome | str]:
    """Return the effect of each of some profiles on a turn; the reason where that is unknown.

    The session hears the turn once for all profiles of equal input; those that learn their delays,
    and those whose turns words end, are played to it one by one.
    """
    return [
        outcome.judge_known(played, values, stt_delay)
        if outcome.not_by_arithmetic(values, stt_delay)
        else _judge(played, values)
        for values in profiles
    ]


def _judge(played: Played, values: Values) -> Outcome:
    heard = hear(played, values)
    chosen = policy(values, heard.threshold)
    asked = {
        one: Prediction(one.ready, one.probability, chosen.threshold)
        for one in heard.silences
        if one.probability is not None
    }
    decisions = [
        Decision(at, at - one.start, asked.get(one))
        for one in heard.silences
        if (at := one.decision(chosen)) is not None
    ]
    return outcome.judged(played.turn, decisions, [*asked.values()], values)


def _heard(key: str, played: Played, values: Values, seconds: float) -> Any:
    """Play a turn to a session that never decides, and store its silences."""
    from timing_profiles.rehearsal import session  # noqa: PLC0415 - it takes seconds to import

    patient = {**values, THRESHOLD: AUTO, MIN_DELAY: _NEVER, MAX_DELAY: _NEVER}
    course = session.play(played.samples, patient, seconds, math.inf, before=played.before)
    threshold = next((one.threshold for one in course.predictions), None)
    found = [threshold, [*_silences(course, silence_of_vad(values))]]
    stored.write(key, found)
    return found


def hear_all(played: Played, values: Values) -> list[HeardTurn]:
    """Play a turn at each phase."""
    return [hear(played, values, phase) for phase in PHASES]


def policy(values: Values, threshold: float | None) -> Policy:
    """Return a profile's policy, with the detector's own threshold where it has none."""
    own: Any = values[THRESHOLD]
    chosen = own if isinstance(own, (int, float)) else threshold
    return Policy(chosen or 0.0, values[MIN_DELAY], values[MAX_DELAY])


def changed(one: Policy, field: str, value: float) -> Policy:
    """Return a policy with one field changed."""
    names = {THRESHOLD: "threshold", MIN_DELAY: "min_delay", MAX_DELAY: "max_delay"}
    return replace(one, **{names[field]: value})


def _silences(
    course: Course, silence: float
) -> Iterator[tuple[float, float, float | None, float | None]]:
    """Yield start, ready, until and probability of each silence; see `Silence`."""
    for heard, resumed in course.silences:
        until = math.inf if resumed is None else resumed
        asked = [one for one in course.predictions if heard - silence <= one.at < until]
        ready = max([heard, *(one.at for one in asked)])
        yield heard - silence, ready, resumed, asked[-1].probability if asked else None
