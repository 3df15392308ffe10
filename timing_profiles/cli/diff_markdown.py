"""Write the changes for callers as a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from timing_profiles.authoring import comparison
from timing_profiles.authoring.bounds import ChangedBound
from timing_profiles.authoring.comparison import ALLOW, Change, Comparison
from timing_profiles.authoring.markdown import code
from timing_profiles.catalog.schema import Schema
from timing_profiles.cli.output import with_unit
from timing_profiles.problems import listed
from timing_profiles.turns.wait import Wait

WORK_TREE = "the work tree"
"""The name of the current files in a comparison."""


def both_sides(schema: Schema, change: Change) -> tuple[str, str]:
    """Return the two values of a change; of a policy, what each side allows beyond the other."""
    if change.field == ALLOW:
        return _beyond(change.a, change.b), _beyond(change.b, change.a)
    return with_unit(schema, change.field, change.a), with_unit(schema, change.field, change.b)


def _beyond(these: Sequence[str], those: Sequence[str]) -> str:
    more = listed(item for item in these if item not in those)
    return f"also {more}" if more else ""


def two(
    schema: Schema, names: tuple[str, str], changes: Sequence[Change], waits: tuple[Wait, Wait]
) -> str:
    """Compare two profiles."""
    answers = ("answers after", str(waits[0]), str(waits[1]))
    head = ("", *map(code, names))
    same = [] if changes else ["", "No caller notices a difference."]
    return _text([*_table(head, [answers, *_value_rows(schema, changes)]), *same])


def sets(
    schema: Schema,
    sides: tuple[str, str],
    found: Sequence[Comparison],
    limits: Sequence[ChangedBound] = (),
) -> str:
    """Compare two commits: every profile whose callers notice a difference, and the bounds."""
    a, b = (side if side == WORK_TREE else code(side) for side in sides)
    if not found and not limits:
        return _text([f"No caller notices a difference between {a} and {b}."])
    head = [f"### What changes for callers from {a} to {b}", ""]
    return _text([*head, *_sections(schema, (a, b), found), *_limits((a, b), limits)])


def limits_by_title(
    limits: Sequence[ChangedBound],
) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield a title and rows: the changed bounds of what callers may send, then of the others."""
    for title, callers in (("callers may send", True), ("profiles may set", False)):
        rows = [(it.field or "(all)", *it.in_words()) for it in limits if it.callers is callers]
        if rows:
            yield title, rows


def _limits(sides: tuple[str, str], limits: Sequence[ChangedBound]) -> Iterator[str]:
    for title, rows in limits_by_title(limits):
        yield from _table((title, *sides), ([code(cell) for cell in row] for row in rows))
        yield ""


def _sections(schema: Schema, sides: tuple[str, str], found: Sequence[Comparison]) -> Iterator[str]:
    if not found:
        return
    a, b = sides
    yield from _table(("profile", "", f"answers after, {a}", b), map(_waits, found))
    yield ""
    for group in comparison.grouped(found):
        if group[0].changes:
            yield from _group(schema, sides, group)


def _waits(compared: Comparison) -> tuple[str, str, str, str]:
    a, b = (str(waits) if waits else "" for waits in (compared.a, compared.b))
    return code(compared.profile), compared.status, a, b if a == b else f"**{b}**" if b else ""


def _group(schema: Schema, sides: tuple[str, str], group: Sequence[Comparison]) -> Iterator[str]:
    names = ", ".join(code(compared.profile) for compared in group)
    yield names
    yield ""
    yield from _table(("field", *sides), _value_rows(schema, group[0].changes))
    yield ""


def _value_rows(schema: Schema, changes: Sequence[Change]) -> Iterator[tuple[str, str, str]]:
    for change in changes:
        a, b = both_sides(schema, change)
        yield code(change.field), code(a), code(b)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    cells = [cell.replace("|", "\\|") for cell in cells]  # also in code spans
    return f"| {' | '.join(cells)} |"


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines).rstrip() + "\n"
