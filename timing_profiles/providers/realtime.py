"""Realtime models, which hear, decide and speak themselves: OpenAI's class, and Google's.

OpenAI's class is that of its plugin, of Azure OpenAI, of xAI's plugin and of LiveKit Inference.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from timing_profiles.providers.provider import MISSING, Option, Provider, Read

_TURNS = "turn_detection"
_TYPE = f"{_TURNS}.type"
_SERVER = "server_vad"
_SEMANTIC = "semantic_vad"
_CLASSES = MappingProxyType({_SERVER: "ServerVad", _SEMANTIC: "SemanticVad"})

# What else the application may have set on a turn detection; it stays with both.
_KEPT = ("create_response", "interrupt_response")

TURN_FIELDS = frozenset(
    f"realtime.{name}"
    for name in (_TURNS, "silence_duration_ms", "prefix_padding_ms", "threshold", "eagerness")
)
"""The fields that act only where the model ends the caller's turns."""


def _server(name: str, normal: Any = None) -> Option:
    stored = f"{_TURNS}.{name}"
    return Option(f"realtime.{name}", name, normal, stored=stored, only_with=(_TYPE, _SERVER))


_EAGERNESS = Option(
    "realtime.eagerness",
    "eagerness",
    "medium",
    stored=f"{_TURNS}.eagerness",
    auto="medium",
    only_with=(_TYPE, _SEMANTIC),
)

# As OpenAI refuses others. xAI and others name no bounds: those of the schema hold.
_SPEED = Option("realtime.speed", "speed", 1.0, "next-speech", least=0.25, most=1.5, auto=1.0)

_SERVER_OPTIONS = tuple(
    _server(n) for n in ("silence_duration_ms", "prefix_padding_ms", "threshold")
)


def _arguments(options: Mapping[str, Any], _part: Any, read: Read) -> Mapping[str, Any] | None:
    """Return the pace as it is, and a new turn detection in the place of the one that acts."""
    turns = {name: value for name, value in options.items() if name != _SPEED.name}
    arguments = {name: value for name, value in options.items() if name == _SPEED.name}
    before = read(_TURNS)
    if turns and before is not MISSING and before is not None:
        arguments[_TURNS] = _changed(before, turns)
    return arguments


def _changed(before: Any, turns: Mapping[str, Any]) -> Any:
    wanted = turns.get("type", before.type)
    is_same = wanted == before.type
    cls = type(before) if is_same else _class(before, wanted)
    had = {name: value for name, value in dict(before).items() if value is not None}
    kept = had if is_same else {name: had[name] for name in _KEPT if name in had}
    own = {option.name for option in _SERVER_OPTIONS} if wanted == _SERVER else {_EAGERNESS.name}
    return cls(**{**kept, **{n: turns[n] for n in own if n in turns}, "type": wanted})


def _class(before: Any, wanted: str) -> Any:
    # Both types are in one module; a class for both, as OpenAI had it before, stays.
    module = vars(sys.modules[type(before).__module__])
    return module.get(_CLASSES[wanted], type(before))


def _own(provider: Provider, part: Any, read: Read) -> Mapping[str, Any]:
    """Return what the application has set: its turn detection as a whole, where it gives one."""
    found = dict(provider.set_by_comparison(read))
    turns = read(_TURNS)
    if getattr(part.capabilities, "can_disable_turn_detection", False):
        # Only a model whose turn detection was not given could leave the turns to the session.
        return {path: value for path, value in found.items() if path not in TURN_FIELDS}
    if turns is not MISSING and turns is not None:
        found[f"realtime.{_TURNS}"] = turns.type
    return found


def _own_of_xai(provider: Provider, _part: Any, read: Read) -> Mapping[str, Any]:
    # The plugin never leaves the turns to the session, and so does not say whether they were given.
    return dict(provider.set_by_comparison(read))


def _is_server(value: Any) -> Any:
    return value if value == _SERVER else MISSING


def _openai(name: str, module: str, **more: Any) -> Provider:
    kind = Option(f"realtime.{_TURNS}", "type", _SEMANTIC, stored=_TYPE)
    return Provider(
        name,
        "realtime",
        module,
        "RealtimeModel",
        (kind, *_SERVER_OPTIONS, _EAGERNESS, _SPEED),
        arguments=_arguments,
        together=TURN_FIELDS,
        own_fields=_own,
        **more,
    )


def _xai(name: str, module: str, **more: Any) -> Provider:
    """Describe a model of xAI: server_vad alone, where the plugin sets 200 ms, 300 ms and 0.5."""
    kind = Option(f"realtime.{_TURNS}", "type", _SERVER, stored=_TYPE, encode=_is_server)
    normal = {"silence_duration_ms": 200, "prefix_padding_ms": 300, "threshold": 0.5}
    options = tuple(replace(each, normal=normal[each.name]) for each in _SERVER_OPTIONS)
    return Provider(
        name,
        "realtime",
        module,
        "RealtimeModel",
        (kind, *options, _SPEED),
        arguments=_arguments,
        together=TURN_FIELDS,
        own_fields=more.pop("own_fields", _own),
        **more,
    )


_INFERENCE = "livekit.agents.inference"

INFERENCE_XAI = _xai("inference.RealtimeModel", _INFERENCE, models=("xai/",))
INFERENCE = _openai("inference.RealtimeModel", _INFERENCE)
XAI = _xai("xai.realtime.RealtimeModel", "livekit.plugins.xai", own_fields=_own_of_xai)
OPENAI = _openai(
    "openai.realtime.RealtimeModel", "livekit.plugins.openai", note="Azure OpenAI, too"
)

_ACTIVITY = "realtime_input_config.automatic_activity_detection"


def _google_options(options: Mapping[str, Any], _part: Any, read: Read) -> Mapping[str, Any] | None:
    types = vars(sys.modules["google.genai.types"])
    config = read("realtime_input_config")
    given = {} if config is MISSING or config is None else dict(config)
    activity = dict(given.get("automatic_activity_detection") or {})
    given["automatic_activity_detection"] = types["AutomaticActivityDetection"](
        **{**activity, **options}
    )
    return {"realtime_input_config": types["RealtimeInputConfig"](**given)}


def _google(name: str) -> Option:
    return Option(f"realtime.{name}", name, live="start", stored=f"{_ACTIVITY}.{name}")


GOOGLE = Provider(
    "google.realtime.RealtimeModel",
    "realtime",
    "livekit.plugins.google",
    "RealtimeModel",
    (_google("silence_duration_ms"), _google("prefix_padding_ms")),
    arguments=_google_options,
    together=TURN_FIELDS,
    is_private=True,
    note="only of a model that is given to session_kwargs",
)
