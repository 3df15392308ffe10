"""The command `timing-profiles`: check a set of profiles and look into it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from timing_profiles import catalog, in_force, request, settings, wait
from timing_profiles.catalog import Catalog
from timing_profiles.folder import SUFFIX
from timing_profiles.problems import Problem, ProfilesError, did_you_mean, in_order, listed, quoted
from timing_profiles.profile import DEFAULT, Profile
from timing_profiles.request import Request

CLEAN, PROBLEMS, USAGE = 0, 1, 2


class _UsageError(Exception):
    """The command line asks for what is not there."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 clean, 1 problems, 2 a wrong command line.
    """
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except _UsageError as error:
        print(f"timing-profiles: {error}", file=sys.stderr)
        return USAGE
    except ProfilesError as error:
        print(error, file=sys.stderr)
        return PROBLEMS
    except BrokenPipeError:
        # The reader has seen enough; nothing more can be said, not even by the interpreter.
        sys.stderr.close()
        return CLEAN


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="timing-profiles", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = _command(commands, "check", _check, "say all that is wrong with profiles", "github")
    check.add_argument("paths", nargs="*", metavar="PATH", help="folders (each a set) and files")
    check.add_argument("--strict", action="store_true", help="fail on warnings, too")
    _command(commands, "list", _list, "list the profiles and the wait that each leads to")
    show = _command(commands, "show", _show, "show one merged profile and where each value is set")
    show.add_argument("name", metavar="NAME")
    show.add_argument("--metadata", metavar="JSON", help="what a caller would send", default="")
    diff = _command(commands, "diff", _diff, "show what differs between two profiles")
    diff.add_argument("a", metavar="A")
    diff.add_argument("b", metavar="B")
    explain = _command(commands, "explain", _explain, "explain one field, and who sets it")
    explain.add_argument("field", metavar="FIELD")
    return parser


def _command(commands: Any, name: str, run: Any, summary: str, *formats: str) -> Any:
    parser = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.set_defaults(run=run)
    parser.add_argument("--format", choices=["text", "json", *formats], default="text")
    return parser


def _check(arguments: argparse.Namespace) -> int:
    paths = [Path(path) for path in arguments.paths] or [in_force.profiles_dir()]
    found = in_order(problem for path in paths for problem in _problems_of(path))
    if arguments.format == "json":
        _print_json([problem.to_json() for problem in found])
    else:
        for problem in found:
            print(_annotation(problem) if arguments.format == "github" else problem)
    failing = [problem for problem in found if arguments.strict or problem.severity == "error"]
    return PROBLEMS if failing else CLEAN


def _problems_of(path: Path) -> Iterable[Problem]:
    """The problems of a folder, or those of one file within its folder's set."""
    if not path.exists():
        raise _UsageError(f"{path}: there is no such file or folder")
    folder = path if path.is_dir() else path.parent
    try:
        problems = catalog.load(folder, label=str(folder)).warnings
    except ProfilesError as error:
        problems = error.problems
    return problems if path.is_dir() else [p for p in problems if p.file == str(path)]


def _annotation(problem: Problem) -> str:
    """The problem as a workflow command, which GitHub shows at its line."""
    place = f"file={problem.file},line={problem.line or 1},col={problem.column or 1}"
    text = ": ".join(part for part in (problem.path, problem.message) if part)
    text = f"{text}; {problem.hint}" if problem.hint else text
    return f"::{problem.severity} {place}::{text.replace('%', '%25')}"


def _list(arguments: argparse.Namespace) -> int:
    found = _catalog()
    rows = [_row(found, name) for name in found.names()]
    if arguments.format == "json":
        _print_json(rows)
        return CLEAN
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        waits = str(wait.effective(_named(found, row["name"]).values))
        print(f"{row['name']:{width}}  {waits:15}  {row['description']}")
    return CLEAN


def _row(found: Catalog, name: str) -> dict[str, Any]:
    layer = found.layers[name]
    return {
        "name": name,
        "description": layer.description,
        "extends": layer.extends,
        "sets": len(layer.sets),
        "wait": wait.effective(_named(found, name).values).to_json(),
    }


