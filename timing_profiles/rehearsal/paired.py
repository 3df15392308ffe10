"""Compare two versions of a profile on the same turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from timing_profiles.rehearsal import statistics
from timing_profiles.rehearsal.result import JudgedTurn, ProfileResult

_SAME: Final = 0.005  # seconds by which a wait may differ without having moved


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of a profile, judged on the same turns in the same order.

    Attributes:
        before: The results of the former version; None where the profile is new.
        after: The results of the later version.
    """

    before: ProfileResult | None
    after: ProfileResult

    @property
    def profile(self) -> str:
        """The name."""
        return self.after.profile

    @property
    def unknown(self) -> str | None:
        """Why the two cannot be compared; None where they can."""
        if self.before is None:
            return "a new profile: nothing to compare with"
        if self.before.unknown is not None:
            return f"the former version is unknown: {self.before.unknown}"
        return self.after.unknown

    @property
    def newly_cut(self) -> list[JudgedTurn]:
        """The turns that only the later version cuts."""
        return [b for a, b in self._turns() if b.outcome.cuts and not a.outcome.cuts]

    @property
    def saved(self) -> list[JudgedTurn]:
        """The turns that only the former version cuts."""
        return [a for a, b in self._turns() if a.outcome.cuts and not b.outcome.cuts]

    @property
    def moves(self) -> list[float]:
        """By how many seconds each wait moves that both versions have; 0 where it does not."""
        waits = ((a.outcome.wait, b.outcome.wait) for a, b in self._turns())
        moved = (round(b - a, 3) for a, b in waits if a is not None and b is not None)
        return [move if abs(move) > _SAME else 0.0 for move in moved]

    @property
    def chance_of_cuts(self) -> float:
        """The probability of cuts that differ so much by chance alone."""
        return statistics.sign_test(len(self.newly_cut), len(self.saved))

    @property
    def chance_of_waits(self) -> float:
        """The probability of waits that move so much in one direction by chance alone."""
        longer, shorter = self.directions
        return statistics.sign_test(longer, shorter)

    @property
    def directions(self) -> tuple[int, int]:
        """How many waits become longer, and how many shorter."""
        moves = self.moves
        return sum(move > 0 for move in moves), sum(move < 0 for move in moves)

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as `rehearse --against` prints it; null where it is unknown."""
        if self.unknown is not None:
            return {
                "profile": self.profile,
                **dict.fromkeys(["newly_cut", "saved", "cuts_by_chance", "waits"]),
                "unknown": self.unknown,
            }
        longer, shorter = self.directions
        return {
            "profile": self.profile,
            "newly_cut": [one.to_json() for one in self.newly_cut],
            "saved": [one.to_json() for one in self.saved],
            "cuts_by_chance": round(self.chance_of_cuts, 6),
            "waits": {
                "longer": longer,
                "shorter": shorter,
                "median_move": statistics.quantile(self.moves, 0.5) if self.moves else None,
                "by_chance": round(self.chance_of_waits, 6),
            },
            "unknown": None,
        }

    def _turns(self) -> Sequence[tuple[JudgedTurn, JudgedTurn]]:
        if self.before is None or self.unknown is not None:
            return []
        return [*zip(self.before.turns, self.after.turns, strict=True)]
