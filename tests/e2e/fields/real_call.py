"""The fields that a real call shows with their exact values, and values that no default has."""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.deepgram import Request
from tests.e2e.fields.rehearsal import Sets
from timing_profiles.call.sdk_internals import UNSUPPORTED

PATHS: Final = {"nova": "/v1/listen", "flux": "/v2/listen"}

WIRE: Final = {
    "stt.nova.model": "model",
    "stt.nova.language": "language",
    "stt.nova.endpointing_ms": "endpointing",
    "stt.nova.utterance_end_ms": "utterance_end_ms",
    "stt.nova.no_delay": "no_delay",
    "stt.nova.smart_format": "smart_format",
    "stt.nova.filler_words": "filler_words",
    "stt.flux.model": "model",
    "stt.flux.eot_threshold": "eot_threshold",
    "stt.flux.eager_eot_threshold": "eager_eot_threshold",
    "stt.flux.eot_timeout_ms": "eot_timeout_ms",
    "stt.flux.language_hint": "language_hint",
    "tts.speed": "speed",
}
"""What a field is called in the query of its connection to Deepgram."""

READ_BACK: Final = (
    "turn_handling.endpointing",
    "turn_handling.interruption",
    "turn_handling.preemptive_generation",
    "session.user_away_timeout",
    "session.transcription_timeout",
    "session.min_consecutive_speech_delay",
)
"""What a session tells everybody in its room: sections as a whole, and fields."""

_UNUSUAL: Final = {
    "tts.speed": 0.83,
    "turn_handling.endpointing.mode": "dynamic",
    "turn_handling.endpointing.min_delay": 0.77,
    "turn_handling.endpointing.max_delay": 3.33,
    "turn_handling.endpointing.alpha": 0.61,
    "turn_handling.interruption.enabled": False,
    "turn_handling.interruption.mode": "adaptive",
    "turn_handling.interruption.discard_audio_if_uninterruptible": False,
    "turn_handling.interruption.min_duration": 0.71,
    "turn_handling.interruption.min_words": 2,
    "turn_handling.interruption.resume_false_interruption": False,
    "turn_handling.interruption.false_interruption_timeout": 1.37,
    "turn_handling.interruption.backchannel_boundary": [0.7, 1.3],
    "turn_handling.preemptive_generation.enabled": False,
    "turn_handling.preemptive_generation.preemptive_tts": True,
    "turn_handling.preemptive_generation.max_speech_duration": 7.7,
    "turn_handling.preemptive_generation.max_retries": 5,
    "session.user_away_timeout": 17.5,
    "session.transcription_timeout": 4.5,
    "session.min_consecutive_speech_delay": 0.35,
}

_OF_AN_ENGINE: Final[Mapping[str, Sets]] = {
    "nova": {
        "stt.nova.model": "nova-2-phonecall",
        "stt.nova.language": "en",
        "stt.nova.endpointing_ms": 437,
        "stt.nova.utterance_end_ms": 1234,
        "stt.nova.no_delay": False,
        "stt.nova.smart_format": True,
        "stt.nova.filler_words": False,
    },
    "flux": {
        "stt.engine": "flux",
        "stt.flux.model": "flux-general-multi",
        "stt.flux.eot_threshold": 0.83,
        "stt.flux.eager_eot_threshold": 0.47,
        "stt.flux.eot_timeout_ms": 4321,
        "stt.flux.language_hint": ["es", "en-GB"],
    },
}

UNUSUAL: Final[Mapping[str, Sets]] = {
    engine: {path: of for path, of in {**_UNUSUAL, **sets}.items() if path not in UNSUPPORTED}
    for engine, sets in _OF_AN_ENGINE.items()
}
"""For each engine, all that can be seen of it."""


def on_the_wire(values: Sets, requests: list[Request]) -> dict[str, Any]:
    """The fields that the connections of one call to Deepgram carry, in the wire's own spelling."""
    (listen,) = (request for request in requests if request.path.endswith("/listen"))
    (speak,) = (request for request in requests if request.path == "/v1/speak")
    return {
        field: (speak if field == "tts.speed" else listen).query.get(WIRE[field])
        for field in values
        if field in WIRE
    }


def spelled(values: Sets) -> dict[str, Any]:
    """The same of a profile."""
    return {field: _spelled(value) for field, value in values.items() if field in WIRE}


def _spelled(value: Any) -> list[str]:
    if isinstance(value, list):
        return value
    return [str(value).lower() if isinstance(value, bool) else str(value)]


def read_back(values: Sets) -> dict[str, Any]:
    """What a session with these values tells its room."""
    return {name.rpartition(".")[2]: _told(values, name) for name in READ_BACK}


def _told(values: Sets, name: str) -> Any:
    if name in values:
        return values[name]
    section = {field for field in values if field.startswith(f"{name}.")}
    return {field.rpartition(".")[2]: values[field] for field in section}
