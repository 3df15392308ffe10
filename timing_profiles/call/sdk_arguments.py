"""Settings -> the keyword arguments of the SDK, under the SDK's own names and units.

`null` is the SDK's None, and `auto` leaves the keyword out, so that the SDK decides.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator, Mapping
from typing import Any

from livekit.agents import inference, stt, tts, vad
from livekit.plugins import deepgram

from timing_profiles.call import sdk_internals
from timing_profiles.turns.fields import DETECTION, ENGINE, Values

DEEPGRAM_URL = "https://api.deepgram.com"
"""Deepgram's root; `DEEPGRAM_BASE_URL` names that of a self-hosted one."""

# The one field whose `null` the SDK spells by leaving the keyword out (None is a TypeError).
_OFF_IS_LEFT_OUT = "stt.flux.eager_eot_threshold"

_TAKES_HINTS = "flux-general-multi"

# With these, a realtime model gives up its own turn detection, or refuses to start.
_AGAINST_REALTIME = (DETECTION, "turn_handling.interruption.mode")


def speech_to_text(values: Values, **extra: Any) -> stt.STT[Any]:
    """The speech-to-text of the engine in force; `extra` wins over the settings."""
    if values[ENGINE] == "flux":
        flux = section(values, "stt.flux")
        if flux["model"] != _TAKES_HINTS:
            # The plugin would send them all the same, and Deepgram would refuse the connection.
            flux.pop("language_hint", None)
        return deepgram.STTv2(**{"base_url": _deepgram("/v2/listen"), **flux, **extra})
    given = {"base_url": _deepgram("/v1/listen"), **section(values, "stt.nova"), **extra}
    return deepgram.STT(**given)


def text_to_speech(values: Values, **extra: Any) -> tts.TTS[Any]:
    """The text-to-speech; `extra` wins over the settings."""
    return deepgram.TTS(**{"base_url": _deepgram("/v1/speak"), **section(values, "tts"), **extra})


def voice_activity(values: Values, **extra: Any) -> vad.VAD:
    """The voice activity detector; `extra` wins over the settings."""
    return inference.VAD(**{**section(values, "vad"), **extra})


def turn_handling(values: Values, yours: Mapping[str, Any], *, realtime: bool) -> dict[str, Any]:
    """The `turn_handling` of a session.

    Args:
        values: The settings.
        yours: What the application sets itself; it wins, key by key.
        realtime: Whether a realtime model talks: what would switch its own turn detection off, or
            what it refuses, is left out.
    """
    kept = {path: value for path, value in values.items() if path not in _AGAINST_REALTIME}
    handling = section(kept if realtime else values, "turn_handling")
    if realtime and not handling["interruption"]["enabled"]:
        del handling["interruption"]["enabled"]
    merged = _over(handling, yours)
    if merged.get("turn_detection") == "turn_detector":
        merged["turn_detection"] = turn_detector(values)
    return merged


def turn_detector(values: Values) -> inference.TurnDetector:
    """The turn detector, for settings that use it."""
    return inference.TurnDetector(**section(values, "turn_detector"))


def given(
    session: Mapping[str, Any], handling: Mapping[str, Any], *, realtime: bool
) -> Iterator[str]:
    """The fields that the settings do not decide, by dotted path, and sections.

    Args:
        session: The arguments of `AgentSession` that the application gives.
        handling: Its `turn_handling`.
        realtime: Whether a realtime model talks, which decides some of them itself.
    """
    yield from (f"session.{name}" for name in session)
    yield from _leaves(handling, "turn_handling")
    if realtime:
        yield from (*_AGAINST_REALTIME, "turn_handling.interruption.enabled")


def section(values: Values, name: str) -> dict[str, Any]:
    """The keyword arguments of a section, nested as the SDK nests them: fresh, plain, its own."""
    arguments: dict[str, Any] = {}
    for path, value in values.items():
        off = path == _OFF_IS_LEFT_OUT and value is None
        left_out = value == "auto" or off or path in sdk_internals.UNSUPPORTED
        if path.startswith(f"{name}.") and not left_out:
            *outer, last = path.removeprefix(f"{name}.").split(".")
            inner = arguments
            for key in outer:
                inner = inner.setdefault(key, {})
            inner[last] = copy.deepcopy(value)
    return arguments


def _leaves(nested: Mapping[str, Any], above: str) -> Iterator[str]:
    for key, value in nested.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}.{key}")
        else:
            yield f"{above}.{key}"


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), dict)
        merged[key] = _over(merged[key], value) if both else value
    return merged


def _deepgram(path: str) -> str:
    return (os.environ.get("DEEPGRAM_BASE_URL") or DEEPGRAM_URL).rstrip("/") + path
