"""Settings -> the keyword arguments of the SDK, under the SDK's own names and units.

`null` is the SDK's None, and `auto` leaves the keyword out, so that the SDK decides.
"""

from __future__ import annotations

import contextlib
import copy
import inspect
import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from livekit.agents import inference, stt, tts, vad
from livekit.agents.types import NOT_GIVEN
from livekit.agents.utils import is_given
from livekit.plugins import deepgram

from timing_profiles.call import sdk_internals
from timing_profiles.problems import Problem, quoted
from timing_profiles.providers.realtime import TURN_FIELDS
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FORMER_NAMES,
    INTERRUPTION,
    PREEMPTIVE,
    Values,
)

DEEPGRAM_URL = "https://api.deepgram.com"
"""Deepgram's root; `DEEPGRAM_BASE_URL` names that of a self-hosted one."""

DEEPGRAM = "DEEPGRAM_BASE_URL"

# As the plugin takes them; it compares their letters.
_SCHEMES = ("https", "http", "wss", "ws")
_NEVER_IN_URLS = re.compile(r"[\s\\\x00-\x1f\x7f]")
_LISTEN = re.compile(r"/v[12]/listen/*$")
_END_POINT = re.compile(r"/v\d+(/(listen|speak))?/*$")

# The one field whose `null` the SDK spells by leaving the keyword out (None is a TypeError).
_OFF_IS_LEFT_OUT = "stt.flux.eager_eot_threshold"

_TAKES_HINTS = "flux-general-multi"

# As the plugin lists them: Flux redacts no entities.
_REDACTED_BY_FLUX = ("numbers", "aggressive_numbers")

_CONSTRUCTORS: Mapping[str, Callable[..., Any]] = {
    "stt": deepgram.STT,
    "tts": deepgram.TTS,
    "vad": inference.VAD,
}

_HANDLING = "turn_handling"

# Former arguments of AgentSession; where two are the same field, the SDK takes the last one here.
_FORMER = {name: path for name, path in FORMER_NAMES.items() if path.startswith(f"{_HANDLING}.")}
_FORMER["agent_false_interruption_timeout"] = _FORMER.pop("agent_false_interruption_timeout")
_MAY_BE_OFF = _FORMER["false_interruption_timeout"]

# With these, a realtime model gives up its own turn detection, or refuses to start.
_AGAINST_REALTIME = (DETECTION, f"{INTERRUPTION}.mode")

# Read in agent_activity.py: where the model detects turns, nothing asks for these.
_TAKEN_BY_MODEL = (
    *_AGAINST_REALTIME,
    *(f"{INTERRUPTION}.{name}" for name in ("enabled", "min_duration", "min_words")),
    f"{INTERRUPTION}.backchannel_boundary",
    "turn_handling.endpointing",
    "turn_detector",
    "vad",
)

_logger = logging.getLogger("timing_profiles")


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


def built_with(
    values: Values, part: str, extra: Mapping[str, Any]
) -> tuple[Any, tuple[Problem, ...]]:
    """Build a part; leave out the application's arguments that it does not take.

    They would cost the call, and which part is built depends on the profile that a caller names.

    Args:
        values: The settings that the part is built from.
        part: `stt`, `tts` or `vad`.
        extra: The application's own arguments.

    Returns:
        The part, and a problem for each argument that is left out.

    Raises:
        TypeError, ValueError: It cannot be built from the settings alone, as without a key.
    """
    given, reasons = _accepted(values, part, extra)
    try:
        built = _BUILDERS[part](values, **given)
    except (TypeError, ValueError) as error:
        # One that is refused, else all of them.
        tries = [*([key] for key in given), list(given)] if given else []
        for keys in tries:
            others = {key: given[key] for key in given if key not in keys}
            with contextlib.suppress(TypeError, ValueError):
                built = _BUILDERS[part](values, **others)
                reasons.update(dict.fromkeys(keys, f"refused with {type(error).__name__}"))
                break
        else:
            raise
    problems = (
        Problem("not-applied", f"is not applied: {reasons[key]}", f"{part}.{key}", "application")
        for key in extra
        if key in reasons
    )
    return built, tuple(problems)