def _show(arguments: argparse.Namespace) -> int:
    found = _catalog()
    _named(found, arguments.name)
    asked = request.read(arguments.metadata, "participant")
    shown = settings.settle(found, [Request("application", arguments.name), asked])
    waits = wait.effective(shown.values)
    if arguments.format == "json":
        _print_json(
            {
                "profile": shown.profile,
                "revision": shown.revision,
                "values": dict(shown.values),
                "origins": dict(shown.origins),
                "wait": waits.to_json(),
                "problems": [problem.to_json() for problem in shown.problems],
            }
        )
        return CLEAN
    print(f"{shown.profile}, revision {shown.revision}")
    print(f"answers after {waits} = {waits.formula}\n")
    width = max(map(len, shown.values))
    for path, value in shown.values.items():
        print(f"{path:{width}}  {_with_unit(found, path, value):14}  {shown.origins[path]}")
    for problem in shown.problems:
        print(problem, file=sys.stderr)
    return CLEAN


def _diff(arguments: argparse.Namespace) -> int:
    found = _catalog()
    a, b = _named(found, arguments.a), _named(found, arguments.b)
    changes = [
        {"field": path, "a": a.values[path], "b": b.values[path]}
        for path in a.values
        if a.values[path] != b.values[path]
    ]
    waits = wait.effective(a.values), wait.effective(b.values)
    if arguments.format == "json":
        wait_json = {"a": waits[0].to_json(), "b": waits[1].to_json()}
        _print_json({"a": a.name, "b": b.name, "changes": changes, "wait": wait_json})
        return CLEAN
    for change in changes:
        field = change["field"]
        was, now = (_with_unit(found, field, change[side]) for side in ("a", "b"))
        print(f"{field}: {was} -> {now}")
    print(f"answers after: {waits[0]} -> {waits[1]}")
    return CLEAN


def _explain(arguments: argparse.Namespace) -> int:
    found = _catalog()
    field = found.schema.fields.get(arguments.field)
    if not field:
        message, hint = found.schema.unknown(arguments.field)
        raise _UsageError(
            "; ".join(part for part in (f"{arguments.field}: {message}", hint) if part)
        )
    facts = {
        "field": field.path,
        "description": field.schema.get("description", ""),
        "unit": field.unit,
        "type": list(field.types),
        "minimum": field.schema.get("minimum"),
        "maximum": field.schema.get("maximum"),
        "default": _named(found, DEFAULT).values.get(field.path),
        "live": field.live,
        "set_by": list(_set_by(found, field.path)),
    }
    if arguments.format == "json":
        _print_json(facts)
        return CLEAN
    for name, fact in facts.items():
        if name != "set_by" and fact not in (None, ""):
            print(f"{name:12}{fact if isinstance(fact, str) else quoted(fact)}")
    for row in facts["set_by"]:
        print(f"{'set by':12}{row['profile']}: {quoted(row['value'])} ({row['origin']})")
    return CLEAN


def _set_by(found: Catalog, path: str) -> Iterable[Mapping[str, Any]]:
    for name in found.names():
        layer = found.layers[name]
        if path in layer.sets:
            yield {"profile": name, "value": layer.sets[path], "origin": layer.origins[path]}


def _catalog() -> Catalog:
    folder = in_force.profiles_dir()
    if not folder.is_dir():
        raise _UsageError(f"{folder}: there is no such folder; PROFILES_DIR names another one")
    return catalog.load(folder)


def _named(found: Catalog, name: str) -> Profile:
    profile = found.profile(name.removesuffix(SUFFIX))
    if profile:
        return profile
    names = found.names()
    hint = did_you_mean(name, names)
    message = f"there is no profile {quoted(name)}; there are {listed(names)}"
    raise _UsageError(f"{message}; {hint}" if hint else message)


def _with_unit(found: Catalog, path: str, value: Any) -> str:
    unit = found.schema.fields[path].unit
    counted = unit in {"s", "ms", "words"} and isinstance(value, int | float)
    return f"{quoted(value)} {unit}" if counted else quoted(value)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
