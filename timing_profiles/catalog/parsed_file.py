"""One file of a set: its data, its places, and what is wrong with it by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from timing_profiles.catalog import folder, source
from timing_profiles.catalog.folder import SUFFIX
from timing_profiles.catalog.schema import TOO_MANY, Schema
from timing_profiles.catalog.schema_errors import UNKNOWN_FIELD
from timing_profiles.catalog.source import Source
from timing_profiles.problems import MAX_PROBLEMS, KeyPath, Problem, quoted
from timing_profiles.profile import DEFAULT, EVERYTHING, NAME, Layer

EXTENDS = "extends"
"""Where a file names the profile that it extends."""

_ALLOW = ("overrides", "allow")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a set, and what was found when it was read by itself.

    Attributes:
        content: Its bytes, or why there are none; an entry is made anew only when they change.
        source: Its data and places.
        layer: What it sets, without what is not valid; None where nothing of it can be read.
        problems: What is wrong with the file by itself.
        unknown: The fields whose value a broken file leaves open, by dotted path; `extends` too.
    """

    content: bytes | Problem
    source: Source
    layer: Layer | None
    problems: tuple[Problem, ...]
    unknown: frozenset[str] = frozenset()

    def labelled(self, name: str, label: str) -> Entry:
        """The entry of the same bytes in a folder that is shown to people under another name."""
        file = f"{label}/{folder.shown(name)}"
        if self.source.file == file or isinstance(self.content, Problem):
            return self
        read = replace(self.source, file=file)
        layer = self.layer and replace(self.layer, origins=_origins(read, self.layer.sets))
        return Entry(self.content, read, layer, ())


def read(name: str, content: bytes | Problem, in_force: Schema, label: str) -> Entry:
    """Read one file of a set.

    Args:
        name: The file's name.
        content: Its bytes, or why there are none.
        in_force: The schema to hold it to.
        label: The folder as it is shown to people.
    """
    if isinstance(content, Problem):
        return Entry(content, Source(content.file), None, (content,))
    text = source.read(f"{label}/{folder.shown(name)}", content)
    problems = [*text.problems, *_name_problems(text.file, name)]
    if text.problems and not text.data:
        return Entry(content, text, None, tuple(problems))
    refused = [
        problem
        for problem in in_force.document_problems(text.data)
        if problem.at not in text.refused
    ]
    problems += [text.locate(problem, key=problem.code == UNKNOWN_FIELD) for problem in refused]
    if any(problem.code == TOO_MANY for problem in refused):
        return Entry(content, text, None, tuple(problems))
    invalid = {*text.refused, *(problem.at for problem in refused)}
    problems += _document_problems(name, text, in_force, invalid)
    left_out = _left_out(text, refused, in_force)
    layer = _layer(name.removesuffix(SUFFIX), text, in_force, invalid, left_out)
    unknown = _unknown(text, refused, in_force, left_out, layer) if problems else frozenset()
    return Entry(content, text, layer, tuple(problems), unknown)


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
    name: str, read: Source, in_force: Schema, invalid: AbstractSet[KeyPath]
) -> Iterator[Problem]:
    yield from _allow_problems(read, in_force, invalid)
    if name == DEFAULT + SUFFIX and "extends" in read.data:
        problem = Problem("extends", f"{DEFAULT} cannot extend another profile")
        yield read.locate(problem, (EXTENDS,), key=True)


def _allow_problems(
    read: Source, in_force: Schema, invalid: AbstractSet[KeyPath]
) -> Iterator[Problem]:
    known = {EVERYTHING, *in_force.fields, *in_force.sections}
    allow = _allow(read, invalid) or ()
    unknown = ((index, item) for index, item in allow if item not in known)
    for count, (index, item) in enumerate(unknown):
        at = (*_ALLOW, index)
        if count == MAX_PROBLEMS:
            enough = f"more than {MAX_PROBLEMS} problems; checking stopped here"
            yield read.locate(Problem(TOO_MANY, enough), at)
            return
        problem = in_force.unknown(item)
        yield read.locate(replace(problem, message=f"{quoted(item)}: {problem.message}"), at)


def _allow(read: Source, invalid: AbstractSet[KeyPath]) -> list[tuple[int, str]] | None:
    """The valid items of a policy, each with its index; None where there is no valid policy."""
    overrides = read.data.get(_ALLOW[0])
    allow = overrides.get(_ALLOW[1]) if isinstance(overrides, dict) else None
    if not isinstance(allow, list):
        return None
    return [(at, item) for at, item in enumerate(allow) if (*_ALLOW, at) not in invalid]


def _left_out(read: Source, refused: Iterable[Problem], in_force: Schema) -> frozenset[str]:
    """Return the fields whose values in a file are not valid, by dotted path."""
    # A section that breaks anything but its type is judged by its fields.
    places = (
        problem.at
        for problem in refused
        if problem.code != "range" or in_force.field_around(problem.at)
    )
    unclear = {*read.refused, *read.doubled, *places}
    return frozenset(path for place in unclear for path in in_force.fields_at(place))


def _layer(
    name: str,
    read: Source,
    in_force: Schema,
    invalid: AbstractSet[KeyPath],
    left_out: AbstractSet[str],
) -> Layer:
    flat = ((".".join(keys), value) for keys, value in in_force.flat(read.data))
    sets = {path: value for path, value in flat if path not in left_out}
    description, extends = (
        otherwise if (key,) in invalid else read.data.get(key, otherwise)
        for key, otherwise in (("description", ""), (EXTENDS, DEFAULT))
    )
    allow = _allow(read, invalid)
    return Layer(
        name,
        sets,
        _origins(read, sets),
        description,
        None if name == DEFAULT else extends,
        None if allow is None else tuple(item for _, item in allow),
    )


def _unknown(
    read: Source,
    refused: Iterable[Problem],
    in_force: Schema,
    left_out: AbstractSet[str],
    layer: Layer,
) -> frozenset[str]:
    """What a file leaves open: what it says wrongly, and what it may mean by an unknown key."""
    meant = [path for problem in refused for path in problem.fields]
    fields = {field for path in meant for field in in_force.fields_at(tuple(path.split(".")))}
    wrong = {(EXTENDS,)} & {*read.refused, *read.doubled, *(problem.at for problem in refused)}
    if wrong or (EXTENDS in meant and EXTENDS not in read.data):
        fields.add(EXTENDS)
    if layer.name == DEFAULT and EXTENDS in read.data:
        fields.update(in_force.fields)  # what it leaves to the other one
    return frozenset(left_out | (fields - layer.sets.keys()))


def _origins(read: Source, sets: Iterable[str]) -> dict[str, str]:
    return {path: f"{read.file}:{read.keys[tuple(path.split('.'))].line}" for path in sets}
