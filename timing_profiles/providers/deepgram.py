"""Deepgram through its plugin: Nova, Flux and Aura."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from timing_profiles.providers.provider import (
    NULL_IS_LEFT_OUT,
    Option,
    Provider,
    Read,
)

_PLUGIN = "livekit.plugins.deepgram"

NOVA = Provider(
    "deepgram.STT",
    "stt",
    _PLUGIN,
    "STT",
    (
        Option("stt.nova.model", "model", "nova-3", "silence", only_built=True),
        Option("stt.nova.language", "language", "en-US", "silence", only_built=True),
        Option("stt.nova.endpointing_ms", "endpointing_ms", 25, "silence"),
        Option("stt.nova.utterance_end_ms", "utterance_end_ms", None, "silence"),
        Option("stt.nova.no_delay", "no_delay", normal=True, live="silence"),
        Option("stt.nova.smart_format", "smart_format", normal=False, live="silence"),
        Option("stt.nova.filler_words", "filler_words", normal=True, live="silence"),
    ),
    engine="nova",
)

FLUX = Provider(
    "deepgram.STTv2",
    "stt",
    _PLUGIN,
    "STTv2",
    (
        Option("stt.flux.model", "model", "flux-general-en", "silence", only_built=True),
        Option("stt.flux.eot_threshold", "eot_threshold"),
        Option("stt.flux.eager_eot_threshold", "eager_eot_threshold", null=NULL_IS_LEFT_OUT),
        Option("stt.flux.eot_timeout_ms", "eot_timeout_ms"),
        Option("stt.flux.language_hint", "language_hint", [], only_built=True),
    ),
    engine="flux",
    ends_turns=True,
)

# Deepgram refuses a pace for other voices, and the call would be mute.
_WITH_PACE = re.compile(r"aura-2-.+-(en|es)")


def _pace(options: Mapping[str, Any], part: Any, _read: Read) -> Mapping[str, Any] | None:
    return options if _WITH_PACE.fullmatch(str(part.model)) else None


AURA = Provider(
    "deepgram.TTS",
    "tts",
    _PLUGIN,
    "TTS",
    # Bounds of the plugin; null is not sent.
    (Option("tts.speed", "speed", None, "next-speech", least=0.7, most=1.5, null=""),),
    arguments=_pace,
    note="Aura-2 voices in English and Spanish only",
)
