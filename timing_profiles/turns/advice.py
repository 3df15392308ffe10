"""Warn of valid settings that callers will probably complain about.

Sources: calls on livekit-agents 1.8.9 with livekit-plugins-deepgram 1.8.9, measured; and the waits
that other platforms publish.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from timing_profiles.problems import Problem
from timing_profiles.turns import dead_settings
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EOT_TIMEOUT,
    INTERRUPTION,
    MAX_DELAY,
    MIN_DELAY,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    VAD_ACTIVATION,
    VAD_DEACTIVATION,
    VAD_SILENCE,
    UnknownValue,
    Values,
    number,
)
from timing_profiles.turns.wait import RELIABLE_DEACTIVATION, bounds

Waits = Callable[[], tuple[float, float | None]]
"""The shortest and the longest wait for a merged profile, computed on the first call."""

LONGEST_WAIT = 10.0
"""The longest acceptable wait of a caller, in seconds.

OpenAI's semantic VAD waits 8 s at its lowest eagerness, the longest that is published for a
conversation.
"""

SHORTEST_PAUSE = 0.25
"""The silence between the words of one sentence, in seconds.

Measured with turn_detection stt: after 25 ms the agent answers in every pause between words.
"""

_SHORT_ENDPOINTING_MS = 100
_LONG_SOUND = 1.0


def problems(values: Values) -> Iterator[Problem]:
    """Yield what callers will notice of a merged profile and what helps, as warnings.

    A warning that depends on an unknown value is left out.
    """
    waits = cache(lambda: bounds(values))
    for advise in _ADVICE:
        try:
            problem = advise(values, waits)
        except UnknownValue:
            continue
        if problem:
            yield problem


def _waits_too_long(values: Values, waits: Waits) -> Problem | None:
    _, longest = waits()
    if longest is None or longest <= LONGEST_WAIT:
        return None
    delays = (MAX_DELAY, MIN_DELAY, NOVA_ENDPOINTING, NOVA_UTTERANCE_END, FLUX_EOT_TIMEOUT)
    idle = dead_settings.reasons(values, delays)
    acting = tuple(field for field in (*delays, VAD_SILENCE, DETECTION) if field not in idle)
    message = f"callers may wait {longest:g} s for an answer; few stay longer than"
    return _warning(f"{message} {LONGEST_WAIT:g} (s)", acting)


def _words_may_never_come(values: Values, _: Waits) -> Problem | None:
    starts_at_silence = values[DETECTION] in {"vad", "turn_detector"}
    if values[ENGINE] != "nova" or values[NOVA_ENDPOINTING] or not starts_at_silence:
        return None
    message = "the wait has no limit: with endpointing_ms 0 Deepgram sends final words at any time"
    return _warning(f"{message}; 25 is usual (ms)", (NOVA_ENDPOINTING, DETECTION, ENGINE))


def _answers_between_words(values: Values, waits: Waits) -> Problem | None:
    shortest, _ = waits()
    counts_silence = values[ENGINE] == "nova" and values[DETECTION] in {"vad", "stt"}
    if not counts_silence or shortest >= SHORTEST_PAUSE:
        return None
    message = (
        f"callers are answered after {shortest:g} s, between two words of a sentence; at least"
    )
    fields = (MIN_DELAY, NOVA_ENDPOINTING, VAD_SILENCE, DETECTION)
    return _warning(f"{message} {SHORTEST_PAUSE:g} (s) lets them finish", fields)


def _answers_in_two_halves(values: Values, _: Waits) -> Problem | None:
    after_silence = values[VAD_SILENCE] + values[MIN_DELAY]
    is_open = values[ENGINE] == "flux" or after_silence < values[NOVA_ENDPOINTING] / 1000
    if values[DETECTION] != "stt" or not values[MIN_DELAY] or not is_open:
        return None
    message = "with turn_detection stt, a caller who goes on within min_delay gets two answers"
    return _warning(f"{message}; min_delay 0 (s) avoids it", (MIN_DELAY, DETECTION, ENGINE))


def _hears_the_end_late(values: Values, _: Waits) -> Problem | None:
    threshold = number(values, VAD_DEACTIVATION)
    if threshold >= RELIABLE_DEACTIVATION:
        return None
    message = f"the VAD waits for a probability below {threshold:g} and notices the end of speech"
    fields = (VAD_DEACTIVATION, VAD_ACTIVATION)
    return _warning(f"{message} up to 3 s late; {RELIABLE_DEACTIVATION:g} is safe", fields)


def _words_interrupt_sooner(values: Values, _: Waits) -> Problem | None:
    duration, words = (values[f"{INTERRUPTION}.{name}"] for name in ("min_duration", "min_words"))
    interrupts = values[f"{INTERRUPTION}.enabled"] and not words and duration > _LONG_SOUND
    finals_come_soon = 0 < values[NOVA_ENDPOINTING] <= _SHORT_ENDPOINTING_MS
    if values[ENGINE] != "nova" or not finals_come_soon or not interrupts:
        return None
    message = f"words stop the agent sooner: with endpointing_ms {values[NOVA_ENDPOINTING]} they"
    fields = (f"{INTERRUPTION}.min_duration", f"{INTERRUPTION}.min_words", NOVA_ENDPOINTING)
    return _warning(f"{message} are final before {duration:g} s; min_words holds them back", fields)


def _every_sound_interrupts(values: Values, _: Waits) -> Problem | None:
    duration, silence = values[f"{INTERRUPTION}.min_duration"], values[VAD_SILENCE]
    if not values[f"{INTERRUPTION}.enabled"] or duration > silence:
        return None
    message = f"every sound stops the agent: vad.min_silence_duration {silence:g} counts, too;"
    fields = (f"{INTERRUPTION}.min_duration", VAD_SILENCE)
    return _warning(f"{message} a longer min_duration excludes a cough (s)", fields)


def _warning(message: str, fields: tuple[str, ...]) -> Problem:
    return Problem("doubtful", message, severity="warning", fields=fields)


_ADVICE: tuple[Callable[[Values, Waits], Problem | None], ...] = (
    _waits_too_long,
    _words_may_never_come,
    _answers_between_words,
    _answers_in_two_halves,
    _hears_the_end_late,
    _words_interrupt_sooner,
    _every_sound_interrupts,
)
