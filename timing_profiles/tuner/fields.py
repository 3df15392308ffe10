"""Describe every field for the page: text, bounds, default, and whether metadata may change it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from timing_profiles.authoring.metadata_schema import title
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.field import Field
from timing_profiles.profile import DEFAULT, Profile

NEXT_CALL = "next-call"
"""The schema's `x-live` of a field that acts from the next call on."""

AUTO = "auto"

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_NOTICED = ("Too low", "Too high", "On,", "Off,", "With an unsuitable", "With the wrong")

# The types that a control of the page can have, the most convenient one first.
_TYPES = ("boolean", "integer", "number", "string", "array", "object")

# Steps of a slider, by the width of its range: from 50 to 200 positions up to the widest.
_STEPS = ((0.5, 0.005), (2, 0.01), (5, 0.05), (30, 0.1), (200, 1))
_COARSE = 10


def described(found: Catalog) -> list[dict[str, Any]]:
    """Return each field of a set as the page needs it, in the order of the schema."""
    default = found.profile(DEFAULT) or Profile(DEFAULT)
    return [_described(field, default) for field in found.schema.fields.values()]


def _described(field: Field, default: Profile) -> dict[str, Any]:
    schema = field.schema
    lowest, highest = _bounds(field)
    return {
        "path": field.path,
        "title": title(field.path.rpartition(".")[2]),
        "description": str(schema.get("description", "")),
        "notice": _notice(str(schema.get("description", ""))),
        "unit": field.unit or None,
        "type": next((name for name in _TYPES if name in _own_types(field)), "string"),
        "minimum": lowest,
        "maximum": highest,
        "step": _step(field, lowest, highest),
        "choices": _choices(field),
        "meanings": dict(_meanings(schema)),
        "nullable": "null" in field.types,
        "auto": _takes_auto(field),
        "default": default.values.get(field.path),
        "live": field.live != NEXT_CALL,
        "acts": field.live,
        "allowed": default.allows(field.path),
    }


def _own_types(field: Field) -> set[str]:
    """Return the types of a field, without the text type that only `auto` needs."""
    types = set(field.types) - {"null"}
    is_only_auto = _takes_auto(field) and len(types) > 1
    return types - {"string"} if is_only_auto else types


def _takes_auto(field: Field) -> bool:
    return field.schema.get("pattern") == f"^{AUTO}$" or AUTO in field.schema.get("enum", ())


def _choices(field: Field) -> list[Any] | None:
    choices = field.schema.get("enum")
    return list(choices) if choices else None


def _meanings(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    words, meanings = schema.get("enum", ()), schema.get("enumDescriptions", ())
    yield from zip(map(str, words), map(str, meanings), strict=False)


def _bounds(field: Field) -> tuple[float | None, float | None]:
    """Return the least and the largest value; one step inside a bound that is excluded."""
    schema = field.schema
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if lowest is None and above is not None:
        lowest = round(above + (_step(field, above, highest if highest is not None else below)), 6)
    if highest is None and below is not None:
        highest = round(below - (_step(field, lowest, below)), 6)
    return lowest, highest


def _step(field: Field, lowest: float | None, highest: float | None) -> float:
    """Return the step of a slider; it always divides the schema's `multipleOf`."""
    if "multipleOf" in field.schema:
        return float(field.schema["multipleOf"])
    width = (highest - lowest) if lowest is not None and highest is not None else 0
    step = next((step for limit, step in _STEPS if width <= limit), _COARSE)
    return max(1, step) if "number" not in field.types else step


def _notice(description: str) -> str | None:
    """Return the sentences of a description about the effect on callers; None where it has none."""
    sentences = _SENTENCE.split(description)
    noticed = [sentence for sentence in sentences if sentence.startswith(_NOTICED)]
    return " ".join(noticed) or None
