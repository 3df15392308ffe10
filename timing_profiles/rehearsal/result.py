"""The results of a rehearsal, and their JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from timing_profiles.rehearsal import statistics
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.outcome import Outcome
from timing_profiles.turns.fields import Values

LONG_WAIT: Final = 2.0
"""Seconds after which a wait is counted as long."""

_QUANTILES: Final = {"p50": 0.5, "p90": 0.9, "p95": 0.95}


@dataclass(frozen=True, slots=True)
class JudgedTurn:
    """A turn of a recording, and the effect of a profile on it."""

    recording: str
    turn: Turn
    outcome: Outcome

    @property
    def cut_pauses(self) -> set[int]:
        """The indices of the pauses that are cut."""
        return {cut.pause for cut in self.outcome.cuts if cut.pause is not None}

    def to_json(self) -> dict[str, Any]:
        """Return the turn as `rehearse` prints it."""
        cuts = self.outcome.cuts
        return {
            "recording": self.recording,
            "start": round(self.turn.speech.start, 3),
            "end": round(self.turn.speech.end, 3),
            "cut_at": cuts[0].at if cuts else None,
            "wait": self.outcome.wait,
            "decided_by": self.outcome.decided_by,
        }


@dataclass(frozen=True, slots=True)
class ProfileResult:
    """The effect of a profile on all turns.

    Attributes:
        profile: Its name.
        values: Its settings.
        unknown: Why nothing is known; None where it is.
        turns: Each turn.
    """

    profile: str
    values: Values
    unknown: str | None = None
    turns: Sequence[JudgedTurn] = ()

    @property
    def turns_cut(self) -> tuple[int, int]:
        """The number of turns that are cut, and of all."""
        return sum(bool(one.outcome.cuts) for one in self.turns), len(self.turns)

    @property
    def pauses_cut(self) -> tuple[int, int]:
        """The number of pauses that are cut, and of all."""
        count = sum(len(one.cut_pauses) for one in self.turns)
        return count, sum(len(one.turn.pauses) for one in self.turns)

    @property
    def waits(self) -> list[float]:
        """The waits at ends that are known."""
        return [one.outcome.wait for one in self.turns if one.outcome.wait is not None]

    @property
    def decided_by(self) -> Mapping[str, int]:
        """The number of turns that each field decided, the most frequent first."""
        names = Counter(one.outcome.decided_by for one in self.turns if one.outcome.decided_by)
        return dict(sorted(names.items(), key=lambda item: (-item[1], item[0])))

    @property
    def undecided(self) -> int:
        """The number of turns with a known end at which nothing is decided."""
        return sum(one.outcome.decided_by is None and one.turn.is_end for one in self.turns)

    def to_json(self) -> dict[str, Any]:
        """Return the profile as `rehearse` prints it; null where nothing is known."""
        is_known = self.unknown is None
        return {
            "profile": self.profile,
            "turns_cut": _share(*self.turns_cut) if is_known else None,
            "pauses_cut": _share(*self.pauses_cut) if is_known else None,
            "wait": wait_statistics(self.waits) if is_known else None,
            "decided_by": self.decided_by,
            "unknown": self.unknown,
            "turns": [one.to_json() for one in self.turns],
        }


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The effect of some profiles on the turns of some recordings.

    Attributes:
        recordings: The number of recordings that were judged.
        labels: The numbers of turns and of pauses.
        speech: The seconds of speech of the callers and of the other sides.
        profiles: The results, in the order in which the profiles were named.
    """

    recordings: int
    labels: tuple[int, int]
    speech: tuple[float, float]
    profiles: Sequence[ProfileResult]

    def to_json(self, revision: str, gates: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the data of `rehearse --format json`."""
        turns, pauses = self.labels
        return {
            "revision": revision,
            "recordings": self.recordings,
            "turns": turns,
            "pauses": pauses,
            "profiles": [one.to_json() for one in self.profiles],
            "gates": list(gates),
        }


def wait_statistics(waits: Sequence[float]) -> dict[str, float | None]:
    """Return quantiles and mean of waits in seconds, and the share over 2 s; null without any."""
    if not waits:
        return dict.fromkeys([*_QUANTILES, "mean", "over_2s"])
    return {
        **{name: statistics.quantile(waits, share) for name, share in _QUANTILES.items()},
        "mean": round(sum(waits) / len(waits), 3),
        "over_2s": round(sum(wait > LONG_WAIT for wait in waits) / len(waits), 4),
    }


def _share(count: int, of: int) -> dict[str, Any]:
    return {
        "count": count,
        "of": of,
        "share": round(count / of, 4) if of else None,
        "interval": [round(bound, 4) for bound in statistics.interval(count, of)],
    }
