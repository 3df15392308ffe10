"""A folder of profiles -> one frozen set: chains merged, every value with its origin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from timing_profiles import doubts, folder, no_effect, rules, schema_file, source
from timing_profiles.folder import SUFFIX, Contents
from timing_profiles.problems import Problem, ProfilesError, did_you_mean, in_order, listed, quoted
from timing_profiles.profile import DEFAULT, EVERYTHING, NAME, Layer, Profile, merged
from timing_profiles.schema import Schema
from timing_profiles.source import Source
from timing_profiles.violation import Violation

Layers = Mapping[str, Layer]


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


@dataclass(frozen=True, slots=True)
class Catalog:
    """A checked set of profiles.

    Attributes:
        revision: 12 hex digits, a hash of the files' names and bytes and of the schema.
        schema: The schema that the set was checked against.
        layers: What each profile sets itself, by its name.
        warnings: Settings that have no effect, and settings that callers will complain of.
        entries: What was read, by file name, for the next reload to build on.
    """

    revision: str
    schema: Schema
    layers: Layers
    warnings: tuple[Problem, ...]
    entries: Mapping[str, Entry]

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""
        return sorted(self.layers)

    def profile(self, name: str) -> Profile | None:
        """A profile with everything that it inherits; None where there is none of that name."""
        return merged(chain(self.layers, name)) if name in self.layers else None


def load(profiles_dir: Path, before: Catalog | None = None, label: str = "") -> Catalog:
    """Read and check a folder of profiles.

    Args:
        profiles_dir: The folder. The `schema.json` beside it is in force where there is one.
        before: An earlier catalog: files with the same bytes are not read anew.
        label: The folder as it is shown to people; its name where it is not given.

    Raises:
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    label = label or profiles_dir.absolute().name
    in_force = schema_file.load(profiles_dir, before.schema if before else None)
    return build(folder.read(profiles_dir, label), in_force, before, label)


