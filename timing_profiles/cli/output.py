"""Print JSON, text and problems, and format values with their units.

A runner of GitHub Actions parses the output: a line that begins with `::` or contains `##[` is a
command. https://github.com/actions/runner, src/Runner.Common/ActionCommand.cs
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from timing_profiles.catalog.schema import Schema
from timing_profiles.cli import UsageError, terminal
from timing_profiles.cli.terminal import Style
from timing_profiles.problems import Problem, printable, quoted

_COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)

# A workflow command ends its message and its properties at these characters.
_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_MESSAGE, ":": "%3A", ",": "%2C"}

_COUNTED = frozenset({"s", "ms", "words"})


def check_place(output: str | None) -> None:
    """Check that a file can be written, before the work for it; None is stdout.

    Raises:
        UsageError: Its directory is missing, or it is a directory.
    """
    if output is None:
        return
    is_directory = os.path.isdir(output)  # noqa: PTH112 - Path.is_dir may raise an error
    if is_directory or not os.path.isdir(os.path.dirname(output) or "."):  # noqa: PTH112, PTH120
        reason = os.strerror(errno.EISDIR if is_directory else errno.ENOENT)
        raise UsageError(f"{printable(Path(output).as_posix())}: cannot be written: {reason}")


def print_json(value: Any) -> None:
    """Print a value as indented JSON, in ASCII: independent of the locale."""
    text = json.dumps(value, indent=2)
    print(text.replace("##[", "#\\u0023[") if _is_parsed_by_github() else text)


def print_text(text: str, stream: TextIO | None = None, end: str = "\n") -> None:
    """Print text, on stdout by default; no line is a command for a runner of GitHub."""
    if _is_parsed_by_github():
        text = _COMMAND.sub(r"\1\\x3a", text).replace("##[", r"#\x23[")
    print(text, file=stream, end=end)


def print_problems(problems: Iterable[Problem], stream: TextIO) -> None:
    """Print problems, wrapped at the stream's width."""
    look = terminal.style(stream)
    for problem in problems:
        print_text(_problem(problem, look), stream)


def print_annotations(problems: Iterable[Problem]) -> None:
    """Print problems as workflow commands, which GitHub shows at their lines."""
    print("".join(f"{annotation(problem)}\n" for problem in problems), end="")


def annotation(problem: Problem, level: str = "") -> str:
    """Return a problem as a workflow command; its level is its severity by default."""
    place = {"file": printable(problem.file), "line": problem.line or 1, "col": problem.column or 1}
    properties = ",".join(f"{name}={_escaped(str(at), _PROPERTY)}" for name, at in place.items())
    text = ": ".join(part for part in (problem.path, problem.message) if part)
    text = printable(f"{text}; {problem.hint}" if problem.hint else text)
    return f"::{level or problem.severity} {properties}::{_escaped(text, _MESSAGE)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)


def _is_parsed_by_github() -> bool:
    return bool(os.environ.get("GITHUB_ACTIONS"))


def with_unit(schema: Schema, path: str, value: Any) -> str:
    """Return the value of a field with its unit: `1.5 s`, `auto`, `null`."""
    field = schema.fields.get(path)
    counted = field and field.unit in _COUNTED and isinstance(value, int | float)
    if field and counted and not isinstance(value, bool):
        return f"{quoted(value)} {field.unit}"
    return value if isinstance(value, str) else quoted(value)


def _problem(problem: Problem, look: Style) -> str:
    text = "\n".join(look.wrapped(line, "", "    ") for line in str(problem).split("\n"))
    paint = look.warning if problem.severity == "warning" else look.error
    return text.replace(problem.place, paint(problem.place), 1)
