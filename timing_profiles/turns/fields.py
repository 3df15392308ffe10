"""The dotted paths of the fields that rules and formulas use, and the numbers behind `auto`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Values = Mapping[str, Any]
"""Every field of a merged profile, by its dotted path."""


class UnknownValue(Exception):
    """A field has no known value, because the file that sets it is invalid there."""


class KnownValues(dict[str, Any]):
    """The values of a merged profile as far as they are known; reading another one raises."""

    def __missing__(self, path: str) -> Any:
        raise UnknownValue(path)


DETECTION = "turn_handling.turn_detection"
ENGINE = "stt.engine"
ENGINES = ("nova", "flux")
NOVA_ENDPOINTING = "stt.nova.endpointing_ms"
NOVA_UTTERANCE_END = "stt.nova.utterance_end_ms"
FLUX_EOT = "stt.flux.eot_threshold"
FLUX_EOT_TIMEOUT = "stt.flux.eot_timeout_ms"
FLUX_EAGER = "stt.flux.eager_eot_threshold"
ASSEMBLYAI_MIN_SILENCE = "stt.assemblyai.min_turn_silence"
ASSEMBLYAI_MAX_SILENCE = "stt.assemblyai.max_turn_silence"
REALTIME_DETECTION = "realtime.turn_detection"
REALTIME_SILENCE = "realtime.silence_duration_ms"
REALTIME_PADDING = "realtime.prefix_padding_ms"
REALTIME_THRESHOLD = "realtime.threshold"
REALTIME_EAGERNESS = "realtime.eagerness"
VAD_SILENCE = "vad.min_silence_duration"
VAD_ACTIVATION = "vad.activation_threshold"
VAD_DEACTIVATION = "vad.deactivation_threshold"
MODE = "turn_handling.endpointing.mode"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
ALPHA = "turn_handling.endpointing.alpha"
INTERRUPTION = "turn_handling.interruption"
PREEMPTIVE = "turn_handling.preemptive_generation"
TRANSCRIPTION_TIMEOUT = "session.transcription_timeout"

FORMER_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "endpointing_ms": "stt.nova.endpointing_ms",
        "min_endpointing_delay": "turn_handling.endpointing.min_delay",
        "max_endpointing_delay": "turn_handling.endpointing.max_delay",
        "allow_interruptions": "turn_handling.interruption.enabled",
        "discard_audio_if_uninterruptible": (
            "turn_handling.interruption.discard_audio_if_uninterruptible"
        ),
        "min_interruption_duration": "turn_handling.interruption.min_duration",
        "min_interruption_words": "turn_handling.interruption.min_words",
        "agent_false_interruption_timeout": (
            "turn_handling.interruption.false_interruption_timeout"
        ),
        "false_interruption_timeout": "turn_handling.interruption.false_interruption_timeout",
        "resume_false_interruption": "turn_handling.interruption.resume_false_interruption",
        "preemptive_generation": "turn_handling.preemptive_generation.enabled",
        "turn_detection": "turn_handling.turn_detection",
    }
)
"""Former keyword arguments of `AgentSession`, and today's field."""

AUTO = "auto"
"""The value of a field whose number the SDK or Deepgram chooses."""

# Deepgram's numbers where none is sent; its plugin compares with the first one, too.
_AUTO = {FLUX_EOT: 0.7, FLUX_EOT_TIMEOUT: 5000}


Condition = Mapping[str, tuple[Any, ...]]
"""The values that each named field may have where the condition is met, by dotted path."""


def meets(values: Values, condition: Condition) -> bool:
    """Return whether a merged profile meets a condition."""
    for path, some in condition.items():  # noqa: SIM110 - faster than all()
        if values[path] not in some:
            return False
    return True


def number(values: Values, path: str) -> float:
    """Return the number of a field, also where its value is `auto`.

    Args:
        values: A merged profile.
        path: The dotted path of a field that has a number or `auto`.
    """
    known: float | str = values[path]
    if not isinstance(known, str):
        return known
    if path == VAD_DEACTIVATION:  # as in inference/vad.py
        return max(round(float(values[VAD_ACTIVATION]) - 0.15, 6), 0.01)
    return _AUTO[path]
