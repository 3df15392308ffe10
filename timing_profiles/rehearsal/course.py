"""The input, the predictions and the decisions of a session while a turn is played to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prediction:
    """The prediction of the turn detector in a silence.

    Attributes:
        at: When, in seconds from the start of what was played.
        probability: That the caller has finished.
        threshold: The probability from which that is likely; None where the detector has none.
    """

    at: float
    probability: float
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Heard:
    """The arrival of final words.

    Attributes:
        at: When, in seconds from the start of what was played.
        silence: The seconds from the last word to Deepgram's decision that speech had ended.
        delay: Those that its message took.
        by: The field that decided when speech had ended.
    """

    at: float
    silence: float
    delay: float
    by: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The session's decision that the caller has finished.

    Attributes:
        at: When, in seconds from the start of what was played.
        delay: Seconds since the session heard the end of speech, by its own count.
        prediction: The last one before it; None where the turn detector was not asked.
        heard: The last final words of the caller; None where no words were replayed.
        limit: The field of `user_turn_limit` that ended the turn; empty where another one did.
    """

    at: float
    delay: float
    prediction: Prediction | None = None
    heard: Heard | None = None
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """The silences, the predictions and the decisions of a session, each in order.

    Attributes:
        decisions: The decisions that the caller has finished.
        predictions: The predictions of the turn detector.
        silences: When the session hears that the caller falls silent, and goes on; None where the
            silence lasts.
    """

    decisions: Sequence[Decision]
    predictions: Sequence[Prediction]
    silences: Sequence[tuple[float, float | None]]
