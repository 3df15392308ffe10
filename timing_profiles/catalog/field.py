"""Describe one field by its schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

_BOUNDS = (
    ("minimum", "at least"),
    ("exclusiveMinimum", "above"),
    ("maximum", "at most"),
    ("exclusiveMaximum", "below"),
)


class Field(NamedTuple):
    """One field of a profile.

    Attributes:
        path: Its dotted path, such as `turn_handling.endpointing.min_delay`.
        schema: Its JSON Schema.
    """

    path: str
    schema: Mapping[str, Any]

    @property
    def types(self) -> tuple[str, ...]:
        """Return its JSON types."""
        return types_of(self.schema)

    @property
    def unit(self) -> str:
        """Return its unit, such as `s` or `ms`; may be empty."""
        return str(self.schema.get("x-unit", ""))

    @property
    def live(self) -> str:
        """Return when a change takes effect: `now`, `silence`, `next-speech` or `next-call`."""
        return str(self.schema.get("x-live", ""))

    def normal(self, value: Any) -> Any:
        """Convert a value to the type that the SDK expects: 800.0 to 800 in an integer field.

        Deepgram's plugin writes the number into its URL as it is, and Deepgram refuses `800.0`.
        """
        whole = isinstance(value, float) and value.is_integer() and "number" not in self.types
        return int(value) if whole else value


def types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the JSON types of a schema."""
    types = schema.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)


def values_of(schema: Mapping[str, Any]) -> list[Any] | None:
    """Return the values that a schema lists; None where it lists none."""
    return [schema["const"]] if "const" in schema else schema.get("enum")


def range_of(schema: Mapping[str, Any]) -> str:
    """Return the bounds of a schema in words, such as `0 to 10`; empty where it has none."""
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']:g} to {schema['maximum']:g}"
    return ", ".join(f"{words} {schema[bound]:g}" for bound, words in _BOUNDS if bound in schema)
