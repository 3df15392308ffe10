"""Settings -> the keyword arguments of the SDK, under the SDK's own names and units.

`null` is the SDK's None, and `auto` leaves the keyword out, so that the SDK decides.
"""

from __future__ import annotations

import copy
import inspect
import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from livekit.agents import inference, stt, tts, vad
from livekit.agents.types import NOT_GIVEN
from livekit.agents.utils import is_given
from livekit.plugins import deepgram

from timing_profiles.call import sdk_internals
from timing_profiles.problems import Problem, quoted
from timing_profiles.resolution.request import FLAT_NAMES
from timing_profiles.turns.fields import DETECTION, ENGINE, Values

DEEPGRAM_URL = "https://api.deepgram.com"
"""Deepgram's root; `DEEPGRAM_BASE_URL` names that of a self-hosted one."""

DEEPGRAM = "DEEPGRAM_BASE_URL"

# As the plugin takes them; it compares their letters.
_SCHEMES = ("https", "http", "wss", "ws")
_END_POINT = re.compile(r"/v\d+(/(listen|speak))?/*$")

# The one field whose `null` the SDK spells by leaving the keyword out (None is a TypeError).
_OFF_IS_LEFT_OUT = "stt.flux.eager_eot_threshold"

_TAKES_HINTS = "flux-general-multi"

_CONSTRUCTORS: Mapping[str, Callable[..., Any]] = {
    "stt": deepgram.STT,
    "tts": deepgram.TTS,
    "vad": inference.VAD,
}

_HANDLING = "turn_handling"

# Former arguments of AgentSession; where two are the same field, the SDK takes the last one here.
_FORMER = {name: path for name, path in FLAT_NAMES.items() if path.startswith(f"{_HANDLING}.")}
_FORMER["agent_false_interruption_timeout"] = _FORMER.pop("agent_false_interruption_timeout")
_MAY_BE_OFF = _FORMER["false_interruption_timeout"]

# With these, a realtime model gives up its own turn detection, or refuses to start.
_AGAINST_REALTIME = (DETECTION, "turn_handling.interruption.mode")


def speech_to_text(values: Values, **extra: Any) -> stt.STT[Any]:
    """Build the speech-to-text of the active engine; `extra` wins over the settings."""
    if values[ENGINE] == "flux":
        flux = section(values, "stt.flux")
        if flux["model"] != _TAKES_HINTS:
            # The plugin would send them all the same, and Deepgram would refuse the connection.
            flux.pop("language_hint", None)
        return deepgram.STTv2(**{"base_url": _deepgram("/v2/listen"), **flux, **extra})
    given = {"base_url": _deepgram("/v1/listen"), **section(values, "stt.nova"), **extra}
    return deepgram.STT(**given)


def text_to_speech(values: Values, **extra: Any) -> tts.TTS[Any]:
    """Build the text-to-speech; `extra` wins over the settings."""
    return deepgram.TTS(**{"base_url": _deepgram("/v1/speak"), **section(values, "tts"), **extra})


def voice_activity(values: Values, **extra: Any) -> vad.VAD:
    """Build the voice activity detector; `extra` wins over the settings."""
    return inference.VAD(**{**section(values, "vad"), **extra})


def accepted(
    values: Values, part: str, extra: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """Leave out arguments that a part does not take: they would cost the call.

    Args:
        values: The settings that the part is built from.
        part: `stt`, `tts` or `vad`.
        extra: The application's own arguments.

    Returns:
        The arguments that it takes, and a problem for each other one.
    """
    if not extra:
        return {}, ()
    flux = part == "stt" and values[ENGINE] == "flux"
    constructor: Any = deepgram.STTv2 if flux else _CONSTRUCTORS[part]
    parameters = inspect.signature(constructor).parameters
    message = f"is not applied: {constructor.__name__} has no such argument"
    problems = (
        Problem("not-applied", message, f"{part}.{key}", "application")
        for key in extra
        if key not in parameters
    )
    return {key: extra[key] for key in extra if key in parameters}, tuple(problems)


def without_former(yours: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Move former arguments of `AgentSession` into `turn_handling`, beside which it ignores them.

    `None` and `NOT_GIVEN` count as not given; the time-out of a false interruption alone has None
    as a value: off.

    Args:
        yours: Arguments of `AgentSession` that the application sets.

    Returns:
        The arguments without former ones, and `turn_handling`, where its own keys win.
    """
    kept = {name: value for name, value in yours.items() if is_given(value)}
    handling = kept.pop("turn_handling", None) or {}
    moved: dict[str, Any] = {}
    for name, path in _FORMER.items():
        value = kept.pop(name, NOT_GIVEN)
        if value is NOT_GIVEN or (value is None and path != _MAY_BE_OFF):
            continue
        *_, inner, key = path.split(".")
        if isinstance(value, Mapping):  # preemptive_generation takes its whole section, too
            moved[inner] = value
        else:
            moved = _over(moved, {key: value} if inner == _HANDLING else {inner: {key: value}})
    return kept, _over(moved, handling)


def turn_handling(values: Values, yours: Mapping[str, Any], *, realtime: bool) -> dict[str, Any]:
    """Return the `turn_handling` of a session.

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
    """Build the turn detector, for settings that use it."""
    return inference.TurnDetector(**section(values, "turn_detector"))


def given(
    session: Mapping[str, Any], handling: Mapping[str, Any], *, realtime: bool
) -> Iterator[str]:
    """Yield the fields and sections that the settings do not decide, by dotted path.

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
    """Return the keyword arguments of a section, nested as the SDK nests them; a deep copy."""
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
    return (os.environ.get(DEEPGRAM) or DEEPGRAM_URL).rstrip("/") + path


def deepgram_problems() -> Iterator[Problem]:
    """Yield what is wrong with `DEEPGRAM_BASE_URL`."""
    url = os.environ.get(DEEPGRAM) or DEEPGRAM_URL
    refused = _refused_root(url)
    if refused:
        complete = f"https://{url}"
        hint = "" if "://" in url or _refused_root(complete) else f"did you mean {complete}?"
        yield Problem("environment", f"{quoted(url)} {refused}", DEEPGRAM, hint=hint)


def _refused_root(url: str) -> str:
    """Return why the plugin cannot use a root; an empty text where it can."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # an odd host or port
        has_host = False
    if not has_host or parts.scheme not in _SCHEMES or not url.startswith(parts.scheme):
        return f"is not a URL that begins with {'://, '.join(_SCHEMES)}://"
    if parts.query or parts.fragment or _END_POINT.search(parts.path):
        return "is not a root: leave out /v1, /v2, what follows it, and any query"
    return ""
