"""Format text for a stream: colour and width on a terminal, plain everywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TextIO

from timing_profiles.problems import printable, prose

WINDOWS = sys.platform == "win32"
"""Whether this is Windows, whose consoles and pipes differ from other systems."""

_UNLIMITED = 1_000_000
_DEFAULT_WIDTH = 80
_GAP = "  "


class Style(NamedTuple):
    """The format of text on a stream.

    Attributes:
        colour: Whether the stream supports escape sequences.
        width: Characters in a line.
    """

    colour: bool = False
    width: int = _UNLIMITED

    def bold(self, text: str) -> str:
        """Format a heading."""
        return self._escaped("1", text)

    def dim(self, text: str) -> str:
        """Format secondary text."""
        return self._escaped("2", text)

    def error(self, text: str) -> str:
        """Format the place of an error."""
        return self._escaped("1;31", text)

    def warning(self, text: str) -> str:
        """Format the place of a warning."""
        return self._escaped("1;33", text)

    def changed(self, text: str) -> str:
        """Format a value that differs from default."""
        return self._escaped("36", text)

    def wrapped(self, text: str, first: str = "", later: str = "") -> str:
        """Wrap text at the width, with an indent for the first line and one for the others."""
        text = prose(text)
        if self.width == _UNLIMITED:
            return f"{first}{text}"
        import textwrap

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
        """Cut text at the end of a line, of which some columns are used."""
        text, room = prose(text), max(self.width - used, 10)
        return text if len(text) <= room else f"{text[: room - 3].rstrip()}..."

    def _escaped(self, code: str, text: str) -> str:
        text = printable(text)
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


def style(stream: TextIO) -> Style:
    """Return the style of a stream; respects `NO_COLOR` (https://no-color.org) and `COLUMNS`."""
    if not stream.isatty():
        return Style()
    # A console of Windows prints escape sequences literally; a terminal there sets TERM.
    kind = os.environ.get("TERM", "dumb" if WINDOWS else "")
    plain = os.environ.get("NO_COLOR") or kind == "dumb"
    return Style(not plain, _columns_of(stream) or _DEFAULT_WIDTH)


def by_section(
    rows: Iterable[Sequence[str]],
) -> Iterator[tuple[str, list[list[str]]]]:
    """Group rows by the section of the dotted path in their first cell; leave the name there."""
    for section, inner in groupby(rows, key=lambda row: row[0].rpartition(".")[0]):
        yield section, [[path.rpartition(".")[2], *cells] for path, *cells in inner]


def columns(rows: Iterable[Sequence[str]]) -> Iterator[list[str]]:
    """Pad the cells of each column to the widest one, except the last cell of a row."""
    table = [list(map(printable, row)) for row in rows]
    count = max((len(row) for row in table), default=0)
    widths = [
        max((len(row[at]) for row in table if at < len(row)), default=0) for at in range(count)
    ]
    for row in table:
        yield [cell.ljust(widths[at]) for at, cell in enumerate(row[:-1])] + row[-1:]


def lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield rows as lines of aligned columns."""
    return (_GAP.join(row).rstrip() for row in columns(rows))


def _columns_of(stream: TextIO) -> int:
    try:
        wanted = int(os.environ.get("COLUMNS", ""))
    except ValueError:
        wanted = 0
    try:
        return wanted if wanted > 0 else os.get_terminal_size(stream.fileno()).columns
    except OSError:
        return 0
