"""What a session hears, computes and decides while a turn is played to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the turn detector computes in a silence.

    Attributes:
        at: When, in seconds from the start of what was played.
        probability: That the caller has finished.
        threshold: The probability from which that is likely; None where the detector has none.
    """

    at: float
    probability: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Decision:
    """The session's decision that the caller has finished.

    Attributes:
        at: When, in seconds from the start of what was played.
        delay: Seconds since the session heard the end of speech, by its own count.
        prediction: The last one before it; None where the turn detector was not asked.
    """

    at: float
    delay: float
    prediction: Prediction | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What a session hears, computes and decides, each in order.

    Attributes:
        decisions: The decisions that the caller has finished.
        predictions: What the turn detector computes.
        silences: When the session hears that the caller falls silent, and goes on; None where the
            silence lasts.
    """

    decisions: Sequence[Decision]
    predictions: Sequence[Prediction]
    silences: Sequence[tuple[float, float | None]]
