"""AssemblyAI through its plugin."""

from __future__ import annotations

from timing_profiles.providers.provider import Provider

STREAMING = Provider(
    "assemblyai.STT",
    "stt",
    "livekit.plugins.assemblyai",
    "STT",
    ends_turns=True,
    note="ends turns by its own settings",
)
