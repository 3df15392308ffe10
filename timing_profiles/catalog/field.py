"""Facts about one field, as the schema states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a profile.

    Attributes:
        path: Its dotted path, such as `turn_handling.endpointing.min_delay`.
        schema: What the schema says of it.
    """

    path: str
    schema: Mapping[str, Any]

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON types that it takes."""
        return types_of(self.schema)

    @property
    def unit(self) -> str:
        """Its unit, such as `s` or `ms`; empty where it has none."""
        return str(self.schema.get("x-unit", ""))

    @property
    def live(self) -> str:
        """When a change reaches a running call: `now`, `silence`, `next-speech` or `next-call`."""
        return str(self.schema.get("x-live", ""))

    def normal(self, value: Any) -> Any:
        """The value as the SDK wants it: 800.0 is 800 where the field is an integer.

        Deepgram's plugin writes the number into its URL as it is, and Deepgram refuses `800.0`.
        """
        whole = isinstance(value, float) and value.is_integer() and "number" not in self.types
        return int(value) if whole else value


def types_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """The JSON types that a schema takes."""
    types = schema.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)
