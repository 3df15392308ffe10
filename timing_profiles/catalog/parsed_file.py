"""Parse one file of a set, and check it by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import NamedTuple

from timing_profiles.catalog import source
from timing_profiles.catalog.folder import SUFFIX
from timing_profiles.catalog.schema import TOO_MANY, Schema
from timing_profiles.catalog.schema_errors import UNKNOWN_FIELD
from timing_profiles.catalog.source import Source
from timing_profiles.problems import MAX_PROBLEMS, KeyPath, Problem, quoted
from timing_profiles.profile import DEFAULT, EVERYTHING, NAME, Layer

EXTENDS = "extends"
"""The key that names the profile that a file extends."""

_ALLOW = ("overrides", "allow")


class ParsedFile(NamedTuple):
    """One file of a set, checked by itself.

    Attributes:
        content: Its bytes, or why they cannot be read.
        source: Its data and places.
        layer: The valid part of its settings; None where the file cannot be parsed.
        problems: The problems of the file by itself.
        unknown: The fields whose value an invalid file leaves open, by dotted path; `extends` too.
    """

    content: bytes | Problem
    source: Source
    layer: Layer | None
    problems: tuple[Problem, ...]
    unknown: frozenset[str] = frozenset()

    def labelled(self, file: str) -> ParsedFile:
        """Return a file without problems under another name for messages."""
        source = self.source._replace(file=file)
        layer = self.layer and self.layer._replace(origins=_origins(source, self.layer.sets))
        return self._replace(source=source, layer=layer)


def parse(name: str, content: bytes | Problem, schema: Schema, label: str) -> ParsedFile:
    """Parse and check one file of a set.

    Args:
        name: The file's name.
        content: Its bytes, or why they cannot be read.
        schema: The schema to check it against.
        label: The directory as messages show it.
    """
    if isinstance(content, Problem):
        return ParsedFile(content, Source(content.file, {}), None, (content,))
    text = source.read(f"{label}/{name}", content)
    problems = [*text.problems, *_name_problems(text.file, name)]
    if text.problems and not text.data:
        return ParsedFile(content, text, None, tuple(problems))
    refused = [
        problem for problem in schema.document_problems(text.data) if problem.at not in text.refused
    ]
    problems += [text.locate(problem, key=problem.code == UNKNOWN_FIELD) for problem in refused]
    if any(problem.code == TOO_MANY for problem in refused):
        return ParsedFile(content, text, None, tuple(problems))
    invalid = {*text.refused, *(problem.at for problem in refused)}
    problems += _document_problems(name, text, schema, invalid)
    left_out = _left_out(text, refused, schema)
    layer = _layer(name.removesuffix(SUFFIX), text, schema, invalid, left_out)
    unknown = _unknown(text, refused, schema, left_out, layer) if problems else frozenset()
    return ParsedFile(content, text, layer, tuple(problems), unknown)


def _name_problems(file: str, name: str) -> Iterator[Problem]:
    if not name.endswith(SUFFIX):
        yield Problem("name", f"the file name must end in {SUFFIX}", file=file)
    elif not NAME.fullmatch(name.removesuffix(SUFFIX)):
        hint = "at most 63 characters, no hyphen at either end"
        message = (
            f"invalid profile name {quoted(name.removesuffix(SUFFIX))}: use a-z, 0-9 and hyphens"
        )
        yield Problem("name", message, file=file, hint=hint)


def _document_problems(
    name: str, text: Source, schema: Schema, invalid: AbstractSet[KeyPath]
) -> Iterator[Problem]:
    yield from _allow_problems(text, schema, invalid)
    if name == DEFAULT + SUFFIX and "extends" in text.data:
        problem = Problem("extends", f"{DEFAULT} cannot extend another profile")
        yield text.locate(problem, (EXTENDS,), key=True)


def _allow_problems(
    text: Source, schema: Schema, invalid: AbstractSet[KeyPath]
) -> Iterator[Problem]:
    known = {EVERYTHING, *schema.fields, *schema.sections}
    allow = _allow(text, invalid) or ()
    unknown = ((index, item) for index, item in allow if item not in known)
    for count, (index, item) in enumerate(unknown):
        at = (*_ALLOW, index)
        if count == MAX_PROBLEMS:
            enough = f"more than {MAX_PROBLEMS} problems; checking stopped here"
            yield text.locate(Problem(TOO_MANY, enough), at)
            return
        problem = schema.unknown_path(item)
        yield text.locate(replace(problem, message=f"{quoted(item)}: {problem.message}"), at)


def _allow(text: Source, invalid: AbstractSet[KeyPath]) -> list[tuple[int, str]] | None:
    """Return the valid items of a policy, each with its index; None without a valid policy."""
    overrides = text.data.get(_ALLOW[0])
    allow = overrides.get(_ALLOW[1]) if isinstance(overrides, dict) else None
    if not isinstance(allow, list):
        return None
    return [(at, item) for at, item in enumerate(allow) if (*_ALLOW, at) not in invalid]


def _left_out(text: Source, refused: Iterable[Problem], schema: Schema) -> frozenset[str]:
    """Return the fields whose values in a file are not valid, by dotted path."""
    # A section that breaks anything but its type is judged by its fields.
    places = (
        problem.at
        for problem in refused
        if problem.code != "range" or schema.field_around(problem.at)
    )
    unclear = {*text.refused, *text.doubled, *places}
    return frozenset(path for place in unclear for path in schema.fields_at(place))


def _layer(
    name: str,
    text: Source,
    schema: Schema,
    invalid: AbstractSet[KeyPath],
    left_out: AbstractSet[str],
) -> Layer:
    flat = ((".".join(keys), value) for keys, value in schema.flat(text.data))
    sets = {path: value for path, value in flat if path not in left_out}
    description, extends = (
        otherwise if (key,) in invalid else text.data.get(key, otherwise)
        for key, otherwise in (("description", ""), (EXTENDS, DEFAULT))
    )
    allow = _allow(text, invalid)
    return Layer(
        name,
        sets,
        _origins(text, sets),
        description,
        None if name == DEFAULT else extends,
        None if allow is None else tuple(item for _, item in allow),
    )


def _unknown(
    text: Source,
    refused: Iterable[Problem],
    schema: Schema,
    left_out: AbstractSet[str],
    layer: Layer,
) -> frozenset[str]:
    """Return the fields that are invalid, and those that an unknown key may stand for."""
    meant = [path for problem in refused for path in problem.fields]
    fields = {field for path in meant for field in schema.fields_at(tuple(path.split(".")))}
    wrong = {(EXTENDS,)} & {*text.refused, *text.doubled, *(problem.at for problem in refused)}
    if wrong or (EXTENDS in meant and EXTENDS not in text.data):
        fields.add(EXTENDS)
    if layer.name == DEFAULT and EXTENDS in text.data:
        fields.update(schema.fields)  # may be left to the other profile
    return frozenset(left_out | (fields - layer.sets.keys()))


def _origins(text: Source, sets: Iterable[str]) -> dict[str, str]:
    return {path: f"{text.file}:{text.keys[tuple(path.split('.'))].line}" for path in sets}
