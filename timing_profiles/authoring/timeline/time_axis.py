"""Scale the time axis of a drawing, which all its turns share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from timing_profiles.authoring.timeline.spans import Turn

SHORTEST = 0.5
"""The shortest axis, in seconds."""

OPEN = 2.0
"""The length of the axis without any known moment, in seconds."""

_BEYOND = 1.15  # an unbounded span is drawn so much longer than the known ones
_ROUNDING = 1e-9
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


@dataclass(frozen=True, slots=True)
class Axis:
    """Map seconds to positions, in pixels or columns from the caller's last sound.

    Attributes:
        room: The length of the axis, in pixels or columns.
        per_second: Pixels or columns for one second.
        end: The last second that is drawn; unbounded spans end there.
    """

    room: float
    per_second: float
    end: float

    def at(self, moment: float | None) -> float:
        """Return the position of a moment; None is the end of an unbounded span."""
        return self.per_second * (self.end if moment is None else moment)

    def ticks(self, gap: float) -> list[float]:
        """Return round seconds from 0 to the first one at `end` or later, at least `gap` apart.

        The last one is omitted where it does not fit.
        """
        step = next((step for step in _STEPS if step * self.per_second >= gap), self.end)
        count = min(math.ceil(self.end / step - _ROUNDING), int(self.room / self.per_second / step))
        return [round(step * index, 1) for index in range(count + 1)]


def fitted(
    turns: Sequence[Turn], room: float, beside: Iterable[tuple[float | None, float]]
) -> Axis:
    """Return the longest axis on which turns and their texts fit.

    Args:
        turns: The turns.
        room: The length of the axis, in pixels or columns.
        beside: The moment before each text, and the size of the text.
    """
    end = _end(turns)
    reaches = [(end if moment is None else moment, size) for moment, size in beside]
    fitting = [(room - size) / reach for reach, size in reaches if reach]
    return Axis(room, min([room / end, *fitting]), end)


def _end(turns: Sequence[Turn]) -> float:
    moments = [span.end for turn in turns for span in turn.spans]
    known = [moment for moment in moments if moment is not None]
    end = max(SHORTEST, *known) if known else OPEN
    return end * _BEYOND if None in moments else end
