"""Hold the fields of a profile, and check data against them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from jsonschema import validators
from jsonschema.exceptions import ValidationError
from jsonschema.validators import Draft202012Validator
from referencing import Registry

from timing_profiles.catalog import schema_errors
from timing_profiles.catalog.field import Field
from timing_profiles.catalog.pattern import is_like
from timing_profiles.catalog.schema_errors import UNKNOWN_FIELD
from timing_profiles.problems import MAX_PROBLEMS, KeyPath, Problem, listed, quoted
from timing_profiles.turns.fields import FORMER_NAMES

# The top level of a profile that is about the file, not about a call.
_ABOUT_THE_FILE = frozenset({"description", "extends", "overrides"})


def _pattern(
    _: Any, pattern: str, instance: Any, __: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not is_like(instance, pattern):
        yield ValidationError(f"{quoted(instance)} is not like {pattern}")


def _multiple_of(
    _: Any, step: float, instance: Any, __: Mapping[str, Any]
) -> Iterator[ValidationError]:
    is_number = isinstance(instance, int | float) and not isinstance(instance, bool)
    if is_number and not _is_multiple(instance, step):
        yield ValidationError(f"{quoted(instance)} is not a multiple of {step}")


def _is_multiple(value: float, step: float) -> bool:
    """Return whether a number is a multiple of another one, as both are written.

    A division of floats raises for an integer of 400 digits, and finds 0.3 no multiple of 0.1.
    """
    try:
        return Fraction(str(value)) % Fraction(str(step)) == 0
    except ValueError:  # 1e999 in metadata is infinite
        return False


TOO_MANY = "too-many"
"""The code of the last problem of a document where there are more than `MAX_PROBLEMS`."""

_Validator: Any = validators.extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"multipleOf": _multiple_of, "pattern": _pattern}
)


class Schema:
    """A schema of profiles.

    Attributes:
        text: The JSON text that it was made from.
        fields: Every field of a call, by dotted path.
        sections: Every section that holds fields, by dotted path.
    """

    def __init__(self, text: str) -> None:
        """Index the fields of a schema.

        Args:
            text: A JSON Schema, draft 2020-12, of one profile: one that `schema_file` accepted.
        """
        self.text = text
        self._schema = json.loads(text)
        # No registry, no retrieval: a `$ref` to a URL never reaches the network.
        self._validator = _Validator(self._schema, registry=Registry())
        self.fields: Mapping[str, Field] = dict(_fields(self._schema, ""))
        self.sections = frozenset(_parents(self.fields))

    def parts(self) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the schema of every section and field by dotted path, the whole one first."""
        yield from _parts(self._schema, "")

    def document_problems(self, document: Mapping[str, Any]) -> Iterator[Problem]:
        """Yield what the schema refuses in the data of one file, one problem for each path."""
        seen: set[KeyPath] = set()
        for problem in self._all_problems(document):
            if problem.at in seen:
                continue
            if len(seen) == MAX_PROBLEMS:
                message = f"more than {MAX_PROBLEMS} problems; checking stopped here"
                yield Problem(TOO_MANY, message)
                return
            seen.add(problem.at)
            yield self._hinted(problem)

    def value_problem(self, field: Field, value: Any) -> Problem | None:
        """Return what the schema refuses in one value of a field; None where it is valid."""
        errors = self._validator.evolve(schema=field.schema).iter_errors(value)
        error = next(iter(errors), None)
        return next(schema_errors.problems(error, field), None) if error else None

    def flat(
        self, document: Mapping[str, Any], above: tuple[str, ...] = ()
    ) -> Iterator[tuple[tuple[str, ...], Any]]:
        """Yield the fields that a document sets, as keys from the top and normal values."""
        for key, value in document.items():
            path = (*above, key)
            field = self.fields.get(".".join(path))
            if field:
                yield path, field.normal(value)
            elif isinstance(value, Mapping) and (above or key not in _ABOUT_THE_FILE):
                yield from self.flat(value, path)

    def field_around(self, path: KeyPath) -> Field | None:
        """Return the field around a place of a document, such as an item of a list."""
        for length in range(len(path), 0, -1):
            field = self.fields.get(".".join(str(key) for key in path[:length]))
            if field:
                return field
        return None

    def fields_at(self, path: KeyPath) -> Iterator[str]:
        """Yield the dotted paths of the fields around a place of a document, else below it."""
        around = self.field_around(path)
        if around:
            yield around.path
            return
        section = "".join(f"{key}." for key in path)
        yield from (name for name in self.fields if name.startswith(section))

    def unknown(self, path: str) -> Problem:
        """Return the problem of a dotted path that is not a field."""
        parent, _, name = path.rpartition(".")
        while parent and parent not in self.sections:
            parent, _, name = parent.rpartition(".")
        problem = schema_errors.unknown_field(name, parent, self.children(parent))
        return self._elsewhere(problem, path.rpartition(".")[2])

    def unknown_path(self, path: str) -> Problem:
        """Return the problem of a dotted path that is written as one; its hint can replace it."""
        problem = self.unknown(path)
        hint = f"did you mean {listed(problem.fields)}?" if problem.fields else ""
        return replace(problem, hint=hint)

    def children(self, section: str) -> list[str]:
        """Return the keys of a section; of the empty path: the sections at the top."""
        prefix = f"{section}." if section else ""
        inner = (path[len(prefix) :] for path in self.fields if path.startswith(prefix))
        return list(dict.fromkeys(path.partition(".")[0] for path in inner))

    def description(self, section: str) -> str:
        """Return the description of a section; may be empty."""
        schema = self._schema
        for key in section.split("."):
            schema = schema["properties"][key]
        return str(schema.get("description", ""))

    def _all_problems(self, document: Mapping[str, Any]) -> Iterator[Problem]:
        for error in self._validator.iter_errors(document):
            field = self.field_around(tuple(error.absolute_path))
            yield from schema_errors.problems(error, field)

    def _hinted(self, problem: Problem) -> Problem:
        """Add the right place as a hint where a field is in the wrong one, or has a former name."""
        if problem.code != UNKNOWN_FIELD:
            return problem
        return self._elsewhere(problem, str(problem.at[-1]))

    def _elsewhere(self, problem: Problem, name: str) -> Problem:
        """Add the field for a former argument of `AgentSession`, or those of this name elsewhere.

        A near miss in the same section wins over the latter.
        """
        field = FORMER_NAMES.get(name, "")
        if field in self.fields:
            return replace(problem, hint=f"did you mean {field}?", fields=(field,))
        if problem.hint:
            return problem
        known = dict.fromkeys((*self.fields, *sorted(self.sections)))
        elsewhere = [path for path in known if f".{path}".endswith(f".{name}")]
        hint = f"did you mean {listed(elsewhere)}?" if elsewhere else ""
        return replace(problem, hint=hint, fields=tuple(elsewhere))


def _parts(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield path, schema
    for key, inner in schema.get("properties", {}).items():
        yield from _parts(inner, f"{path}.{key}" if path else key)


def _fields(schema: Mapping[str, Any], section: str) -> Iterator[tuple[str, Field]]:
    for key, inner in schema.get("properties", {}).items():
        if not section and key in _ABOUT_THE_FILE:
            continue
        path = f"{section}.{key}" if section else key
        if "properties" in inner:
            yield from _fields(inner, path)
        else:
            yield path, Field(path, inner)


def _parents(paths: Mapping[str, Field]) -> Iterator[str]:
    for path in paths:
        keys = path.split(".")
        yield from (".".join(keys[:depth]) for depth in range(1, len(keys)))
