"""A merged profile -> the picture of a turn, as data: which setting acts from when to when.

Seconds count from the caller's last sound. The formulas are those of `wait`, which says when the
agent answers; here each of their terms is a span of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from typing import Any, Literal

from timing_profiles.profile import Profile
from timing_profiles.turns import dead_settings, wait
from timing_profiles.turns.fields import (
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
)
from timing_profiles.turns.rules import FLUX_DEFAULT_EOT
from timing_profiles.turns.wait import Wait

Kind = Literal["holds", "any-time", "prepares"]
"""How a span acts: it holds the answer back until it ends; it ends at any moment up to its end; or
the LLM is at work in it, and holds nothing back."""

EARLY = f"{PREEMPTIVE}.enabled"
"""Whether the LLM may begin before the turn is over."""

_PARTIES = {"deepgram": "Deepgram", "llm": "LLM", "tts": "voice", "network": "network"}
_UNITS = {MIN_DELAY: "s", MAX_DELAY: "s", VAD_SILENCE: "s"}
_AUTO = {FLUX_EOT: FLUX_DEFAULT_EOT, FLUX_EOT_TIMEOUT: wait.FLUX_TIMEOUT_MS}
_LABELS = {
    EARLY: "preemptive_generation",
    VAD_SILENCE: VAD_SILENCE,
    VAD_DEACTIVATION: VAD_DEACTIVATION,
}


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a setting acts.

    Attributes:
        field: The dotted path of the setting.
        value: Its value, as the profile has it.
        start: Seconds from the caller's last sound.
        end: Seconds from the caller's last sound; None where nothing bounds it.
        kind: How it acts.
        note: What happens at its end, or in it, in a few words.
        decides: Whether the earliest or the latest answer comes from it.
        unknown: Whose own time comes after its end, such as `deepgram`; empty where nobody's does.
    """

    field: str
    value: Any
    start: float
    end: float | None
    kind: Kind = "holds"
    note: str = ""
    decides: bool = False
    unknown: str = ""

    @property
    def label(self) -> str:
        """The field's short name."""
        return _LABELS.get(self.field, self.field.rpartition(".")[2])

    @property
    def amount(self) -> str:
        """The value as people read it, such as `1.5 s` or `auto (5000 ms)`."""
        if self.value == "auto":
            return f"auto ({_with_unit(self.field, _AUTO[self.field])})"
        if isinstance(self.value, str):
            return self.value
        return "on" if self.value is True else _with_unit(self.field, self.value)

    def to_json(self) -> dict[str, Any]:
        """The span as `timeline --format json` prints it."""
        return {"label": self.label, "amount": self.amount, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens from the caller's last sound to the answer.

    Attributes:
        profile: The profile's name.
        description: For people who choose a profile; on one line, printable.
        wait: When the agent decides to answer, at the earliest and at the latest.
        spans: What acts until then; spans of one field stand together.
        unknown: Whose time is in no number and comes on top: `deepgram` only where it decides.
    """

    profile: str
    description: str
    wait: Wait
    spans: tuple[Span, ...]
    unknown: tuple[str, ...]

    @property
    def answer(self) -> str:
        """When the agent decides to answer, in words."""
        if "application" in self.unknown:
            return "the application decides"
        return f"{self.wait}, no limit" if self.wait.seconds[1] is None else str(self.wait)

    @property
    def on_top(self) -> str:
        """What comes between the decision and the agent's first sound, in words."""
        return "+ " + ", ".join(_PARTIES[party] for party in self.unknown if party in _PARTIES)

    def lanes(self) -> list[tuple[Span, ...]]:
        """The spans of each field, in their order."""
        return [tuple(spans) for _, spans in groupby(self.spans, key=lambda span: span.field)]

    def to_json(self) -> dict[str, Any]:
        """The turn as `timeline --format json` prints it."""
        return {
            "profile": self.profile,
            "description": self.description,
            "wait": self.wait.to_json(),
            "unknown": list(self.unknown),
            "spans": [span.to_json() for span in self.spans],
        }


def turn(profile: Profile, description: str = "") -> Turn:
    """The turn that a merged profile leads to."""
    found = wait.effective(profile.values)
    spans = tuple(_spans(profile.values, found))
    decided = {span.unknown for span in spans if span.decides and span.unknown}
    unknown = (*decided, "llm", "tts", "network")
    return Turn(_printable(profile.name), _printable(description), found, spans, unknown)


def _printable(words: str) -> str:
    """Without control characters and the like, which XML forbids or which act on a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def _spans(values: Values, found: Wait) -> Iterator[Span]:
    if values[DETECTION] == "manual":
        yield _until_committed()
    elif values[DETECTION] == "stt":
        yield from _one_after_the_other(values)
        yield from _early_reply(values, found)
    else:
        for span in _side_by_side(values):
            yield replace(span, decides=span.end in found.seconds)
        yield from _early_reply(values, found)


def _until_committed() -> Span:
    note = "the application ends the turn"
    return Span(
        DETECTION, "manual", 0.0, None, "any-time", note=note, decides=True, unknown="application"
    )


def _one_after_the_other(values: Values) -> Iterator[Span]:
    """The delay begins when Deepgram says that the turn is over."""
    deepgram = [replace(span, decides=True) for span in _deepgram(values)]
    yield from deepgram
    if values[NOVA_UTTERANCE_END] and deepgram[0].field == NOVA_ENDPOINTING:
        yield _milliseconds(values, NOVA_UTTERANCE_END, "if noise hides the silence")
    start, last = _earliest(deepgram[0]), deepgram[-1].end
    yield _delay(values, MIN_DELAY, start, "after Deepgram", decides=True)
    if last is not None and values[MODE] == "dynamic":
        yield _delay(values, MAX_DELAY, last, "learns up to this", decides=True)
    elif last not in {None, start}:
        yield _delay(values, MIN_DELAY, last or 0.0, "after Deepgram", decides=True)


def _side_by_side(values: Values) -> Iterator[Span]:
    """The delay begins with the silence, but the words must be there."""
    detector, dynamic = values[DETECTION] == "turn_detector", values[MODE] == "dynamic"
    low = "sounds finished" if detector else "at first" if dynamic else ""
    yield _delay(values, MIN_DELAY, wait.VAD_LAG, low)
    if detector or dynamic:
        high = "sounds unfinished" if detector else "learns up to this"
        yield _delay(values, MAX_DELAY, wait.VAD_LAG, high)
    yield from _vad(values)
    yield from _deepgram(values)


def _vad(values: Values) -> Iterator[Span]:
    """The silence that no delay can undercut, and what the turn detector makes of it."""
    silence, *judged = (round(wait.VAD_LAG + least, 3) for least in wait.least_delays(values))
    value = values[VAD_SILENCE]
    yield Span(VAD_SILENCE, value, wait.VAD_LAG, silence, note="no turn ends before")
    for end in judged:
        yield Span(DETECTION, "turn_detector", wait.VAD_LAG, end, note="judges the sentence")
    if wait.deactivation(values) < wait.RELIABLE_DEACTIVATION:
        note = "takes silence for speech"
        yield Span(VAD_DEACTIVATION, values[VAD_DEACTIVATION], 0.0, None, "any-time", note)


def _deepgram(values: Values) -> Iterator[Span]:
    """Until the last words are final, Deepgram's own time not counted."""
    if values[ENGINE] == "flux":
        yield from _flux(values)
    elif values[NOVA_ENDPOINTING]:
        yield _milliseconds(values, NOVA_ENDPOINTING, "words are final")
    elif values[DETECTION] == "stt" and values[NOVA_UTTERANCE_END]:
        yield _milliseconds(values, NOVA_UTTERANCE_END, "words are final")
    else:
        note = "off: words come at any time"
        yield Span(NOVA_ENDPOINTING, 0, 0.0, None, "any-time", note, unknown="deepgram")


def _flux(values: Values) -> Iterator[Span]:
    timeout = values[FLUX_EOT_TIMEOUT]
    end = round((wait.FLUX_TIMEOUT_MS if timeout == "auto" else timeout) / 1000, 3)
    yield Span(FLUX_EOT, values[FLUX_EOT], 0.0, end, "any-time", "once Flux is sure")
    yield Span(FLUX_EOT_TIMEOUT, timeout, 0.0, end, note="at the latest", unknown="deepgram")


def _early_reply(values: Values, found: Wait) -> Iterator[Span]:
    """The LLM may begin at the first final words, before the turn is over."""
    latest = found.seconds[1]
    if latest is None or not dead_settings.works_ahead(values):
        return
    eager = values[ENGINE] == "flux" and values[FLUX_EAGER] is not None
    field = FLUX_EAGER if eager else EARLY
    start = _earliest(next(_deepgram(values)))
    if start < latest:
        yield Span(field, values[field], start, latest, "prepares", "LLM may work ahead")


def _earliest(span: Span) -> float:
    """The earliest moment at which a span may end."""
    return span.start if span.kind == "any-time" or span.end is None else span.end


def _milliseconds(values: Values, field: str, note: str) -> Span:
    end = round(values[field] / 1000, 3)
    return Span(field, values[field], 0.0, end, note=note, unknown="deepgram")


def _delay(values: Values, field: str, start: float, note: str, *, decides: bool = False) -> Span:
    end = round(start + values[field], 3)
    return Span(field, values[field], start, end, note=note, decides=decides)


def _with_unit(field: str, value: float) -> str:
    """A number to the millisecond, since no wait is known more exactly."""
    unit = "ms" if field.endswith("_ms") else _UNITS.get(field, "")
    return f"{round(value, 3):g} {unit}".rstrip()
