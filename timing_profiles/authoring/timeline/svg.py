"""Draw turns as one SVG on one time axis, without external scripts, fonts or images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from timing_profiles.authoring.timeline import ink, time_axis
from timing_profiles.authoring.timeline.ink import number
from timing_profiles.authoring.timeline.spans import Span, Turn
from timing_profiles.authoring.timeline.time_axis import Axis

WIDTH = 900
"""Pixels; the height follows from the turns."""

_LEFT, _ZERO, _RIGHT = 24, 296, WIDTH - 24
"""The x of the names, of the caller's last sound, and of the end of the notes."""

_GAP = 8
_AXIS_Y = 64
_ROWS_Y = 76
_NAME = 28
_DESCRIPTION_LINE = 16
_ANSWER_LANE = 52
_LANE = 19
_BAR = 8
_ROW_END = 16
_TAIL = 34  # of an unknown time; its length has no meaning
_TICK_GAP = 44
_MARKER = 8
_STUB = 20
_SAMPLE = 22
_LEGEND_HEIGHT = 44
_DOT = 3  # the width of a span without duration

_PAINT = {
    "holds": 'class="{0}"',
    "any-time": 'fill="url(#turn-{1})"',
    "prepares": 'class="{1}" fill="none"',
}
_LEGEND = (
    ("", "silence"),
    ('class="range"', "earliest to latest answer"),
    ('class="answer"', "decides it"),
    ('class="holds"', "acts without deciding"),
    ('class="quiet" fill="none"', "LLM may work ahead"),
    ('fill="url(#turn-quiet)"', "length unknown"),
)
_WAVE = (3, 6, 10, 7, 4, 8, 12, 9, 5, 3, 7, 11, 8, 5, 2, 4, 9, 12, 10, 6, 8, 4, 6, 10, 7, 3, 5, 2)


def svg(turns: Sequence[Turn]) -> str:
    """Draw turns, each as a group of lanes."""
    axis = time_axis.fitted(
        turns, _RIGHT - _ZERO, [text for turn in turns for text in _texts(turn)]
    )
    body: list[str] = []
    top = _ROWS_Y
    for turn in turns:
        body += _row(turn, top, axis)
        top = _lanes_end(turn, top) + _ROW_END
    if len(turns) > 1:
        body += _seconds(axis, top + 6)
        top += 24
    lines = [*_head(turns, top + _LEGEND_HEIGHT), *_seconds(axis, _AXIS_Y), *body, *_legend(top)]
    return "\n".join([*lines, "</svg>", ""])


def _texts(turn: Turn) -> Iterator[tuple[float | None, float]]:
    """Yield the moment before each text, and the pixels from there to the end of the text."""
    latest = turn.wait.seconds[1]
    yield latest, _MARKER + _TAIL + _GAP + ink.width(turn.answer, 13, bold=True)
    yield latest, _MARKER + ink.width(turn.on_top, 11)
    for lane in turn.lanes():
        yield lane[-1].end, _GAP + _stub(lane[-1]) + ink.width(lane[-1].note, 11)


def _head(turns: Sequence[Turn], height: int) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}"'
        f' viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="turn-title turn-desc"'
        f' font-family="{ink.SANS}">'
    )
    names = ", ".join(turn.profile for turn in turns)
    words = " ".join(_in_words(turn) for turn in turns)
    yield f'<title id="turn-title">When the agent answers: {escape(names)}</title>'
    yield f'<desc id="turn-desc">{escape(words)}</desc>'
    yield ink.style() + ink.hatches()
    yield f'<rect class="paper" width="{WIDTH}" height="{height}" rx="6"/>'
    yield ink.heading(_LEFT, 34, "When the agent answers", 17)


def _in_words(turn: Turn) -> str:
    """Describe a turn for screen readers."""
    acting = "; ".join(f"{span.label} {span.amount}" for span, *_ in turn.lanes())
    return f"{turn.profile}: {turn.answer} after the caller's last sound, {turn.on_top}. {acting}."


