"""Active and wanted settings of a session -> what to change in it now. Nothing is changed here.

How each field changes was read in livekit-agents 1.8.9 and livekit-plugins-deepgram 1.8.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from livekit.plugins import deepgram

from timing_profiles.catalog import schema_file
from timing_profiles.catalog.schema import Schema
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EAGER,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    VAD_SILENCE,
    Values,
)

DETECTOR = "turn_detector"
"""The value of `turn_handling.turn_detection`, and the section, of LiveKit's turn detector."""

ENDPOINTING = "turn_handling.endpointing"

_IN_BAND = frozenset({FLUX_EOT, FLUX_EAGER, FLUX_EOT_TIMEOUT, "stt.flux.language_hint"})

# What belongs together where speech-to-text ends the turns. The VAD's silence is held to what the
# detection until then needs.
_WITH_LISTENER = (DETECTION, f"{ENDPOINTING}.", VAD_SILENCE)


@cache
def next_call_fields() -> frozenset[str]:
    """Return the fields that the SDK reads once, when a session starts, by the packaged schema."""
    fields = Schema(schema_file.packaged_text()).fields
    return frozenset(path for path in fields if fields[path].live == "next-call")


@dataclass(slots=True)
class Part:
    """A part of a session that was built from settings.

    Attributes:
        built: The speech-to-text, text-to-speech or VAD.
        extra: The application's own arguments; they stay.
        values: The settings that are active in it.
    """

    built: Any
    extra: Mapping[str, Any]
    values: Values

    def changed(self, wanted: Values) -> set[str]:
        """Return the fields that differ from the wanted settings and are not the application's."""
        paths = changed(self.values, wanted)
        return {path for path in paths if path.rpartition(".")[2] not in self.extra}


@dataclass(frozen=True, slots=True)
class Own:
    """What of a session the settings decide; the application decides all else.

    Attributes:
        parts: The parts that were built from the settings.
        given: The fields and sections that the application has set itself, by dotted path.
    """

    parts: list[Part] = field(default_factory=list)
    given: frozenset[str] = frozenset()

    def part(self, built: Any) -> Part | None:
        """Return the part that was built as this object; None where the application built it."""
        return next((part for part in self.parts if part.built is built), None)

    def decides(self, path: str) -> bool:
        """Return whether the settings decide a field."""
        return not any(path == given or path.startswith(f"{given}.") for given in self.given)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to change in a session now.

    Attributes:
        values: The settings that are active afterwards.
        options: The fields of the session's options that change.
        detection: Whether the way in which turns are detected changes.
        listener: The fields that change in the speech-to-text; none where it keeps its own.
        replaces: Whether another speech-to-text takes its place.
        reconnects: Whether the wanted settings need a new connection of the speech-to-text.
        waits: Whether the rest of the wanted settings waits for the caller's silence.
    """

    values: Values
    options: frozenset[str]
    detection: bool
    listener: frozenset[str]
    replaces: bool
    reconnects: bool
    waits: bool


def changed(active: Values, wanted: Values) -> frozenset[str]:
    """Return the fields that differ."""
    return frozenset(path for path, value in wanted.items() if active.get(path) != value)


def make_plan(
    active: Values, wanted: Values, own: Own, listener: Part | None, *, is_quiet: bool
) -> Plan:
    """Compute what to change now.

    Args:
        active: The settings of the session.
        wanted: The settings that it is to have.
        own: What of it the settings decide.
        listener: The speech-to-text that listens; None where the application built it.
        is_quiet: Whether no words are in flight, which a new connection would lose.
    """
    paths, reconnects, replaces = _listening(listener, wanted)
    waits = reconnects and not is_quiet
    values = _until_reconnected(active, wanted) if waits else wanted
    options = frozenset(path for path in changed(active, values) if own.decides(path))
    detection = DETECTION in options or (
        values[DETECTION] == DETECTOR and any(path.startswith(f"{DETECTOR}.") for path in options)
    )
    return Plan(
        values=values,
        options=options - next_call_fields(),
        detection=detection,
        listener=frozenset() if waits else paths,
        replaces=replaces and not waits,
        reconnects=reconnects,
        waits=waits,
    )


def _listening(listener: Part | None, wanted: Values) -> tuple[frozenset[str], bool, bool]:
    """The fields that change in a speech-to-text, and whether it reconnects, and is replaced."""
    if listener is None:
        return frozenset(), False, False
    is_flux = isinstance(listener.built, deepgram.STTv2)
    section = f"stt.{wanted[ENGINE]}."
    paths = {p for p in listener.changed(wanted) if p == ENGINE or p.startswith(section)}
    # Flux takes numbers over the connection that it has, but neither `auto` nor null.
    in_band = {p for p in paths & _IN_BAND if is_flux and wanted[p] not in (None, "auto")}
    reconnects = bool(paths - in_band)
    return frozenset(paths), reconnects, ENGINE in paths or (is_flux and reconnects)


def _until_reconnected(active: Values, wanted: Values) -> Values:
    """What may change before the speech-to-text does.

    Where speech-to-text ends the turns, the new delays fit only the new one: with the old one, a
    pause could end the caller's sentence.
    """
    if wanted[DETECTION] != "stt":
        return wanted
    waiting = {path: active[path] for path in wanted if path.startswith(_WITH_LISTENER)}
    return {**wanted, **waiting}
