"""Compute the caller's wait for a merged profile.

Counted from the caller's last sound to the agent's decision that the turn is over, in seconds;
network, LLM and text-to-speech come on top. The formulas were measured on livekit-agents 1.8.9:
998 turns without a network met them within 0.005 s (p95).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    MAX_DELAY,
    MIN_DELAY,
    MODE,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    VAD_DEACTIVATION,
    VAD_SILENCE,
    Values,
    number,
)

APPLICATION = "application"
"""The party that ends a turn with turn_detection manual."""

DEEPGRAM = "deepgram"
"""The party that recognises the words."""

VAD_LAG = 0.09
"""Seconds by which the VAD sees the end of speech later than a listener: 0.00 to 0.18 by phrase."""

VAD_WINDOW = 0.032
"""Seconds of one VAD window; its silence is counted in whole ones."""

DETECTOR_FLOOR = 0.30
"""Seconds after the end of speech before which the local turn detector has never decided."""

RELIABLE_DEACTIVATION = 0.1
"""The lowest `deactivation_threshold` with which the VAD notices the end of speech in time.

Below it, the VAD takes silence for speech: 0.85 s more at 0.05, 1.3 to 3 s at 0.01.
"""


class Wait(NamedTuple):
    """The wait of a caller.

    Attributes:
        seconds: The shortest and the longest wait; None where nothing bounds the longest.
        formula: Where they come from, with the profile's numbers.
        unknown: Whose own time comes on top, or decides.
    """

    seconds: tuple[float, float | None]
    formula: str
    unknown: tuple[str, ...] = (DEEPGRAM,)

    def to_json(self) -> dict[str, Any]:
        """Return the wait as the commands print it."""
        return self._asdict()

    def __str__(self) -> str:
        """Return `1.59 s`, `1.59 to 4.09 s` or `from 1.59 s`."""
        shortest, longest = self.seconds
        if longest is None:
            return f"from {shortest:g} s"
        return f"{shortest:g} s" if shortest == longest else f"{shortest:g} to {longest:g} s"


class Term(NamedTuple):
    """The time in which one setting holds the answer back.

    A tuple: several are made for each profile of a check.

    Attributes:
        field: The dotted path of the setting.
        start: When it begins, in seconds from the caller's last sound.
        seconds: How long it lasts; infinite where nothing bounds it.
        shortest: Whether it counts for the shortest wait.
        longest: Whether it counts for the longest wait.
        any_time: Whether it may end at any moment up to its end.
        unknown: The party whose own time follows its end, such as `deepgram`.
        decides: Whether the shortest or the longest wait results from it.
    """

    field: str
    start: float
    seconds: float
    shortest: bool = True
    longest: bool = True
    any_time: bool = False
    unknown: str = ""
    decides: bool = False

    @property
    def end(self) -> float:
        """Return its latest end, in seconds from the caller's last sound."""
        return round(self.start + self.seconds, 3)

    @property
    def earliest(self) -> float:
        """Return its earliest end, in seconds from the caller's last sound."""
        return self.start if self.any_time else self.end


def effective(values: Values) -> Wait:
    """Compute the wait for a merged profile."""
    if values[DETECTION] == "manual":
        committed = "the application commits the turn, and what is left of min_delay"
        return Wait(bounds(values), committed, (APPLICATION,))
    return Wait(bounds(values), _formula(values))


def bounds(values: Values) -> tuple[float, float | None]:
    """Compute the shortest and the longest wait; None where nothing bounds the longest."""
    shortest, longest = _bounds(_terms(values))
    return shortest, None if math.isinf(longest) else longest


def terms(values: Values) -> list[Term]:
    """Return the terms of the wait for a merged profile, and which of them decide.

    With turn_detection stt the delay follows the words and every term decides; otherwise the terms
    run side by side, and those that end with the wait decide.
    """
    found = _terms(values)
    bounds = _bounds(found)
    chained = values[DETECTION] == "stt"
    return [term._replace(decides=chained or term.end in bounds) for term in found]


def _terms(values: Values) -> list[Term]:
    detection = values[DETECTION]
    if detection == "manual":
        return [_any_time(DETECTION, APPLICATION)]
    if detection == "stt":
        last = words(values)
        return [*last, *_after_words(values, last[0].earliest, last[-1].end)]
    return [*_after_silence(values), *words(values)]


