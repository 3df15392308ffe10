"""Active and wanted settings of a session -> the changes to make now. Nothing is changed here.

How each field changes was read in livekit-agents 1.8.9 and livekit-plugins-deepgram 1.8.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from timing_profiles.call.parts import Own, Part
from timing_profiles.catalog import schema_file
from timing_profiles.catalog.schema import Schema
from timing_profiles.providers.provider import MISSING
from timing_profiles.turns.fields import DETECTION, ENGINE, VAD_SILENCE, Values

DETECTOR = "turn_detector"
"""The value of `turn_handling.turn_detection`, and the section, of LiveKit's turn detector."""

ENDPOINTING = "turn_handling.endpointing"

# Fields of one group where speech-to-text ends the turns. The VAD's silence is held to what the
# detection until then needs.
_WITH_LISTENER = (DETECTION, f"{ENDPOINTING}.", VAD_SILENCE)


@cache
def next_call_fields() -> frozenset[str]:
    """Return the fields that the SDK reads once, when a session starts, by the packaged schema."""
    fields = Schema(schema_file.packaged_text()).fields
    return frozenset(path for path in fields if fields[path].live == "next-call")


@dataclass(frozen=True, slots=True)
class Plan:
    """The changes to make in a session now.

    Attributes:
        values: The settings that are active afterwards.
        options: The fields of the session's options that change.
        detection: Whether the way in which turns are detected changes.
        listeners: The fields that change in the speech-to-text, of an adapter in each that it has.
        replaces: Whether another speech-to-text takes its place.
        reconnects: Whether the wanted settings need a new connection of the speech-to-text.
        waits: Whether the other wanted settings wait for the caller's silence.
    """

    values: Values
    options: frozenset[str]
    detection: bool
    listeners: tuple[tuple[Part, frozenset[str]], ...]
    replaces: bool
    reconnects: bool
    waits: bool


def changed(active: Values, wanted: Values) -> frozenset[str]:
    """Return the fields that differ."""
    return frozenset(path for path, value in wanted.items() if active.get(path) != value)


def make_plan(
    active: Values, wanted: Values, own: Own, listeners: Sequence[Part], *, is_quiet: bool
) -> Plan:
    """Compute the changes to make now.

    Args:
        active: The settings of the session.
        wanted: The settings that it is to have.
        own: The part of it that the settings decide.
        listeners: The speech-to-text that listens, and of an adapter each that it has.
        is_quiet: Whether no words are in flight, which a new connection would lose.
    """
    heard = [_listening(part, wanted) for part in listeners]
    reconnects = any(each.reconnects for each in heard)
    waits = reconnects and not is_quiet
    values = _until_reconnected(active, wanted) if waits else wanted
    options = frozenset(path for path in changed(active, values) if own.decides(path))
    # A detection of the application's own stays, also where a field of our detector changes.
    is_ours = own.decides(DETECTION) and values[DETECTION] == DETECTOR
    is_tuned = is_ours and any(path.startswith(f"{DETECTOR}.") for path in options)
    detection = DETECTION in options or is_tuned
    return Plan(
        values=values,
        options=options - next_call_fields(),
        detection=detection,
        listeners=() if waits else tuple((each.part, each.paths) for each in heard if each.paths),
        replaces=any(each.replaces for each in heard) and not waits,
        reconnects=reconnects,
        waits=waits,
    )


@dataclass(frozen=True, slots=True)
class _Listening:
    """The fields that change in a speech-to-text; whether it reconnects, and is replaced."""

    part: Part
    paths: frozenset[str]
    reconnects: bool
    replaces: bool


def _listening(part: Part, wanted: Values) -> _Listening:
    sections = (f"stt.{wanted[ENGINE]}.", "stt.assemblyai.")
    paths = {path for path in part.changed(wanted) if path.startswith(sections)}
    in_band = {path for path in paths if _is_in_band(part, path, wanted)}
    if not part.is_built:
        # It gets the options that it supports; nothing else takes its place.
        paths = {path for path in paths if _argument(part, path, wanted) is not MISSING}
        return _Listening(part, frozenset(paths), bool(paths - in_band), replaces=False)
    is_other = part.values[ENGINE] != wanted[ENGINE]
    paths |= {ENGINE} if is_other else set()
    reconnects = bool(paths - in_band)
    # Flux takes numbers over the connection that it has, but neither `auto` nor null.
    is_flux = part.values[ENGINE] == "flux"
    return _Listening(part, frozenset(paths), reconnects, is_other or (is_flux and reconnects))


def _argument(part: Part, path: str, wanted: Values) -> object:
    option = part.provider.option(path) if part.provider else None
    return option.argument(wanted) if option else MISSING


def _is_in_band(part: Part, path: str, wanted: Values) -> bool:
    option = part.provider.option(path) if part.provider else None
    return bool(option and option.live == "now") and _argument(part, path, wanted) is not MISSING


def _until_reconnected(active: Values, wanted: Values) -> Values:
    """The changes that may come before that of the speech-to-text.

    Where speech-to-text ends the turns, the new delays fit only the new one: with the old one, a
    pause could end the caller's sentence.
    """
    if wanted[DETECTION] != "stt":
        return wanted
    waiting = {path: active[path] for path in wanted if path.startswith(_WITH_LISTENER)}
    return {**wanted, **waiting}
