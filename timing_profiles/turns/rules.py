"""What the fields of a merged profile say to each other, beyond what a schema can.

Sources: livekit-agents 1.8.9 and livekit-plugins-deepgram 1.8.9, read and measured on calls. A
broken rule would make the SDK raise or leave the caller without an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from timing_profiles.problems import Problem
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EAGER,
    FLUX_EOT,
    MAX_DELAY,
    MIN_DELAY,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    VAD_ACTIVATION,
    VAD_DEACTIVATION,
    VAD_SILENCE,
    UnknownValue,
    Values,
    number,
)

DETECTOR_VAD_SILENCE = 0.25
"""Seconds of VAD silence that a turn detector needs: audio_recognition.py raises below it."""

SHORTEST_ENDPOINTING_MS = 10
"""Milliseconds of `endpointing_ms` below which only 0, off, makes sense."""


def broken(values: Values) -> Iterator[Problem]:
    """The rules that a merged profile breaks; none that an unknown value decides."""
    for rule in _RULES:
        try:
            found = rule(values)
        except UnknownValue:
            continue
        if found:
            yield found


def _delays_in_order(values: Values) -> Problem | None:
    low, high = values[MIN_DELAY], values[MAX_DELAY]
    if low <= high:
        return None
    message = f"min_delay {low} is more than max_delay {high} (s)"
    return Problem("conflict", message, fields=(MIN_DELAY, MAX_DELAY))


def _eager_at_most_eot(values: Values) -> Problem | None:
    eager, eot = values[FLUX_EAGER], number(values, FLUX_EOT)
    if eager is None or eager <= eot:
        return None
    message = f"eager_eot_threshold {eager} is more than eot_threshold {eot}"
    return Problem("conflict", message, fields=(FLUX_EAGER, FLUX_EOT))


def _deactivation_at_most_activation(values: Values) -> Problem | None:
    low, high = number(values, VAD_DEACTIVATION), values[VAD_ACTIVATION]
    if low <= high:
        return None
    message = f"deactivation_threshold {low} is more than activation_threshold {high}"
    return Problem("conflict", message, fields=(VAD_DEACTIVATION, VAD_ACTIVATION))


def _detector_has_silence(values: Values) -> Problem | None:
    silence = values[VAD_SILENCE]
    if values[DETECTION] != "turn_detector" or silence >= DETECTOR_VAD_SILENCE:
        return None
    message = f"{silence} is less than the {DETECTOR_VAD_SILENCE} (s) that the turn detector needs"
    return Problem("conflict", message, fields=(VAD_SILENCE, DETECTION))


def _something_ends_a_turn(values: Values) -> Problem | None:
    nova = values[DETECTION] == "stt" and values[ENGINE] == "nova"
    if not nova or values[NOVA_ENDPOINTING] or values[NOVA_UTTERANCE_END]:
        return None
    message = "nothing ends a turn: turn_detection stt needs endpointing_ms or utterance_end_ms"
    return Problem(
        "conflict", message, fields=(NOVA_ENDPOINTING, NOVA_UTTERANCE_END, DETECTION, ENGINE)
    )


def _endpointing_is_off_or_sensible(values: Values) -> Problem | None:
    found = values[NOVA_ENDPOINTING]
    if not 0 < found < SHORTEST_ENDPOINTING_MS:
        return None
    message = f"{found} is neither 0 (off) nor at least {SHORTEST_ENDPOINTING_MS} (ms)"
    return Problem("range", message, fields=(NOVA_ENDPOINTING,))


_RULES: tuple[Callable[[Values], Problem | None], ...] = (
    _delays_in_order,
    _eager_at_most_eot,
    _deactivation_at_most_activation,
    _detector_has_silence,
    _something_ends_a_turn,
    _endpointing_is_off_or_sensible,
)
