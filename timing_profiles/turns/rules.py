"""Check the rules between fields of a merged profile that a schema cannot express.

Sources: livekit-agents 1.8.9 and livekit-plugins-deepgram 1.8.9, read and measured on calls. A
broken rule would make the SDK raise or leave the caller without an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

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
    Condition,
    UnknownValue,
    Values,
    meets,
    number,
)


class AtMost(NamedTuple):
    """One field is at most another one, where it has a number.

    Attributes:
        id: A stable name.
        low: The dotted path of the field with the lower number.
        high: The dotted path of the other field.
        unit: The unit of both, such as ` (s)`.
    """

    id: str
    low: str
    high: str
    unit: str = ""

    def problem(self, values: Values) -> Problem | None:
        """Return how a merged profile breaks the rule; None where it does not."""
        if values[self.low] is None or number(values, self.low) <= number(values, self.high):
            return None
        low, high = (
            f"{path.rpartition('.')[2]} {number(values, path)}" for path in (self.low, self.high)
        )
        message = f"{low} is more than {high}{self.unit}"
        return Problem("conflict", message, fields=(self.low, self.high))


class AtLeast(NamedTuple):
    """A field has a minimum while a condition is met.

    Attributes:
        id: A stable name.
        field: Its dotted path.
        least: The minimum.
        reason: The unit, and what needs the minimum.
        when: The condition.
    """

    id: str
    field: str
    least: float
    reason: str
    when: Condition

    def problem(self, values: Values) -> Problem | None:
        """Return how a merged profile breaks the rule; None where it does not."""
        if values[self.field] >= self.least or not meets(values, self.when):
            return None
        message = f"{values[self.field]} is less than the {self.least} {self.reason}"
        return Problem("conflict", message, fields=(self.field, *self.when))


class ZeroOrAtLeast(NamedTuple):
    """A field is 0, which is off, or has a minimum.

    Attributes:
        id: A stable name.
        field: Its dotted path.
        least: The minimum.
        unit: Its unit.
    """

    id: str
    field: str
    least: float
    unit: str

    def problem(self, values: Values) -> Problem | None:
        """Return how a merged profile breaks the rule; None where it does not."""
        if not 0 < values[self.field] < self.least:
            return None
        found, least = values[self.field], f"at least {self.least} ({self.unit})"
        return Problem("range", f"{found} is neither 0 (off) nor {least}", fields=(self.field,))


class OneOf(NamedTuple):
    """One of some fields has a value that is neither 0 nor null while a condition is met.

    Attributes:
        id: A stable name.
        any_of: The dotted paths of the fields.
        message: The consequence where none of them has one.
        when: The condition.
    """

    id: str
    any_of: tuple[str, ...]
    message: str
    when: Condition

    def problem(self, values: Values) -> Problem | None:
        """Return how a merged profile breaks the rule; None where it does not."""
        if not meets(values, self.when) or any(values[path] for path in self.any_of):
            return None
        return Problem("conflict", self.message, fields=(*self.any_of, *self.when))


Rule = AtMost | AtLeast | ZeroOrAtLeast | OneOf

RULES: tuple[Rule, ...] = (
    AtMost("delays-in-order", MIN_DELAY, MAX_DELAY, " (s)"),
    AtMost("eager-at-most-eot", FLUX_EAGER, FLUX_EOT),
    AtMost("deactivation-at-most-activation", VAD_DEACTIVATION, VAD_ACTIVATION),
    # audio_recognition.py raises below it.
    AtLeast(
        "detector-has-silence",
        VAD_SILENCE,
        0.25,
        "(s) that the turn detector needs",
        {DETECTION: ("turn_detector",)},
    ),
    OneOf(
        "something-ends-a-turn",
        (NOVA_ENDPOINTING, NOVA_UTTERANCE_END),
        "nothing ends a turn: turn_detection stt needs endpointing_ms or utterance_end_ms",
        {DETECTION: ("stt",), ENGINE: ("nova",)},
    ),
    ZeroOrAtLeast("endpointing-off-or-sensible", NOVA_ENDPOINTING, 10, "ms"),
)
"""The rules; `authoring.metadata_schema` derives bounds from them."""


def broken(values: Values) -> Iterator[Problem]:
    """Yield the rules that a merged profile breaks, as errors without a place.

    A rule that depends on an unknown value is left out.
    """
    for rule in RULES:
        try:
            problem = rule.problem(values)
        except UnknownValue:
            continue
        if problem:
            yield problem
