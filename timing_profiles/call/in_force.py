"""Read back the values that act in a running session: from its agent, its options and its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from livekit.agents import AgentSession

from timing_profiles.call import sdk_arguments, sdk_internals
from timing_profiles.call.changes import DETECTOR
from timing_profiles.call.fit import APPLICATION, Instead
from timing_profiles.call.parts import Own, Part, engine_of
from timing_profiles.call.sdk_arguments import OfModel
from timing_profiles.problems import quoted
from timing_profiles.providers.provider import MISSING, Option, same
from timing_profiles.turns.fields import AUTO, DETECTION, ENGINE, ENGINES, Values

_KINDS = {
    "stt": "speech-to-text",
    "tts": "text-to-speech",
    "vad": "VAD",
    "realtime": "realtime model",
}
# A model that ends turns does what this asks for.
_BY_MODEL = (DETECTION, "realtime_llm")
_SETS_IT = "the {} sets it itself"


def read_back(session: AgentSession[Any], own: Own, active: Values) -> dict[str, Instead]:
    """Find the settings that do not act in a running session, and the values that do.

    Args:
        session: The session.
        own: The part of it that the settings decide.
        active: The settings that it was given.

    Returns:
        The values that act instead, by the dotted path of the setting.
    """
    by_model = own.by_model or _by_agents_model(session)
    found = taken_by_model(by_model, active)
    found.update(_options(session, own, active))
    found.update(_detector(session, own, active))
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
        for field, value in active.items()
        if (field == path or field.startswith(f"{path}.")) and (field, value) != _BY_MODEL
    }


def _by_agents_model(session: AgentSession[Any]) -> Mapping[str, str]:
    """Return the fields that an agent's own model leaves without effect."""
    return sdk_arguments.without_effect(acting_model(session))


def acting_model(session: AgentSession[Any]) -> OfModel:
    """Return the abilities of the model that acts in a session: that of an agent goes first."""
    agents = sdk_internals.agents_own(sdk_internals.current_agent(session))
    detection = agents.get(DETECTION, session.turn_detection)
    parts = {kind: sdk_internals.acting_part(session, kind) for kind in ("llm", "vad")}
    return sdk_arguments.of_model(parts, {"turn_detection": detection})


def as_field(path: str, value: Any) -> Any:
    """Return a value of the SDK as a field has it."""
    if path == DETECTION and not isinstance(value, str) and value is not None:
        return DETECTOR
    return list(value) if isinstance(value, tuple) else value


def _options(session: AgentSession[Any], own: Own, active: Values) -> Iterator[tuple[str, Instead]]:
    """Yield the session's options that the application sets, and those that its agent sets."""
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


def own_detector(session: AgentSession[Any], own: Own) -> Any:
    """Return the turn detector that the application or its agent brings; None for none."""
    agents = sdk_internals.agents_own(sdk_internals.current_agent(session))
    is_theirs = DETECTION in agents or not own.decides(DETECTION)
    return sdk_internals.acting_part(session, DETECTOR) if is_theirs else None


def _detector(
    session: AgentSession[Any], own: Own, active: Values
) -> Iterator[tuple[str, Instead]]:
    """Yield the fields of the turn detector that do not act in one of the application's."""
    built = own_detector(session, own)
    if built is not None and DETECTION not in own.by_model:
        paths = [path for path in active if path.startswith(f"{DETECTOR}.")]
        yield from _in_parts(own.within(built) or [Part(built, {}, active)], paths, active)


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
    if kind == "stt":
        if known and _gives_way(known[0], active):
            return
        yield from _engine(known, active)
    yield from _in_parts(known or [Part(built, {}, active, is_built=False)], paths, active)


def _in_parts(parts: list[Part], paths: list[str], active: Values) -> Iterator[tuple[str, Instead]]:
    """Yield the fields that do not act in a part, or not in each part of an adapter."""
    primary, *others = parts
    for path in paths:
        instead = _in_part(primary, path, active)
        if instead is None and primary.takes(path):
            instead = _in_others(others, path, active)
        if instead:
            yield path, instead


def _in_part(part: Part, path: str, active: Values) -> Instead | None:
    option = part.provider.option(path) if part.provider else None
    if option:
        return _option(part, option, path, active)
    # A field of the engine that is not in use is in no part, and is reported as a dead setting.
    return None if _is_of_other_engine(path, part, active) else _unread(part, path)


def _in_others(others: list[Part], path: str, active: Values) -> Instead | None:
    """Return that a field does not act in parts that an adapter can fall back to."""
    found = ((part, _in_part(part, path, active) or _other_engine(part, path)) for part in others)
    reasons = [_of_part(part, instead.reason) for part, instead in found if instead]
    if not reasons:
        return None
    reason = f"in another part of the adapter: {'; '.join(reasons)}"
    return Instead(reason, active[path], is_partial=True)


