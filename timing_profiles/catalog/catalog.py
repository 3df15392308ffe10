"""A directory of profiles -> one frozen set: chains merged, every value with its origin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from timing_profiles.catalog import folder, inheritance, parsed_file, schema_file
from timing_profiles.catalog.folder import SUFFIX, Contents
from timing_profiles.catalog.inheritance import Entries, Layers
from timing_profiles.catalog.parsed_file import Entry
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, ProfilesError, in_order
from timing_profiles.profile import DEFAULT, NAME, Layer, Profile, merged, walk


@dataclass(frozen=True, slots=True)
class Catalog:
    """A checked set of profiles.

    Attributes:
        revision: 12 hex digits, a hash of the files' names and bytes and of the schema.
        schema: The schema that the set was checked against.
        layers: What each profile sets itself, by its name.
        warnings: Settings that have no effect, and settings that callers will complain of.
        label: The directory as messages show it.
        entries: The parsed files by file name, for the next reload to build on.
        found: The problems of each profile together with what it inherits, likewise.
        errors: Why profiles of the directory are missing here; `load` and `build` return no set
            that has any.
    """

    revision: str
    schema: Schema
    layers: Layers
    warnings: tuple[Problem, ...]
    label: str
    entries: Entries
    found: Mapping[str, Sequence[Problem]]
    errors: tuple[Problem, ...] = ()

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""
        return sorted(self.layers)

    def readable(self) -> Layers:
        """What each profile sets itself, by its name; broken ones too, as far as they are valid."""
        return _layers(self.entries.values())

    def profile(self, name: str) -> Profile | None:
        """A profile with everything that it inherits; None where there is none of that name."""
        chain, _ = walk(name, self.layers.get)
        return merged(reversed(chain)) if chain else None


def load(profiles_dir: Path, before: Catalog | None = None, label: str = "") -> Catalog:
    """Read and check a directory of profiles.

    Args:
        profiles_dir: The directory. The `schema.json` beside it is active where there is one.
        before: An earlier catalog: files with the same bytes are not parsed again.
        label: The directory as messages show it; its name by default.

    Raises:
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    return _whole(load_sound(profiles_dir, before, label))


def load_sound(profiles_dir: Path, before: Catalog | None = None, label: str = "") -> Catalog:
    """Read and check a directory; keep the profiles that are valid with all that they extend.

    Args:
        profiles_dir: The directory.
        before: An earlier catalog without errors: files with the same bytes are not parsed again.
        label: The directory as messages show it; its name by default.

    Raises:
        ProfilesError: The directory or the active schema cannot be read.
    """
    label = label or profiles_dir.absolute().name
    in_force = schema_file.load(profiles_dir, before.schema if before else None)
    return _checked(folder.read(profiles_dir, label), in_force, before, label)


def build(files: Contents, in_force: Schema, before: Catalog | None, label: str) -> Catalog:
    """Check the bytes of a set, and merge it.

    Args:
        files: The bytes of each file, by name.
        in_force: The schema to hold them to.
        before: An earlier catalog: what has not changed since is neither parsed nor checked again.
        label: The directory as messages show it.

    Raises:
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    return _whole(_checked(files, in_force, before, label))


def revision(files: Mapping[str, bytes], schema: str) -> str:
    """Compute the revision of a set: 12 hex digits.

    Args:
        files: The bytes of each file, by name.
        schema: The text of the schema that it is checked against.
    """
    digest = hashlib.sha256(schema.encode())
    for name in sorted(files):
        for part in (name.encode("utf-8", "surrogateescape"), files[name]):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:12]


def _whole(found: Catalog) -> Catalog:
    if found.errors:
        raise ProfilesError((*found.errors, *found.warnings))
    return found


def _checked(files: Contents, in_force: Schema, before: Catalog | None, label: str) -> Catalog:
    if not before or before.schema.text != in_force.text:
        before = Catalog("", in_force, {}, (), label, {}, {})
    entries = {
        name: _entry(name, content, in_force, before, label) for name, content in files.items()
    }
    layers = _layers(entries.values())
    missing = list(_missing_from_default(entries, in_force, label))
    changed = {
        name.removesuffix(SUFFIX)
        for name in entries.keys() | before.entries.keys()
        if entries.get(name) is not before.entries.get(name)
    }
    affected = inheritance.affected(layers, changed) | changed
    in_cycles = inheritance.cycles(layers)
    found = {
        name: inheritance.problems(name, entries, layers, in_cycles, default=not missing)
        if name.removesuffix(SUFFIX) in affected
        else before.found[name]
        for name in entries
    }
    everything = in_order(_every(entries.values(), missing, found))
    errors = tuple(problem for problem in everything if problem.severity == "error")
    if not errors:
        texts = {name: text for name, text in files.items() if isinstance(text, bytes)}
        number = revision(texts, in_force.text)
        return Catalog(number, in_force, layers, everything, label, entries, found)
    broken = {name.removesuffix(SUFFIX) for name in entries if entries[name].problems}
    broken |= {name.removesuffix(SUFFIX) for name in found if _has_error(found[name])}
    left = inheritance.affected(layers, broken | {DEFAULT} if missing else broken)
    valid = {name: layer for name, layer in layers.items() if name not in left}
    warnings = tuple(problem for problem in everything if problem.severity == "warning")
    return Catalog("", in_force, valid, warnings, label, entries, found, errors)


def _entry(
    name: str, content: bytes | Problem, in_force: Schema, before: Catalog, label: str
) -> Entry:
    """Parse a file, unless an earlier catalog has it with the same bytes."""
    known = before.entries.get(name)
    if known is None or known.content != content:
        return parsed_file.read(name, content, in_force, label)
    return known if before.label == label else known.labelled(name, label)


def _layers(entries: Iterable[Entry]) -> dict[str, Layer]:
    """What the files set, by the profile's name; one with a wrong name is no profile of the set."""
    layers = (read.layer for read in entries)
    return {layer.name: layer for layer in layers if layer and NAME.fullmatch(layer.name)}


def _has_error(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def _every(
    entries: Iterable[Entry], missing: Iterable[Problem], found: Mapping[str, Sequence[Problem]]
) -> Iterator[Problem]:
    for entry in entries:
        yield from entry.problems
    yield from missing
    for problems in found.values():
        yield from problems


def _missing_from_default(entries: Entries, in_force: Schema, label: str) -> Iterator[Problem]:
    file = f"{label}/{DEFAULT}{SUFFIX}"
    default = entries.get(DEFAULT + SUFFIX)
    if default is None:
        yield Problem("default-missing", "is missing; it sets every field", file=file)
    elif default.layer:
        said = default.layer.sets.keys() | default.unknown
        for path in (path for path in in_force.fields if path not in said):
            yield Problem("default-incomplete", f"{DEFAULT} sets every field", path, file)
