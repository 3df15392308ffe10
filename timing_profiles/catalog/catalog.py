"""Load a directory of profiles as one frozen set: chains merged, every value with its origin."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from timing_profiles.catalog import folder, inheritance, parsed_file, schema_file
from timing_profiles.catalog.folder import SUFFIX, Contents
from timing_profiles.catalog.inheritance import Layers, ParsedFiles
from timing_profiles.catalog.parsed_file import ParsedFile
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, ProfilesError, in_order
from timing_profiles.profile import DEFAULT, NAME, Layer, Profile, merged, walk


@dataclass(frozen=True)
class Catalog:
    """A checked set of profiles.

    Attributes:
        schema: The schema that the set was checked against.
        layers: What each profile sets itself, by its name.
        warnings: Settings that have no effect, and settings that callers will complain of.
        label: The directory as messages show it.
        files: The parsed files by file name, for the next reload to build on.
        found: The problems of each profile together with what it inherits, likewise.
        errors: Why profiles of the directory are missing here; `load` and `build` return no set
            that has any.
    """

    schema: Schema
    layers: Layers
    warnings: tuple[Problem, ...]
    label: str
    files: ParsedFiles
    found: Mapping[str, Sequence[Problem]]
    errors: tuple[Problem, ...] = ()

    @cached_property
    def revision(self) -> str:
        """The revision of the set; empty where it has errors or no file."""
        contents = ((name, file.content) for name, file in self.files.items())
        texts = {name: content for name, content in contents if isinstance(content, bytes)}
        return "" if self.errors or not texts else revision(texts, self.schema.text)

    def names(self) -> list[str]:
        """Return the names of all profiles, sorted."""
        return sorted(self.layers)

    def readable(self) -> Layers:
        """Return what each profile sets itself, by its name; of invalid files the valid part."""
        return _layers(self.files.values())

    def profile(self, name: str) -> Profile | None:
        """Return a profile with everything that it inherits; None where the name is unknown."""
        layers, _ = walk(name, self.layers.get)
        return merged(reversed(layers)) if layers else None


def load(profiles_dir: Path, label: str = "") -> Catalog:
    """Read and check a directory of profiles.

    Args:
        profiles_dir: The directory. The `schema.json` beside it is active where there is one.
        label: The directory as messages show it; its name by default.

    Raises:
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    return _whole(load_valid(profiles_dir, label))


def load_valid(profiles_dir: Path, label: str = "", before: Catalog | None = None) -> Catalog:
    """Read and check a directory; keep the profiles that are valid with all that they extend.

    Args:
        profiles_dir: The directory.
        label: The directory as messages show it; its name by default.
        before: A catalog to build on, as in `build`.

    Raises:
        ProfilesError: The directory or the active schema cannot be read.
    """
    label = label or folder.absolute(profiles_dir).name
    schema = schema_file.load(profiles_dir)
    return _checked(folder.read(profiles_dir, label), schema, before, label)


def build(contents: Contents, schema: Schema, before: Catalog | None, label: str) -> Catalog:
    """Check the bytes of a set, and merge it.

    Args:
        contents: The bytes of each file, by name.
        schema: The schema to check them against.
        before: An earlier catalog, or one of another directory: a valid file with the same bytes is
            not parsed again. Under the same label, what has not changed is not checked again.
        label: The directory as messages show it.

    Raises:
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    return _whole(_checked(contents, schema, before, label))


def empty(schema: Schema, label: str = "", errors: tuple[Problem, ...] = ()) -> Catalog:
    """Make a set without any profile."""
    return Catalog(schema, {}, (), label, {}, {}, errors)


def revision(files: Mapping[str, bytes], schema: str) -> str:
    """Compute the revision of a set: 12 hex digits.

    Args:
        files: The bytes of each file, by name.
        schema: The text of the schema that it is checked against.
    """
    # Most commands print no revision, and this loads OpenSSL.
    import hashlib  # noqa: PLC0415

    digest = hashlib.sha256(schema.encode())
    for name in sorted(files):
        for part in (name.encode("utf-8", "surrogateescape"), files[name]):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:12]


def _whole(found: Catalog) -> Catalog:
    if found.errors:
        raise ProfilesError((*found.errors, *found.warnings))
    return found


def _checked(contents: Contents, schema: Schema, before: Catalog | None, label: str) -> Catalog:
    if not before or before.schema.text != schema.text:
        before = empty(schema, label)
    files = {
        name: _parsed(name, content, schema, before, label) for name, content in contents.items()
    }
    layers = _layers(files.values())
    missing = list(_missing_from_default(files, schema, label))
    changed = {
        name.removesuffix(SUFFIX)
        for name in files.keys() | before.files.keys()
        if files.get(name) is not before.files.get(name)
    }
    affected = inheritance.affected(layers, changed) | changed
    in_cycles = inheritance.cycles(layers)
    found = {
        name: inheritance.problems(name, files, layers, in_cycles, default=not missing)
        if name.removesuffix(SUFFIX) in affected
        else before.found[name]
        for name in files
    }
    problems = {name: (*files[name].problems, *found[name]) for name in files}
    everything = in_order(chain(missing, *problems.values()))
    errors = tuple(problem for problem in everything if problem.severity == "error")
    if not errors:
        return Catalog(schema, layers, everything, label, files, found)
    invalid = {
        name.removesuffix(SUFFIX)
        for name in files
        if any(problem.severity == "error" for problem in problems[name])
    }
    left_out = inheritance.affected(layers, invalid | {DEFAULT} if missing else invalid)
    valid = {name: layer for name, layer in layers.items() if name not in left_out}
    warnings = tuple(problem for problem in everything if problem.severity == "warning")
    return Catalog(schema, valid, warnings, label, files, found, errors)


def _parsed(
    name: str, content: bytes | Problem, schema: Schema, before: Catalog, label: str
) -> ParsedFile:
    """Parse a file, unless a catalog has it with the same bytes."""
    known = before.files.get(name)
    if known and known.content == content:
        if before.label == label:
            return known
        if not known.problems:
            return known.labelled(f"{label}/{name}")
    return parsed_file.parse(name, content, schema, label)


def _layers(files: Iterable[ParsedFile]) -> dict[str, Layer]:
    """Return what the files set, by the profile's name, without files of an invalid name."""
    layers = (file.layer for file in files)
    return {layer.name: layer for layer in layers if layer and NAME.fullmatch(layer.name)}


def _missing_from_default(files: ParsedFiles, schema: Schema, label: str) -> Iterator[Problem]:
    file = f"{label}/{DEFAULT}{SUFFIX}"
    default = files.get(DEFAULT + SUFFIX)
    if default is None:
        yield Problem("default-missing", "is missing; it sets every field", file=file)
    elif default.layer:
        known = default.layer.sets.keys() | default.unknown
        for number, path in enumerate(sorted(schema.fields.keys() - known)):
            hint = "" if number else schema_file.HOW_TO_ADD
            message = f"{DEFAULT} sets every field"
            yield Problem("default-incomplete", message, path, file, hint=hint)
