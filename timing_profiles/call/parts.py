"""The parts of a session that settings decide: built here, or brought by the application."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from livekit.agents import AgentSession

from timing_profiles.call import sdk_internals
from timing_profiles.problems import Problem
from timing_profiles.providers import registry
from timing_profiles.providers.provider import MISSING, Option, Provider, Read, same
from timing_profiles.turns.fields import (
    ENGINE,
    VAD_ACTIVATION,
    VAD_DEACTIVATION,
    VAD_SILENCE,
    Values,
)

# Options that applications set on parts. A part that is loaded once for a process, such as
# a VAD, shows it on its first call only: after that it has the settings of that call.
_set_by_application: WeakKeyDictionary[Any, Mapping[str, Any]] = WeakKeyDictionary()

_logger = logging.getLogger("timing_profiles")


@dataclass(slots=True)
class Part:
    """A part of a session.

    Attributes:
        built: The speech-to-text, text-to-speech or VAD.
        extra: The arguments that the application gave for a part that was built here; they stay.
        values: The settings that are active in it.
        provider: The options that it takes; None where they are unknown.
        own: The fields that the application has set on it, with their values; they stay.
        is_built: Whether it was built here, from settings.
        idle: The fields that do not act in it, because something else decides; never set.
        problems: The application's arguments that were left out when it was built here.
    """

    built: Any
    extra: Mapping[str, Any]
    values: Values
    provider: Provider | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    is_built: bool = True
    idle: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    def reader(self) -> Read:
        """Return a function that reads an option that the part has stored."""
        return lambda name: sdk_internals.stored_option(self.built, name, MISSING)

    def takes(self, path: str) -> bool:
        """Return whether the settings decide a field of this part."""
        option = self.provider.option(path) if self.provider else None
        return option is not None and path not in self.own and path not in self.idle

    def can_be_told(self, option: Option) -> bool:
        """Return whether the part still takes a change of an option."""
        return option.live != "start" or not sdk_internals.has_started(self.built)

    def changed(self, wanted: Values) -> frozenset[str]:
        """Return the fields of the part that differ from the wanted settings."""
        options = self.provider.options if self.provider else ()
        paths = {
            option.field
            for option in options
            if self.takes(option.field)
            and self.values.get(option.field) != wanted.get(option.field)
        }
        if VAD_ACTIVATION in paths and self.takes(VAD_DEACTIVATION):
            # The value of `auto` follows the activation threshold; the VAD derives it once.
            paths.add(VAD_DEACTIVATION)
        return frozenset(paths)

    def tell(self, values: Values, paths: Iterable[str]) -> None:
        """Change some fields of the part.

        Args:
            values: The settings that are active in it from now on.
            paths: The fields that change.
        """
        # Noted first: a value that the part refuses is not tried repeatedly.
        self.values = values
        if self.provider is None:
            return
        told = {**values, **self.own}
        wanted = set(paths)
        if not self.provider.together.isdisjoint(wanted):
            wanted |= self.provider.together - self.idle
        options = {
            option.name: option.argument(told)
            for option in self.provider.options
            if option.field in wanted and self.can_be_told(option)
        }
        options = {name: value for name, value in options.items() if value is not MISSING}
        arguments = self.provider.arguments(options, self.built, self.reader()) if options else None
        if arguments and self.provider.is_private:
            sdk_internals.write_stored(self.built, arguments)
        elif arguments:
            self.built.update_options(**arguments)


@dataclass(frozen=True, slots=True)
class Own:
    """The parts of a session that the settings decide; the application decides all others.

    Attributes:
        parts: The parts that the settings reach.
        given: The fields and sections that the application has set, by dotted path.
        values: The fields among them whose value is known.
        by_model: Why fields and sections do not act beside a realtime model, by dotted path.
    """

    parts: list[Part] = field(default_factory=list)
    given: frozenset[str] = frozenset()
    values: Mapping[str, Any] = field(default_factory=dict)
    by_model: Mapping[str, str] = field(default_factory=dict)

    def part(self, built: Any) -> Part | None:
        """Return the part of an object; None where no setting reaches it."""
        return next((part for part in self.parts if part.built is built), None)

    def within(self, built: Any) -> list[Part]:
        """Return the parts of an object, or of all objects behind it, as with an adapter."""
        found = (self.part(member) for member in sdk_internals.members(built))
        return [part for part in found if part]

    def on_parts(self, built: Iterable[Any]) -> dict[str, Any]:
        """Return the fields that the application has set on some parts, with their values."""
        known = (part for each in built for part in self.within(each))
        return {path: value for part in known for path, value in part.own.items()}

    def is_in(self, session: AgentSession[Any]) -> bool:
        """Return whether a session has one of the parts."""
        built = (session.stt, session.tts, session.vad, session.llm)
        return any(self.within(each) for each in built)

    def decides(self, path: str) -> bool:
        """Return whether the settings decide a field."""
        return not any(path == given or path.startswith(f"{given}.") for given in self.given)

    def adopt(self, built: Any, values: Values, idle: frozenset[str] = frozenset()) -> None:
        """Tune a part that the application brings, and everything that it stands for.

        The application's own options stay. A part that refuses keeps its values.

        Args:
            built: The part; None for none.
            values: The settings.
            idle: The fields that something else than the part decides.
        """
        for member in sdk_internals.members(built):
            if self.part(member) is None:
                self.parts.append(_adopted(member, values, idle))


def build(
    built: Any, extra: Mapping[str, Any], values: Values, problems: tuple[Problem, ...] = ()
) -> Part:
    """Describe a part that was built from settings.

    Args:
        built: The part.
        extra: The application's own arguments for it.
        values: The settings.
        problems: Those of the arguments that were left out.
    """
    provider = registry.find(built)
    options = provider.options if provider else ()
    left_out = {problem.path.rpartition(".")[2] for problem in problems}
    given = extra.keys() - left_out
    own = {option.field: extra[option.name] for option in options if option.name in given}
    return Part(built, extra, values, provider, own, problems=problems)


def _adopted(built: Any, values: Values, idle: frozenset[str]) -> Part:
    part = Part(built, {}, values, registry.find(built), is_built=False, idle=idle)
    if part.provider is None:
        part.own = _silence(built)
        return part
    try:
        part.own = _own_fields(part)
        part.tell(values, set(_to_change(part, values)))
    except Exception as error:  # noqa: BLE001 - any code may raise here; the call continues
        name = part.provider.name
        _logger.warning("part rejected settings: %s: %s; call continues", name, error)
    return part


def _silence(built: Any) -> Mapping[str, Any]:
    """Return the one setting that a VAD of anybody shows, and that the turn detector looks at."""
    try:
        silence = built.min_silence_duration
    except Exception:  # noqa: BLE001 - any code may raise here; the call continues
        return {}
    return {VAD_SILENCE: float(silence)} if isinstance(silence, int | float) else {}


def _own_fields(part: Part) -> Mapping[str, Any]:
    known = _set_by_application.get(part.built)
    if known is None and part.provider:
        known = part.provider.own(part.built, part.reader())
        _set_by_application[part.built] = known
    return known or {}


def _to_change(part: Part, values: Values) -> Iterator[str]:
    """Yield the fields of which a part has another value than the settings."""
    told = {**values, **part.own}
    for option in part.provider.options if part.provider else ():
        argument = option.argument(told)
        differs = argument is not MISSING and not same(option.acting(part.reader()), argument)
        if part.takes(option.field) and differs:
            yield option.field


def engine_of(parts: Iterable[Part]) -> str:
    """Return the value of `stt.engine` that speech-to-text stands for; empty where none does."""
    engines = {part.provider.engine if part.provider else "" for part in parts}
    return engines.pop() if len(engines) == 1 else ""


def ends_turns(parts: list[Part], values: Values) -> bool:
    """Return whether speech-to-text can end turns as the settings want it.

    Flux and the like find the end of a turn. Nova ends phrases: it ends turns only with settings
    that were made for it.
    """
    if not parts:
        return False
    return all(
        part.provider is not None
        and (part.provider.ends_turns or (part.provider.engine == values[ENGINE] == "nova"))
        for part in parts
    )
