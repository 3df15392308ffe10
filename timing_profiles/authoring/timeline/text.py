"""Draw turns as text for a terminal, on one time axis."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from timing_profiles.authoring.timeline import time_axis
from timing_profiles.authoring.timeline.spans import Span, Turn
from timing_profiles.authoring.timeline.time_axis import Axis

NARROWEST = 24
"""The fewest columns of the drawing, also on a narrower terminal."""

_SIDE_BY_SIDE = 76  # columns from which names, bars and notes share a line
_TICK_GAP = 5
_SPEECH = "▃▂▅▇▆▃▅▇▅▃▆▇▅▃▂▁"
_NARROW_SPEECH = 4
_TAIL, _STUB = "░░░", "░░"
_LEGEND = (
    "· silence",
    "◆ earliest, latest answer",
    "━ decides it",
    "─ acts without deciding",
    "╌ LLM may work ahead",
    "░ length unknown",
)

Piece = tuple[int, str]
"""A column, and the text that begins there."""


@dataclass(frozen=True, slots=True)
class _Page:
    """The columns: names, `│` at the caller's last sound, the axis."""

    width: int
    names: int
    axis: Axis

    def column(self, moment: float | None) -> int:
        return round(self.axis.at(moment))


def text(turns: Sequence[Turn], width: int) -> str:
    """Draw turns, each as a block of lines of at most `width` columns."""
    width = max(width, NARROWEST)
    page = _wide_page(turns, width) if width >= _SIDE_BY_SIDE else _narrow_page(turns, width)
    blocks = ["\n".join(_block(turn, page)) for turn in turns]
    return "\n\n".join([*blocks, "\n".join(_filled(_LEGEND, width, "   "))])


def _wide_page(turns: Sequence[Turn], width: int) -> _Page:
    lanes = [lane[-1] for turn in turns for lane in turn.lanes()]
    names = max([len(_SPEECH), *(len(_name(span)) + 1 for span in lanes)]) + 1
    beside = [(span.end, len(_stub(span)) + 1 + len(span.note)) for span in lanes]
    return _page(turns, width, names, beside)


def _narrow_page(turns: Sequence[Turn], width: int) -> _Page:
    lanes = [lane[-1] for turn in turns for lane in turn.lanes()]
    return _page(turns, width, _NARROW_SPEECH, [(span.end, len(_stub(span))) for span in lanes])


def _page(
    turns: Sequence[Turn], width: int, names: int, beside: Iterable[tuple[float | None, int]]
) -> _Page:
    tails = [(turn.wait.seconds[1], 1 + len(_TAIL)) for turn in turns]
    # One column more for each: rounded to columns, a bar may end half a column later.
    sizes = [(moment, size + 1) for moment, size in [*tails, *beside]]
    return _Page(width, names, time_axis.fitted(turns, width - names - 1, sizes))


def _block(turn: Turn, page: _Page) -> Iterator[str]:
    yield from _filled(f"{turn.profile}: {turn.answer} {turn.on_top}".split(), page.width)
    yield from _filled(turn.description.split(), page.width)
    yield _seconds(page)
    yield f"{_SPEECH[-page.names :].rjust(page.names)}│{_drawn(_answer(turn, page))}"
    for lane in turn.lanes():
        yield from _lane(lane, page)


def _seconds(page: _Page) -> str:
    words = "seconds " if page.width >= _SIDE_BY_SIDE else ""
    ticks = [(page.column(tick), f"{tick:g}") for tick in page.axis.ticks(_TICK_GAP)]
    room = page.width - page.names - 1
    fitting = [(column, tick) for column, tick in ticks if column + len(tick) <= room]
    return f"{words.rjust(page.names)} {_drawn(fitting)}"


def _answer(turn: Turn, page: _Page) -> Iterator[Piece]:
    earliest, latest = (page.column(moment) for moment in turn.wait.seconds)
    yield 0, "·" * earliest
    yield earliest, "═" * (latest - earliest)
    yield earliest, "◆"
    yield latest, "▶" if turn.wait.seconds[1] is None else "◆"
    yield latest + 1, _TAIL


def _lane(lane: Sequence[Span], page: _Page) -> Iterator[str]:
    """Draw name, bars and note on one line, or the bars below on a narrow page."""
    last = lane[-1]
    bars = [piece for span in lane for piece in _bar(span, page)]
    if page.width >= _SIDE_BY_SIDE:
        name = last.label + last.amount.rjust(page.names - len(last.label) - 1)
        yield f"{name} │{_drawn([*bars, (_end(last, page) + 1, last.note)])}".rstrip()
    else:
        words = ", ".join(filter(None, (_name(last), last.note)))
        yield from _filled(words.split(), page.width)
        yield f"{'│'.rjust(page.names + 1)}{_drawn(bars)}"


def _name(span: Span) -> str:
    return f"{span.label} {span.amount}"


def _bar(span: Span, page: _Page) -> Iterator[Piece]:
    holds = "━" if span.decides else "─"
    mark = {"holds": holds, "any-time": "░", "prepares": "╌"}[span.kind]
    start, end = page.column(span.start), page.column(span.end)
    yield start, mark * max(end - start, 1)
    yield max(end, start + 1), _stub(span)


def _stub(span: Span) -> str:
    """Return the mark after the end of a bar."""
    if span.end is None:
        return "▶"
    return _STUB if span.unknown else ""


def _end(span: Span, page: _Page) -> int:
    return max(page.column(span.end), page.column(span.start) + 1) + len(_stub(span))


def _drawn(pieces: Iterable[Piece]) -> str:
    """Draw pieces on one line, each at its column, the later ones over the earlier."""
    line = ""
    for column, piece in pieces:
        line = line[:column].ljust(column) + piece + line[column + len(piece) :]
    return line


def _filled(words: Iterable[str], width: int, between: str = " ") -> list[str]:
    """Fill lines of at most `width` columns with words."""
    lines: list[str] = []
    for word in words:
        for part in _parts(word, width):
            longer = f"{lines[-1]}{between}{part}" if lines else part
            if lines and _columns(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(part)
    return lines


def _parts(word: str, width: int) -> Iterator[str]:
    """Split a word that is wider than a line."""
    part = ""
    for character in word:
        if _columns(part + character) > width:
            yield part
            part = ""
        part += character
    yield part


def _columns(words: str) -> int:
    """Return the width of a text on a terminal, in columns."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in words)
    return len(words) + wide - sum(1 for character in words if unicodedata.combining(character))
