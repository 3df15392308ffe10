"""Rows of measurements, and how they are printed."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from lab import markdown


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement beside its reference.

    Attributes:
        work: What was measured.
        measured: How much it took.
        against: What it is held against, and how much that took.
        result: The one in relation to the other.
        at_most: The bound of the result.
        held: Whether the bound held.
    """

    work: str
    measured: str
    against: str
    result: str
    at_most: str
    held: bool


def text(rows: Sequence[Row]) -> str:
    """Return rows as a table; a missed bound is marked."""
    head = tuple(field.name.replace("_", " ") for field in fields(Row))
    return markdown.table(head, (_cells(row) for row in rows))


def _cells(row: Row) -> tuple[str, ...]:
    *words, held = astuple(row)
    return (*words, "yes" if held else "MISSED")
