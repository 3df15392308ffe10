"""LiveKit Inference: Deepgram and AssemblyAI as speech-to-text, and the pace of its voices.

Options travel in a mapping that each provider behind the gateway reads for itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from timing_profiles.providers.provider import (
    NULL_IS_LEFT_OUT,
    NULL_IS_NORMAL,
    Live,
    Option,
    Provider,
    Read,
    unchanged,
)

_MODULE = "livekit.agents.inference"


def _stt(field: str, name: str, normal: Any = None, live: Live = "now", null: str = "") -> Option:
    stored = f"extra_kwargs.{name}"
    return Option(field, name, normal, live, stored=stored, null=null, is_sparse=True)


def _extra(options: Mapping[str, Any], _part: Any, _read: Read) -> Mapping[str, Any]:
    return {"extra": dict(options)}


def _extra_kwargs(options: Mapping[str, Any], _part: Any, _read: Read) -> Mapping[str, Any]:
    return {"extra_kwargs": dict(options)}


def _chosen(field: str, name: str, decode: Callable[[Any], Any] = str) -> Option:
    """What the application has chosen with the model, and keeps."""
    return Option(field, name, decode=decode, only_built=True)


def _model(name: Any) -> str:
    return str(name).partition("/")[2]


NOVA = Provider(
    "inference.STT",
    "stt",
    _MODULE,
    "STT",
    (
        _chosen("stt.nova.model", "model", _model),
        _chosen("stt.nova.language", "language"),
        _stt("stt.nova.endpointing_ms", "endpointing", 25, "silence"),
        _stt("stt.nova.no_delay", "no_delay", normal=True, live="silence"),
        _stt("stt.nova.smart_format", "smart_format", normal=False, live="silence"),
        _stt("stt.nova.filler_words", "filler_words", normal=True, live="silence"),
    ),
    models=("deepgram/nova",),
    engine="nova",
    arguments=_extra,
    note="the gateway has no utterance_end_ms; a running connection may ignore a change",
)

FLUX = Provider(
    "inference.STT",
    "stt",
    _MODULE,
    "STT",
    (
        _chosen("stt.flux.model", "model", _model),
        _stt("stt.flux.eot_threshold", "eot_threshold"),
        _stt("stt.flux.eager_eot_threshold", "eager_eot_threshold", 0.5, null=NULL_IS_LEFT_OUT),
        _stt("stt.flux.eot_timeout_ms", "eot_timeout_ms"),
    ),
    models=("deepgram/flux",),
    engine="flux",
    ends_turns=True,
    arguments=_extra,
    note="eager_eot_threshold null leaves the gateway its 0.5",
)

# The gateway's own defaults (livekit/agents/inference/stt.py); it names none for the longest.
_ASSEMBLYAI_SILENCES = (
    _stt("stt.assemblyai.min_turn_silence", "min_end_of_turn_silence_when_confident", 0),
    _stt("stt.assemblyai.max_turn_silence", "max_turn_silence"),
)
_CONFIDENCE = "end_of_turn_confidence_threshold"


def _assemblyai(model: str, *more: Option) -> Provider:
    return Provider(
        "inference.STT",
        "stt",
        _MODULE,
        "STT",
        (*_ASSEMBLYAI_SILENCES, *more),
        models=(f"assemblyai/{model}",),
        ends_turns=True,
        arguments=_extra,
    )


ASSEMBLYAI = _assemblyai(
    "universal-streaming", _stt(f"stt.assemblyai.{_CONFIDENCE}", _CONFIDENCE, 0.01)
)

ASSEMBLYAI_3 = _assemblyai("")

CARTESIA_INK = Provider(
    "inference.STT",
    "stt",
    _MODULE,
    "STT",
    models=("cartesia/ink-2",),
    ends_turns=True,
    note="ends turns by its own settings",
)


def _pace(
    models: str,
    name: str,
    least: float = -math.inf,
    most: float = math.inf,
    convert: Callable[[Any], Any] = unchanged,
) -> Provider:
    option = Option(
        "tts.speed",
        name,
        1.0,
        "next-speech",
        stored=f"extra_kwargs.{name}",
        least=least,
        most=most,
        null=NULL_IS_NORMAL,
        is_sparse=True,
        encode=convert,
        decode=convert,
    )
    return Provider(
        "inference.TTS",
        "tts",
        _MODULE,
        "TTS",
        (option,),
        models=(models,),
        arguments=_extra_kwargs,
    )


def inverse(value: Any) -> Any:
    """Return the factor of duration for one of pace, and back; words such as `slow` stay."""
    return round(1 / value, 4) if isinstance(value, int | float) and value else value


# Bounds: livekit/agents/inference/tts.py, and the plugin for Cartesia; the others name none.
PACES = (
    _pace("cartesia/sonic-3", "speed", 0.6, 2.0),
    _pace("inworld/", "speaking_rate", 0.51, 1.5),
    _pace("rime/", "speed_alpha", convert=inverse),
    _pace("xai/", "speed"),
    _pace("fishaudio/", "speed"),
)
