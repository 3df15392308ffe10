"""The targets: bytes -> the outcome in the library, and its faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from timing_profiles.catalog import catalog, folder
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, ProfilesError
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import dead_settings, rules

ROOT = Path(__file__).parents[2]

CORPUS = ROOT / "lab" / "fuzz" / "corpus"
"""A folder of inputs for each target, under its name."""

NEXT_LAYER = "\x1e"
"""Stands between the metadata of a room, of a dispatch and of a participant, in one input."""

_PRINTED_AT_MOST = 1000
_NAMED_AT_MOST = 300

_CODES = frozenset(
    {
        *("metadata-invalid", "metadata-too-large", "profile-unknown", "override-unknown"),
        *("override-type", "override-range", "override-forbidden", "override-conflict"),
    }
)


@dataclass(frozen=True, slots=True)
class Target:
    """A reader of untrusted text.

    Attributes:
        name: Its name on the command line.
        read: Reads any input, and returns the outcome.
        printed: The outcome of an input, for people.
        faults: The faults of an outcome, in words.
        most_bytes: The longest input that is made: a little more than is read.
        within: The seconds of CPU that an input may take.
    """

    name: str
    read: Callable[[bytes], Any]
    printed: Callable[[Any], Sequence[str]]
    faults: Callable[[Any], Iterator[str]]
    most_bytes: int
    within: float


def _contents(profiles: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(profiles.glob("*.yaml"))}


SCHEMA = Schema((ROOT / "schema.json").read_text(encoding="utf-8"))

_STARTERS = _contents(ROOT / "profiles")
_DEFAULT = {"default.yaml": _STARTERS["default.yaml"]}
_BEFORE = catalog.build(_DEFAULT, SCHEMA, None, "profiles")
_PROFILES = catalog.build(
    {**_STARTERS, "open.yaml": b"overrides: {allow: ['*']}"}, SCHEMA, None, "profiles"
)

PROFILE_NAMES = tuple(_PROFILES.names())
"""The profiles that metadata can name."""


def _read_yaml(content: bytes) -> Sequence[Problem]:
    """A file beside the real default.yaml, and each eighth one, by its length, in its place."""
    name = "fuzzed.yaml" if len(content) % 8 else "default.yaml"
    try:
        return catalog.build({**_DEFAULT, name: content}, SCHEMA, _BEFORE, "profiles").warnings
    except ProfilesError as error:
        return error.problems


def _read_metadata(content: bytes) -> Settings:
    """Up to three layers of metadata; text of the wire has no lone surrogates, but these do."""
    texts = content.decode("utf-8", "surrogateescape").split(NEXT_LAYER, 2)
    given: dict[str, Any] = dict(
        zip(("metadata", "dispatch", "room"), reversed(texts), strict=False)
    )
    return settings.resolve(_PROFILES, request.layers(**given))


def _faults_of_problems(problems: Sequence[Problem]) -> Iterator[str]:
    if len(problems) > _NAMED_AT_MOST:
        yield f"{len(problems)} problems, more than {_NAMED_AT_MOST}"
    for problem in problems:
        text = str(problem).replace("\n  hint: ", "")
        if not text.isprintable():
            yield f"not printed in plain letters: {text!a}"
        if len(text) > _PRINTED_AT_MOST:
            yield f"{len(text)} characters in one problem, more than {_PRINTED_AT_MOST}"


def _faults_of_settings(found: Settings) -> Iterator[str]:
    yield from _faults_of_problems(found.problems)
    unknown = {problem.code for problem in found.problems} - _CODES
    if unknown:
        yield f"codes that are none: {', '.join(sorted(unknown))}"
    if not found.values.keys() == found.origins.keys() == SCHEMA.fields.keys():
        yield "the fields are not those of the schema"
    for path in found.changed:
        problem = SCHEMA.value_problem(SCHEMA.fields[path], found.values[path])
        if problem:
            yield f"taken against the schema: {path}: {problem.message}"
    yield from (f"taken against a rule: {rule.message}" for rule in rules.broken(found.values))
    yield from _faults_of_problems(_warnings(found))


def _warnings(found: Settings) -> list[Problem]:
    """Return the log lines of a call about dead settings."""
    dead = dead_settings.reasons(found.values, found.changed)
    return [Problem("no-effect", reason, path) for path, reason in dead.items()]


def _printed_problems(problems: Sequence[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


def _printed_settings(found: Settings) -> list[str]:
    changes = [f"{path}: {found.values[path]!a}" for path in found.changed]
    return [f"profile {found.profile}", *changes, *_printed_problems(found.problems)]


_YAML = Target(
    "yaml",
    _read_yaml,
    _printed_problems,
    _faults_of_problems,
    most_bytes=folder.MAX_BYTES + 64,
    within=0.100,
)
_METADATA = Target(
    "metadata",
    _read_metadata,
    _printed_settings,
    _faults_of_settings,
    most_bytes=request.MAX_BYTES + 64,
    within=0.020,
)

TARGETS: Mapping[str, Target] = MappingProxyType({t.name: t for t in (_YAML, _METADATA)})
"""What is fuzzed, by its name."""
