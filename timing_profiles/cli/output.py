"""What several commands print: JSON, values with their units."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TextIO

from timing_profiles.catalog.schema import Schema
from timing_profiles.cli import terminal
from timing_profiles.cli.terminal import Style
from timing_profiles.problems import Problem, quoted

_COUNTED = frozenset({"s", "ms", "words"})


def print_json(value: Any) -> None:
    """A value on stdout, as indented JSON; ASCII, so that no locale spoils it for a program."""
    print(json.dumps(value, indent=2))


def print_problems(problems: Iterable[Problem], stream: TextIO) -> None:
    """Problems for people, in lines of the stream's width."""
    look = terminal.style(stream)
    for problem in problems:
        print(_problem(problem, look), file=stream)


def with_unit(schema: Schema, path: str, value: Any) -> str:
    """The value of a field for people: `1.5 s`, `auto`, `null`."""
    field = schema.fields.get(path)
    counted = field and field.unit in _COUNTED and isinstance(value, int | float)
    if field and counted and not isinstance(value, bool):
        return f"{quoted(value)} {field.unit}"
    return value if isinstance(value, str) else quoted(value)


def _problem(problem: Problem, look: Style) -> str:
    text = "\n".join(look.wrapped(line, "", "    ") for line in str(problem).split("\n"))
    paint = look.warning if problem.severity == "warning" else look.error
    return text.replace(problem.place, paint(problem.place), 1)