def _seconds(axis: Axis, y: int) -> Iterator[str]:
    words = "seconds after the caller's last sound"
    yield ink.text(_ZERO - 14, y, words, 11, "muted", anchor="end")
    for tick in axis.ticks(_TICK_GAP):
        yield ink.text(_x(axis, tick), y, f"{tick:g}", 11, "muted", anchor="middle")


def _row(turn: Turn, top: int, axis: Axis) -> Iterator[str]:
    answer_y, lanes_y, end = _answer_y(turn, top), _lanes_y(turn, top), _lanes_end(turn, top)
    yield _line("grid", f"M{_LEFT} {top}H{_RIGHT}")
    name = ink.cut(turn.profile, 15, _RIGHT - _LEFT, bold=True)
    yield ink.heading(_LEFT, top + _NAME - 2, name, 15)
    for index, line in enumerate(_description(turn)):
        yield ink.text(_LEFT, top + _NAME + 16 + index * _DESCRIPTION_LINE, line, 12, "muted")
    yield from _grid(axis, answer_y, end)
    yield from _moments(turn, answer_y, lanes_y, axis)
    yield from _answer_lane(turn, answer_y + 20, axis)
    for index, lane in enumerate(turn.lanes()):
        yield from _lane(lane, lanes_y + index * _LANE + _LANE / 2, axis)


def _description(turn: Turn) -> list[str]:
    return ink.wrapped(turn.description, 12, _RIGHT - _LEFT, 2)


def _answer_y(turn: Turn, top: int) -> int:
    return top + _NAME + 8 + _DESCRIPTION_LINE * len(_description(turn))


def _lanes_y(turn: Turn, top: int) -> int:
    return _answer_y(turn, top) + _ANSWER_LANE


def _lanes_end(turn: Turn, top: int) -> int:
    return _lanes_y(turn, top) + _LANE * len(turn.lanes())


def _grid(axis: Axis, top: int, end: int) -> Iterator[str]:
    lines = "".join(f"M{number(_x(axis, tick))} {top}V{end}" for tick in axis.ticks(_TICK_GAP)[1:])
    yield _line("grid", lines, width=1)
    yield _line("zero", f"M{_ZERO} {top}V{end}")


def _moments(turn: Turn, answer_y: int, lanes_y: int, axis: Axis) -> Iterator[str]:
    """Draw a line from each answer to the setting that decides it."""
    for moment in dict.fromkeys(turn.wait.seconds):
        deciding = (
            index
            for index, lane in enumerate(turn.lanes())
            if any(span.decides and moment in {span.start, span.end} for span in lane)
        )
        end = lanes_y + _LANE * max(deciding, default=0) + _LANE / 2
        d = f"M{number(_x(axis, moment))} {answer_y + 20}V{number(end)}"
        yield _line("moment", d, 'stroke-dasharray="2 3"', 1)


def _answer_lane(turn: Turn, y: float, axis: Axis) -> Iterator[str]:
    earliest, latest = (_x(axis, moment) for moment in turn.wait.seconds)
    yield from _speech(y)
    if earliest > _ZERO + _GAP:
        yield _silence(_ZERO + _GAP, y, earliest)
    if latest > earliest:
        yield _rect(earliest, y, latest - earliest, 16, 'class="range"')
    yield _rect(earliest - 2, y, 4, 24, 'class="answer"')
    if turn.wait.seconds[1] is None:
        yield _arrow(latest, y, _MARKER, "answer")
    else:
        yield _rect(latest - 2, y, 4, 24, 'class="answer"')
    yield _rect(latest + _MARKER, y, _TAIL, 16, 'fill="url(#turn-quiet)"')
    answer_x, on_top_x = latest + _MARKER + _TAIL + _GAP, latest + _MARKER
    yield _ground(answer_x, y, ink.width(turn.answer, 13, bold=True), 16)
    yield ink.heading(answer_x, y + 5, turn.answer, 13, "answer")
    yield _ground(on_top_x, y + 18, ink.width(turn.on_top, 11), 14)
    yield ink.text(on_top_x, y + 22, turn.on_top, 11, "muted")


