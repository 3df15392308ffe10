"""The session of the same call, written out as an application does without timing profiles."""

import os
from typing import Any

from livekit.agents import inference
from livekit.agents.llm import LLM, DuplexModel, RealtimeModel
from livekit.plugins import deepgram

_Model = LLM[Any] | RealtimeModel | DuplexModel


def session_kwargs(llm: _Model) -> dict[str, Any]:
    """The keyword arguments of `AgentSession`: the values of default, patient and the overrides."""
    url = os.environ["DEEPGRAM_BASE_URL"]
    return {
        "stt": deepgram.STT(
            base_url=f"{url}/v1/listen",
            model="nova-3",
            language="en-US",
            endpointing_ms=300,
            utterance_end_ms=None,
            no_delay=True,
            smart_format=False,
            filler_words=True,
        ),
        "llm": llm,
        "tts": deepgram.TTS(base_url=f"{url}/v1/speak", speed=None),
        "vad": inference.VAD(
            min_speech_duration=0.05,
            min_silence_duration=0.25,
            prefix_padding_duration=0.5,
            activation_threshold=0.5,
        ),
        "turn_handling": _turn_handling(),
        "user_away_timeout": 15.0,
        "min_consecutive_speech_delay": 0.0,
        "transcription_timeout": None,
        "session_close_transcript_timeout": 2.0,
    }


def _turn_handling() -> dict[str, Any]:
    return {
        "turn_detection": inference.TurnDetector(version="v1-mini"),
        "endpointing": {"mode": "fixed", "min_delay": 1.2, "max_delay": 3.0, "alpha": 0.9},
        "interruption": {
            "enabled": True,
            "mode": "vad",
            "discard_audio_if_uninterruptible": True,
            "min_duration": 0.5,
            "min_words": 0,
            "resume_false_interruption": True,
            "false_interruption_timeout": 2.0,
            "backchannel_boundary": [1.0, 1.0],
        },
        "preemptive_generation": {
            "enabled": True,
            "preemptive_tts": False,
            "max_speech_duration": 10.0,
            "max_retries": 3,
        },
        "user_turn_limit": {"max_words": None, "max_duration": None},
    }
