"""Fields of parts that agents bring, with two values each that no part has by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class PartField:
    """A field of a part.

    Attributes:
        path: Its dotted path.
        values: Two values.
        name: What it is called on the wire; dotted where it lies within another object.
        beside: What else the profile has to set, so that the part has the field.
        model: Arguments of the part, for a model that has the field.
    """

    path: str
    values: tuple[Any, Any]
    name: str
    beside: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the path."""
        return self.path

    def on(self, body: Any) -> Any:
        """Return its value in a message; None where it is not there."""
        for key in self.name.split("."):
            body = body.get(key) if isinstance(body, dict) else None
        return body


_TURNS: Final = "input.turn_detection"
_SERVER: Final = {"realtime.turn_detection": "server_vad"}
_SEMANTIC: Final = {"realtime.turn_detection": "semantic_vad"}

REALTIME: Final = (
    PartField("realtime.turn_detection", ("server_vad", "semantic_vad"), f"{_TURNS}.type"),
    PartField(
        "realtime.silence_duration_ms", (777, 1234), f"{_TURNS}.silence_duration_ms", _SERVER
    ),
    PartField("realtime.prefix_padding_ms", (222, 444), f"{_TURNS}.prefix_padding_ms", _SERVER),
    PartField("realtime.threshold", (0.61, 0.37), f"{_TURNS}.threshold", _SERVER),
    PartField("realtime.eagerness", ("low", "high"), f"{_TURNS}.eagerness", _SEMANTIC),
    PartField("realtime.speed", (1.23, 0.87), "output.speed"),
)

_SILENCE: Final = "min_end_of_turn_silence_when_confident"
_CONFIDENCE: Final = "end_of_turn_confidence_threshold"

INFERENCE: Final = (
    PartField("stt.assemblyai.min_turn_silence", (345, 543), _SILENCE),
    PartField("stt.assemblyai.max_turn_silence", (1345, 1543), "max_turn_silence"),
    PartField(f"stt.assemblyai.{_CONFIDENCE}", (0.61, 0.37), _CONFIDENCE),
)

PLUGIN: Final = (
    PartField("stt.assemblyai.min_turn_silence", (345, 543), "min_turn_silence"),
    PartField("stt.assemblyai.max_turn_silence", (1345, 1543), "max_turn_silence"),
    PartField(
        f"stt.assemblyai.{_CONFIDENCE}",
        (0.61, 0.37),
        _CONFIDENCE,
        model={"model": "universal-streaming-english"},
    ),
    PartField("stt.assemblyai.interruption_delay", (123, 321), "interruption_delay"),
    PartField("stt.assemblyai.vad_threshold", (0.61, 0.37), "vad_threshold"),
)

PATHS: Final = frozenset(each.path for each in (*REALTIME, *INFERENCE, *PLUGIN))
"""All fields that only a part of the agent's own takes."""