def _accepted(
    values: Values, part: str, extra: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the arguments that a part has, and why it does not take others, by name."""
    if not extra:
        return {}, {}
    is_flux = part == "stt" and values[ENGINE] == "flux"
    constructor: Any = deepgram.STTv2 if is_flux else _CONSTRUCTORS[part]
    name = constructor.__name__
    parameters = inspect.signature(constructor).parameters
    reasons = {key: f"{name} has no such argument" for key in extra if key not in parameters}
    if part == "stt":
        # Deepgram refuses a connection with what is for the other engine.
        model, redact = extra.get("model", ""), extra.get("redact", _REDACTED_BY_FLUX[0])
        if model and str(model).startswith("flux") != is_flux:
            reasons["model"] = f"{name} has no such model"
        if is_flux and redact not in _REDACTED_BY_FLUX:
            reasons["redact"] = f"{name} takes {' or '.join(_REDACTED_BY_FLUX)} only"
    given = {key: extra[key] for key in extra if key not in reasons}
    if part == "stt" and "base_url" in given:
        path = "/v2/listen" if is_flux else "/v1/listen"
        given["base_url"] = _LISTEN.sub(path, given["base_url"])
    return given, reasons


_BUILDERS: Mapping[str, Callable[..., Any]] = {
    "stt": speech_to_text,
    "tts": text_to_speech,
    "vad": voice_activity,
}


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


@dataclass(frozen=True, slots=True)
class OfModel:
    """The tasks that a session's model performs on its own.

    Attributes:
        is_realtime: Whether it processes audio without speech-to-text.
        takes_turns: Whether it ends the caller's turns, and continues to do so.
        needs: The parts that a session with it needs: `stt`, `tts`, `vad`.
    """

    is_realtime: bool
    takes_turns: bool
    needs: tuple[str, ...]


def of_model(session: Mapping[str, Any], handling: Mapping[str, Any]) -> OfModel:
    """Return the tasks of a session's model: by its capabilities, not by its type.

    Args:
        session: The arguments of `AgentSession` that the application gives.
        handling: Its `turn_handling`.
    """
    model = session.get("llm")
    if not sdk_internals.is_realtime(model):
        return OfModel(is_realtime=False, takes_turns=False, needs=("stt", "tts", "vad"))
    detection = handling.get("turn_detection")
    takes_turns = sdk_internals.detects_turns(model) and not sdk_internals.gives_up_turns(
        model, detection, has_vad="vad" not in session or session["vad"] is not None
    )
    voice = () if sdk_internals.speaks(model) else ("tts",)
    ear = () if takes_turns else ("vad",)
    return OfModel(is_realtime=True, takes_turns=takes_turns, needs=(*voice, *ear))


def without_effect(model: OfModel) -> dict[str, str]:
    """Return the fields and sections that do not act beside a model, each with the reason."""
    if not model.is_realtime:
        return {}
    speaks_at_once = {PREEMPTIVE: "a realtime model does not work ahead"}
    if not model.takes_turns:
        return speaks_at_once
    return {**speaks_at_once, **dict.fromkeys(_TAKEN_BY_MODEL, "the model ends turns itself")}


def idle_fields(model: OfModel) -> frozenset[str]:
    """Return the fields of a realtime model that do not act where the session ends the turns."""
    return frozenset() if model.takes_turns else TURN_FIELDS


def with_models(yours: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of `AgentSession` with models in the place of their names.

    They are those that `AgentSession` makes of the same names; where it would refuse, the name
    stays.
    """
    makers = {
        "llm": sdk_internals.llm_from_model_string,
        "stt": inference.STT.from_model_string,
        "tts": inference.TTS.from_model_string,
    }
    made = dict(yours)
    for name, make in makers.items():
        if isinstance(yours.get(name), str):
            with contextlib.suppress(ValueError):
                made[name] = make(yours[name])
    return made


def buildable(kinds: Iterable[str]) -> Iterator[str]:
    """Yield the parts that can be built: Deepgram's need a key."""
    for kind in kinds:
        if kind == "vad" or os.environ.get("DEEPGRAM_API_KEY"):
            yield kind
        else:
            _logger.warning(
                "part not built: DEEPGRAM_API_KEY is not set; the agent must bring its own %s", kind
            )


def known_values(
    session: Mapping[str, Any], handling: Mapping[str, Any], values: Values
) -> dict[str, Any]:
    """Return the fields that the application sets with arguments of `AgentSession`."""
    given = {**{f"session.{name}": value for name, value in session.items()}}
    given.update(_leaf_values(handling, _HANDLING))
    # A detector of the application's takes the place of LiveKit's.
    detection = given.get(DETECTION)
    if detection is not None and not isinstance(detection, str):
        given[DETECTION] = "turn_detector"
    return {path: value for path, value in given.items() if path in values}


def turn_handling(values: Values, yours: Mapping[str, Any], *, realtime: bool) -> dict[str, Any]:
    """Return the `turn_handling` of a session.

    Args:
        values: The settings.
        yours: The application's own arguments; they win, key by key.
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


def own_detector(handling: Mapping[str, Any]) -> Any:
    """Return the turn detector that the application gives; None for none."""
    detection = handling.get("turn_detection")
    return None if isinstance(detection, str) else detection


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
        realtime: Whether a realtime model talks, which decides some of them.
    """
    yield from (f"session.{name}" for name in session)
    yield from _leaf_values(handling, _HANDLING)
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


def _leaf_values(nested: Mapping[str, Any], above: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in nested.items():
        path = f"{above}.{key}"
        found.update(_leaf_values(value, path) if isinstance(value, Mapping) else {path: value})
    return found


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), dict)
        merged[key] = _over(merged[key], value) if both else value
    return merged


def _deepgram(path: str) -> str:
    return (os.environ.get(DEEPGRAM) or DEEPGRAM_URL).rstrip("/") + path


def deepgram_problems() -> Iterator[Problem]:
    """Yield the problems of `DEEPGRAM_BASE_URL`."""
    url = os.environ.get(DEEPGRAM) or DEEPGRAM_URL
    refused = _refused_root(url)
    if refused:
        complete = f"https://{url}"
        hint = "" if "://" in url or _refused_root(complete) else f"did you mean {complete}?"
        if "@" in url:  # before it, a password may stand
            url, hint = f"***@{url.rpartition('@')[2]}", ""
        yield Problem("environment", f"{quoted(url)} {refused}", DEEPGRAM, hint=hint)


def _refused_root(url: str) -> str:
    """Return why the plugin cannot use a root; an empty text where it can."""
    if _NEVER_IN_URLS.search(url):  # `urlsplit` passes over some of it
        return "has white space, a backslash or a control character, also at its end"
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:  # an odd host or port
        has_host = False
    if not has_host or parts.scheme not in _SCHEMES or not url.startswith(parts.scheme):
        return f"is not a URL that begins with {'://, '.join(_SCHEMES)}://"
    if "?" in url or "#" in url or _END_POINT.search(parts.path):
        return "is not a root: leave out /v1, /v2, what follows it, and any query"
    return ""
