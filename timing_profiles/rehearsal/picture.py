"""A turn of a recording as SVG: speech, silence, probability, and where each profile answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from timing_profiles.authoring.timeline import ink
from timing_profiles.authoring.timeline.ink import number
from timing_profiles.rehearsal.labels import SHORTEST_PAUSE, Turn
from timing_profiles.rehearsal.outcome import Outcome
from timing_profiles.rehearsal.summary import counted

WIDTH: Final = 900
"""Pixels; the height follows from the number of profiles."""

_LEFT, _ZERO, _RIGHT = 16, 190, WIDTH - 76
_AXIS_Y, _SPEECH_Y, _PROBABILITY_Y, _ROWS_Y, _ROW = 20, 40, 66, 84, 20
_BEFORE = 0.2  # seconds that are shown before the turn
_AFTER = 0.4  # seconds that are shown after the last event
_STEPS = (0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300)
_TICK_GAP = 46  # pixels between the numbers of the axis
_LABEL_GAP = 30  # pixels between two texts of one line


def picture(turn: Turn, outcomes: Sequence[tuple[str, Outcome]]) -> str:
    """Draw a turn.

    Args:
        turn: The turn.
        outcomes: The name of each profile, and its effect.
    """
    scale = _Scale(turn, outcomes)
    height = _ROWS_Y + _ROW * len(outcomes) + 8
    lines = [
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<title>{escape(_in_words(turn, outcomes))}</title>",
        *_axis(scale, height),
        *_speech(turn, scale),
        *_probabilities(turn, outcomes, scale),
    ]
    for index, (profile, outcome) in enumerate(outcomes):
        lines += _row(profile, outcome, turn, _ROWS_Y + _ROW * index + _ROW / 2, scale)
    return "\n".join([*lines, "</svg>"])


class _Scale:
    """Seconds of the recording -> pixels."""

    def __init__(self, turn: Turn, outcomes: Sequence[tuple[str, Outcome]]) -> None:
        self.start = turn.speech.start - _BEFORE
        waits = (one.wait for _, one in outcomes if one.wait is not None)
        self.end = turn.speech.end + max([0.5, *waits]) + _AFTER
        self.per_second = (_RIGHT - _ZERO) / (self.end - self.start)

    def x(self, moment: float) -> float:
        return round(_ZERO + self.per_second * (min(moment, self.end) - self.start), 1)


def _in_words(turn: Turn, outcomes: Sequence[tuple[str, Outcome]]) -> str:
    """Describe the turn for those who hear the picture read out."""
    spoken = (
        f"{turn.speech.start:.1f} to {turn.speech.end:.1f} s, {counted(len(turn.pauses), 'pause')}"
    )
    return "; ".join([spoken, *(f"{name}: {_result(one)}" for name, one in outcomes)])


def _result(outcome: Outcome) -> str:
    parts = [f"cuts in at {cut.at:.1f} s" for cut in outcome.cuts]
    if outcome.wait is not None:
        parts.append(f"answers after {outcome.wait:.2f} s")
    return ", ".join(parts) or "end unknown"


def _axis(scale: _Scale, height: float) -> Iterator[str]:
    step = next((one for one in _STEPS if one * scale.per_second >= _TICK_GAP), _STEPS[-1])
    yield ink.text(_ZERO - 14, _AXIS_Y, "seconds", 11, "muted", anchor="end")
    for index in range(math.ceil(scale.start / step), math.floor(scale.end / step) + 1):
        x = scale.x(index * step)
        yield ink.text(x, _AXIS_Y - 4, f"{index * step:g}", 11, "muted", anchor="middle")
        yield _line("grid", f"M{number(x)} {_AXIS_Y}V{height - 8}", 1)


def _speech(turn: Turn, scale: _Scale) -> Iterator[str]:
    yield ink.text(_LEFT, _SPEECH_Y + 4, "caller speaks", 12, "speech")
    for start, end in zip(
        [turn.speech.start, *(pause.end for pause in turn.pauses)],
        [*(pause.start for pause in turn.pauses), turn.speech.end],
        strict=True,
    ):
        x = scale.x(start)
        yield _rect(x, _SPEECH_Y, max(scale.x(end) - x, 1), 14, 'class="speech"')
    if turn.next_speech is not None and turn.next_speech < scale.end:
        x = scale.x(turn.next_speech)
        yield _line("quiet", f"M{number(x)} {_SPEECH_Y - 9}v18", 1.5)
        yield ink.text(x + 4, _SPEECH_Y + 4, "next speech", 11, "muted")


def _probabilities(
    turn: Turn, outcomes: Sequence[tuple[str, Outcome]], scale: _Scale
) -> Iterator[str]:
    """The seconds of each silence, and the probability that the turn detector computes in it."""
    yield ink.text(_LEFT, _PROBABILITY_Y + 4, "silence, probability", 12, "muted")
    taken = -math.inf
    for start, end in [*((one.start, one.end) for one in turn.pauses), (turn.speech.end, None)]:
        until = scale.end if end is None else end
        seen = (one.probability(start, until) for _, one in outcomes)
        known = next((f"p {at:.2f}" for at in seen if at is not None), "")
        silence = "" if end is None else f"{end - start:.1f} s"
        words = " ".join(part for part in (silence, known) if part)
        x = (scale.x(start) + scale.x(until)) / 2 if end else scale.x(start)
        width = ink.width(words, 11)
        left = x - width / 2 if end else x
        if words and left >= taken and (end is None or end - start >= SHORTEST_PAUSE):
            taken = left + width + 6
            anchor: ink.Anchor = "middle" if end else "start"
            yield ink.text(x, _PROBABILITY_Y + 4, words, 11, "muted", anchor=anchor)


def _row(profile: str, outcome: Outcome, turn: Turn, y: float, scale: _Scale) -> Iterator[str]:
    yield ink.code(_LEFT, y + 4, ink.cut(profile, 12, _ZERO - _LEFT - 20), "text")
    for cut in outcome.cuts:
        x = scale.x(cut.at)
        yield _line("cut", f"M{number(x - 5)} {y - 5}l10 10m0 -10l-10 10", 2.5)
    if outcome.cuts:
        x = scale.x(outcome.cuts[0].at)
        yield ink.text(x + 9, y + 4, "cuts in", 11, "cut-text")
    if outcome.wait is None:
        words = "no decision" if turn.is_end else "end unknown"
        yield ink.text(scale.x(turn.speech.end), y + 4, words, 11, "muted")
        return
    start, end = scale.x(turn.speech.end), scale.x(turn.speech.end + outcome.wait)
    yield _line("quiet", f"M{number(start)} {y}H{number(end)}", 1.5, 'stroke-dasharray="1.5 4"')
    yield _rect(end - 2, y, 4, 14, 'class="answer"')
    yield ink.text(end + 6, y + 4, f"{outcome.wait:.2f} s", 11, "answer")


def _line(colour: str, d: str, width: float, more: str = "") -> str:
    return (
        f'<path class="{colour}" d="{d}" fill="none" stroke-width="{width:g}" {more}'.rstrip()
        + "/>"
    )


def _rect(x: float, y: float, width: float, height: float, paint: str) -> str:
    """A rectangle around a middle line."""
    place = f'x="{number(x)}" y="{number(y - height / 2)}"'
    return f'<rect {place} width="{number(width)}" height="{number(height)}" rx="2" {paint}/>'