def _of_part(part: Part, reason: str) -> str:
    name = _name(part)
    return reason if reason.startswith(name) else f"{name}: {reason}"


def _other_engine(part: Part, path: str) -> Instead | None:
    is_read = part.provider is not None and part.provider.option(path) is not None
    return None if is_read else _unread(part, path)


def _gives_way(part: Part, active: Values) -> bool:
    """Return whether one of the wanted engine takes its place in the caller's next silence."""
    return part.is_built and part.values.get(ENGINE) != active[ENGINE]


def _engine(known: list[Part], active: Values) -> Iterator[tuple[str, Instead]]:
    engine = engine_of(known)
    if engine != active[ENGINE]:
        name = known[0].provider.name if known and known[0].provider else "its own speech-to-text"
        is_ours = bool(known) and known[0].is_built
        reason = f"{name} stays" if is_ours else f"the application brings {name}"
        yield ENGINE, Instead(reason, engine, is_known=bool(engine), origin=APPLICATION)


def _is_of_other_engine(path: str, part: Part, active: Values) -> bool:
    engine = part.provider.engine if part.provider else ""
    others = tuple(f"stt.{each}." for each in ENGINES if each != engine)
    return bool(engine == active[ENGINE]) and path.startswith(others)


def _unread(part: Part, path: str) -> Instead:
    if path in part.own:
        value = part.own[path]
        return Instead(f"{_name(part)} keeps its own: {quoted(value)}", value, origin=APPLICATION)
    return Instead(f"{_name(part)} has no such setting", is_known=False)


def _option(part: Part, option: Option, path: str, active: Values) -> Instead | None:
    """Return the value that acts instead of a part's field; None where the field acts."""
    if path in part.idle:
        return Instead("the session ends the turns, not the model", is_known=False)
    try:
        return _read_option(part, option, path, active)
    except Exception as error:  # noqa: BLE001 - any code may raise here; the call continues
        reason = f"{_name(part)} cannot be read back: {type(error).__name__}"
        return Instead(reason, is_known=False)


def _read_option(part: Part, option: Option, path: str, active: Values) -> Instead | None:
    name, read = _name(part), part.reader()
    stored = option.acting(read)
    acting = as_field(path, option.field_value(stored))
    if not option.is_there(read):
        return Instead(f"{name} has it only with {option.only_with[-1]}", is_known=False)
    if path in part.own:
        reason = f"{_SETS_IT.format('application')}: {quoted(acting)}"
        return Instead(reason, acting, origin=APPLICATION)
    wanted = option.argument({**active, **part.own})
    if wanted is not MISSING and part.values.get(path) != active[path]:
        return None  # it waits for the caller's silence
    if wanted is MISSING or same(stored, wanted):
        is_automatic = option.is_automatic(read)
        return _clipped(name, option, acting, wanted, active[path], is_automatic=is_automatic)
    if not part.can_be_told(option):
        reason = f"{name} takes it only before its session starts; {quoted(acting)} acts"
    else:
        reason = f"{name} has {quoted(acting)}"
    return Instead(reason, acting, origin=APPLICATION)


def _clipped(
    name: str, option: Option, acting: Any, wanted: Any, value: Any, *, is_automatic: bool
) -> Instead | None:
    """Return the value that acts where a part cannot take one unchanged."""
    if wanted is MISSING:
        is_kept = acting is not None if value is None else not (value == AUTO and is_automatic)
        return Instead(f"{name} keeps {quoted(acting)}", acting, origin=name) if is_kept else None
    if value is None or isinstance(value, str) or same(option.encode(value), wanted):
        return None
    reason = f"{name} takes {option.least:g} to {option.most:g}; {quoted(acting)} acts"
    return Instead(reason, acting, is_of_profile=True)


def _name(part: Part) -> str:
    if part.provider:
        return part.provider.name
    cls = type(part.built)
    if cls.__module__.startswith("livekit.agents.inference."):
        return f"inference.{cls.__name__} with {quoted(part.built.model)}"
    plugin = cls.__module__.removeprefix("livekit.plugins.").partition(".")[0]
    is_plugin = cls.__module__.startswith("livekit.plugins.")
    return f"{plugin}.{cls.__name__}" if is_plugin else cls.__name__


def known(active: Values, instead: Mapping[str, Instead]) -> Values:
    """Return the values that act; those that no part reads are not among them."""
    unknown = {path for path, found in instead.items() if not found.is_known}
    return {path: value for path, value in active.items() if path not in unknown}
