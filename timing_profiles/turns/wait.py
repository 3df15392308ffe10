"""A merged profile -> how long a caller waits.

Counted from the caller's last sound to the agent's decision that the turn is over, in seconds;
network, LLM and text-to-speech come on top. The formulas were measured on livekit-agents 1.8.9:
998 turns without a network met them within 0.005 s (p95).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EOT_TIMEOUT,
    MAX_DELAY,
    MIN_DELAY,
    MODE,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    VAD_ACTIVATION,
    VAD_DEACTIVATION,
    VAD_SILENCE,
    Values,
)

VAD_LAG = 0.09
"""Seconds by which the VAD sees the end of speech later than a listener: 0.00 to 0.18 by phrase."""

VAD_WINDOW = 0.032
"""Seconds of one VAD window; its silence is counted in whole ones."""

DETECTOR_FLOOR = 0.30
"""Seconds after the end of speech before which the local turn detector has never decided."""

FLUX_TIMEOUT_MS = 5000
"""Deepgram's `eot_timeout_ms` where none is sent."""

RELIABLE_DEACTIVATION = 0.1
"""The `deactivation_threshold` from which on the VAD notices the end of speech in time.

Below it, it hears speech in the room's silence: 0.85 s more at 0.05, 1.3 to 3 s at 0.01.
"""


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a caller waits.

    Attributes:
        seconds: The shortest and the longest wait; None where nothing bounds the longest.
        formula: Where they come from, with the profile's numbers.
        unknown: Whose own time comes on top, or decides.
    """

    seconds: tuple[float, float | None]
    formula: str
    unknown: tuple[str, ...] = ("deepgram",)

    def to_json(self) -> dict[str, Any]:
        """The wait as the commands print it."""
        return asdict(self)

    def __str__(self) -> str:
        """`1.59 s`, `1.59 to 4.09 s` or `from 1.59 s`."""
        shortest, longest = self.seconds
        if longest is None:
            return f"from {shortest:g} s"
        return f"{shortest:g} s" if shortest == longest else f"{shortest:g} to {longest:g} s"


def effective(values: Values) -> Wait:
    """The wait that a merged profile leads to."""
    detection = values[DETECTION]
    if detection == "manual":
        return Wait(
            (0.0, None),
            "the application commits the turn, and what is left of min_delay",
            ("application",),
        )
    if detection == "stt":
        return _after_deepgram(values)
    return _after_vad(values)


def least_delays(values: Values) -> tuple[float, ...]:
    """The delays, in seconds, that no `min_delay` can undercut where the VAD starts the wait.

    They are the VAD's silence in whole windows and, with the turn detector, the time that it takes.
    """
    silence = math.ceil(round(values[VAD_SILENCE] / VAD_WINDOW, 6)) * VAD_WINDOW
    return (silence, DETECTOR_FLOOR) if values[DETECTION] == "turn_detector" else (silence,)


def deactivation(values: Values) -> float:
    """The probability below which the VAD calls speech ended; inference/vad.py works `auto` out."""
    threshold = values[VAD_DEACTIVATION]
    if threshold == "auto":
        return max(round(float(values[VAD_ACTIVATION]) - 0.15, 6), 0.01)
    return float(threshold)


def _after_deepgram(values: Values) -> Wait:
    """The delay begins when Deepgram says that the turn is over."""
    delays, finals = _delays(values), _final(values)
    longest = None if finals[1] is None else round(finals[1] + delays[1], 3)
    formula = f"{_final_in_words(values)} + {_either(delays)}"
    return Wait((round(finals[0] + delays[0], 3), longest), formula)


def _after_vad(values: Values) -> Wait:
    """The delay begins with the silence, but the words must be there."""
    least = least_delays(values)
    delays, finals = _delays(values), _final(values)
    low, high = (round(VAD_LAG + max(delay, *least), 3) for delay in delays)
    bounded = finals[1] is not None and deactivation(values) >= RELIABLE_DEACTIVATION
    longest = max(high, round(finals[1] or 0.0, 3)) if bounded else None
    at_least = ", ".join(f"{seconds:g}" for seconds in least)
    ready = f"{VAD_LAG} + max({_either(delays)}, {at_least})"
    formula = f"max({ready}, {_final_in_words(values)})"
    return Wait((max(low, round(finals[0], 3)), longest), formula)


def _delays(values: Values) -> tuple[float, float]:
    """The shortest and the longest endpointing delay that may come to act."""
    low, high = float(values[MIN_DELAY]), float(values[MAX_DELAY])
    varies = values[MODE] == "dynamic" or values[DETECTION] == "turn_detector"
    return (low, high) if varies else (low, low)


def _final(values: Values) -> tuple[float, float | None]:
    """Seconds until Deepgram's last final transcript, its own time not counted."""
    if values[ENGINE] == "flux":
        timeout = values[FLUX_EOT_TIMEOUT]
        return 0.0, (FLUX_TIMEOUT_MS if timeout == "auto" else timeout) / 1000
    if values[NOVA_ENDPOINTING]:
        return values[NOVA_ENDPOINTING] / 1000, values[NOVA_ENDPOINTING] / 1000
    if values[DETECTION] == "stt" and values[NOVA_UTTERANCE_END]:
        return values[NOVA_UTTERANCE_END] / 1000, values[NOVA_UTTERANCE_END] / 1000
    return 0.0, None


def _final_in_words(values: Values) -> str:
    low, high = _final(values)
    if low == high:
        return f"{low:g} + deepgram"
    return "deepgram" if high is None else f"deepgram (at most {high:g})"


def _either(delays: tuple[float, float]) -> str:
    low, high = delays
    return f"{low:g}" if low == high else f"({low:g} to {high:g})"
