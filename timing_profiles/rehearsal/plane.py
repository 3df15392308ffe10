"""The plane of cuts and waits as SVG: the frontier, and each profile on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from timing_profiles.authoring.timeline import ink
from timing_profiles.authoring.timeline.ink import number
from timing_profiles.rehearsal.fit import Point
from timing_profiles.rehearsal.sweep import Cost

WIDTH: Final = 900
HEIGHT: Final = 420

_LEFT, _RIGHT, _TOP, _BOTTOM = 72, WIDTH - 130, 60, HEIGHT - 56
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_TICKS = 8


def svg(frontier: Sequence[Point], profiles: Mapping[str, Cost], chosen: Point | None) -> str:
    """Draw the frontier as a line, profiles as dots, and the chosen point as a bar."""
    costs = [*(point.cost for point in frontier), *profiles.values()]
    widest = max([0.5, *(cost.wait for cost in costs)])
    highest = max([0.01, *(cost.cut for cost in costs)])

    def x(wait: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * wait / widest, 1)

    def y(cut: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * cut / highest, 1)

    lines = [*_head(profiles)]
    for wait in _ticks(widest):
        lines.append(_path("grid", f"M{number(x(wait))} {_TOP}V{_BOTTOM}"))
        lines.append(ink.text(x(wait), _BOTTOM + 18, f"{wait:g}", 11, "muted", anchor="middle"))
    for cut in _ticks(highest):
        lines.append(_path("grid", f"M{_LEFT} {number(y(cut))}H{_RIGHT}"))
        lines.append(ink.text(_LEFT - 8, y(cut) + 4, f"{cut:.0%}", 11, "muted", anchor="end"))
    steps = [(x(point.cost.wait), y(point.cost.cut)) for point in frontier]
    if steps:
        (first, height), *rest = steps
        d = "".join(f"H{number(at)}V{number(down)}" for at, down in rest)
        lines.append(_path("zero", f"M{number(first)} {number(height)}{d}", 2))
    for name, cost in profiles.items():
        at, up = x(cost.wait), y(cost.cut)
        lines.append(f'<circle class="holds" cx="{number(at)}" cy="{number(up)}" r="4"/>')
        lines.append(ink.code(at + 8, up - 4, name, "text"))
    if chosen:
        at, up = x(chosen.cost.wait), y(chosen.cost.cut)
        place = f'x="{number(at - 3)}" y="{number(up - 12)}"'
        lines.append(f'<rect class="answer" {place} width="6" height="24" rx="2"/>')
        lines.append(ink.heading(at + 8, up + 16, "chosen", 12, "answer"))
    return "\n".join([*lines, "</svg>", ""])


def _head(profiles: Mapping[str, Cost]) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-family="{ink.SANS}">'
    )
    words = "; ".join(
        f"{name}: {cost.cut:.1%} of turns cut, mean wait {cost.wait:.2f} s"
        for name, cost in profiles.items()
    )
    yield f"<title>Turns cut and mean wait</title><desc>{escape(words)}</desc>"
    yield ink.style()
    yield f'<rect class="paper" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
    yield ink.heading(24, 34, "Turns cut and mean wait", 17)
    yield ink.text(_RIGHT, _BOTTOM + 40, "mean wait in seconds", 11, "muted", anchor="end")
    yield ink.text(_LEFT - 8, _TOP - 10, "turns cut", 11, "muted", anchor="end")


def _ticks(end: float) -> list[float]:
    step = next((one for one in _STEPS if end / one <= _TICKS), _STEPS[-1])
    return [round(step * at, 6) for at in range(int(end / step) + 1)]


def _path(colour: str, d: str, width: float = 1) -> str:
    return f'<path class="{colour}" d="{d}" fill="none" stroke-width="{width:g}"/>'
