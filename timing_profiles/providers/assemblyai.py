"""AssemblyAI through its plugin: Universal Streaming, and the models of Universal-3."""

from __future__ import annotations

from timing_profiles.providers.provider import Option, Provider

_PLUGIN = "livekit.plugins.assemblyai"


def _option(name: str, normal: object = None) -> Option:
    return Option(f"stt.assemblyai.{name}", name, normal)


# The plugin sends 100 ms where it is given none, and AssemblyAI decides all else.
_SILENCES = (_option("min_turn_silence", 100), _option("max_turn_silence"))
_VAD = _option("vad_threshold")

# They end turns by punctuation and silence, and have no threshold.
UNIVERSAL_3 = Provider(
    "assemblyai.STT",
    "stt",
    _PLUGIN,
    "STT",
    (*_SILENCES, _option("interruption_delay"), _VAD),
    models=("universal-3", "u3-"),
    ends_turns=True,
)

UNIVERSAL_STREAMING = Provider(
    "assemblyai.STT",
    "stt",
    _PLUGIN,
    "STT",
    (*_SILENCES, _option("end_of_turn_confidence_threshold"), _VAD),
    ends_turns=True,
)
