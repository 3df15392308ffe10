"""The time axis that all turns of a picture share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from timing_profiles.authoring.timeline.spans import Turn

SHORTEST = 0.5
"""Seconds that an axis shows at least."""

OPEN = 2.0
"""Seconds that it shows where no moment of any turn is known."""

_BEYOND = 1.15  # how far what nothing bounds is drawn beyond all that is known
_ROUNDING = 1e-9
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


@dataclass(frozen=True, slots=True)
class Axis:
    """Seconds -> places, in pixels or columns from the caller's last sound.

    Attributes:
        room: Places that there are.
        per_second: Places of one second.
        end: The second up to which things are drawn; what nothing bounds ends there.
    """

    room: float
    per_second: float
    end: float

    def at(self, moment: float | None) -> float:
        """The place of a moment; of None, which is what nothing bounds."""
        return self.per_second * (self.end if moment is None else moment)

    def ticks(self, gap: float) -> list[float]:
        """Round seconds from 0 to the first one at `end` or later, so many places from each other.

        The last one is left out where there is no room for it.
        """
        step = next((step for step in _STEPS if step * self.per_second >= gap), self.end)
        count = min(math.ceil(self.end / step - _ROUNDING), int(self.room / self.per_second / step))
        return [round(step * index, 1) for index in range(count + 1)]


def fitted(
    turns: Sequence[Turn], room: float, beside: Iterable[tuple[float | None, float]]
) -> Axis:
    """The longest axis for some turns on which everything has its place.

    Args:
        turns: What is drawn.
        room: Places that there are.
        beside: What stands to the right of a moment, and the places that it takes.
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
