"""What several commands print: JSON, values with their units."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

from timing_profiles.cli import terminal
from timing_profiles.cli.terminal import Style
from timing_profiles.comparison import ALLOW, Change
from timing_profiles.problems import Problem, listed, quoted
from timing_profiles.schema import Schema

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


def both_sides(schema: Schema, change: Change) -> tuple[str, str]:
    """The two values of a change for people; of a policy, what one side allows beyond the other."""
    if change.field == ALLOW:
        return _beyond(change.a, change.b), _beyond(change.b, change.a)
    return with_unit(schema, change.field, change.a), with_unit(schema, change.field, change.b)


def _beyond(these: Sequence[str], those: Sequence[str]) -> str:
    more = listed(item for item in these if item not in those)
    return f"also {more}" if more else ""


def _problem(problem: Problem, look: Style) -> str:
    text = "\n".join(look.wrapped(line, "", "    ") for line in str(problem).split("\n"))
    paint = look.warning if problem.severity == "warning" else look.error
    return text.replace(problem.place, paint(problem.place), 1)
