"""Voice activity detectors: the model of LiveKit, and the plugin for the same model, Silero."""

from __future__ import annotations

from timing_profiles.providers.provider import Option, Provider


def _options(min_silence_duration: float) -> tuple[Option, ...]:
    return (
        Option("vad.min_speech_duration", "min_speech_duration", 0.05),
        Option("vad.min_silence_duration", "min_silence_duration", min_silence_duration),
        Option("vad.prefix_padding_duration", "prefix_padding_duration", 0.5),
        Option("vad.activation_threshold", "activation_threshold", 0.5),
        Option("vad.deactivation_threshold", "deactivation_threshold"),
    )


INFERENCE_VAD = Provider("inference.VAD", "vad", "livekit.agents.inference", "VAD", _options(0.25))

SILERO_VAD = Provider("silero.VAD", "vad", "livekit.plugins.silero", "VAD", _options(0.55))
