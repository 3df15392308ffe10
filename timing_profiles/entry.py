"""One file of a set: its data, its places, and what is wrong with it by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from timing_profiles import folder, source
from timing_profiles.folder import SUFFIX
from timing_profiles.problems import Problem, quoted
from timing_profiles.profile import DEFAULT, EVERYTHING, NAME, Layer
from timing_profiles.schema import MAX_VIOLATIONS, Schema
from timing_profiles.source import Source
from timing_profiles.violation import Violation


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a set, and what was found when it was read by itself.

    Attributes:
        content: Its bytes, or why there are none; an entry is made anew only when they change.
        source: Its data and places.
        layer: What it sets; None where the file is broken by itself.
        problems: What is wrong with the file by itself.
    """

    content: bytes | Problem
    source: Source
    layer: Layer | None
    problems: tuple[Problem, ...]

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
    if text.data or not text.problems:
        said = {problem.path for problem in text.problems}
        found = _document_problems(name, text, in_force)
        problems += [problem for problem in found if problem.path not in said]
    layer = None if problems else _layer(name.removesuffix(SUFFIX), text, in_force)
    return Entry(content, text, layer, tuple(problems))


def _name_problems(file: str, name: str) -> Iterator[Problem]:
    if not name.endswith(SUFFIX):
        yield Problem("name", f"a profile's file ends in {SUFFIX}", file=file)
    elif not NAME.fullmatch(name.removesuffix(SUFFIX)):
        hint = "at most 63 of a-z, 0-9 and -, with no - at either end"
        message = f"{quoted(name.removesuffix(SUFFIX))} is no name for a profile"
        yield Problem("name", message, file=file, hint=hint)


def _document_problems(name: str, read: Source, in_force: Schema) -> Iterator[Problem]:
    violations = list(in_force.violations(read.data))
    yield from (_at(read, violation) for violation in violations)
    if not violations:
        yield from _allow_problems(read, in_force)
    if name == DEFAULT + SUFFIX and "extends" in read.data:
        yield read.problem_at_key(("extends",), "extends", f"{DEFAULT} extends nothing")


def _at(read: Source, violation: Violation) -> Problem:
    at = read.problem_at_key if violation.at_key else read.problem_at_value
    return at(violation.path, violation.code, violation.message, violation.hint)


def _allow_problems(read: Source, in_force: Schema) -> Iterator[Problem]:
    allow = enumerate(read.data.get("overrides", {}).get("allow", ()))
    known = {EVERYTHING, *in_force.fields, *in_force.sections}
    unknown = ((index, item) for index, item in allow if item not in known)
    for count, (index, item) in enumerate(unknown):
        path = ("overrides", "allow", index)
        if count == MAX_VIOLATIONS:
            enough = f"more than {MAX_VIOLATIONS} problems; no more are looked for"
            yield read.problem_at_value(path, "too-many", enough)
            return
        message, hint = in_force.unknown(item)
        yield read.problem_at_value(path, "unknown-field", f"{quoted(item)}: {message}", hint)


def _layer(name: str, read: Source, in_force: Schema) -> Layer:
    sets = {".".join(path): value for path, value in in_force.flat(read.data)}
    allow = read.data.get("overrides", {}).get("allow")
    return Layer(
        name,
        sets,
        _origins(read, sets),
        read.data.get("description", ""),
        None if name == DEFAULT else read.data.get("extends", DEFAULT),
        None if allow is None else tuple(allow),
    )


def _origins(read: Source, sets: Iterable[str]) -> dict[str, str]:
    return {path: f"{read.file}:{read.keys[tuple(path.split('.'))].line}" for path in sets}
