"""Measured turns -> lines for a terminal: caller and agent, one above the other on one time axis.

The symbols are those of `timing-profiles timeline`, as far as both pictures show the same thing.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, groupby, islice
from typing import Literal

from sandbox.caller.measure import Turn
from timing_profiles.authoring.timeline.time_axis import Axis
from timing_profiles.cli.terminal import Style
from timing_profiles.rehearsal.interval import Interval

NARROWEST = 32
"""Columns that a picture takes at least, however narrow the terminal is."""

WIDEST = 120
"""Columns that it takes at most: longer bars are no easier to compare."""

_NAMES = 8  # columns before the axis: the longest name is "seconds"
_TICK_GAP = 8  # columns
_ANSWER_SHOWN = 1.5  # seconds of an answer; its continuation is irrelevant to the turn
_AFTER_NO_ANSWER = 0.5  # seconds

Kind = Literal["", "caller", "agent", "silence", "answer", "cut in", "label"]

_LABEL: Kind = "label"


@dataclass(frozen=True, slots=True)
class Symbols:
    """The symbols of a picture.

    Attributes:
        speech: a pattern that is repeated while a side speaks.
        silence: a pause of the caller, or the caller's wait.
        answer: the first sound of an answer.
        cut_in: the first sound of an agent that interrupts the caller.
        goes_on: the continuation is not shown.
    """

    speech: str
    silence: str
    answer: str
    cut_in: str
    goes_on: str

    def __str__(self) -> str:
        """Return all symbols, to test whether a terminal can show them."""
        return f"{self.speech}{self.silence}{self.answer}{self.cut_in}{self.goes_on}"


UNICODE = Symbols(speech="▃▂▅▇▆▃▅▇▅▃▆▇▅▃", silence="·", answer="◆", cut_in="✕", goes_on="▶")
ASCII = Symbols(speech="=", silence=".", answer="*", cut_in="X", goes_on=">")


def symbols(encoding: str | None) -> Symbols:
    """Return the symbols that an encoding supports."""
    try:
        str(UNICODE).encode(encoding or "ascii")
    except (LookupError, UnicodeError):
        return ASCII
    return UNICODE


@dataclass(frozen=True, slots=True)
class _Piece:
    """A drawn element, from one column to another, which is excluded.

    Attributes:
        start: the first column.
        end: the column after the last one.
        kind: how it is painted.
        pattern: its repeated content.
        labels: texts for its middle; the first one is taken that has room between two symbols.
    """

    start: int
    end: int
    kind: Kind
    pattern: str
    labels: tuple[str, ...] = ()


class Picture:
    """Draws turns on one common axis, on which each of them begins at 0."""

    def __init__(self, turns: Sequence[Turn], symbols: Symbols, style: Style) -> None:
        """Choose the scale on which all turns fit.

        Args:
            turns: all that will be drawn.
            symbols: to draw with.
            style: for colours and width.
        """
        self._symbols = symbols
        self._style = style
        self._width = max(NARROWEST, min(style.width, WIDEST))
        room = self._width - _NAMES - 1  # one for `goes_on`
        end = max(map(_end, turns))
        self._axis = Axis(room, room / end, end)

    def lines(self, turn: Turn) -> Iterator[str]:
        """Return the lines of the axis, the caller and the agent."""
        yield self._style.dim(self._row("seconds", self._ticks()))
        yield self._row("caller", self._caller(turn))
        yield self._row("agent", self._agent(turn))

    def legend(self) -> Iterator[str]:
        """Explain the symbols."""
        known, line = self._symbols, ""
        for entry in (
            f"{known.silence} silence",
            f"{known.answer} answer",
            f"{known.cut_in} cut in",
            f"{known.goes_on} goes on",
        ):
            longer = f"{line}   {entry}" if line else entry
            if len(longer) > self._width:
                yield line
                longer = entry
            line = longer
        yield line

    def _ticks(self) -> Iterator[_Piece]:
        for tick in self._axis.ticks(_TICK_GAP):
            words, column = f"{tick:g}", self._column(tick)
            if column + len(words) <= self._axis.room + 1:
                yield _Piece(column, column + len(words), "", words)

    def _caller(self, turn: Turn) -> Iterator[_Piece]:
        start, known = turn.parts[0].start, self._symbols
        for pause in turn.pauses:
            columns = self._columns(pause.start - start, pause.end - start)
            length = f"{round(pause.seconds, 2):g} s"
            yield _Piece(*columns, "silence", known.silence, (f"pause {length}", length))
        for part in turn.parts:
            columns = self._columns(part.start - start, part.end - start)
            yield _Piece(*columns, "caller", known.speech)

    def _agent(self, turn: Turn) -> Iterator[_Piece]:
        start, known = turn.parts[0].start, self._symbols
        shown = Interval(start, start + self._axis.end)
        for sound in turn.sounds:
            if sound.end > shown.start and sound.start < shown.end:
                columns = self._columns(max(0.0, sound.start - start), sound.end - start)
                yield _Piece(*columns, "agent", known.speech)
        if any(sound.end > shown.end for sound in turn.sounds):
            last = self._column(self._axis.end)
            yield _Piece(last, last + 1, "agent", known.goes_on)
        marks: list[_Piece] = []
        for since, first in _answers(turn):
            column, cuts = self._column(first - start), first < turn.parts[-1].end
            wait = f"{first - since:.2f} s"
            yield _Piece(self._column(since - start), column, "silence", known.silence, (wait,))
            mark = known.cut_in if cuts else known.answer
            marks.append(_Piece(column, column + 1, "cut in" if cuts else "answer", mark))
        # After everything that may fall into the same column, and what cuts in after an answer.
        yield from sorted(marks, key=lambda piece: piece.kind == "cut in")

    def _column(self, moment: float) -> int:
        return round(self._axis.at(min(moment, self._axis.end)))

    def _columns(self, start: float, end: float) -> tuple[int, int]:
        return self._column(start), max(self._column(end), self._column(start) + 1)

    def _row(self, name: str, pieces: Iterable[_Piece]) -> str:
        cells: list[tuple[str, Kind]] = []
        for piece in pieces:
            cells += [(" ", "")] * (piece.end - len(cells))
            cells[piece.start : piece.end] = _cells(piece)
        drawn = "".join(
            self._painted("".join(character for character, _ in run), kind)
            for kind, run in groupby(cells, key=lambda cell: cell[1])
        )
        return f"{name:{_NAMES}}{drawn}".rstrip()

    def _painted(self, text: str, kind: Kind) -> str:
        style = self._style
        match kind:
            case "caller":
                return style.changed(text)
            case "silence":
                return style.dim(text)
            case "cut in":
                return style.error(text)
            case "answer" | "label":
                return style.bold(text)
            case _:
                return text


def _end(turn: Turn) -> float:
    """Return the last second of a turn that is drawn."""
    start, answers = turn.parts[0].start, [first for _, first in _answers(turn)]
    shown = [first + _ANSWER_SHOWN for first in answers] or [turn.parts[-1].end + _AFTER_NO_ANSWER]
    return max(turn.parts[-1].end, *shown) - start


def _answers(turn: Turn) -> Iterator[tuple[float, float]]:
    """Return the end of a part, and the first sound of the agent after it.

    Speech of an agent that is already speaking at that end is not an answer.
    """
    ends = [part.end for part in turn.parts]
    for end, until in zip(ends, [*ends[1:], math.inf], strict=True):
        first = next((sound.start for sound in turn.sounds if end < sound.start <= until), None)
        speaks = any(sound.start <= end < sound.end for sound in turn.sounds)
        if first is not None and (first == turn.cut_at or not speaks):
            yield end, first


def _cells(piece: _Piece) -> list[tuple[str, Kind]]:
    columns = piece.end - piece.start
    drawn = "".join(islice(cycle(piece.pattern), columns))
    label = next((label for label in piece.labels if len(label) <= columns - 2), "")
    before = (columns - len(label)) // 2
    after = before + len(label)
    return [
        *((character, piece.kind) for character in drawn[:before]),
        *((character, _LABEL) for character in label),
        *((character, piece.kind) for character in drawn[after:]),
    ]
