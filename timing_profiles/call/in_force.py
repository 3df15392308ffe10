"""Read back what acts in a running session: from its agent, its options and its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livekit.agents import AgentSession

from timing_profiles.call import sdk_arguments, sdk_internals
from timing_profiles.call.changes import DETECTOR
from timing_profiles.call.fit import APPLICATION, Instead
from timing_profiles.call.parts import Own, Part, engine_of
from timing_profiles.problems import quoted
from timing_profiles.providers.provider import MISSING, Option, same
from timing_profiles.turns.fields import DETECTION, ENGINE, Values

_KINDS = {"stt": "speech-to-text", "tts": "text-to-speech", "vad": "VAD"}
_SETS_IT = "the {} sets it itself"


def read_back(session: AgentSession[Any], own: Own, active: Values) -> dict[str, Instead]:
    """Find the settings that do not act in a running session, and what does.

    Args:
        session: The session.
        own: What of it the settings decide.
        active: The settings that it was given.

    Returns:
        What acts instead, by the dotted path of the setting.
    """
    by_model = own.by_model or _by_agents_model(session)
    found = taken_by_model(by_model, active)
    found.update(_options(session, own, active))
    for kind in _KINDS:
        found.update(_part(session, own, active, kind))
    return found


def taken_by_model(by_model: Mapping[str, str], active: Values) -> dict[str, Instead]:
    """Return the settings that a realtime model leaves without effect.

    Args:
        by_model: The fields and sections, each with the reason.
        active: The settings.
    """
    return {
        field: Instead(reason, is_known=False)
        for path, reason in by_model.items()
        for field in active
        if field == path or field.startswith(f"{path}.")
    }


def _by_agents_model(session: AgentSession[Any]) -> Mapping[str, str]:
    """Return what a model that an agent brings leaves without effect."""
    agents = sdk_internals.agents_own(sdk_internals.current_agent(session))
    detection = agents.get(DETECTION, session.turn_detection)
    parts = {kind: sdk_internals.acting_part(session, kind) for kind in ("llm", "vad")}
    model = sdk_arguments.of_model(parts, {"turn_detection": detection})
    return sdk_arguments.without_effect(model)


def as_field(path: str, value: Any) -> Any:
    """Return a value of the SDK as a field has it."""
    if path == DETECTION and not isinstance(value, str) and value is not None:
        return DETECTOR
    return list(value) if isinstance(value, tuple) else value


def _options(session: AgentSession[Any], own: Own, active: Values) -> Iterator[tuple[str, Instead]]:
    """Yield what the application sets of the session's options, and what its agent sets."""
    agents = sdk_internals.agents_own(sdk_internals.current_agent(session))
    for path in active:
        if path in agents:
            by = "agent"
            value = as_field(path, agents[path])
        elif path.startswith(("turn_handling.", "session.")) and not own.decides(path):
            if path in own.by_model and path not in own.values:
                continue
            by, value = "application", as_field(path, sdk_internals.read_option(session, path))
        else:
            continue
        reason = f"{_SETS_IT.format(by)}: {quoted(value)}"
        yield path, Instead(reason, value, origin=APPLICATION)
    mode = agents.get(DETECTION, session.turn_detection)
    is_theirs = DETECTION in agents or not own.decides(DETECTION)
    if is_theirs and not isinstance(mode, str) and DETECTION not in own.by_model:
        reason = f"the application brings its own turn detector, {type(mode).__name__}"
        inside = (path for path in active if path.startswith(f"{DETECTOR}."))
        yield from ((path, Instead(reason, is_known=False)) for path in inside)


def _part(
    session: AgentSession[Any], own: Own, active: Values, kind: str
) -> Iterator[tuple[str, Instead]]:
    """Yield the fields of one kind of part that do not act."""
    built = sdk_internals.acting_part(session, kind)
    known = own.within(built)
    paths = [path for path in active if path.startswith(f"{kind}.") and path != ENGINE]
    if kind in own.by_model and built is None:
        return
    if built is None:
        reason = f"there is no {_KINDS[kind]}"
        yield from ((path, Instead(reason, is_known=False)) for path in paths)
        return
    primary = known[0] if known else Part(built, {}, active, is_built=False)
    if kind == "stt":
        yield from _engine(built, known, active)
    for path in paths:
        option = primary.provider.option(path) if primary.provider else None
        instead = _option(primary, option, path, active) if option else _unread(primary, path)
        # A field of the engine that is not in use is in no part, and is told as a dead setting.
        if instead and (option or not _is_of_other_engine(path, primary, active)):
            yield path, instead


def _engine(built: Any, known: list[Part], active: Values) -> Iterator[tuple[str, Instead]]:
    engine = engine_of(known)
    if known and known[0].built is built and known[0].is_built:
        return  # it gives way to one of the engine that is wanted
    if engine != active[ENGINE]:
        name = known[0].provider.name if known and known[0].provider else "its own speech-to-text"
        reason = f"the application brings {name}"
        yield ENGINE, Instead(reason, engine, is_known=bool(engine), origin=APPLICATION)


def _is_of_other_engine(path: str, part: Part, active: Values) -> bool:
    engine = part.provider.engine if part.provider else ""
    return bool(engine == active[ENGINE]) and not path.startswith(f"stt.{engine}.")


def _unread(part: Part, path: str) -> Instead:
    if path in part.own:
        value = part.own[path]
        return Instead(f"{_name(part)} keeps its own: {quoted(value)}", value, origin=APPLICATION)
    return Instead(f"{_name(part)} has no such setting", is_known=False)


def _option(part: Part, option: Option, path: str, active: Values) -> Instead | None:
    """Return what acts instead of a field that a part takes; None where the field itself acts."""
    name = _name(part)
    try:
        stored = option.acting(part.reader())
        acting = as_field(path, option.field_value(stored))
    except Exception as error:  # noqa: BLE001 - a part of anybody's; the call goes on
        reason = f"{name} cannot be read back: {type(error).__name__}"
        return Instead(reason, is_known=False)
    if path in part.own:
        reason = f"{_SETS_IT.format('application')}: {quoted(acting)}"
        return Instead(reason, acting, origin=APPLICATION)
    if part.values.get(path) != active[path]:
        return None  # it waits for the caller's silence
    wanted = option.argument({**active, **part.own})
    if wanted is MISSING or same(stored, wanted):
        return _clipped(name, option, acting, wanted, active[path])
    reason = f"{name} has {quoted(acting)}"
    return Instead(reason, acting, origin=APPLICATION)


def _clipped(name: str, option: Option, acting: Any, wanted: Any, value: Any) -> Instead | None:
    """Return what acts where a part cannot take a value as it is."""
    if wanted is MISSING:
        is_off = value is None and acting is not None
        return Instead(f"{name} keeps {quoted(acting)}", acting, origin=name) if is_off else None
    if value is None or isinstance(value, str) or same(option.encode(value), wanted):
        return None
    reason = f"{name} takes {option.least:g} to {option.most:g}; {quoted(acting)} acts"
    return Instead(reason, acting, is_of_profile=True)


def _name(part: Part) -> str:
    if part.provider:
        return part.provider.name
    cls = type(part.built)
    plugin = cls.__module__.removeprefix("livekit.plugins.").partition(".")[0]
    is_plugin = cls.__module__.startswith("livekit.plugins.")
    return f"{plugin}.{cls.__name__}" if is_plugin else cls.__name__


def known(active: Values, instead: Mapping[str, Instead]) -> Values:
    """Return the values that act; those that no part reads are not among them."""
    unknown = {path for path, found in instead.items() if not found.is_known}
    return {path: value for path, value in active.items() if path not in unknown}
