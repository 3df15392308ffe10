"""Explain a field: its schema, who sets it, and when it has no effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.field import Field, range_of
from timing_profiles.catalog.schema_errors import allowed
from timing_profiles.profile import DEFAULT
from timing_profiles.turns import dead_settings

LIVE = {
    "now": "at once",
    "silence": "in the caller's next silence",
    "next-speech": "from the agent's next speech",
    "next-call": "not before the next call",
}
"""When a change takes effect in a running call, by the schema's `x-live`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """The value that one profile sets.

    Attributes:
        profile: Its name.
        value: The value.
        origin: Its place, such as `profiles/patient.yaml:4`.
    """

    profile: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Facts about a field.

    Attributes:
        field: Its dotted path.
        description: The effect that a caller notices.
        unit: Its unit; may be empty.
        type: Its JSON types.
        minimum: The least value; None where the schema gives none.
        maximum: The largest value; None where the schema gives none.
        default: The value in the profile `default`; None where that is invalid.
        live: When a change takes effect in a running call: a key of `LIVE`.
        allowed: Its valid values, in words.
        choices: The meaning of each value of an enumeration.
        range: Its bounds in words, such as `0 to 10`; empty where it has none.
        examples: The examples of the schema.
        set_by: The profiles that set it themselves; of invalid files the valid part.
        open_in: The valid profiles whose policy lets metadata change it.
        no_effect_when: The conditions under which it has no effect.
    """

    field: str
    description: str
    unit: str
    type: tuple[str, ...]
    minimum: float | None
    maximum: float | None
    default: Any
    live: str
    allowed: str
    choices: Mapping[str, str]
    range: str
    examples: tuple[Any, ...]
    set_by: tuple[Setting, ...]
    open_in: tuple[str, ...]
    no_effect_when: tuple[str, ...]

    @property
    def has_default(self) -> bool:
        """Return whether the profile `default` is readable and sets it."""
        return any(setting.profile == DEFAULT for setting in self.set_by)

    def to_json(self) -> dict[str, Any]:
        """Return the explanation as `explain --format json` prints it."""
        return asdict(self)


def explain_field(found: Catalog, field: Field) -> Explanation:
    """Collect the facts about a field of a set."""
    set_by = tuple(_set_by(found, field.path))
    return Explanation(
        field.path,
        str(field.schema.get("description", "")),
        field.unit,
        field.types,
        field.schema.get("minimum", field.schema.get("exclusiveMinimum")),
        field.schema.get("maximum", field.schema.get("exclusiveMaximum")),
        next((setting.value for setting in set_by if setting.profile == DEFAULT), None),
        field.live,
        allowed(field.schema),
        _choices(field.schema),
        range_of(field.schema),
        tuple(field.schema.get("examples", ())),
        set_by,
        tuple(_open_in(found, field.path)),
        tuple(row.reason for row in dead_settings.rows(field.path)),
    )


def _choices(schema: Mapping[str, Any]) -> dict[str, str]:
    words, meanings = schema.get("enum", ()), schema.get("enumDescriptions", ())
    return dict(zip(map(str, words), map(str, meanings), strict=False))


def _set_by(found: Catalog, path: str) -> Iterator[Setting]:
    for name, layer in sorted(found.readable().items(), key=lambda named: named[0]):
        if path in layer.sets:
            yield Setting(name, layer.sets[path], layer.origins[path])


def _open_in(found: Catalog, path: str) -> Iterator[str]:
    for name in found.names():
        profile = found.profile(name)
        if profile and profile.allows(path):
            yield name
