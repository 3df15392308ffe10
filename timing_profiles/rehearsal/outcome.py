"""A profile's effect on a turn: cuts in or not, how long the caller waits, which field decides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from timing_profiles.rehearsal import replay
from timing_profiles.rehearsal.course import Decision, Heard, Prediction
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.recording import SAMPLE_BYTES, SAMPLE_RATE
from timing_profiles.rehearsal.replay import LIMITS, STT_DELAY
from timing_profiles.turns import wait
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    MAX_DELAY,
    MIN_DELAY,
    MODE,
    NOVA_ENDPOINTING,
    VAD_SILENCE,
    Values,
)

LEAD: Final = 1.0
"""Seconds of the line that are played before a turn."""

BEFORE: Final = 8.0
"""Seconds before those that only the VAD hears: its verdicts depend on what it heard earlier.

Of 27 ends of speech in live calls, it finds 25 in the same 32 ms with them, and 15 without.
"""

_UNBOUNDED: Final = 10.0  # seconds after which a session without a longest wait is given up
_SLACK: Final = 2.0  # seconds more than the longest wait
_STARTS: Final = 0.3  # seconds in which a VAD detects that a caller continues
_PRECISION: Final = 0.02  # seconds by which a timer may be late
_VERSION: Final = "turn_detector.version"


@dataclass(frozen=True, slots=True)
class Played:
    """A labelled turn with its sound.

    Attributes:
        turn: The turn.
        start: The second of the recording at which the sound begins.
        samples: The caller's channel, up to the next speech of either side.
        before: The channel before it, for the VAD.
        level: The level of the caller's speech in the recording; 0 where no line needs it.
    """

    turn: Turn
    start: float
    samples: bytes
    before: bytes = b""
    level: float = 0.0

    @property
    def first(self) -> float:
        """The second of the recording from which the VAD hears it."""
        return self.start - len(self.before) / SAMPLE_BYTES / SAMPLE_RATE

    def later(self, seconds: float) -> Played:
        """Return the turn from a later moment on; the VAD hears what is left out."""
        count = _offset(seconds)
        return replace(
            self,
            start=self.start + seconds,
            samples=self.samples[count:],
            before=self.before + self.samples[:count],
        )


@dataclass(frozen=True, slots=True)
class Cut:
    """A decision inside a turn.

    Attributes:
        at: The second of the recording.
        pause: The index of the pause; None where the caller was speaking.
        decided_by: The field that decided.
        probability: That of the turn detector; None where it was not asked.
    """

    at: float
    pause: int | None
    decided_by: str
    probability: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The effect of a profile on a turn.

    Attributes:
        cuts: The decisions before the caller's last sound.
        wait: Seconds from the last sound to the decision; None where the end is not known, or
            nothing was decided.
        decided_by: The field that decided first; None where nothing was decided.
        predictions: Those of the turn detector, at seconds of the recording.
    """

    cuts: tuple[Cut, ...]
    wait: float | None
    decided_by: str | None
    predictions: tuple[Prediction, ...] = ()

    def probability(self, start: float, end: float) -> float | None:
        """Return the last probability computed in a silence; None where there is none."""
        seen = [one.probability for one in self.predictions if start <= one.at < end + _STARTS]
        return seen[-1] if seen else None


def cut_out(turn: Turn, samples: bytes | bytearray, quiet_from: float = 0.0) -> Played:
    """Cut a turn out of the caller's channel, with the line before and after it.

    Args:
        turn: The turn.
        samples: The channel.
        quiet_from: The second before which the channel has somebody else.
    """
    start = max(quiet_from, turn.speech.start - LEAD)
    last = None if turn.next_speech is None else _offset(turn.next_speech)
    first = _offset(max(quiet_from, start - BEFORE))
    sound = memoryview(samples)
    before = bytes(sound[first : _offset(start)])
    return Played(turn, start, bytes(sound[_offset(start) : last]), before)


