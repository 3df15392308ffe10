"""Settings that the SDK accepts and that do nothing beside the others.

Each row was read in livekit-agents 1.8.9 or livekit-plugins-deepgram 1.8.9, or measured on calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from timing_profiles.problems import Problem
from timing_profiles.turns.fields import (
    ALPHA,
    DETECTION,
    ENGINE,
    FLUX_EAGER,
    INTERRUPTION,
    MAX_DELAY,
    MIN_DELAY,
    MODE,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    PREEMPTIVE,
    TRANSCRIPTION_TIMEOUT,
    VAD_SILENCE,
    UnknownValue,
    Values,
)
from timing_profiles.turns.wait import VAD_LAG, Term, floors

_EARLY = f"{PREEMPTIVE}.enabled"


def problems(values: Values, among: Iterable[str]) -> Iterator[Problem]:
    """Yield a warning for each setting of a merged profile that has no effect.

    Args:
        values: The merged profile.
        among: The settings to judge, by dotted path.
    """
    for path, reason in reasons(values, among).items():
        message = f"has no effect: {reason}"
        yield Problem("no-effect", message, severity="warning", fields=(path,))


def reasons(values: Values, among: Iterable[str]) -> dict[str, str]:
    """Return the settings of a merged profile that have no effect, each with all reasons.

    Args:
        values: The merged profile.
        among: The settings to judge, by dotted path.
    """
    found = ((path, [row.because for row in _rows(path) if row.holds(values)]) for path in among)
    return {path: "; ".join(because) for path, because in found if because}


def possible_reasons(path: str) -> list[str]:
    """Return everything that can deprive the field at a dotted path of its effect."""
    return [row.because for row in _rows(path)]


def works_ahead(values: Values) -> bool:
    """Whether the LLM begins before the turn is over, in a turn that has no pause."""
    by_deepgram = values[DETECTION] == "stt" and (
        values[ENGINE] == "nova" or values[FLUX_EAGER] is None
    )
    return bool(values[_EARLY]) and not by_deepgram and not reasons(values, [_EARLY])


@cache
def _rows(path: str) -> tuple[_DeadWhen, ...]:
    return tuple(row for row in _DEAD if row.covers(path))


def _always(_: Values) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class _DeadWhen:
    """Fields or sections without effect while every named field has one of the named values.

    `too` says what no list of values can: how numbers stand to each other.
    """

    fields: tuple[str, ...]
    because: str
    while_: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    too: Callable[[Values], bool] = _always

    def holds(self, values: Values) -> bool:
        try:
            named = all(values[path] in found for path, found in self.while_.items())
            return named and self.too(values)
        except UnknownValue:
            return False

    def covers(self, path: str) -> bool:
        return any(path == field or path.startswith(f"{field}.") for field in self.fields)


def _delay_is_undercut(values: Values) -> bool:
    return bool(values[MIN_DELAY] < max(floor.seconds for floor in floors(values)))


def _deepgram_ends_speech_first(values: Values) -> bool:
    is_on = values[TRANSCRIPTION_TIMEOUT] is not None
    return is_on and bool(0 < values[NOVA_ENDPOINTING] / 1000 < values[VAD_SILENCE])


def _words_come_after_min_delay(values: Values) -> bool:
    return _words_come_after(values, MIN_DELAY)


def _words_come_after_any_delay(values: Values) -> bool:
    varies = values[MODE] == "dynamic" or values[DETECTION] == "turn_detector"
    return _words_come_after(values, MAX_DELAY if varies else MIN_DELAY)


def _words_come_after(values: Values, delay: str) -> bool:
    silence = Term(delay, VAD_LAG, values[delay]), *floors(values)
    return bool(values[NOVA_ENDPOINTING] / 1000 >= max(term.end for term in silence))


_OF_AN_INTERRUPTION = tuple(
    f"{INTERRUPTION}.{name}"
    for name in (
        "mode",
        "min_duration",
        "min_words",
        "backchannel_boundary",
    )
)
_AFTER_AN_INTERRUPTION = tuple(
    f"{INTERRUPTION}.{name}" for name in ("resume_false_interruption", "false_interruption_timeout")
)
# The SDK's own way to cut in on a long turn cannot be interrupted.
_NO_LIMIT = {
    f"turn_handling.user_turn_limit.{name}": (None,) for name in ("max_words", "max_duration")
}


_DEAD = (
    _DeadWhen(
        ("vad.prefix_padding_duration", "turn_detector.backchannel_threshold"),
        "nothing in this SDK reads it",
    ),
    _DeadWhen(("stt.nova",), "stt.engine is flux", {ENGINE: ("flux",)}),
    _DeadWhen(("stt.flux",), "stt.engine is nova", {ENGINE: ("nova",)}),
    _DeadWhen(
        ("stt.flux.language_hint",),
        "only the model flux-general-multi takes hints, and no other is sent any",
        {ENGINE: ("flux",), "stt.flux.model": ("flux-general-en",)},
    ),
    _DeadWhen(
        (FLUX_EAGER,),
        "preemptive_generation.enabled is false",
        {ENGINE: ("flux",), f"{PREEMPTIVE}.enabled": (False,)},
    ),
    _DeadWhen(
        ("turn_handling.user_turn_limit",),
        "with flux, turn_detection stt and min_delay 0 each final transcript is answered at once",
        {ENGINE: ("flux",), DETECTION: ("stt",), MIN_DELAY: (0,)},
    ),
    _DeadWhen(("stt.nova.no_delay",), "smart_format is false", {"stt.nova.smart_format": (False,)}),
    _DeadWhen(
        (NOVA_UTTERANCE_END,),
        "only turn_detection stt ends a turn at Deepgram's UtteranceEnd",
        {ENGINE: ("nova",), DETECTION: ("vad", "turn_detector")},
    ),
    _DeadWhen(
        ("turn_detector",),
        "the turn detector is not in use",
        {DETECTION: ("stt", "vad", "realtime_llm", "manual")},
    ),
    _DeadWhen(
        (MAX_DELAY,),
        "it acts with the turn detector or in mode dynamic",
        {MODE: ("fixed",), DETECTION: ("stt", "vad", "realtime_llm", "manual")},
    ),
    _DeadWhen(
        (MIN_DELAY,),
        "it is shorter than vad.min_silence_duration, before which no turn ends",
        {MODE: ("fixed",), DETECTION: ("vad", "realtime_llm")},
        _delay_is_undercut,
    ),
    _DeadWhen(
        (MIN_DELAY,),
        "it is shorter than vad.min_silence_duration or the 0.3 s that the turn detector takes",
        {MODE: ("fixed",), DETECTION: ("turn_detector",)},
        _delay_is_undercut,
    ),
    _DeadWhen(
        (MIN_DELAY,),
        "endpointing_ms is longer, and no turn ends before the words are there",
        {MODE: ("fixed",), ENGINE: ("nova",), DETECTION: ("vad", "turn_detector")},
        _words_come_after_min_delay,
    ),
    _DeadWhen((ALPHA,), "endpointing.mode is fixed", {MODE: ("fixed",)}),
    _DeadWhen(
        (*_OF_AN_INTERRUPTION, *_AFTER_AN_INTERRUPTION),
        "interruption.enabled is false",
        {f"{INTERRUPTION}.enabled": (False,)},
    ),
    _DeadWhen(
        _OF_AN_INTERRUPTION,
        "with turn_detection manual only the application interrupts",
        {DETECTION: ("manual",)},
    ),
    _DeadWhen(
        (f"{INTERRUPTION}.discard_audio_if_uninterruptible",),
        "interruption.enabled is true, and no user_turn_limit makes the agent cut in",
        {f"{INTERRUPTION}.enabled": (True,), **_NO_LIMIT},
    ),
    _DeadWhen(
        (f"{INTERRUPTION}.backchannel_boundary",),
        "interruption.mode is vad",
        {f"{INTERRUPTION}.mode": ("vad",)},
    ),
    _DeadWhen(
        (f"{INTERRUPTION}.false_interruption_timeout",),
        "resume_false_interruption is false",
        {f"{INTERRUPTION}.resume_false_interruption": (False,)},
    ),
    _DeadWhen(
        (f"{INTERRUPTION}.resume_false_interruption",),
        "false_interruption_timeout is null",
        {f"{INTERRUPTION}.false_interruption_timeout": (None,)},
    ),
    _DeadWhen(
        tuple(
            f"{PREEMPTIVE}.{name}"
            for name in ("preemptive_tts", "max_speech_duration", "max_retries")
        ),
        "preemptive_generation.enabled is false",
        {f"{PREEMPTIVE}.enabled": (False,)},
    ),
    _DeadWhen(
        (PREEMPTIVE,),
        "with nova, turn_detection stt and min_delay 0 it starts when the turn is over",
        {ENGINE: ("nova",), DETECTION: ("stt",), MIN_DELAY: (0,)},
    ),
    _DeadWhen(
        (PREEMPTIVE,),
        "with flux, turn_detection stt and min_delay 0 it starts when the turn is over, unless"
        " eager_eot_threshold is set",
        {ENGINE: ("flux",), DETECTION: ("stt",), MIN_DELAY: (0,), FLUX_EAGER: (None,)},
    ),
    _DeadWhen(
        (PREEMPTIVE,),
        "the words are there when the turn is over: endpointing_ms is longer than the delay",
        {ENGINE: ("nova",), DETECTION: ("vad", "realtime_llm", "turn_detector")},
        _words_come_after_any_delay,
    ),
    _DeadWhen(
        (TRANSCRIPTION_TIMEOUT,),
        "endpointing_ms is shorter than vad.min_silence_duration: Deepgram ends the speech first",
        {ENGINE: ("nova",), DETECTION: ("stt",)},
        _deepgram_ends_speech_first,
    ),
)
