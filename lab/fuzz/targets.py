"""The targets: bytes -> the outcome in the library, and its faults."""

from __future__ import annotations

import json
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest import mock

from sandbox.hostile_set import COMMANDS, lay_out, obeyed, run
from timing_profiles.authoring import bounds, reference
from timing_profiles.authoring.explanation import explain_field
from timing_profiles.catalog import catalog, folder, schema_file
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
        share: The share of the inputs that are asked for: less where each takes long.
        seeds: Inputs to begin with, beside those that are kept.
        load: Loads what the first inputs would load, so that it does not count as growth.
    """

    name: str
    read: Callable[[bytes], Any]
    printed: Callable[[Any], Sequence[str]]
    faults: Callable[[Any], Iterator[str]]
    most_bytes: int
    within: float
    share: float = 1.0
    seeds: tuple[bytes, ...] = ()
    load: Callable[[], object] = lambda: None


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


@dataclass(frozen=True, slots=True)
class _ReadSchema:
    """The outcome of a schema: its problems, or what it accepts."""

    problems: Sequence[Problem]
    schema: Schema | None = None


def _read_schema(content: bytes) -> _ReadSchema:
    """A schema beside the real default.yaml: checked, and then used as by commands and calls."""
    try:
        schema = schema_file.read(content)
    except ProfilesError as error:
        return _ReadSchema(error.problems)
    try:
        found = catalog.build(_DEFAULT, schema, None, "profiles")
    except ProfilesError as error:
        return _ReadSchema(error.problems, schema)
    for bound in bounds.changed(_BEFORE, found):
        bound.in_words()
    reference.page(found, [explain_field(found, field) for field in schema.fields.values()])
    asked = settings.resolve(found, request.layers(metadata=_ASKED))
    return _ReadSchema((*found.warnings, *asked.problems), schema)


_ASKED = '{"profile": "default", "endpointing_ms": 90000, "overrides": {"tts": {"speed": 2.5}}}'

_PROBES: tuple[Any, ...] = (
    *(-1, 0, 0.01, 0.5, 2, 1e9, None, True, "auto", "manual", "x", "", "en", "*"),
    *([], [0, 0], [1e9, 0], ["en"], {}, {"en": 2}, {"": 0.5}),
)


def _faults_of_schema(found: _ReadSchema) -> Iterator[str]:
    yield from _faults_of_problems(found.problems)
    for path, field in SCHEMA.fields.items() if found.schema else ():
        own = found.schema.fields[path] if found.schema else field
        for value in _PROBES:
            refused = SCHEMA.value_problem(field, value)
            if refused and found.schema and not found.schema.value_problem(own, value):
                yield f"accepted, though the packaged schema refuses it: {refused.message}"


def _bare(schema: Any) -> Any:
    """A schema without its words, which take up most of it."""
    if not isinstance(schema, dict):
        return schema
    words = ("title", "description", "examples", "enumDescriptions", "errorMessage")
    return {
        key: _bare(value)
        for key, value in schema.items()
        if key != "defaultSnippets" and not (key in words and not isinstance(value, dict))
    }


def _printed_schema(found: _ReadSchema) -> list[str]:
    return ["accepted" if found.schema else "refused", *_printed_problems(found.problems)]


@dataclass(frozen=True, slots=True)
class _Printed:
    """What a command has printed."""

    command: str
    form: str
    status: int
    out: str
    err: str


_RUNS = tuple((command, form) for command, forms in COMMANDS.items() for form in forms)


def _run_command(content: bytes) -> _Printed:
    """A command and a form, by the input's bytes, on a set whose every text is the input."""
    return _run_numbered(zlib.crc32(content), content)


def _run_each() -> None:
    for number in range(2 * len(_RUNS)):
        _run_numbered(number, b"text")


def _run_numbered(number: int, content: bytes) -> _Printed:
    command, form = _RUNS[number % len(_RUNS)]
    text = content.decode("utf-8", "surrogateescape").encode("utf-8", "replace").decode()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as directory:
        lay_out(Path(directory), text, broken=number // len(_RUNS) % 2 == 1)
        in_workflow = {"PROFILES_DIR": f"{directory}/profiles", "GITHUB_ACTIONS": "true"}
        with mock.patch.dict(os.environ, in_workflow):
            return _Printed(command, form, *run(command, form))


def _faults_of_command(found: _Printed) -> Iterator[str]:
    what = f"{found.command} --format {found.form}"
    if found.status not in {0, 1, 2}:
        yield f"{what}: status {found.status}"
    for line in (*obeyed(found.out, found.form), *obeyed(found.err, found.form)):
        yield f"{what}: a terminal or GitHub obeys {line!a}"
    if found.form == "json" and found.status != _USAGE:
        try:
            json.loads(found.out or "null")
        except ValueError as error:
            yield f"{what}: {error}"


_USAGE = 2


def _printed_command(found: _Printed) -> list[str]:
    return [f"{found.command} --format {found.form}: {found.status}", found.out, found.err]


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

_SCHEMA = Target(
    "schema",
    _read_schema,
    _printed_schema,
    _faults_of_schema,
    most_bytes=128 * 1024,
    within=1.0,
    share=0.1,
    seeds=(json.dumps(_bare(json.loads(SCHEMA.text))).encode(),),
)
_COMMANDS = Target(
    "commands",
    _run_command,
    _printed_command,
    _faults_of_command,
    most_bytes=400,
    within=1.0,
    share=0.01,
    load=_run_each,
)

TARGETS: Mapping[str, Target] = MappingProxyType(
    {target.name: target for target in (_YAML, _METADATA, _SCHEMA, _COMMANDS)}
)
"""What is fuzzed, by its name."""
