"""Find dead settings: the SDK accepts them, and they have no effect beside the others.

Each row was read in livekit-agents 1.8.9, in LiveKit's plugins 1.8.9, in the openai package (of
server_vad and semantic_vad) or in AssemblyAI's documentation, or measured on calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from timing_profiles.problems import Problem
from timing_profiles.turns.fields import (
    ALPHA,
    ASSEMBLYAI_MAX_SILENCE,
    ASSEMBLYAI_MIN_SILENCE,
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
    REALTIME_DETECTION,
    REALTIME_EAGERNESS,
    REALTIME_PADDING,
    REALTIME_SILENCE,
    REALTIME_THRESHOLD,
    TRANSCRIPTION_TIMEOUT,
    VAD_SILENCE,
    Condition,
    UnknownValue,
    Values,
    meets,
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
    found = ((path, [row.reason for row in rows(path) if row.applies(values)]) for path in among)
    return {path: "; ".join(some) for path, some in found if some}


def works_ahead(values: Values) -> bool:
    """Return whether the LLM begins before the turn is over, in a turn without a pause."""
    by_deepgram = values[DETECTION] == "stt" and (
        values[ENGINE] == "nova" or values[FLUX_EAGER] is None
    )
    return bool(values[_EARLY]) and not by_deepgram and not reasons(values, [_EARLY])


@cache
def rows(path: str) -> tuple[DeadWhen, ...]:
    """Return the rows of the table that name the field at a dotted path, or a section around it."""
    keys = path.split(".")
    around = {".".join(keys[: depth + 1]) for depth in range(len(keys))}
    return tuple(row for row in DEAD_WHEN if not around.isdisjoint(row.fields))


class DeadWhen(NamedTuple):
    """Fields or sections that have no effect while a condition is met.

    Attributes:
        id: A stable name.
        fields: Their dotted paths.
        reason: The condition in words.
        when: The condition.
        also: What else must hold, such as how two numbers compare.
    """

    id: str
    fields: tuple[str, ...]
    reason: str
    when: Condition = MappingProxyType({})
    also: Callable[[Values], bool] | None = None

    def applies(self, values: Values) -> bool:
        """Return whether the fields have no effect; not where an unknown value decides."""
        try:
            return meets(values, self.when) and (self.also is None or self.also(values))
        except UnknownValue:
            return False


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


def _assemblyai_ends_the_turn_before(values: Values) -> bool:
    least, most = values[ASSEMBLYAI_MIN_SILENCE], values[ASSEMBLYAI_MAX_SILENCE]
    return not isinstance(least, str) and not isinstance(most, str) and bool(least > most)


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


DEAD_WHEN = (
    DeadWhen(
        "never-read",
        ("vad.prefix_padding_duration", "turn_detector.backchannel_threshold"),
        "not used by this SDK",
    ),
    DeadWhen("engine-flux", ("stt.nova",), "stt.engine is flux", {ENGINE: ("flux",)}),
    DeadWhen("engine-nova", ("stt.flux",), "stt.engine is nova", {ENGINE: ("nova",)}),
    DeadWhen(
        "flux-model-without-hints",
        ("stt.flux.language_hint",),
        "only the model flux-general-multi takes language hints",
        {ENGINE: ("flux",), "stt.flux.model": ("flux-general-en",)},
    ),
    DeadWhen(
        "eager-without-preemptive",
        (FLUX_EAGER,),
        "preemptive_generation.enabled is false",
        {ENGINE: ("flux",), f"{PREEMPTIVE}.enabled": (False,)},
    ),
    DeadWhen(
        "flux-answers-each-final",
        ("turn_handling.user_turn_limit",),
        "with flux, turn_detection stt and min_delay 0 each final transcript is answered at once",
        {ENGINE: ("flux",), DETECTION: ("stt",), MIN_DELAY: (0,)},
    ),
    DeadWhen(
        "smart-format-off",
        ("stt.nova.no_delay",),
        "smart_format is false",
        {"stt.nova.smart_format": (False,)},
    ),
    DeadWhen(
        "utterance-end-ends-no-turn",
        (NOVA_UTTERANCE_END,),
        "only turn_detection stt ends a turn at Deepgram's UtteranceEnd",
        {ENGINE: ("nova",), DETECTION: ("vad", "turn_detector")},
    ),
    DeadWhen(
        "detector-not-in-use",
        ("turn_detector",),
        "the turn detector is not in use",
        {DETECTION: ("stt", "vad", "realtime_llm", "manual")},
    ),
    DeadWhen(
        "max-delay-not-in-use",
        (MAX_DELAY,),
        "used only with the turn detector or in mode dynamic",
        {MODE: ("fixed",), DETECTION: ("stt", "vad", "realtime_llm", "manual")},
    ),
    DeadWhen(
        "min-delay-under-silence",
        (MIN_DELAY,),
        "it is shorter than vad.min_silence_duration, before which no turn ends",
        {MODE: ("fixed",), DETECTION: ("vad", "realtime_llm")},
        _delay_is_undercut,
    ),
    DeadWhen(
        "min-delay-under-detector",
        (MIN_DELAY,),
        "it is shorter than vad.min_silence_duration or the 0.3 s that the turn detector takes",
        {MODE: ("fixed",), DETECTION: ("turn_detector",)},
        _delay_is_undercut,
    ),
    DeadWhen(
        "min-delay-under-words",
        (MIN_DELAY,),
        "endpointing_ms is longer, and no turn ends before the words are there",
        {MODE: ("fixed",), ENGINE: ("nova",), DETECTION: ("vad", "turn_detector")},
        _words_come_after_min_delay,
    ),
    DeadWhen(
        "assemblyai-ends-the-turn-before",
        (ASSEMBLYAI_MIN_SILENCE,),
        "it is longer than max_turn_silence, which ends the turn in any case",
        {},
        _assemblyai_ends_the_turn_before,
    ),
    DeadWhen(
        "realtime-semantic-vad",
        (REALTIME_SILENCE, REALTIME_PADDING, REALTIME_THRESHOLD),
        "realtime.turn_detection is semantic_vad",
        {REALTIME_DETECTION: ("semantic_vad",)},
    ),
    DeadWhen(
        "realtime-server-vad",
        (REALTIME_EAGERNESS,),
        "realtime.turn_detection is server_vad",
        {REALTIME_DETECTION: ("server_vad",)},
    ),
    DeadWhen("alpha-in-mode-fixed", (ALPHA,), "endpointing.mode is fixed", {MODE: ("fixed",)}),
    DeadWhen(
        "interruption-off",
        (*_OF_AN_INTERRUPTION, *_AFTER_AN_INTERRUPTION),
        "interruption.enabled is false",
        {f"{INTERRUPTION}.enabled": (False,)},
    ),
    DeadWhen(
        "interruption-manual",
        _OF_AN_INTERRUPTION,
        "with turn_detection manual only the application interrupts",
        {DETECTION: ("manual",)},
    ),
    DeadWhen(
        "no-audio-to-discard",
        (f"{INTERRUPTION}.discard_audio_if_uninterruptible",),
        "interruption.enabled is true, and no user_turn_limit makes the agent cut in",
        {f"{INTERRUPTION}.enabled": (True,), **_NO_LIMIT},
    ),
    DeadWhen(
        "interruption-mode-vad",
        (f"{INTERRUPTION}.backchannel_boundary",),
        "interruption.mode is vad",
        {f"{INTERRUPTION}.mode": ("vad",)},
    ),
    DeadWhen(
        "resume-off",
        (f"{INTERRUPTION}.false_interruption_timeout",),
        "resume_false_interruption is false",
        {f"{INTERRUPTION}.resume_false_interruption": (False,)},
    ),
    DeadWhen(
        "no-false-interruption-timeout",
        (f"{INTERRUPTION}.resume_false_interruption",),
        "false_interruption_timeout is null",
        {f"{INTERRUPTION}.false_interruption_timeout": (None,)},
    ),
    DeadWhen(
        "preemptive-off",
        tuple(
            f"{PREEMPTIVE}.{name}"
            for name in ("preemptive_tts", "max_speech_duration", "max_retries")
        ),
        "preemptive_generation.enabled is false",
        {f"{PREEMPTIVE}.enabled": (False,)},
    ),
    DeadWhen(
        "preemptive-nova-at-once",
        (PREEMPTIVE,),
        "with nova, turn_detection stt and min_delay 0 it starts when the turn is over",
        {ENGINE: ("nova",), DETECTION: ("stt",), MIN_DELAY: (0,)},
    ),
    DeadWhen(
        "preemptive-flux-at-once",
        (PREEMPTIVE,),
        "with flux, turn_detection stt and min_delay 0 it starts when the turn is over, unless"
        " eager_eot_threshold is set",
        {ENGINE: ("flux",), DETECTION: ("stt",), MIN_DELAY: (0,), FLUX_EAGER: (None,)},
    ),
    DeadWhen(
        "preemptive-after-words",
        (PREEMPTIVE,),
        "final words come after the end of the turn: endpointing_ms is longer than the delay",
        {ENGINE: ("nova",), DETECTION: ("vad", "realtime_llm", "turn_detector")},
        _words_come_after_any_delay,
    ),
    DeadWhen(
        "transcription-timeout-after-deepgram",
        (TRANSCRIPTION_TIMEOUT,),
        "endpointing_ms is shorter than vad.min_silence_duration: Deepgram ends the speech first",
        {ENGINE: ("nova",), DETECTION: ("stt",)},
        _deepgram_ends_speech_first,
    ),
)
