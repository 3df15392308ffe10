"""Rows of measurements, and how they are printed."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields


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
    """Rows as a Markdown table, in aligned columns; a missed bound is marked."""
    head = tuple(field.name.replace("_", " ") for field in fields(Row))
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(_line(cells, widths) for cells in lines)


def _cells(row: Row) -> tuple[str, ...]:
    *words, held = astuple(row)
    return (*words, "yes" if held else "MISSED")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"
