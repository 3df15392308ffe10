"""What the fields of a merged profile say to each other, beyond what a schema can.

Sources: livekit-agents 1.8.9 and livekit-plugins-deepgram 1.8.9, read and measured on calls. A
broken rule would make the SDK raise or leave the caller without an answer. A dead setting is
accepted by the SDK and does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Values = Mapping[str, Any]

DETECTION = "turn_handling.turn_detection"
ENGINE = "stt.engine"
NOVA_ENDPOINTING = "stt.nova.endpointing_ms"
NOVA_UTTERANCE_END = "stt.nova.utterance_end_ms"
FLUX_EOT = "stt.flux.eot_threshold"
FLUX_EAGER = "stt.flux.eager_eot_threshold"
VAD_SILENCE = "vad.min_silence_duration"
VAD_ACTIVATION = "vad.activation_threshold"
VAD_DEACTIVATION = "vad.deactivation_threshold"
MODE = "turn_handling.endpointing.mode"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
ALPHA = "turn_handling.endpointing.alpha"
INTERRUPTION = "turn_handling.interruption"
PREEMPTIVE = "turn_handling.preemptive_generation"

FLUX_DEFAULT_EOT = 0.7
"""Deepgram's `eot_threshold` where none is sent; the plugin compares with it, too."""

DETECTOR_VAD_SILENCE = 0.25
"""Seconds of VAD silence that a turn detector needs: audio_recognition.py raises below it."""

_SHORTEST_ENDPOINTING_MS = 10


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a merged profile breaks.

    Attributes:
        code: `range` for one field, `conflict` for several.
        fields: The dotted paths that take part.
        message: What was found and what is allowed.
    """

    code: str
    fields: tuple[str, ...]
    message: str


@dataclass(frozen=True, slots=True)
class Dead:
    """A setting that has no effect beside the others.

    Attributes:
        field: The setting.
        because: What makes it dead, in words.
    """

    field: str
    because: str


def broken(values: Values) -> Iterator[Broken]:
    """The rules that a merged profile breaks."""
    for rule in _RULES:
        found = rule(values)
        if found:
            yield found


def dead(values: Values) -> Iterator[Dead]:
    """The settings of a merged profile that have no effect."""
    for row in _DEAD:
        if row.holds(values):
            yield from (Dead(path, row.because) for path in values if row.covers(path))


def _delays_in_order(values: Values) -> Broken | None:
    low, high = values[MIN_DELAY], values[MAX_DELAY]
    if low <= high:
        return None
    message = f"min_delay {low} is more than max_delay {high} (s)"
    return Broken("conflict", (MIN_DELAY, MAX_DELAY), message)


def _eager_at_most_eot(values: Values) -> Broken | None:
    eager, eot = values[FLUX_EAGER], values[FLUX_EOT]
    eot = FLUX_DEFAULT_EOT if eot == "auto" else eot
    if eager is None or eager <= eot:
        return None
    message = f"eager_eot_threshold {eager} is more than eot_threshold {eot}"
    return Broken("conflict", (FLUX_EAGER, FLUX_EOT), message)


def _deactivation_at_most_activation(values: Values) -> Broken | None:
    low, high = values[VAD_DEACTIVATION], values[VAD_ACTIVATION]
    if low == "auto" or low <= high:
        return None
    message = f"deactivation_threshold {low} is more than activation_threshold {high}"
    return Broken("conflict", (VAD_DEACTIVATION, VAD_ACTIVATION), message)


def _detector_has_silence(values: Values) -> Broken | None:
    silence = values[VAD_SILENCE]
    if values[DETECTION] != "turn_detector" or silence >= DETECTOR_VAD_SILENCE:
        return None
    message = f"{silence} is less than the {DETECTOR_VAD_SILENCE} (s) that the turn detector needs"
    return Broken("conflict", (VAD_SILENCE, DETECTION), message)


def _something_ends_a_turn(values: Values) -> Broken | None:
    nova = values[DETECTION] == "stt" and values[ENGINE] == "nova"
    if not nova or values[NOVA_ENDPOINTING] or values[NOVA_UTTERANCE_END]:
        return None
    message = "nothing ends a turn: turn_detection stt needs endpointing_ms or utterance_end_ms"
    return Broken("conflict", (NOVA_ENDPOINTING, NOVA_UTTERANCE_END, DETECTION, ENGINE), message)


def _endpointing_is_off_or_sensible(values: Values) -> Broken | None:
    found = values[NOVA_ENDPOINTING]
    if not 0 < found < _SHORTEST_ENDPOINTING_MS:
        return None
    message = f"{found} is neither 0 (off) nor at least {_SHORTEST_ENDPOINTING_MS} (ms)"
    return Broken("range", (NOVA_ENDPOINTING,), message)


_RULES: tuple[Callable[[Values], Broken | None], ...] = (
    _delays_in_order,
    _eager_at_most_eot,
    _deactivation_at_most_activation,
    _detector_has_silence,
    _something_ends_a_turn,
    _endpointing_is_off_or_sensible,
)


@dataclass(frozen=True, slots=True)
class _DeadWhen:
    """Fields or sections without effect while every named field has one of the named values."""

    fields: tuple[str, ...]
    because: str
    while_: Mapping[str, tuple[Any, ...]]

    def holds(self, values: Values) -> bool:
        return all(values[path] in found for path, found in self.while_.items())

    def covers(self, path: str) -> bool:
        return any(path == field or path.startswith(f"{field}.") for field in self.fields)


_DEAD = (
    _DeadWhen(
        ("vad.prefix_padding_duration", "turn_detector.backchannel_threshold"),
        "nothing in this SDK reads it",
        {},
    ),
    _DeadWhen(("stt.nova",), "stt.engine is flux", {ENGINE: ("flux",)}),
    _DeadWhen(("stt.flux",), "stt.engine is nova", {ENGINE: ("nova",)}),
    _DeadWhen(
        ("stt.flux.language_hint",),
        "only the model flux-general-multi takes hints",
        {ENGINE: ("flux",), "stt.flux.model": ("flux-general-en",)},
    ),
    _DeadWhen(
        (FLUX_EAGER,),
        "preemptive_generation.enabled is false",
        {ENGINE: ("flux",), f"{PREEMPTIVE}.enabled": (False,)},
    ),
    _DeadWhen(
        ("turn_handling.user_turn_limit",),
        "it is checked at a final transcript, and with flux that is the end of the turn",
        {ENGINE: ("flux",)},
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
        {MODE: ("fixed",), DETECTION: ("stt", "vad")},
    ),
    _DeadWhen((ALPHA,), "endpointing.mode is fixed", {MODE: ("fixed",)}),
    _DeadWhen(
        ("turn_handling.endpointing",),
        "with turn_detection manual the application ends a turn",
        {DETECTION: ("manual",)},
    ),
    _DeadWhen(
        tuple(
            f"{INTERRUPTION}.{name}"
            for name in (
                "mode",
                "min_duration",
                "min_words",
                "resume_false_interruption",
                "false_interruption_timeout",
                "backchannel_boundary",
            )
        ),
        "interruption.enabled is false",
        {f"{INTERRUPTION}.enabled": (False,)},
    ),
    _DeadWhen(
        (f"{INTERRUPTION}.discard_audio_if_uninterruptible",),
        "interruption.enabled is true",
        {f"{INTERRUPTION}.enabled": (True,)},
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
        "with nova and turn_detection stt it never starts",
        {ENGINE: ("nova",), DETECTION: ("stt",)},
    ),
)