def unknown(values: Values, stt_delay: float = STT_DELAY) -> str | None:
    """Return why a profile's decisions are unknown without the words; None where they are known.

    Args:
        values: The settings.
        stt_delay: Seconds in which final words reach the session.
    """
    reason = unknown_with_words(values)
    if reason:
        return reason
    if values[DETECTION] == "stt":
        return "turn_detection stt: Deepgram ends the turns"
    limit = next((path for path in LIMITS if values[path] is not None), None)
    if limit:
        return f"{limit} {values[limit]:g}: Deepgram's words end turns"
    if values[ENGINE] != "nova":
        return f"stt.engine {values[ENGINE]}: its last words may come after the delay"
    if wait.words(values)[-1].end + stt_delay > shortest_wait(values):
        return f"{NOVA_ENDPOINTING} {values[NOVA_ENDPOINTING]}: the words may come after the delay"
    return None


def unknown_with_words(values: Values) -> str | None:
    """Return why a profile's decisions are unknown whatever the words; None where they are not."""
    detection = values[DETECTION]
    if detection not in {"vad", "turn_detector", "stt"}:
        party = "the application" if detection == "manual" else "another model"
        return f"turn_detection {detection}: {party} ends the turns"
    if detection == "turn_detector" and values[_VERSION] != "v1-mini":
        return f"{_VERSION} {values[_VERSION]}: the turn detector may run in LiveKit's cloud"
    return None


def shortest_wait(values: Values) -> float:
    """Return the seconds from the last sound before which the VAD lets no turn end."""
    silent = [values[MIN_DELAY], *(floor.seconds for floor in wait.floors(values))]
    return float(wait.VAD_LAG + max(silent))


def judge(played: Played, values: Values, stt_delay: float = STT_DELAY) -> Outcome:
    """Play a turn to a session with the settings of a profile.

    Deepgram's messages are replayed where the decision depends on them; `replay.unknown` is the
    test whether the words of the turn are enough.
    """
    from timing_profiles.rehearsal import session  # noqa: PLC0415 - it takes seconds to import

    end = played.turn.speech.end - played.start
    longest = wait.effective(values).seconds[1] or _UNBOUNDED
    replayed = None
    if unknown(values, stt_delay) and played.turn.transcript:
        longest += stt_delay
        found = replay.messages(played.turn.transcript, values, stt_delay)
        replayed = session.Replay(found, played.start, stt_delay)
    seconds = end + longest + _SLACK
    course = session.play(played.samples, values, seconds, end, replayed, before=played.before)
    decisions = [_of_recording(one, played.start) for one in course.decisions]
    predictions = [replace(one, at=played.start + one.at) for one in course.predictions]
    return judged(played.turn, decisions, predictions, values)


def judge_known(played: Played, values: Values, stt_delay: float) -> Outcome | str:
    """Play a turn to a session; the reason where the words of the turn are not enough."""
    reason = unknown(values, stt_delay)
    if reason:
        by_limit = any(values[path] is not None for path in LIMITS)
        chained = by_limit or values[DETECTION] != "stt"
        missing = replay.unknown(played.turn.transcript, values, chained=chained)
        if missing:
            return reason if played.turn.transcript is None else missing
    return judge(played, values, stt_delay)


def judge_each(
    played: Played, profiles: Sequence[Values], stt_delay: float = STT_DELAY
) -> list[Outcome | str]:
    """Play a turn to a session for each of some profiles."""
    return [judge_known(played, values, stt_delay) for values in profiles]


def _of_recording(decision: Decision, start: float) -> Decision:
    """Return a decision in seconds of the recording."""
    heard = decision.heard and replace(decision.heard, at=start + decision.heard.at)
    return replace(decision, at=start + decision.at, heard=heard)


