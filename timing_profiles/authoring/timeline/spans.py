"""Describe a turn of a merged profile as data: which setting acts from when to when.

Seconds count from the caller's last sound. Each term of the wait is a span.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any, Literal

from timing_profiles.problems import printable, prose
from timing_profiles.profile import Profile
from timing_profiles.turns import dead_settings, wait
from timing_profiles.turns.fields import (
    AUTO,
    DETECTION,
    ENGINE,
    FLUX_EAGER,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    MAX_DELAY,
    MIN_DELAY,
    MODE,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    PREEMPTIVE,
    VAD_DEACTIVATION,
    VAD_SILENCE,
    Values,
    number,
)
from timing_profiles.turns.wait import Term, Wait

Kind = Literal["holds", "any-time", "prepares"]
"""How a span acts: it holds the answer back until it ends; it ends at any moment up to its end; or
the LLM is at work in it, and holds nothing back."""

EARLY = f"{PREEMPTIVE}.enabled"
"""Whether the LLM may begin before the turn is over."""

_PARTIES = {"deepgram": "Deepgram", "llm": "LLM", "tts": "voice", "network": "network"}
_UNITS = {MIN_DELAY: "s", MAX_DELAY: "s", VAD_SILENCE: "s"}
_NOTES = {
    FLUX_EOT: "once Flux is sure",
    FLUX_EOT_TIMEOUT: "at the latest",
    NOVA_ENDPOINTING: "words are final",
    NOVA_UTTERANCE_END: "words are final",
    VAD_DEACTIVATION: "takes silence for speech",
    VAD_SILENCE: "no turn ends before",
}
_LABELS = {
    EARLY: "preemptive_generation",
    VAD_SILENCE: VAD_SILENCE,
    VAD_DEACTIVATION: VAD_DEACTIVATION,
}


@dataclass(frozen=True, slots=True)
class Span:
    """The time in which a setting acts.

    Attributes:
        field: The dotted path of the setting.
        value: Its value, as the profile has it.
        start: Seconds from the caller's last sound.
        end: Seconds from the caller's last sound; None where nothing bounds it.
        kind: How it acts.
        note: What happens at its end, or in it, in a few words.
        decides: Whether the earliest or the latest answer comes from it.
        unknown: The party whose own time follows its end, such as `deepgram`; may be empty.
        resolved: The number of the setting where its value is `auto`.
    """

    field: str
    value: Any
    start: float
    end: float | None
    kind: Kind = "holds"
    note: str = ""
    decides: bool = False
    unknown: str = ""
    resolved: float = 0.0

    @property
    def label(self) -> str:
        """Return the field's short name."""
        return _LABELS.get(self.field, self.field.rpartition(".")[2])

    @property
    def amount(self) -> str:
        """Return the value with its unit, such as `1.5 s` or `auto (5000 ms)`."""
        if self.value == AUTO:
            return f"auto ({_with_unit(self.field, self.resolved)})"
        if isinstance(self.value, str):
            return self.value
        return "on" if self.value is True else _with_unit(self.field, self.value)

    def to_json(self) -> dict[str, Any]:
        """Return the span as `timeline --format json` prints it."""
        span = {"label": self.label, "amount": self.amount, **asdict(self)}
        del span["resolved"]
        return span


@dataclass(frozen=True, slots=True)
class Turn:
    """The time from the caller's last sound to the answer.

    Attributes:
        profile: The profile's name.
        description: The profile's description, on one printable line.
        wait: When the agent decides to answer, at the earliest and at the latest.
        spans: The settings that act until then; spans of one field are adjacent.
        unknown: The parties whose time comes on top; `deepgram` only where it decides.
    """

    profile: str
    description: str
    wait: Wait
    spans: tuple[Span, ...]
    unknown: tuple[str, ...]

    @property
    def answer(self) -> str:
        """Return when the agent decides to answer, in words."""
        if "application" in self.unknown:
            return "the application decides"
        return f"{self.wait}, no limit" if self.wait.seconds[1] is None else str(self.wait)

    @property
    def on_top(self) -> str:
        """Return the parties whose time comes on top, in words."""
        return "+ " + ", ".join(_PARTIES[party] for party in self.unknown if party in _PARTIES)

    def lanes(self) -> list[tuple[Span, ...]]:
        """Return the spans of each field, in their order."""
        return [tuple(spans) for _, spans in groupby(self.spans, key=lambda span: span.field)]

    def to_json(self) -> dict[str, Any]:
        """Return the turn as `timeline --format json` prints it."""
        return {
            "profile": self.profile,
            "description": self.description,
            "wait": self.wait.to_json(),
            "unknown": list(self.unknown),
            "spans": [span.to_json() for span in self.spans],
        }


def turn(profile: Profile, description: str = "") -> Turn:
    """Compute the turn of a merged profile."""
    found = wait.effective(profile.values)
    spans = tuple(_spans(profile.values))
    decided = {span.unknown for span in spans if span.decides and span.unknown}
    unknown = (*decided, "llm", "tts", "network")
    # XML forbids control characters, too.
    return Turn(printable(profile.name), prose(description), found, spans, unknown)


def _spans(values: Values) -> Iterator[Span]:
    for term in wait.terms(values):
        yield _span(values, term)
        if term.field == NOVA_ENDPOINTING and values[DETECTION] == "stt" and term.decides:
            yield from _utterance_end(values)
    if values[DETECTION] != "manual":
        yield from _early_reply(values)


def _span(values: Values, term: Term) -> Span:
    return Span(
        term.field,
        values[term.field],
        term.start,
        None if math.isinf(term.end) else term.end,
        "any-time" if term.any_time else "holds",
        _note(values, term),
        term.decides,
        term.unknown,
        number(values, term.field) if values[term.field] == AUTO else 0.0,
    )


def _note(values: Values, term: Term) -> str:
    detection, dynamic = values[DETECTION], values[MODE] == "dynamic"
    if term.field == MIN_DELAY:
        otherwise = "at first" if dynamic else ""
        return {"stt": "after Deepgram", "turn_detector": "sounds finished"}.get(
            detection, otherwise
        )
    if term.field == MAX_DELAY:
        return "sounds unfinished" if detection == "turn_detector" else "learns up to this"
    if term.field == DETECTION:
        return "judges the sentence" if detection != "manual" else "the application ends the turn"
    if term.field == NOVA_ENDPOINTING and term.any_time:
        return "off: words come at any time"
    return _NOTES[term.field]


def _utterance_end(values: Values) -> Iterator[Span]:
    end = values[NOVA_UTTERANCE_END]
    if end and values[NOVA_ENDPOINTING]:
        note = "if noise hides the silence"
        yield Span(NOVA_UTTERANCE_END, end, 0.0, end / 1000, note=note, unknown=wait.DEEPGRAM)


def _early_reply(values: Values) -> Iterator[Span]:
    """Yield when the LLM may begin at the first final words, before the turn is over."""
    latest = wait.effective(values).seconds[1]
    if latest is None or not dead_settings.works_ahead(values):
        return
    eager = values[ENGINE] == "flux" and values[FLUX_EAGER] is not None
    path = FLUX_EAGER if eager else EARLY
    start = wait.words(values)[0].earliest
    if start < latest:
        yield Span(path, values[path], start, latest, "prepares", "LLM may work ahead")


def _with_unit(field: str, value: float) -> str:
    """Return a number with its unit, to the millisecond: the precision of all waits."""
    unit = "ms" if field.endswith("_ms") else _UNITS.get(field, "")
    return f"{round(value, 3):g} {unit}".rstrip()
