"""Describe a part of a session: the fields that it takes, how they are set, and where they act."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from timing_profiles.turns.fields import AUTO, Values, number

Kind = Literal["stt", "tts", "vad", "turn_detector", "realtime"]
"""A part of a session; the section of the same name holds its fields."""

Live = Literal["now", "silence", "next-speech", "start"]

Read = Callable[[str], Any]
"""Returns an option that a part has stored, by its dotted name; `MISSING` where there is none."""

NULL_IS_NORMAL: Final = "normal"
NULL_IS_LEFT_OUT: Final = "left out"


class _Missing:
    """The value of an option that a part does not have, or that is not set."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()


def unchanged(value: Any) -> Any:
    """Return a value: the part has it as the field has it."""
    return value


Arguments = Callable[[Mapping[str, Any], Any, Read], "Mapping[str, Any] | None"]
"""Converts named options to keyword arguments of `update_options`.

Gets the part too, and what it has stored. None where the part cannot be told.
"""


def by_name(options: Mapping[str, Any], _part: Any, _read: Read) -> Mapping[str, Any]:
    """Return options as the keyword arguments that they are."""
    return options


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a part, and the field that decides it.

    Attributes:
        field: The dotted path of the field.
        name: The keyword of the part.
        normal: The value of a part that was not told any.
        live: When a change takes effect: `now`, in the caller's next `silence` over a new
            connection, or with the agent's `next-speech`. `start` takes none once it has started.
        stored: The dotted name under which the part stores it, where that is not `name`.
        least: The lowest value that the part takes; lower ones are raised to it.
        most: The highest value that the part takes; higher ones are lowered to it.
        encode: Converts the field's value to that of the part.
        decode: Converts it back.
        null: What null is for the part: its own null, its normal value, or no argument.
        auto: What `auto` is for the part; `MISSING` where a part cannot be told to decide again.
        is_sparse: Whether the part stores it only where it was given.
        only_with: The dotted name of another option, and the value of it with which the part has
            this one; empty for any.
        only_built: Whether only a part that the library builds gets it: a model or a language that
            an application chose stays.
    """

    field: str
    name: str
    normal: Any = None
    live: Live = "now"
    stored: str = ""
    least: float = -math.inf
    most: float = math.inf
    encode: Callable[[Any], Any] = unchanged
    decode: Callable[[Any], Any] = unchanged
    null: str = ""
    auto: Any = MISSING
    is_sparse: bool = False
    only_with: tuple[str, ...] = ()
    only_built: bool = False

    def argument(self, values: Values) -> Any:
        """Return the argument for the part; `MISSING` where none can be given."""
        value = values.get(self.field, AUTO)  # a schema of an older release lacks the field
        if value == AUTO:
            return number(values, self.field) if self.field in _DERIVED else self.auto
        if value is None:
            by_null = {NULL_IS_NORMAL: self.normal, NULL_IS_LEFT_OUT: MISSING}
            return by_null.get(self.null)
        encoded = self.encode(value)
        bounded = math.isfinite(self.least) or math.isfinite(self.most)
        bounded = bounded and encoded is not MISSING
        return min(max(encoded, self.least), self.most) if bounded else encoded

    def is_there(self, read: Read) -> bool:
        """Return whether a part has the option, as it is set now."""
        if not self.only_with:
            return True
        name, value = self.only_with
        return bool(read(name) == value)

    def acting(self, read: Read) -> Any:
        """Return the value that acts, as the part has it."""
        stored = read(self.stored or self.name)
        return self.normal if stored is MISSING or stored is None else stored

    def is_own(self, read: Read) -> bool:
        """Return whether the application has set the option, as far as the part shows it."""
        stored = read(self.stored or self.name)
        if stored is MISSING or stored is None:
            return False
        if self.is_sparse:
            return True
        derived = _DERIVED.get(self.field)
        return not same(stored, derived(read) if derived else self.normal)

    def field_value(self, acting: Any) -> Any:
        """Convert a value of the part to that of the field."""
        if acting is None:
            return AUTO if self.auto is None else None
        return self.decode(acting)

    def is_automatic(self, read: Read) -> bool:
        """Return whether the part decides the option itself, as it does until it is told."""
        return same(self.acting(read), self.normal)


@dataclass(frozen=True, slots=True)
class Provider:
    """A class of parts.

    Attributes:
        name: The class as people write it, such as `silero.VAD`.
        kind: The part of a session that it is.
        module: The module, or a package around it, that defines the class.
        class_name: The name of the class.
        options: The options that a field decides.
        models: The beginnings of the models that have these options; all models where empty.
        engine: The value of `stt.engine` that it stands for; may be empty.
        ends_turns: Whether it is speech-to-text that finds the end of a turn, not only of a phrase.
        arguments: Converts named options to the keyword arguments of `update_options`.
        together: Fields that the part is told together, also where only one of them changes.
        own_fields: Returns the fields that the application has set, where a comparison with what
            a part has by itself is not enough.
        is_private: Whether it has no `update_options`: what it has stored is written.
        note: What else a reader of the table should know; may be empty.
    """

    name: str
    kind: Kind
    module: str
    class_name: str
    options: tuple[Option, ...] = ()
    models: tuple[str, ...] = ()
    engine: str = ""
    ends_turns: bool = False
    arguments: Arguments = by_name
    together: frozenset[str] = frozenset()
    own_fields: Callable[[Provider, Any, Read], Mapping[str, Any]] | None = None
    is_private: bool = False
    note: str = ""

    def matches(self, part: Any, model: str) -> bool:
        """Return whether a part is of this class, with one of its models."""
        of_class = any(
            cls.__name__ == self.class_name and f"{cls.__module__}.".startswith(f"{self.module}.")
            for cls in type(part).__mro__
        )
        return of_class and (not self.models or model.startswith(self.models))

    def option(self, path: str) -> Option | None:
        """Return the option that a field decides."""
        return next((option for option in self.options if option.field == path), None)

    def own(self, part: Any, read: Read) -> Mapping[str, Any]:
        """Return the fields that the application has set on a part, with their values."""
        if self.own_fields:
            return self.own_fields(self, part, read)
        return dict(self.set_by_comparison(read))

    def set_by_comparison(self, read: Read) -> Iterator[tuple[str, Any]]:
        """Yield the fields that differ from what a part has by itself, with their values."""
        for option in self.options:
            if option.only_built or option.is_own(read):
                yield option.field, option.field_value(option.acting(read))


def same(one: Any, other: Any) -> bool:
    """Return whether two values of an option are the same, up to rounding."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return list(one) == list(other)
    numbers = (
        isinstance(one, int | float)
        and isinstance(other, int | float)
        and not isinstance(one, bool)
        and not isinstance(other, bool)
    )
    return math.isclose(one, other, abs_tol=1e-6) if numbers else bool(one == other)


def _deactivation(read: Read) -> float:
    """What a VAD itself derives: 0.15 under its activation threshold."""
    return max(float(read("activation_threshold")) - 0.15, 0.01)


_DERIVED: Mapping[str, Callable[[Read], float]] = {"vad.deactivation_threshold": _deactivation}
