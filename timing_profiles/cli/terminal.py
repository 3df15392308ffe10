"""How text looks on a stream: colour and width on a terminal, plain everywhere else."""

from __future__ import annotations

import os
import shutil
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TextIO

_UNLIMITED = 1_000_000
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Style:
    """How text looks.

    Attributes:
        colour: Whether escape sequences are understood.
        width: Characters in a line.
    """

    colour: bool = False
    width: int = _UNLIMITED

    def bold(self, text: str) -> str:
        """Text that names what follows."""
        return self._escaped("1", text)

    def dim(self, text: str) -> str:
        """Text that may be passed over."""
        return self._escaped("2", text)

    def error(self, text: str) -> str:
        """Text that says what is wrong."""
        return self._escaped("1;31", text)

    def warning(self, text: str) -> str:
        """Text that says what may be wrong."""
        return self._escaped("1;33", text)

    def changed(self, text: str) -> str:
        """Text that is not the usual."""
        return self._escaped("36", text)

    def wrapped(self, text: str, first: str = "", later: str = "") -> str:
        """Text in lines of the width, the first one and the later ones indented."""
        lines = textwrap.wrap(
            text,
            max(self.width, len(later) + 20),
            initial_indent=first,
            subsequent_indent=later,
            break_long_words=False,
            break_on_hyphens=False,
        )
        return "\n".join(lines)

    def cut(self, text: str, used: int) -> str:
        """Text that ends where the line does, after some columns that are used already."""
        room = max(self.width - used, 10)
        return text if len(text) <= room else f"{text[: room - 3].rstrip()}..."

    def _escaped(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


def style(stream: TextIO) -> Style:
    """The look of a stream. `NO_COLOR` (https://no-color.org) and `COLUMNS` are honoured."""
    if not stream.isatty():
        return Style()
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return Style(not plain, shutil.get_terminal_size().columns)


def columns(rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    """Cells padded to the widest one of their column; the last cell of a row is left as it is."""
    table = [list(row) for row in rows]
    count = max((len(row) for row in table), default=0)
    widths = [
        max((len(row[at]) for row in table if at < len(row)), default=0) for at in range(count)
    ]
    for row in table:
        yield [cell.ljust(widths[at]) for at, cell in enumerate(row[:-1])] + row[-1:]


def lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Rows as lines of aligned columns."""
    return (_GAP.join(row).rstrip() for row in columns(rows))
