"""What the exploration of each target came to, as a Markdown table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields

from lab.fuzz.exploration import Exploration
from lab.fuzz.targets import Target


@dataclass(frozen=True, slots=True)
class Row:
    """One target.

    Attributes:
        reader: Its name.
        inputs: How many inputs were read.
        in_: How long that took.
        slowest: The CPU time of the slowest input.
        at_most: What it may take.
        peak: The most memory that the process held.
        growth: What its memory grew by after the first tenth.
        objects: What Python's allocated blocks grew by after the first tenth.
    """

    reader: str
    inputs: str
    in_: str
    slowest: str
    at_most: str
    peak: str
    growth: str
    objects: str


def row(target: Target, explored: Exploration, slowest: float) -> Row:
    """Return the row of a target."""
    return Row(
        target.name,
        f"{explored.inputs:,}",
        f"{explored.seconds:.0f} s",
        f"{slowest * 1000:.1f} ms",
        f"{target.within * 1000:.0f} ms",
        f"{explored.peak / 2**20:.0f} MiB",
        f"{explored.growth / 2**20:+.1f} MiB",
        f"{explored.objects:+,}",
    )


def text(rows: Sequence[Row]) -> str:
    """Return rows as a table."""
    head = tuple(field.name.strip("_").replace("_", " ") for field in fields(Row))
    lines = [head, *(astuple(each) for each in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(f"| {' | '.join(map(str.ljust, cells, widths))} |" for cells in lines)
