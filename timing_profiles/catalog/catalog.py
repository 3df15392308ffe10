"""A folder of profiles -> one frozen set: chains merged, every value with its origin."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from timing_profiles.catalog import folder, inheritance, parsed_file, schema_file
from timing_profiles.catalog.digests import Digests
from timing_profiles.catalog.folder import SUFFIX, Contents
from timing_profiles.catalog.inheritance import Entries, Layers
from timing_profiles.catalog.parsed_file import Entry
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, ProfilesError, in_order
from timing_profiles.profile import DEFAULT, NAME, Layer, Profile, merged, walk

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Catalog:
    """A checked set of profiles.

    Attributes:
        revision: 12 hex digits, a hash of the files' names and bytes and of the schema.
        schema: The schema that the set was checked against.
        layers: What each profile sets itself, by its name.
        warnings: Settings that have no effect, and settings that callers will complain of.
        errors: Why profiles of the folder are missing here; `load` and `build` return no set that
            has any.
        label: The folder as it is shown to people.
        entries: What was read, by file name, for the next reload to build on.
        found: What each profile was warned of together with what it inherits, likewise, by file
            name; only those with a warning.
        digests: What the revision was made of, likewise.
        parents: Names of all profiles that others extend, likewise; more may be among them.
        changed: The profiles that are new, changed or gone since the catalog that this one was
            built on.
    """

    revision: str
    schema: Schema
    layers: Layers
    warnings: tuple[Problem, ...]
    label: str
    entries: Entries
    found: Mapping[str, Sequence[Problem]]
    digests: Digests = field(default_factory=Digests)
    parents: frozenset[str | None] = field(default=frozenset(), compare=False)
    changed: frozenset[str] = field(default=frozenset(), compare=False)
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
    """Read and check a folder of profiles.

    Args:
        profiles_dir: The folder. The `schema.json` beside it is in force where there is one.
        before: An earlier catalog: files with the same bytes are not read anew.
        label: The folder as it is shown to people; its name where it is not given.

    Raises:
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    return _whole(load_sound(profiles_dir, before, label))


def load_sound(profiles_dir: Path, before: Catalog | None = None, label: str = "") -> Catalog:
    """Read and check a folder, and keep the profiles that are sound with all that they extend.

    Args:
        profiles_dir: The folder.
        before: An earlier catalog without errors: files with the same bytes are not read anew.
        label: The folder as it is shown to people; its name where it is not given.

    Raises:
        ProfilesError: The folder or the schema in force cannot be read.
    """
    label = label or profiles_dir.absolute().name
    in_force = schema_file.load(profiles_dir, before.schema if before else None)
    return _checked(folder.read(profiles_dir, label), in_force, before, label)


def build(
    files: Contents,
    in_force: Schema,
    before: Catalog | None,
    label: str,
    only: Collection[str] | None = None,
) -> Catalog:
    """Check the bytes of a set, and merge it.

    Args:
        files: The bytes of each file, by name.
        in_force: The schema to hold them to.
        before: An earlier catalog: what has not changed since is neither read nor checked anew.
        label: The folder as it is shown to people.
        only: The files that may have changed, come or gone since the earlier catalog; None where
            any may.

    Raises:
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    return _whole(_checked(files, in_force, before, label, only))


def _whole(found: Catalog) -> Catalog:
    if found.errors:
        raise ProfilesError((*found.errors, *found.warnings))
    return found


def _checked(
    files: Contents,
    in_force: Schema,
    before: Catalog | None,
    label: str,
    only: Collection[str] | None = None,
) -> Catalog:
    if not before or before.schema.text != in_force.text:
        before, only = Catalog("", in_force, {}, (), label, {}, {}), None
    if only is None or label != before.label:
        only = dict.fromkeys((*files, *before.entries))
    fresh = dict(_fresh(only, files, in_force, before, label))
    gone = [name for name in only if name in before.entries and name not in files]
    changed = frozenset(name.removesuffix(SUFFIX) for name in (*fresh, *gone))
    entries = _updated(before.entries, gone, fresh)
    layers = _updated(before.layers, changed, _layers(fresh.values()))
    missing = list(_missing_from_default(entries, in_force, label))
    parents = before.parents.union(read.layer.extends for read in fresh.values() if read.layer)
    affected = (name + SUFFIX for name in inheritance.affected(layers, changed, parents))
    checked = dict.fromkeys((*affected, *fresh))
    in_cycles = inheritance.cycles(layers)
    problems = {
        name: inheritance.problems(name, entries, layers, in_cycles, default=not missing)
        for name in checked
    }
    said = {name: some for name, some in problems.items() if some}
    found = _updated(before.found, (*checked, *gone), said)
    everything = in_order(_every(fresh.values(), missing, found))
    errors = tuple(problem for problem in everything if problem.severity == "error")
    if errors:
        broken = {DEFAULT} if missing else set()
        broken |= {name.removesuffix(SUFFIX) for name in fresh if fresh[name].problems}
        broken |= {name.removesuffix(SUFFIX) for name in found if _has_error(found[name])}
        left = inheritance.affected(layers, broken, parents)
        layers = {name: layer for name, layer in layers.items() if name not in left}
        warnings = tuple(problem for problem in everything if problem.severity == "warning")
        return Catalog("", in_force, layers, warnings, label, entries, found, errors=errors)
    texts = {name: text for name in fresh if isinstance(text := files[name], bytes)}
    digests = before.digests.updated(texts, gone)
    return Catalog(
        digests.revision(in_force.text),
        in_force,
        layers,
        everything,
        label,
        entries,
        found,
        digests,
        parents,
        changed,
    )


def _fresh(
    names: Iterable[str], files: Contents, in_force: Schema, before: Catalog, label: str
) -> Iterator[tuple[str, Entry]]:
    """Those of the files that are not in an earlier catalog as they are now."""
    relabelled = before.label != label
    for name in names:
        content, known = files.get(name), before.entries.get(name)
        if content is None:
            continue
        if known is None or known.content != content:
            yield name, parsed_file.read(name, content, in_force, label)
        elif relabelled:
            yield name, known.labelled(name, label)


def _updated(mapping: Mapping[str, T], gone: Iterable[str], fresh: Mapping[str, T]) -> dict[str, T]:
    found = dict(mapping)
    for key in gone:
        found.pop(key, None)
    found.update(fresh)
    return found


def _layers(entries: Iterable[Entry]) -> dict[str, Layer]:
    """What the files set, by the profile's name; one with a wrong name is no profile of the set."""
    layers = (read.layer for read in entries)
    return {layer.name: layer for layer in layers if layer and NAME.fullmatch(layer.name)}


def _has_error(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == "error" for problem in problems)


def _every(
    fresh: Iterable[Entry], missing: Iterable[Problem], found: Mapping[str, Sequence[Problem]]
) -> Iterator[Problem]:
    """Every problem; a file of an earlier catalog has none by itself, or there were no catalog."""
    for read in fresh:
        yield from read.problems
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
