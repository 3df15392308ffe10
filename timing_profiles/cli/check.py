"""`check`: all that is wrong with profiles."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from timing_profiles import catalog, folder, schema_file
from timing_profiles.cli import terminal
from timing_profiles.cli.output import print_json
from timing_profiles.cli.terminal import Style
from timing_profiles.folder import SUFFIX
from timing_profiles.problems import Problem, ProfilesError, in_order

# A workflow command ends its message and its properties at these characters.
_MESSAGE = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_MESSAGE, ":": "%3A", ",": "%2C"}


def check(paths: Sequence[str], form: str, *, strict: bool) -> int:
    """Print the problems of folders, each a set, and of files within their folder's set.

    Args:
        paths: What to check; the folder of profiles where nothing is named.
        form: `text`, `json` or `github`.
        strict: Whether warnings count.

    Returns:
        1 where there is a problem, else 0.
    """
    named = [Path(path) for path in paths] or [folder.profiles_dir()]
    found = in_order(problem for path in named for problem in _problems(path))
    if form == "json":
        print_json([problem.to_json() for problem in found])
    else:
        look = terminal.style(sys.stdout)
        for problem in found:
            print(_annotation(problem) if form == "github" else _line(problem, look))
    if form == "text" and sys.stderr.isatty():
        _summary(found, named)
    return int(any(strict or problem.severity == "error" for problem in found))


def _problems(path: Path) -> Iterable[Problem]:
    """The problems of a folder, or those of one file within its folder's set."""
    if path.is_dir():
        return _set_problems(path)
    if not path.is_file():
        what = "it is no regular file" if path.exists() else "there is no such file or folder"
        return [Problem("unreadable", f"cannot be read: {what}", file=str(path))]
    if path.name == schema_file.FILE_NAME:
        return _schema_problems(path)
    if path.suffix not in {SUFFIX, ".yml"}:
        return [Problem("name", f"a profile's file ends in {SUFFIX}", file=str(path))]
    own = {"", str(path), schema_file.FILE_NAME}
    return [p for p in _set_problems(path.parent) if p.file in own or p.code == "default-missing"]


def _set_problems(profiles_dir: Path) -> Iterable[Problem]:
    try:
        return catalog.load(profiles_dir, label=str(profiles_dir)).warnings
    except ProfilesError as error:
        return error.problems


def _schema_problems(path: Path) -> Iterable[Problem]:
    try:
        schema_file.load(path.absolute().parent / "profiles")
    except ProfilesError as error:
        return error.problems
    return ()


def _line(problem: Problem, look: Style) -> str:
    text = "\n".join(look.wrapped(line, "", "    ") for line in str(problem).split("\n"))
    paint = look.warning if problem.severity == "warning" else look.error
    return text.replace(problem.place, paint(problem.place), 1)


def _summary(found: Sequence[Problem], paths: Sequence[Path]) -> None:
    """How it ended, for the person at the terminal."""
    counts = Counter(problem.severity for problem in found)
    parts = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items()]
    where = ", ".join(str(path) for path in paths)
    print(f"{where}: {' and '.join(parts) or 'no problems'}", file=sys.stderr)


def _annotation(problem: Problem) -> str:
    """The problem as a workflow command, which GitHub shows at its line."""
    place = {"file": problem.file, "line": problem.line or 1, "col": problem.column or 1}
    properties = ",".join(f"{name}={_escaped(str(at), _PROPERTY)}" for name, at in place.items())
    text = ": ".join(part for part in (problem.path, problem.message) if part)
    text = f"{text}; {problem.hint}" if problem.hint else text
    return f"::{problem.severity} {properties}::{_escaped(text, _MESSAGE)}"


def _escaped(text: str, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in text)
