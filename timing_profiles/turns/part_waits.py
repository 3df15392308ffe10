"""Compute the caller's wait beside parts that an application brings in the place of Deepgram.

`wait` has the sources and the formulas. What a provider decides itself has no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from timing_profiles.turns import wait
from timing_profiles.turns.fields import (
    ASSEMBLYAI_MAX_SILENCE,
    ASSEMBLYAI_MIN_SILENCE,
    AUTO,
    DETECTION,
    MAX_DELAY,
    MIN_DELAY,
    MODE,
    REALTIME_DETECTION,
    REALTIME_EAGERNESS,
    REALTIME_PADDING,
    REALTIME_SILENCE,
    REALTIME_THRESHOLD,
    Values,
)
from timing_profiles.turns.wait import Wait

ASSEMBLYAI = "assemblyai"
REALTIME = "realtime model"

UNKNOWN = "unknown: "
"""The beginning of the formula of a wait without numbers; the reason follows it."""

# OpenAI's documentation of semantic_vad: the longest wait, in seconds.
_LONGEST_BY_EAGERNESS: Mapping[str, float] = MappingProxyType(
    {"low": 8.0, "medium": 4.0, AUTO: 4.0, "high": 2.0}
)

_TURN_FIELDS = (
    REALTIME_DETECTION,
    REALTIME_SILENCE,
    REALTIME_PADDING,
    REALTIME_THRESHOLD,
    REALTIME_EAGERNESS,
)


def effective(values: Values) -> dict[str, Wait]:
    """Compute the waits beside the parts that a merged profile has settings for.

    Returns:
        A wait for `assemblyai` and `realtime model`, where a field of that section has another
        value than `auto`; for the latter also with `turn_detection: realtime_llm`.
    """
    found = {}
    if values[DETECTION] != "manual" and _sets(values, _of_section(values, "stt.assemblyai.")):
        found[ASSEMBLYAI] = _assemblyai(values)
    if values[DETECTION] == "realtime_llm" or _sets(values, _TURN_FIELDS):
        found[REALTIME] = _realtime(values)
    return found


def _of_section(values: Values, section: str) -> tuple[str, ...]:
    return tuple(path for path in values if path.startswith(section))


def _sets(values: Values, paths: tuple[str, ...]) -> bool:
    # A schema of an older release lacks the fields.
    return any(values.get(path, AUTO) != AUTO for path in paths)


def _assemblyai(values: Values) -> Wait:
    """Return the wait where AssemblyAI ends a turn between its two silences."""
    longest = _seconds(values, ASSEMBLYAI_MAX_SILENCE)
    least = _seconds(values, ASSEMBLYAI_MIN_SILENCE) or 0.0
    shortest = least if longest is None else min(least, longest)
    until = "or later" if longest is None else f"to {longest:g}"
    final = f"{ASSEMBLYAI} ({shortest:g} {until})"
    if values[DETECTION] == "stt":
        last = values[MAX_DELAY if values[MODE] == "dynamic" else MIN_DELAY]
        earliest = shortest + values[MIN_DELAY]
        latest = None if longest is None else longest + last
    else:
        soonest, end = wait.after_silence(values)
        earliest = max(soonest, shortest)
        latest = None if longest is None or end is None else max(end, longest)
    seconds = round(earliest, 3), None if latest is None else round(latest, 3)
    return Wait(seconds, wait.formula(values, final), (ASSEMBLYAI,))


def _realtime(values: Values) -> Wait:
    """Return the wait where a realtime model ends the turns."""
    kind = values.get(REALTIME_DETECTION, AUTO)
    silence = _seconds(values, REALTIME_SILENCE)
    if kind == "semantic_vad":
        longest = _LONGEST_BY_EAGERNESS[values[REALTIME_EAGERNESS]]
        return Wait((0.0, longest), f"{REALTIME} (at most {longest:g})", (REALTIME,))
    if kind == AUTO:
        return _unknown(f"{REALTIME_DETECTION} auto: the plugin decides what ends a turn")
    if silence is None:
        return _unknown(f"{REALTIME_SILENCE} auto: the plugin or the model decides it")
    return Wait((silence, silence), f"{silence:g} + {REALTIME}", (REALTIME,))


def _unknown(reason: str) -> Wait:
    return Wait((0.0, None), f"{UNKNOWN}{reason}", (REALTIME,))


def _seconds(values: Values, path: str) -> float | None:
    """Return milliseconds in seconds; None for `auto`."""
    value = values.get(path, AUTO)
    return None if value == AUTO else float(value) / 1000
