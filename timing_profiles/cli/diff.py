"""`diff`: show the changes for callers between two profiles or two commits."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from timing_profiles.authoring import bounds, comparison, git
from timing_profiles.authoring.bounds import ChangedBound
from timing_profiles.authoring.comparison import Change, Comparison
from timing_profiles.authoring.git import GitError
from timing_profiles.catalog import folder
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.cli import UsageError, chosen, diff_markdown, terminal
from timing_profiles.cli.diff_markdown import WORK_TREE, both_sides
from timing_profiles.cli.output import print_json, print_text
from timing_profiles.cli.terminal import Style
from timing_profiles.turns import wait


def run(names: Sequence[str], revisions: Sequence[str] | None, form: str) -> int:
    """Print the changes between two profiles, or between two commits.

    Args:
        names: Two profiles; empty where revisions are given.
        revisions: One commit, to be compared with the current files, or two.
        form: `text`, `json` or `markdown`.

    Returns:
        0.
    """
    if revisions and not names and len(revisions) <= len(("a", "b")):
        _print_revisions(revisions, form)
    elif revisions or len(names) != len(("a", "b")):
        raise UsageError("diff takes two profiles, or --git and one or two commits")
    else:
        a, b = names
        _print_profiles(a, b, form)
    return 0


def _print_profiles(a: str, b: str, form: str) -> None:
    found = chosen.profiles_with(a, b)
    one, other = chosen.profile(found, a), chosen.profile(found, b)
    waits = wait.effective(one.values), wait.effective(other.values)
    changes = comparison.changes(one, other)
    if form == "json":
        print_json(
            {
                "a": one.name,
                "b": other.name,
                "changes": [change.to_json() for change in changes],
                "wait": {"a": waits[0].to_json(), "b": waits[1].to_json()},
            }
        )
    elif form == "markdown":
        print_text(diff_markdown.two(found.schema, (one.name, other.name), changes, waits), end="")
    else:
        look = terminal.style(sys.stdout)
        answers = ("answers after", str(waits[0]), str(waits[1]))
        head = ("", one.name, other.name)
        print_text("\n".join(_table(head, [answers, *_value_rows(found.schema, changes)], look)))
        if not changes:
            print_text("  no caller notices a difference")


def _print_revisions(names: Sequence[str], form: str) -> None:
    a, b = _sets(names)
    if not a.layers and not b.layers:
        where = folder.profiles_dir().as_posix()
        raise UsageError(f"neither {names[0]} nor {names[1]} has a directory {where}")
    found, limits = comparison.of_sets(a, b), bounds.changed(a, b)
    sides = names[0], names[1] if names[1:] else WORK_TREE
    if form == "json":
        second = names[1] if names[1:] else None
        print_json(
            {
                "a": names[0],
                "b": second,
                "profiles": [one.to_json() for one in found],
                "bounds": [bound.to_json() for bound in limits],
            }
        )
    elif form == "markdown":
        print_text(diff_markdown.sets(b.schema, sides, found, limits), end="")
    else:
        look = terminal.style(sys.stdout)
        lines = [*_sections(b.schema, sides, found, look), *_bounds(sides, limits, look)]
        text = "\n".join(lines) or f"no caller notices a difference between {' and '.join(sides)}"
        print_text(text.rstrip("\n"))


def _sets(names: Sequence[str]) -> tuple[Catalog, Catalog]:
    profiles_dir = folder.profiles_dir()
    try:
        a = git.catalog_at(names[0], profiles_dir)
        if not names[1:]:
            return a, chosen.profiles(before=a)
        return a, git.catalog_at(names[1], profiles_dir, before=a)
    except GitError as error:
        raise UsageError(str(error)) from None


def _sections(
    schema: Schema, sides: tuple[str, str], found: Sequence[Comparison], look: Style
) -> Iterator[str]:
    for group in comparison.grouped(found):
        names = ", ".join(compared.profile for compared in group)
        if group[0].status == "changed":
            waits = [row for compared in group for row in _wait_row(compared, group)]
            rows = _value_rows(schema, group[0].changes)
            yield from _table((names, *sides), [*waits, *rows], look)
        else:
            yield f"{look.bold(names)}  {group[0].status}"
            yield from (f"  answers after {compared.b or compared.a}" for compared in group)
        yield ""


def _bounds(sides: tuple[str, str], limits: Sequence[ChangedBound], look: Style) -> Iterator[str]:
    for title, rows in diff_markdown.limits_by_title(limits):
        yield from _table((title, *sides), rows, look)
        yield ""


def _wait_row(compared: Comparison, group: Sequence[Comparison]) -> Iterator[tuple[str, str, str]]:
    if compared.a != compared.b:
        prefix = f"{compared.profile} " if group[1:] else ""
        yield f"{prefix}answers after", str(compared.a), str(compared.b)


def _value_rows(schema: Schema, changes: Sequence[Change]) -> Iterator[tuple[str, str, str]]:
    for change in changes:
        yield change.field, *both_sides(schema, change)


def _table(
    head: tuple[str, str, str], rows: Sequence[tuple[str, str, str]], look: Style
) -> Iterator[str]:
    first, *others = terminal.lines([head, *((f"  {name}", a, b) for name, a, b in rows)])
    yield look.bold(first)
    yield from others
