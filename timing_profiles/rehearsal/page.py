"""A rehearsal as one HTML page: no script, no font, nothing from elsewhere, light and dark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Final

from timing_profiles.authoring.timeline import ink
from timing_profiles.problems import cut, printable
from timing_profiles.rehearsal import gate, summary
from timing_profiles.rehearsal.gate import Gate
from timing_profiles.rehearsal.picture import WIDTH, picture
from timing_profiles.rehearsal.recording import Side
from timing_profiles.rehearsal.result import Rehearsal

_CUT: Final = ("#cf222e", "#ff7b72")
_TEXT: Final = ("#1f2328", "#f0f6fc")
_PAPER: Final = ("#ffffff", "#0d1117")
_MUTED: Final = ("#59636e", "#9198a1")
_RULE: Final = ("#d1d9e0", "#30363d")

_LONGEST_WORDS: Final = 300  # characters of one turn

_LAYOUT: Final = f"""
body{{font:15px/1.5 {ink.SANS};margin:2rem auto;max-width:{WIDTH + 160}px;padding:0 1rem}}
.scroll{{overflow-x:auto}}
table{{border-collapse:collapse;font-size:14px}}
th,td{{text-align:left;padding:.3rem .9rem .3rem 0;white-space:nowrap;vertical-align:top}}
tbody th{{font-family:{ink.MONO};font-weight:600}}
figure{{margin:1rem 0 1.6rem;content-visibility:auto;contain-intrinsic-size:auto 200px}}
figcaption{{font-size:13px}}
svg{{max-width:100%;height:auto;font-family:{ink.SANS}}}
"""

_GUIDE: Final = (
    "Each picture is one turn of the caller, in seconds of the recording. A cross is where the"
    " profile would have cut in; a bar is where it would have answered, with the wait from the"
    " caller's last sound. Below the speech stand the seconds of each silence and, after p, the"
    " probability of the turn detector that the caller has finished."
)


def page(
    rehearsed: Rehearsal,
    caller: Side,
    judged: Mapping[Gate, Mapping[str, gate.Result]],
    below: Sequence[str] = (),
    heard: str = "",
) -> str:
    """Return the page.

    Args:
        rehearsed: The results to show.
        caller: The channel of the caller.
        judged: The result of each gate for each profile.
        below: Lines of text that stand below the table.
        heard: The audio of the sessions in place of the recordings; empty where nothing is changed.
    """
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>Rehearsal: {summary.counted(rehearsed.recordings, 'recording')}</title>",
        _style(),
        "<h1>Rehearsal</h1>",
        f"<p>{_safe(summary.counts(rehearsed, caller, heard))}</p>",
        *_table(rehearsed),
        *(f"<p>{_safe(line)}</p>" for line in below),
        *_gates(judged),
        *_worst(rehearsed),
        *_turns(rehearsed),
        "</html>",
        "",
    ]
    return "\n".join(lines)


def _style() -> str:
    light, dark = (
        f"body{{background:{_PAPER[mode]};color:{_TEXT[mode]}}}"
        f"figcaption,.quiet-text,thead{{color:{_MUTED[mode]}}}"
        f"tbody tr{{border-top:1px solid {_RULE[mode]}}}"
        f".cut{{stroke:{_CUT[mode]}}}.cut-text{{fill:{_CUT[mode]}}}"
        for mode in (0, 1)
    )
    own = f"{_LAYOUT}{light}@media (prefers-color-scheme:dark){{:root{{color-scheme:dark}}{dark}}}"
    return f"{ink.style()}\n<style>{own}</style>"


def _table(rehearsed: Rehearsal) -> Iterator[str]:
    known = [result for result in rehearsed.profiles if result.unknown is None]
    yield '<div class="scroll"><table><thead><tr>'
    yield "".join(f'<th scope="col">{_safe(name)}</th>' for name in summary.HEAD)
    yield "</tr></thead><tbody>"
    for result in known:
        first, *cells = summary.row(result)
        rest = "".join(f"<td>{_safe(cell)}</td>" for cell in cells)
        yield f'<tr><th scope="row">{_safe(first)}</th>{rest}</tr>'
    yield "</tbody></table></div>"
    for result in rehearsed.profiles:
        if result.unknown is not None:
            yield f"<p>{_safe(result.profile)}: unknown: {_safe(result.unknown)}</p>"


def _gates(judged: Mapping[Gate, Mapping[str, gate.Result]]) -> Iterator[str]:
    if judged:
        yield "<h2>Gates</h2><ul>"
    for limit, results in judged.items():
        for profile, result in results.items():
            words = f"{limit.text}: {profile}: {summary.verdict(result)}"
            yield f"<li>{_safe(words)}</li>"
    if judged:
        yield "</ul>"


def _worst(rehearsed: Rehearsal) -> Iterator[str]:
    found = [*summary.worst_pauses(rehearsed.profiles)]
    if found:
        yield "<h2>Worst pauses</h2><ol>"
        yield from (f"<li>{_safe(f'{one.where}  {one}')}</li>" for one in found)
        yield "</ol>"


def _turns(rehearsed: Rehearsal) -> Iterator[str]:
    known = [result for result in rehearsed.profiles if result.unknown is None]
    if not known:
        return
    yield f'<h2>Turns</h2><p class="quiet-text">{_safe(_GUIDE)}</p>'
    numbered = enumerate(known[0].turns)
    for recording, turns in groupby(numbered, key=lambda item: item[1].recording):
        yield f"<h3>{_safe(recording)}</h3>"
        for count, (at, judged) in enumerate(turns, 1):
            drawn = picture(
                judged.turn, [(result.profile, result.turns[at].outcome) for result in known]
            )
            speech = judged.turn.speech
            caption = f"turn {count}, {speech.start:.1f} to {speech.end:.1f} s"
            if judged.turn.transcript and judged.turn.transcript.words:
                said = " ".join(word.text for word in judged.turn.transcript.words)
                caption += f": {_safe(cut(said, _LONGEST_WORDS))}"
            yield f'<figure class="scroll"><figcaption>{caption}</figcaption>'
            yield f"{drawn}</figure>"


def _safe(text: str) -> str:
    return escape(printable(text))