def build(files: Contents, in_force: Schema, before: Catalog | None, label: str) -> Catalog:
    """Check the bytes of a set, and merge it.

    Args:
        files: The bytes of each file, by name.
        in_force: The schema to hold them to.
        before: An earlier catalog, to spare the files that have not changed.
        label: The folder as it is shown to people.

    Raises:
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    known = before.entries if before and before.schema.text == in_force.text else {}
    entries = {
        name: _spared(known, name, content, label) or _entry(name, content, in_force, label)
        for name, content in files.items()
    }
    layers = {entry.layer.name: entry.layer for entry in entries.values() if entry.layer}
    problems = in_order(_problems(entries, layers, in_force, label))
    if any(problem.severity == "error" for problem in problems):
        raise ProfilesError(problems)
    return Catalog(
        _revision(files, in_force),
        in_force,
        MappingProxyType(layers),
        problems,
        MappingProxyType(entries),
    )


def chain(layers: Layers, name: str) -> list[Layer]:
    """The layers of a profile, `default` first; the chain of `extends` must end there."""
    found: list[Layer] = []
    following: str | None = name
    while following:
        found.append(layers[following])
        following = layers[following].extends
    return found[::-1]


def _spared(
    known: Mapping[str, Entry], name: str, content: bytes | Problem, label: str
) -> Entry | None:
    """An entry of an earlier catalog with the same bytes, under its name of today."""
    entry = known.get(name)
    if not entry or entry.content != content:
        return None
    file = f"{label}/{folder.shown(name)}"
    if entry.source.file == file:
        return entry
    read = replace(entry.source, file=file)
    layer = entry.layer and replace(entry.layer, origins=_origins(read, entry.layer.sets))
    return Entry(content, read, layer, ())


def _entry(name: str, content: bytes | Problem, in_force: Schema, label: str) -> Entry:
    if isinstance(content, Problem):
        return Entry(content, Source(content.file), None, (content,))
    read = source.read(f"{label}/{folder.shown(name)}", content)
    problems = [*read.problems, *_name_problems(read.file, name)]
    if read.data or not read.problems:
        said = {problem.path for problem in read.problems}
        found = _document_problems(name, read, in_force)
        problems += [problem for problem in found if problem.path not in said]
    layer = None if problems else _layer(name.removesuffix(SUFFIX), read, in_force)
    return Entry(content, read, layer, tuple(problems))


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
    for index, item in enumerate(read.data.get("overrides", {}).get("allow", ())):
        if item != EVERYTHING and item not in in_force.fields and item not in in_force.sections:
            message, hint = in_force.unknown(item)
            path = ("overrides", "allow", index)
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


def _problems(
    entries: Mapping[str, Entry], layers: Layers, in_force: Schema, label: str
) -> Iterator[Problem]:
    for entry in entries.values():
        yield from entry.problems
    missing = list(_missing_from_default(entries, layers, in_force, label))
    yield from missing
    for entry in entries.values():
        if entry.layer:
            astray = list(_extends_problems(entry, entry.layer, entries, layers))
            yield from astray
            if not missing and not astray and _reaches_default(layers, entry.layer):
                yield from _merged_problems(entry, entry.layer, layers)


def _missing_from_default(
    entries: Mapping[str, Entry], layers: Layers, in_force: Schema, label: str
) -> Iterator[Problem]:
    file = f"{label}/{DEFAULT}{SUFFIX}"
    if DEFAULT + SUFFIX not in entries:
        yield Problem("default-missing", "is missing; it sets every field", file=file)
    elif DEFAULT in layers:
        missing = [path for path in in_force.fields if path not in layers[DEFAULT].sets]
        for path in missing:
            yield Problem("default-incomplete", f"{DEFAULT} sets every field", path, file)


def _extends_problems(
    entry: Entry, layer: Layer, entries: Mapping[str, Entry], layers: Layers
) -> Iterator[Problem]:
    if layer.extends is None:
        return
    at_extends = entry.source.problem_at_value
    if layer.extends + SUFFIX not in entries and layer.extends != DEFAULT:
        message = f"there is no profile {quoted(layer.extends)}; there are {listed(sorted(layers))}"
        hint = did_you_mean(layer.extends, layers.keys() - {layer.name})
        yield at_extends(("extends",), "extends", message, hint)
    cycle = _cycle(layers, layer.name)
    if cycle:
        yield at_extends(("extends",), "extends", f"extends itself: {' <- '.join(cycle[::-1])}")


def _cycle(layers: Layers, name: str) -> list[str]:
    """The way by `extends` from a profile back to itself, or nothing."""
    way = [name]
    while way[-1] in layers and layers[way[-1]].extends:
        way.append(layers[way[-1]].extends or DEFAULT)
        if way[-1] == name:
            return way
        if way[-1] in way[:-1]:
            return []
    return []


def _reaches_default(layers: Layers, layer: Layer) -> bool:
    seen: set[str] = set()
    while layer.extends and layer.name not in seen and layer.extends in layers:
        seen.add(layer.name)
        layer = layers[layer.extends]
    return layer.name == DEFAULT


def _merged_problems(entry: Entry, layer: Layer, layers: Layers) -> Iterator[Problem]:
    values = merged(chain(layers, layer.name)).values
    for rule in rules.broken(values):
        # What a profile inherits is reported where it is set.
        own = [path for path in rule.fields if path in layer.sets]
        if own:
            yield entry.source.problem_at_value(tuple(own[0].split(".")), rule.code, rule.message)
    for dead in no_effect.dead(values, layer.sets) if layer.name != DEFAULT else ():
        message = f"has no effect: {dead.because}"
        yield _warning(entry.source, "no-effect", dead.field, message)
    for doubt in doubts.doubts(values):
        own = [path for path in doubt.fields if path in layer.sets]
        if own:
            yield _warning(entry.source, "doubtful", own[0], doubt.message)


def _warning(read: Source, code: str, path: str, message: str) -> Problem:
    place = read.keys[tuple(path.split("."))]
    return Problem(code, message, path, read.file, place.line, place.column, "warning")


def _revision(files: Contents, in_force: Schema) -> str:
    digest = hashlib.sha256(in_force.text.encode())
    for name in sorted(files):
        for part in (name.encode("utf-8", "surrogateescape"), files[name]):
            if isinstance(part, bytes):  # as in every set that is sound
                digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:12]
