"""All providers, in the order in which they are looked through."""

from __future__ import annotations

from typing import Any

from timing_profiles.providers import (
    assemblyai,
    deepgram,
    inference,
    realtime,
    tts_pace,
    turn_detector,
    vad,
)
from timing_profiles.providers.provider import Provider

ALL: tuple[Provider, ...] = (
    deepgram.NOVA,
    deepgram.FLUX,
    deepgram.AURA,
    inference.NOVA,
    inference.FLUX,
    inference.ASSEMBLYAI,
    inference.ASSEMBLYAI_3,
    inference.CARTESIA_INK,
    assemblyai.UNIVERSAL_3,
    assemblyai.UNIVERSAL_STREAMING,
    vad.INFERENCE_VAD,
    vad.SILERO_VAD,
    turn_detector.INFERENCE_DETECTOR,
    turn_detector.MULTILINGUAL,
    turn_detector.ENGLISH,
    realtime.XAI,  # before that of OpenAI, from which it derives
    realtime.OPENAI,
    realtime.INFERENCE_XAI,
    realtime.INFERENCE,
    realtime.GOOGLE,
    *inference.PACES,
    *tts_pace.PACES,
)


def find(part: Any) -> Provider | None:
    """Return the provider of a part; None for parts that no field reaches."""
    try:
        model = str(getattr(part, "model", "") or "")
    except Exception:  # noqa: BLE001 - a part of anybody's; the call goes on without it
        return None
    return next((provider for provider in ALL if provider.matches(part, model)), None)
