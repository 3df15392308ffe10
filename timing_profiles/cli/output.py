"""What several commands print: JSON, values with their units."""

from __future__ import annotations

import json
from typing import Any

from timing_profiles.problems import quoted
from timing_profiles.schema import Schema

_COUNTED = frozenset({"s", "ms", "words"})


def print_json(value: Any) -> None:
    """A value on stdout, as indented JSON."""
    print(json.dumps(value, indent=2, ensure_ascii=False))


def with_unit(schema: Schema, path: str, value: Any) -> str:
    """The value of a field for people: `1.5 s`, `auto`, `null`."""
    field = schema.fields.get(path)
    counted = field and field.unit in _COUNTED and isinstance(value, int | float)
    if field and counted and not isinstance(value, bool):
        return f"{quoted(value)} {field.unit}"
    return value if isinstance(value, str) else quoted(value)
