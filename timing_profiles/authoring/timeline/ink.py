"""Elements of the SVG: colours for light and dark mode, hatching, text.

Widths of text are estimated for the widest of the usual fonts, because an SVG uses those of the
reader's machine: no text is cut or covered there.
"""

from __future__ import annotations

import unicodedata
from html import escape
from itertools import accumulate
from typing import Literal

SANS = "system-ui, -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
"""The fonts of prose."""

MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
"""The fonts of names and values."""

COLOURS = (
    ("paper", "fill", "#ffffff", "#0d1117"),
    ("text", "fill", "#1f2328", "#f0f6fc"),
    ("muted", "fill", "#59636e", "#9198a1"),
    ("answer", "fill", "#bc4c00", "#f0883e"),
    ("speech", "fill", "#0969da", "#4493f8"),
    ("holds", "fill", "#818b98", "#7d8590"),
    ("range", "fill", "#ffdfb6", "#5a3214"),
    ("grid", "stroke", "#e4e8ec", "#21262d"),
    ("zero", "stroke", "#0969da", "#4493f8"),
    ("moment", "stroke", "#bc4c00", "#f0883e"),
    ("quiet", "stroke", "#818b98", "#7d8590"),
)
"""Class, property, colour in light and in dark mode.

The light ones come first, outside of any media query, with their own background: a renderer that
ignores media queries draws a light picture.
"""

Anchor = Literal["start", "middle", "end"]

# The widest part of the font size, in DejaVu Sans and Verdana; the other usual fonts are narrower.
_PARTS = (
    (" .,:;'|ijl", 0.38),
    ("!()[]-/\\ftrI", 0.46),
    ('csz"`', 0.56),
    ("kvxy", 0.6),
    ("w+=<>~^#&", 0.85),
    ("mMW@%", 1.08),
)
_PART_OF = {character: part for characters, part in _PARTS for character in characters}
_USUAL, _CAPITAL, _WIDE, _EMOJI = 0.66, 0.8, 1.08, 1.4
_BOLD = 1.12
_FIRST_EMOJI = "\U0001f000"


def style() -> str:
    """Return the CSS of all classes, with the dark colours in a media query."""
    light, dark = (
        "".join(f".{colour[0]}{{{colour[1]}:{colour[mode]}}}" for colour in COLOURS)
        for mode in (2, 3)
    )
    return f"<style>{light}@media (prefers-color-scheme:dark){{{dark}}}</style>"


def hatches() -> str:
    """Return the fills `url(#turn-moment)` and `url(#turn-quiet)`, for unknown times."""
    return "<defs>" + "".join(_hatch(colour) for colour in ("moment", "quiet")) + "</defs>"


def _hatch(colour: str) -> str:
    return (
        f'<pattern id="turn-{colour}" width="5" height="5" patternUnits="userSpaceOnUse"'
        f' patternTransform="rotate(45)"><path class="{colour}" d="M1 0V5" stroke-width="1.7"/>'
        "</pattern>"
    )


def text(
    x: float, y: float, words: str, size: int, colour: str, *, anchor: Anchor = "start"
) -> str:
    """Return a line of prose."""
    return _element(x, y, words, f'class="{colour}" font-size="{size}"', anchor)


def heading(x: float, y: float, words: str, size: int, colour: str = "text") -> str:
    """Return a line of bold prose."""
    attributes = f'class="{colour}" font-size="{size}" font-weight="600"'
    return _element(x, y, words, attributes, "start")


def code(x: float, y: float, words: str, colour: str, *, anchor: Anchor = "start") -> str:
    """Return a name or a value in a monospaced font."""
    attributes = f'class="{colour}" font-size="12" font-family="{MONO}"'
    return _element(x, y, words, attributes, anchor)


def _element(x: float, y: float, words: str, attributes: str, anchor: Anchor) -> str:
    anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
    place = f'x="{number(x)}" y="{number(y)}"'
    return f"<text {place} {attributes}{anchored}>{escape(words)}</text>"


def number(pixels: float) -> str:
    """Return a coordinate, to a tenth of a pixel."""
    return f"{pixels:.1f}".removesuffix(".0")


def width(words: str, size: int, *, bold: bool = False) -> float:
    """Return the largest width of a line of prose, in pixels."""
    return size * sum(_part(c) for c in words) * (_BOLD if bold else 1)


def _part(character: str) -> float:
    if character.isascii():
        return _PART_OF.get(character, _CAPITAL if character.isupper() else _USUAL)
    if unicodedata.combining(character):
        return 0
    return _EMOJI if character >= _FIRST_EMOJI else _WIDE


def wrapped(words: str, size: int, room: float, most: int) -> list[str]:
    """Wrap text at a width in pixels, and cut it after `most` lines."""
    lines: list[str] = []
    rest = words
    while rest and len(lines) < most:
        line = cut(rest, size, room) if len(lines) == most - 1 else _first_line(rest, size, room)
        lines.append(line)
        rest = rest[len(line) :].lstrip()
    return lines


def _first_line(words: str, size: int, room: float) -> str:
    if width(words, size) <= room:
        return words
    fitting = _fitting(words, size, room)
    return fitting.rpartition(" ")[0] or fitting


def cut(words: str, size: int, room: float, *, bold: bool = False) -> str:
    """Cut a line at a width in pixels."""
    if width(words, size, bold=bold) <= room:
        return words
    factor = _BOLD if bold else 1
    return _fitting(words, size, room / factor - size).rstrip() + "…"


def _fitting(words: str, size: int, room: float) -> str:
    """Return the characters that fit."""
    ends = accumulate(size * _part(character) for character in words)
    return words[: sum(end <= room for end in ends)]
