"""Add to `default.yaml` and `schema.json` the fields that a newer release requires.

Every other character of both files stays as it is.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from timing_profiles.authoring import yaml_edit
from timing_profiles.authoring.yaml_edit import CannotEdit
from timing_profiles.catalog import catalog, schema_file
from timing_profiles.catalog.folder import SUFFIX
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, ProfilesError, strerror
from timing_profiles.profile import DEFAULT

_PROPERTIES = "properties"
_SPACE = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Added:
    """The fields that were added to a file.

    Attributes:
        file: Its path.
        fields: Their dotted paths.
    """

    file: Path
    fields: tuple[str, ...]


def add_missing(profiles_dir: Path) -> list[Added]:
    """Add the missing fields to the files of a set: first to its schema, then to `default.yaml`.

    Their values are those of the packaged `default`. A file that lacks none is not touched.

    Args:
        profiles_dir: The directory of profiles; the `schema.json` beside it, too, if there is one.

    Raises:
        ProfilesError: The schema is invalid, or a file cannot be read, edited or written.
    """
    found = []
    try:
        schema_file.load(profiles_dir)
    except ProfilesError as error:
        if not any(problem.hint == schema_file.HOW_TO_ADD for problem in error.problems):
            raise
        beside = Path(os.path.normpath(profiles_dir / ".." / schema_file.FILE_NAME))
        found.append(_changed(beside, _with_properties))
    default = profiles_dir / f"{DEFAULT}{SUFFIX}"
    if os.path.lexists(default):
        found.append(_changed(default, _with_values))
    return [added for added in found if added.fields]


def _changed(file: Path, change: Any) -> Added:
    try:
        before = file.read_bytes().decode("utf-8")
        after, fields = change(before)
        if fields:
            # In place: a link, its owner and its mode stay.
            file.write_bytes(after.encode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = strerror(error) if isinstance(error, OSError) else "not UTF-8"
        raise _error(file, f"cannot be changed: {reason}") from None
    except CannotEdit as error:
        raise _error(file, f"cannot be changed: {error}; run timing-profiles check") from None
    return Added(file, fields)


def _error(file: Path, message: str) -> ProfilesError:
    return ProfilesError([Problem("upgrade", message, file=file.as_posix())])


def _with_values(text: str) -> tuple[str, tuple[str, ...]]:
    """Add the fields that a `default.yaml` lacks."""
    packaged = schema_file.packaged(f"{DEFAULT}{SUFFIX}")
    schema = Schema(schema_file.packaged_text())
    files = {f"{DEFAULT}{SUFFIX}": packaged.read_bytes()}
    values: Mapping[str, Any] = catalog.build(files, schema, None, "").layers[DEFAULT].sets
    known = yaml_edit.paths(text)
    fields = tuple(path for path in schema.fields if path not in known)
    for path in fields:
        text = yaml_edit.set_value(text, path.split("."), values[path])
    return text, fields


def _with_properties(text: str) -> tuple[str, tuple[str, ...]]:
    """Add the properties that a schema lacks, in the text of the packaged one."""
    packaged = schema_file.packaged_text()
    fields = Schema(text).fields.keys()
    added = tuple(path for path in Schema(packaged).fields if path not in fields)
    if added:
        text = _merged(text, 0, packaged, 0)
    return text, added


def _merged(text: str, at: int, packaged: str, there: int) -> str:
    """Add the properties of one section, and of those within it.

    Args:
        text: A schema.
        at: Where the object of the section begins.
        packaged: The packaged schema.
        there: Where the same object begins there.
    """
    (start, _), (theirs, _) = (
        dict(_members(each, place))[_PROPERTIES] for each, place in ((text, at), (packaged, there))
    )
    ours = dict(_members(text, start))
    # From the end to the beginning: what is added moves no place that is still needed.
    lacking = []
    inner = []
    for name, (begin, end) in _members(packaged, theirs):
        if name not in ours:
            lacking.append(f"{json.dumps(name)}: {packaged[begin:end]}")
        elif _PROPERTIES in dict(_members(packaged, begin)):
            inner.append((ours[name][0], begin))
    if lacking:
        end = max(end for _, end in ours.values()) if ours else start + 1
        line = text.rfind("\n", 0, min(begin for begin, _ in ours.values())) if ours else -1
        indent = _SPACE.match(text, line + 1)
        between = f",\n{indent.group() if indent and line >= 0 else ''}"
        text = text[:end] + (between if ours else "") + between.join(lacking) + text[end:]
    for begin, place in sorted(inner, reverse=True):
        text = _merged(text, begin, packaged, place)
    return text


def _members(text: str, start: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield the names in a JSON object, each with where its value begins and ends."""
    decoder = json.JSONDecoder()
    at = _after_space(text, start)
    if text[at] != "{":
        return
    at = _after_space(text, at + 1)
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        begin = _after_space(text, _after_space(text, at) + 1)  # the colon
        _, at = decoder.raw_decode(text, begin)
        yield name, (begin, at)
        at = _after_space(text, at)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