def judged(
    turn: Turn, decisions: Sequence[Decision], predictions: Sequence[Prediction], values: Values
) -> Outcome:
    """Return the effect of decisions on a turn, all in seconds of the recording."""
    end = turn.speech.end
    cuts = tuple(_cuts(turn, [one for one in decisions if one.at < end], values))
    last = next((one for one in decisions if one.at >= end), None)
    waits = round(last.at - end, 3) if last and turn.is_end else None
    first = next(iter(decisions), None)
    seen = tuple(replace(one, at=round(one.at, 3)) for one in predictions)
    return Outcome(cuts, waits, decided_by(first, values) if first else None, seen)


def not_by_arithmetic(values: Values, stt_delay: float = STT_DELAY) -> str | None:
    """Return why the decisions of a profile do not follow from one pass; None where they do."""
    if values[MODE] == "dynamic":
        return f"{MODE} dynamic: the session learns its delays during a call"
    return unknown(values, stt_delay)


def decided_by(decision: Decision, values: Values) -> str:
    """Return the name of the field that held a decision back longest; `deepgram` is its own time.

    A turn that words end has two parts: until the words are there, and the delay after them.
    """
    if decision.limit:
        return _name(decision.limit)
    heard, chained = decision.heard, values[DETECTION] == "stt"
    if heard and (chained or decision.at - heard.at <= _PRECISION):
        parts = [(heard.silence, _name(heard.by)), (heard.delay, wait.DEEPGRAM)]
        if chained:
            parts.append((decision.at - heard.at, _name(_delay_of_words(values, decision, heard))))
        return max(parts)[1]
    unlikely = _is_unlikely(decision)
    delay = MAX_DELAY if unlikely else MIN_DELAY
    learned = values[MODE] == "dynamic" and not unlikely
    if learned or decision.delay <= values[delay] + _PRECISION:
        return _name(delay)
    is_vad = (
        decision.prediction is None or decision.delay <= silence_of_vad(values) + wait.VAD_WINDOW
    )
    return _name(VAD_SILENCE if is_vad else values[DETECTION])


def _delay_of_words(values: Values, decision: Decision, heard: Heard) -> str:
    """Return the delay that ran after the words; a learned one may be either."""
    is_longer = decision.at - heard.at > values[MIN_DELAY] + _PRECISION
    return MAX_DELAY if values[MODE] == "dynamic" and is_longer else MIN_DELAY


def silence_of_vad(values: Values) -> float:
    """Return the seconds of silence after which the VAD reports the end of speech."""
    return wait.floors(values)[0].seconds


def remedy(silence: float, cut: Cut, values: Values) -> str:
    """Return the change of a field, or of both delays, with which a pause would not have been cut.

    Args:
        silence: The seconds of the pause.
        cut: The decision in it.
        values: The settings that led to it.
    """
    # A decision also cuts in just after a pause: the VAD reports speech later than it begins.
    delay = math.ceil(round(10 * (silence + 0.1), 6)) / 10
    if cut.decided_by == _name(MAX_DELAY):
        return f"max_delay {delay:g}"
    if values[MAX_DELAY] < delay:  # no valid profile has a longer min_delay
        return f"min_delay and max_delay {delay:g}"
    if cut.probability is not None:
        return f"unlikely_threshold above {cut.probability:.2f}"
    return f"min_delay {delay:g}"


def _cuts(turn: Turn, found: Sequence[Decision], values: Values) -> Iterator[Cut]:
    for one in found:
        by = decided_by(one, values)
        probability = one.prediction.probability if one.prediction else None
        yield Cut(round(one.at, 3), _pause(turn, one.at), by, probability)


def _pause(turn: Turn, at: float) -> int | None:
    inside = (n for n, one in enumerate(turn.pauses) if one.start <= at < one.end + _STARTS)
    return next(inside, None)


def _is_unlikely(decision: Decision) -> bool:
    last = decision.prediction
    return last is not None and last.threshold is not None and last.probability < last.threshold


def _name(path: str) -> str:
    return path.rpartition(".")[2]


def _offset(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE) * SAMPLE_BYTES
