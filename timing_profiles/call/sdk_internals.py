"""Differences between the supported releases of LiveKit's SDK.

Each guard tests for the feature, not for a version: a fork or a development build has no number
that could be compared.

The lowest supported release is 1.8.0. Sessions build on 1.6.10 too, but below 1.8.0, where
speech-to-text ends the turns, `min_delay` counts from the VAD's end of speech: the wait would be
shorter than the profile says. No guard can change that.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from livekit.agents import inference, llm
from livekit.plugins import deepgram

from timing_profiles.problems import Problem, quoted
from timing_profiles.resolution.settings import Settings

# livekit-agents has DuplexModel since 1.8.1.
_REALTIME_MODELS = (llm.RealtimeModel, getattr(llm, "DuplexModel", llm.RealtimeModel))


def is_realtime(model: Any) -> bool:
    """Whether a model hears and speaks itself."""
    return isinstance(model, _REALTIME_MODELS)


def llm_from_model_string(model: str) -> Any:
    """Build the model that `AgentSession` builds from the same string."""
    # livekit-agents has it, and model strings of realtime models, since 1.8.3.
    build = getattr(inference, "llm_from_model_string", inference.LLM.from_model_string)
    return build(model)


def unsupported(deepgram_tts: Callable[..., Any]) -> Mapping[str, str]:
    """Find the fields that the SDK has no option for, each with the reason.

    Args:
        deepgram_tts: The constructor of Deepgram's text-to-speech.
    """
    if "speed" in inspect.signature(deepgram_tts).parameters:
        return {}
    plugin = "livekit-plugins-deepgram"
    reason = f"{plugin} {version(plugin)} cannot change the pace: install 1.8.4 or newer"
    return {"tts.speed": reason}


UNSUPPORTED = unsupported(deepgram.TTS)
"""Dotted fields that the installed SDK has no option for: they are off, whatever a profile sets."""


def supported(settings: Settings) -> Settings:
    """Switch off the fields that the installed SDK has no option for.

    Returns:
        The settings, with a problem `not-applied` for each field that would have been on.
    """
    lost = {path: why for path, why in UNSUPPORTED.items() if settings.values.get(path) is not None}
    if not lost:
        return settings
    return replace(
        settings,
        values={**settings.values, **dict.fromkeys(lost)},
        problems=(*settings.problems, *(_not_applied(settings, *each) for each in lost.items())),
        changed=tuple(path for path in settings.changed if path not in lost),
    )


def _not_applied(settings: Settings, path: str, why: str) -> Problem:
    message = f"{quoted(settings.values[path])} is not applied: {why}"
    return Problem("not-applied", message, path, settings.origins[path])
