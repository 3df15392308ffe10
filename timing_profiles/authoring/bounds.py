"""The schemas of two sets -> what else callers may send, and profiles may set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.field import range_of
from timing_profiles.catalog.schema_errors import allowed
from timing_profiles.problems import cut, quoted

Constraints = Mapping[str, Any]
"""The keywords of a schema that accept or refuse a value."""

# What only describes a value; of LiveKit's and our own, those that begin with `x-`.
_ANNOTATIONS = frozenset(
    {
        *("$comment", "$id", "$schema", "default", "defaultSnippets", "deprecated", "description"),
        *("enumDescriptions", "errorMessage", "examples", "markdownDescription", "title"),
    }
)

_DATA = frozenset({"const", "enum"})

# Keywords with a schema or a list for each name of a field.
_BY_NAME = frozenset({"dependentRequired", "dependentSchemas", "properties"})

_LONGEST = 300  # characters; a schema of 1 MiB may list as many values as it likes

_COUNTS = (("minItems", "at least"), ("maxItems", "at most"))
_IN_WORDS = frozenset(
    {
        *("type", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("items", "minItems", "maxItems", "pattern"),
    }
)


class ChangedBound(NamedTuple):
    """A field or section that one of two schemas takes other values of.

    Attributes:
        field: Its dotted path; empty for the whole profile.
        a: What was accepted, in the keywords of JSON Schema; empty where the field was not known.
        b: What is accepted, likewise.
        callers: Whether the policy of any profile lets callers change it.
        unit: Its unit; may be empty.
    """

    field: str
    a: Constraints
    b: Constraints
    callers: bool
    unit: str

    def in_words(self) -> tuple[str, str]:
        """Return both sides in words: `an integer, 10 to 500 ms`."""
        a, b = (_words(side, self.unit) for side in (self.a, self.b))
        if a == b:
            a, b = a + _beyond(self.a, self.b), b + _beyond(self.b, self.a)
        a, b = cut(a, _LONGEST), cut(b, _LONGEST)
        return a, b if a != b else f"{b} (differs beyond what is shown)"

    def to_json(self) -> dict[str, Any]:
        """Return the bound as `diff --git --format json` prints it."""
        return self._asdict()


def changed(a: Catalog, b: Catalog) -> list[ChangedBound]:
    """Return what the schemas of two sets accept differently, in the order of the second one."""
    if a.schema.text == b.schema.text or not (a.layers and b.layers):
        return []
    return list(_changed(a, b))


def _changed(a: Catalog, b: Catalog) -> Iterator[ChangedBound]:
    was, now = (dict(side.schema.parts()) for side in (a, b))
    for path in dict.fromkeys([*now, *was]):
        one, other = (_constraints(side.get(path, {})) for side in (was, now))
        if one != other:
            unit = str(now.get(path, was.get(path, {})).get("x-unit", ""))
            yield ChangedBound(path, one, other, _is_open(path, a) or _is_open(path, b), unit)


def _constraints(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a part accepts and refuses; the fields in it are parts of their own."""
    return _meaning({key: value for key, value in schema.items() if key != "properties"})


def _meaning(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        keyword: _meaning_of(keyword, value)
        for keyword, value in schema.items()
        if keyword not in _ANNOTATIONS and not keyword.startswith("x-")
    }


def _meaning_of(keyword: str, value: Any) -> Any:
    """Return the value of a keyword, which may hold schemas, without what only describes them."""
    if keyword in _DATA:
        return value
    if isinstance(value, list):
        return [_meaning(each) if isinstance(each, Mapping) else each for each in value]
    if not isinstance(value, Mapping):
        return value
    if keyword in _BY_NAME:
        return {name: _meaning_of("", inner) for name, inner in value.items()}
    return _meaning(value)


def _is_open(path: str, found: Catalog) -> bool:
    profiles = map(found.profile, found.names())
    return path in found.schema.fields and any(it.allows(path) for it in profiles if it)


def _words(constraints: Constraints, unit: str) -> str:
    """What is accepted, as people say it; what has no words stands there as JSON."""
    takes = allowed(constraints)
    span = range_of(constraints)
    counts = [f"{word} {constraints[key]} items" for key, word in _COUNTS if key in constraints]
    items = constraints.get("items")
    each = f"each {_words(items, '')}" if isinstance(items, Mapping) else ""
    other = {
        key: value
        for key, value in constraints.items()
        if key not in _IN_WORDS and value is not False  # unknown fields are refused everywhere
    }
    rest = quoted(other) if other else ""
    measured = f"{span} {unit}" if span and unit else span
    return ", ".join(part for part in (takes, measured, *counts, each, rest) if part)


def _beyond(these: Constraints, those: Constraints) -> str:
    """What the words do not show."""
    more = {key: value for key, value in these.items() if those.get(key) != value}
    return f", {quoted(more)}" if more else ""
