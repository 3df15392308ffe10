"""Find, read and check the active `schema.json`."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
from jsonschema import FormatChecker
from jsonschema.validators import Draft202012Validator

from timing_profiles.catalog import folder, pattern, tightening
from timing_profiles.catalog.pattern import PatternError
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, ProfilesError, cut, quoted, strerror

FILE_NAME = "schema.json"

HOW_TO_ADD = "fields of a newer release: run `timing-profiles check --add-missing` to add them"
"""The hint where a file lacks fields that this release requires."""

MAX_BYTES = 1024 * 1024
"""The largest schema that is read. The packaged one takes 46 KiB."""

_TOO_LARGE = f"the file is larger than {MAX_BYTES} bytes, the most that is read"

_LONGEST_PLACE = 200  # characters
_LONGEST_NUMBER = 20

MAX_DEPTH = 64
"""The deepest nesting of a schema. The packaged one is 10 deep; Python 3.13 parses 5,000."""

MAX_PATTERNS = 100
"""Patterns of a schema: each takes bounded time. The packaged one has 21."""

# Keywords whose values are data, not schemas.
_DATA = frozenset({"const", "default", "enum", "examples"})

_REFERENCES = frozenset({"$ref", "$dynamicRef"})

# Inside a schema, these change how the part around them is read.
_OF_THE_ROOT = frozenset({"$id", "$schema"})

# Keys would be matched by slow patterns; each nested `unevaluated...` doubles the time of a check.
_UNSUPPORTED = frozenset({"patternProperties", "unevaluatedItems", "unevaluatedProperties"})


def load(profiles_dir: Path) -> Schema:
    """Load the active schema: the `schema.json` beside the profiles, else the packaged one.

    Args:
        profiles_dir: The directory of profiles.

    Raises:
        ProfilesError: It cannot be read, or cannot be a schema of profiles.
    """
    return read(content(profiles_dir))


def content(profiles_dir: Path) -> bytes | Problem:
    """Read the bytes of the active schema, or find why there are none.

    Args:
        profiles_dir: The directory of profiles.
    """
    try:
        found = folder.read_file(active(profiles_dir), MAX_BYTES)
    except OSError as error:
        return _problem(f"cannot be read: {strerror(error)}")
    if len(found) > MAX_BYTES:
        return _problem(_TOO_LARGE)
    return found


def read(content: bytes | Problem, file: str = FILE_NAME) -> Schema:
    """Make the schema that a file holds.

    Args:
        content: Its bytes, UTF-8; or why there are none.
        file: The file as messages show it.

    Raises:
        ProfilesError: It cannot be a schema of profiles.
    """
    if isinstance(content, Problem):
        raise ProfilesError([content])
    if len(content) > MAX_BYTES:  # of a commit
        raise ProfilesError([Problem("schema", _TOO_LARGE, file=file)])
    try:
        text = _decoded(content)
    except UnicodeDecodeError as error:
        raise ProfilesError([Problem("schema", f"cannot be read: {error}", file=file)]) from None
    try:
        return _accepted(text)
    except ProfilesError as error:
        raise ProfilesError(replace(problem, file=file) for problem in error.problems) from None


@lru_cache(maxsize=2)  # of a reload, or of the two sides of a comparison
def _accepted(text: str) -> Schema:
    # The packaged schema is valid; checking it would take as long as a short command.
    problems = [] if text == packaged_text() else [*_problems(text)]
    if problems:
        raise ProfilesError(problems)
    return Schema(text)


def is_of(content: bytes | Problem, schema: Schema) -> bool:
    """Return whether a file holds a schema; its line ends and its byte order mark are not of it."""
    try:
        return isinstance(content, bytes) and _decoded(content) == schema.text
    except UnicodeDecodeError:
        return False


def _decoded(content: bytes) -> str:
    return io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()


def active(profiles_dir: Path) -> Path:
    """Return the path of the active schema."""
    beside = folder.absolute(profiles_dir).parent / FILE_NAME
    # A link to nowhere, or a directory, is a mistake to report, not a reason for another schema.
    return beside if os.path.lexists(beside) else packaged(FILE_NAME)


def packaged(name: str) -> Path:
    """Return the path of a packaged file: `schema.json`, or a starter profile by its name."""
    return _packaged() / ("profiles" if name.endswith(".yaml") else "") / name


def packaged_text() -> str:
    """Return the text of the packaged schema."""
    return packaged(FILE_NAME).read_text(encoding="utf-8")


def starters() -> list[Path]:
    """Return the files of the starter profiles, sorted by name."""
    return sorted((_packaged() / "profiles").glob("*.yaml"))


def _packaged() -> Path:
    installed = Path(__file__).parents[1] / "packaged"
    return installed if installed.is_dir() else Path(__file__).parents[2]


def _problems(text: str) -> Iterator[Problem]:
    try:
        schema = json.loads(text, parse_int=_finite, parse_float=_finite, parse_constant=_finite)
        if _is_too_deep(schema):
            yield _problem(f"nested deeper than {MAX_DEPTH} levels")
            return
        # Without formats: `re` would compile each pattern, which the check of patterns below reads.
        Draft202012Validator.check_schema(schema, format_checker=FormatChecker(formats=()))
    except json.JSONDecodeError as error:
        yield _problem(f"invalid JSON: {error.msg}", error.lineno, error.colno)
    except jsonschema.SchemaError as error:
        # The message begins with all of the value, which may be a whole section.
        reason = error.message.removeprefix(repr(error.instance)).strip()
        place = ".".join(map(str, error.absolute_path))
        yield _problem(f"not a JSON Schema: {quoted(error.instance)} {reason}", path=place)
    except _NotFinite as error:
        yield _problem(f"invalid JSON: {error}")
    except RecursionError:
        yield _problem("invalid JSON: nested too deeply")
    else:
        odd = [
            *_section_problems(schema, ""),
            *_reference_problems(schema),
            *_value_problems(schema),
        ]
        yield from odd or [*_looser_fields(schema), *_missing_fields(text)]


class _NotFinite(ValueError):
    """A number that no bound can be compared with; the text says which one."""


def _finite(text: str) -> int | float:
    """Make a number. All comparisons with NaN are false: as a bound, it would be none."""
    number = float(text)
    if not math.isfinite(number):
        raise _NotFinite(f"{cut(text, _LONGEST_NUMBER)} is not a finite number")
    return int(text) if text.removeprefix("-").isdecimal() else number


def _is_too_deep(schema: Any) -> bool:
    """Return whether a document is nested deeper than the functions below may recurse."""
    level = [schema]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for value in level
            if isinstance(value, dict | list)
            for inner in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def _section_problems(schema: Any, path: str) -> Iterator[Problem]:
    """Check that every section refuses unknown fields: LiveKit accepts a typo silently."""
    if not isinstance(schema, dict):
        yield _problem("is not an object", path=path)
        return
    properties = schema.get("properties", {})
    if (properties or not path) and schema.get("additionalProperties") is not False:
        yield _problem("a section must have `additionalProperties: false`", path=path)
    for name, inner in properties.items():
        yield from _section_problems(inner, f"{path}.{name}".removeprefix("."))


def _reference_problems(schema: Any, *, is_root: bool = True) -> Iterator[Problem]:
    """Refuse references, which could be fetched, or lead to themselves, and schemas in schemas.

    A part with a `$schema` of its own would be checked by the rules of that: older drafts do not
    know every bound, and not even this draft has our patterns.
    """
    if isinstance(schema, dict):
        for keyword in sorted(_REFERENCES & schema.keys()):
            yield _problem(f"{keyword} {quoted(schema[keyword])} is not supported")
        for keyword in () if is_root else sorted(_OF_THE_ROOT & schema.keys()):
            found = quoted(schema[keyword])
            yield _problem(f"{keyword} {found} is not supported below the top of the schema")
    inner = schema.values() if isinstance(schema, dict) else schema
    for value in inner if isinstance(schema, dict | list) else ():
        yield from _reference_problems(value, is_root=False)


def _value_problems(schema: Any) -> Iterator[Problem]:
    """Refuse what takes unbounded time: keywords that always can, patterns, and many of these."""
    parts = list(_parts(schema, ""))
    for path, part in parts:
        for keyword in sorted(_UNSUPPORTED & part.keys()):
            yield _problem(f"{keyword} is not supported", path=path)
    patterns = [
        (path, part["pattern"]) for path, part in parts if isinstance(part.get("pattern"), str)
    ]
    if len(patterns) > MAX_PATTERNS:
        yield _problem(f"{len(patterns)} patterns are more than the maximum of {MAX_PATTERNS}")
        return
    for path, text in patterns:
        yield from _pattern_problem(text, path)


def _parts(schema: Any, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every schema within a schema, with the path of its field."""
    if isinstance(schema, list):
        for inner in schema:
            yield from _parts(inner, path)
    elif isinstance(schema, dict):
        yield path, schema
        for keyword, inner in schema.items():
            if keyword == "properties" and isinstance(inner, dict):
                for name, field in inner.items():
                    yield from _parts(field, f"{path}.{name}".removeprefix("."))
            elif keyword not in _DATA:
                yield from _parts(inner, path)


def _pattern_problem(text: str, path: str) -> Iterator[Problem]:
    try:
        pattern.compiled(text)
    except PatternError as error:
        yield _problem(f"pattern {quoted(text)} is not supported: {error}", path=path)


def _looser_fields(schema: Any) -> Iterator[Problem]:
    for path, message in tightening.loosened(schema, json.loads(packaged_text())):
        yield _problem(message, path=path)


def _missing_fields(text: str) -> Iterator[Problem]:
    fields: Mapping[str, Any] = Schema(text).fields
    required = Schema(packaged_text()).fields
    lacking = sorted(required.keys() - fields.keys())
    for number, path in enumerate(lacking):
        message = "missing; a schema may tighten bounds, not omit fields"
        # Of a schema of something else, nothing can be made.
        hint = "" if number or len(lacking) == len(required) else HOW_TO_ADD
        yield replace(_problem(message, path=path), hint=hint)


def _problem(message: str, line: int = 0, column: int = 0, path: str = "") -> Problem:
    return Problem("schema", message, cut(path, _LONGEST_PLACE), FILE_NAME, line, column)