def words(values: Values) -> tuple[Term, ...]:
    """Return the terms of Deepgram's last final transcript, without Deepgram's own time."""
    if values[ENGINE] == "flux":
        timeout = number(values, FLUX_EOT_TIMEOUT) / 1000
        return (
            Term(FLUX_EOT, 0.0, timeout, shortest=False, any_time=True),
            Term(FLUX_EOT_TIMEOUT, 0.0, timeout, shortest=False, unknown=DEEPGRAM),
        )
    ends_turns = values[DETECTION] == "stt"
    for path in (NOVA_ENDPOINTING, NOVA_UTTERANCE_END) if ends_turns else (NOVA_ENDPOINTING,):
        if values[path]:
            return (Term(path, 0.0, values[path] / 1000, unknown=DEEPGRAM),)
    return (_any_time(NOVA_ENDPOINTING, DEEPGRAM),)


def floors(values: Values) -> tuple[Term, ...]:
    """Return the terms that no `min_delay` can undercut where the VAD starts the wait.

    They are the VAD's silence in whole windows and, with the turn detector, the time that it takes.
    """
    silence = math.ceil(round(values[VAD_SILENCE] / VAD_WINDOW, 6)) * VAD_WINDOW
    silent = Term(VAD_SILENCE, VAD_LAG, silence)
    if values[DETECTION] != "turn_detector":
        return (silent,)
    return silent, Term(DETECTION, VAD_LAG, DETECTOR_FLOOR)


def _any_time(field: str, unknown: str = "") -> Term:
    """Return a term that ends at any moment, and that nothing bounds."""
    return Term(field, 0.0, math.inf, shortest=False, any_time=True, unknown=unknown)


def _bounds(found: Sequence[Term]) -> tuple[float, float]:
    """Return the shortest and the longest wait."""
    shortest = max((term.end for term in found if term.shortest), default=0.0)
    return shortest, max(term.end for term in found if term.longest)


def _after_words(values: Values, earliest: float, latest: float) -> Iterator[Term]:
    """Yield the delay after the earliest and the latest moment of the last words."""
    dynamic = values[MODE] == "dynamic"
    repeats = dynamic or earliest != latest
    yield Term(MIN_DELAY, earliest, values[MIN_DELAY], longest=not repeats)
    if repeats and not math.isinf(latest):
        delay = MAX_DELAY if dynamic else MIN_DELAY
        yield Term(delay, latest, values[delay], shortest=False)


def _after_silence(values: Values) -> Iterator[Term]:
    """Yield the terms that begin when the VAD hears silence."""
    varies = _varies(values)
    yield Term(MIN_DELAY, VAD_LAG, values[MIN_DELAY], longest=not varies)
    if varies:
        yield Term(MAX_DELAY, VAD_LAG, values[MAX_DELAY], shortest=False)
    yield from floors(values)
    if number(values, VAD_DEACTIVATION) < RELIABLE_DEACTIVATION:
        yield _any_time(VAD_DEACTIVATION)


def _varies(values: Values) -> bool:
    """Return whether the delay varies from `min_delay` to `max_delay`."""
    return bool(values[MODE] == "dynamic" or values[DETECTION] == "turn_detector")


def after_silence(values: Values) -> tuple[float, float | None]:
    """Return the shortest and the longest wait from the silence on, whenever the words come."""
    shortest, longest = _bounds([*_after_silence(values)])
    return shortest, None if math.isinf(longest) else longest


def _formula(values: Values) -> str:
    last = words(values)[-1]
    if math.isinf(last.end):
        return formula(values, DEEPGRAM)
    if last.shortest:
        return formula(values, f"{last.seconds:g} + {DEEPGRAM}")
    return formula(values, f"{DEEPGRAM} (at most {last.seconds:g})")


def formula(values: Values, final: str) -> str:
    """Return the formula of the wait, with the numbers of a merged profile.

    Args:
        values: The merged profile.
        final: The time of the last words.
    """
    low, high = values[MIN_DELAY], values[MAX_DELAY if _varies(values) else MIN_DELAY]
    delay = f"{low:g}" if low == high else f"({low:g} to {high:g})"
    if values[DETECTION] == "stt":
        return f"{final} + {delay}"
    least = ", ".join(f"{floor.seconds:g}" for floor in floors(values))
    return f"max({VAD_LAG} + max({delay}, {least}), {final})"