def _silence(x: float, y: float, end: float) -> str:
    return _line("quiet", f"M{number(x)} {number(y)}H{number(end)}", 'stroke-dasharray="1.5 4"')


def _speech(y: float) -> Iterator[str]:
    yield ink.text(_LEFT, y + 4, "caller speaks", 12, "speech")
    bars = (
        f"M{_ZERO - 8 - 5 * index} {y - height}v{2 * height}" for index, height in enumerate(_WAVE)
    )
    yield _line("zero", "".join(bars), 'stroke-linecap="round"', 2.5)


def _lane(lane: Sequence[Span], y: float, axis: Axis) -> Iterator[str]:
    last = lane[-1]
    colour = "text" if any(span.decides for span in lane) else "muted"
    yield ink.code(_LEFT, y + 4, last.label, colour)
    yield ink.code(_ZERO - 14, y + 4, last.amount, colour, anchor="end")
    for span in lane:
        yield from _bar(span, y, axis)
    if last.note:
        x = _x(axis, last.end) + _stub(last) + _GAP
        yield _ground(x, y, ink.width(last.note, 11), 14)
        yield ink.text(x, y + 4, last.note, 11, "muted")


def _bar(span: Span, y: float, axis: Axis) -> Iterator[str]:
    start, end = _x(axis, span.start), _x(axis, span.end)
    fill, line = ("answer", "moment") if span.decides else ("holds", "quiet")
    yield _rect(start, y, max(end - start, _DOT), _BAR, _PAINT[span.kind].format(fill, line))
    if span.end is None:
        yield _arrow(end, y, _BAR / 2, fill)
    elif span.unknown:
        yield _rect(end + 2, y, _STUB, _BAR, f'fill="url(#turn-{line})"')


def _stub(span: Span) -> float:
    return _STUB + 2 if span.unknown and span.end is not None else 0


def _x(axis: Axis, moment: float | None) -> float:
    return round(_ZERO + axis.at(moment), 1)


def _line(colour: str, d: str, more: str = "", width: float = 1.5) -> str:
    return f'<path class="{colour}" d="{d}" stroke-width="{width:g}" {more}'.rstrip() + "/>"


def _rect(x: float, y: float, width: float, height: float, paint: str) -> str:
    """Return a rectangle, vertically centred at y."""
    place = f'x="{number(x)}" y="{number(y - height / 2)}"'
    return f'<rect {place} width="{number(width)}" height="{number(height)}" rx="2" {paint}/>'


def _ground(x: float, y: float, width: float, height: float) -> str:
    """Return the background of a text, which hides lines behind it."""
    return _rect(x - 3, y, width + 3, height, 'class="paper"')


def _arrow(x: float, y: float, half: float, colour: str) -> str:
    """Return the arrow at the end of an unbounded span."""
    d = f"M{number(x)} {number(y - half)}l{half:g} {half:g}l-{half:g} {half:g}z"
    return f'<path class="{colour}" d="{d}"/>'


def _legend(top: int) -> Iterator[str]:
    yield _line("grid", f"M{_LEFT} {top}H{_RIGHT}")
    x, y = float(_LEFT), top + 24
    for paint, words in _LEGEND:
        yield _sample(paint, x, y - 4)
        yield ink.text(x + _SAMPLE + _GAP, y, words, 11, "muted")
        x = round(x + _SAMPLE + _GAP + ink.width(words, 11) + _GAP, 1)


def _sample(paint: str, x: float, y: float) -> str:
    return _rect(x, y, _SAMPLE, _BAR, paint) if paint else _silence(x, y, x + _SAMPLE)
