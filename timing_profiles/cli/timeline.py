"""`timeline`: draw the turn of profiles."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from timing_profiles.authoring.timeline import spans as turns
from timing_profiles.authoring.timeline.svg import svg
from timing_profiles.authoring.timeline.text import text
from timing_profiles.cli import UsageError, chosen, terminal
from timing_profiles.cli.output import print_json, print_text
from timing_profiles.problems import strerror

# Wider bars are not easier to compare, and a pipe has no width.
_WIDEST = 120


def run(names: Sequence[str], form: str | None, output: str | None) -> int:
    """Draw the turn of each profile, one below the other.

    Args:
        names: The profiles.
        form: `text`, `svg`, `json`, or None: text on a terminal, else svg.
        output: The file for the SVG; stdout by default.

    Returns:
        0.
    """
    found = chosen.profiles_with(*names)
    profiles = [chosen.profile(found, name) for name in names]
    drawn = [turns.turn(one, found.layers[one.name].description) for one in profiles]
    if output is not None:
        _write(Path(output), svg(drawn))
        return 0
    form = form or ("text" if sys.stdout.isatty() else "svg")
    if form == "json":
        print_json([turn.to_json() for turn in drawn])
    elif form == "svg":
        print_text(svg(drawn), end="")
    else:
        print_text(text(drawn, min(terminal.style(sys.stdout).width, _WIDEST)))
    return 0


def _write(path: Path, picture: str) -> None:
    try:
        path.write_text(picture, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{path.as_posix()}: cannot be written: {strerror(error)}") from None
