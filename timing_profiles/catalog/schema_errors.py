"""Convert validation errors of JSON Schema to problems."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from jsonschema.exceptions import ValidationError
from jsonschema.validators import Draft202012Validator

from timing_profiles.catalog.field import Field, types_of, values_of
from timing_profiles.problems import (
    KeyPath,
    Problem,
    did_you_mean,
    dotted,
    listed,
    near_miss,
    quoted,
)
from timing_profiles.turns import rules
from timing_profiles.turns.fields import KnownValues

UNKNOWN_FIELD = "unknown-field"
"""The code of a key that a section does not have; such a problem is located at the key."""

_NAMES = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}

_BOUNDS = {
    "minimum": "less than the minimum of",
    "maximum": "more than the maximum of",
    "exclusiveMinimum": "not more than",
    "exclusiveMaximum": "not less than",
}

_EXPECTED = "Expected "

# The types that words of an `errorMessage` stand for: a team may have removed one, not the word.
_TYPES = {
    "auto": "string",
    "integer": "integer",
    "list": "array",
    "mapping": "object",
    "null": "null",
    "number": "number",
}

_LENGTHS = {"minItems": "fewer", "maxItems": "more"}

_BARE = "write the number without quotes"

# Text where another type is due: the type, what the text looks like, and what to write instead.
# Compiled where there is an error: every command imports this.
_HABITS = (
    ("boolean", r"(?i:y|yes|on|true)", "write true"),
    ("boolean", r"(?i:n|no|off|false)", "write false"),
    ("number", r"\d+(:\d+)+", "YAML 1.1 read this as base 60; write the number"),
    ("number", r"\d{4}-\d\d?-\d\d?", "YAML 1.1 read this as a date; write the number"),
    ("number", r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", _BARE),
)

# A number in another unit is proposed within this factor of the examples of its field.
_USUAL = 5

# No bound is larger; beyond it, numbers are not converted to look for another unit.
_LARGEST = 1e9


def problems(error: ValidationError, field: Field | None) -> Iterator[Problem]:
    """Convert an error of the validator to problems without a place.

    Args:
        error: What the validator found.
        field: The field that the data belongs to, where it is one.
    """
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        yield from _unknown_keys(error, path)
    elif error.validator in {"type", "pattern", "enum", "const"}:
        yield _wrong_kind(error, path, field)
    elif error.validator in _BOUNDS:
        yield _out_of_bounds(error, path, field)
    elif error.validator in _LENGTHS:
        length = f"{_LENGTHS[error.validator]} items than {error.validator_value}"
        yield Problem("range", f"{quoted(error.instance)} has {length}", at=path)
    else:
        yield _against(error, path)


def unknown_field(key: str, section: str, known: Sequence[str]) -> Problem:
    """Return the problem of a key that a section does not have; an empty section is the top."""
    near = near_miss(key, known)
    return Problem(
        UNKNOWN_FIELD,
        f"unknown field; {section or 'a profile'} takes {listed(known)}",
        hint=f"did you mean {near}?" if near else "",
        fields=(f"{section}.{near}".removeprefix("."),) if near else (),
    )


def allowed(schema: Mapping[str, Any]) -> str:
    """Return what a schema allows, in words: `a number, auto or null`; empty where it does not say.

    An `errorMessage`, which editors show, has the words for what a pattern stands for.
    """
    values = values_of(schema)
    if values is not None:  # first: a team may have added them beside a packaged `errorMessage`
        return _either([value if isinstance(value, str) else quoted(value) for value in values])
    expected = str(schema.get("errorMessage", ""))
    words = set(re.findall(r"\w+", expected))
    is_stale = any(_TYPES[word] not in types_of(schema) for word in words & _TYPES.keys())
    if expected.startswith(_EXPECTED) and not is_stale:
        return expected.removeprefix(_EXPECTED).removesuffix(".")
    return _either([_type_in_words(kind, schema) for kind in types_of(schema)])


def _unknown_keys(error: ValidationError, path: KeyPath) -> Iterator[Problem]:
    known = list(_of(error).get("properties", ()))
    section = dotted(path)
    for key in error.instance if isinstance(error.instance, dict) else ():
        if key not in known:
            yield replace(unknown_field(key, section, known), at=(*path, key))


def _wrong_kind(error: ValidationError, path: KeyPath, field: Field | None) -> Problem:
    is_listed = error.validator in {"enum", "const"}
    code = "range" if is_listed or _right_type(error) else "type"
    takes = allowed(_of(error))
    if not takes:
        return _against(error, path)
    message = f"{quoted(error.instance)} is not {takes}{_unit(field)}"
    return Problem(code, message, hint=_hint(error, field) or _unit_hint(error, field), at=path)


def _against(error: ValidationError, path: KeyPath) -> Problem:
    against = f"{error.validator} {quoted(error.validator_value)}"
    return Problem("range", f"{quoted(error.instance)} violates {against}", at=path)


def _of(error: ValidationError) -> Mapping[str, Any]:
    """Return the schema that the data does not match."""
    return error.schema if isinstance(error.schema, Mapping) else {}


def _right_type(error: ValidationError) -> bool:
    """Return whether text does not match a pattern in a field that takes only text."""
    return error.validator == "pattern" and _of(error).get("type") == "string"


def _type_in_words(kind: str, schema: Mapping[str, Any]) -> str:
    pattern = str(schema.get("pattern", ""))
    if kind == "string" and pattern:
        return pattern[1:-1] if re.fullmatch(r"\^\w+\$", pattern) else f"text like {pattern}"
    return _NAMES[kind]


def _either(words: list[str]) -> str:
    return " or ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _hint(error: ValidationError, field: Field | None) -> str:
    if not isinstance(error.instance, str):
        return ""
    values = values_of(_of(error))
    if values is not None:
        return did_you_mean(error.instance, [value for value in values if isinstance(value, str)])
    types = {"number" if kind == "integer" else kind for kind in types_of(_of(error))}
    for kind, looks_like, hint in _HABITS:
        if kind in types and re.fullmatch(looks_like, error.instance):
            misleads = hint == _BARE and not _is_valid(float(error.instance), error, field)
            return "" if misleads else hint
    return ""


def _out_of_bounds(error: ValidationError, path: KeyPath, field: Field | None) -> Problem:
    bound = _BOUNDS[str(error.validator)]
    message = f"{quoted(error.instance)} is {bound} {error.validator_value}{_unit(field)}"
    return Problem("range", message, hint=_unit_hint(error, field), at=path)


def _unit(field: Field | None) -> str:
    return f" ({field.unit})" if field and field.unit else ""


def _unit_hint(error: ValidationError, field: Field | None) -> str:
    """Propose another number where seconds were meant as milliseconds, or the reverse."""
    factor = {"s": 0.001, "ms": 1000}.get(field.unit if field else "", 0)
    found = error.instance
    if field is None or not factor or not _is_number(found) or not 0 < found < _LARGEST:
        return ""
    meant = f"{found * factor:g}"
    usual = [value for value in field.schema.get("examples", ()) if _is_number(value) and value]
    is_plausible = usual and min(usual) / _USUAL <= float(meant) <= max(usual) * _USUAL
    if not is_plausible or not _is_valid(float(meant), error, field):
        return ""
    other = "ms" if field.unit == "s" else "s"
    return f"{quoted(found)} {other} is {meant} {field.unit}: write {meant}"


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_valid(value: float, error: ValidationError, field: Field | None) -> bool:
    """Return whether the schema and the rules of a field accept a value."""
    if field and any(rules.broken(KnownValues({field.path: value}))):
        return False
    return bool(Draft202012Validator(_of(error)).is_valid(value))
