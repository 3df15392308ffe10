"""The decisions that differ between two releases of the SDK, on the same turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from timing_profiles.rehearsal.other_sdk import Judged, Judgement
from timing_profiles.rehearsal.result import ProfileResult
from timing_profiles.rehearsal.summary import counted

WITHIN: Final = 0.05
"""Seconds by which decisions may differ: those of one frame of sound."""

_MOST: Final = 20  # differences that are printed of a profile


@dataclass(frozen=True, slots=True)
class Difference:
    """A turn that two releases decide otherwise.

    Attributes:
        profile: The profile.
        recording: The name of the recording.
        start: The second of the first sound.
        end: The second of the last sound.
        before: The outcome under the installed release.
        after: The outcome under the other one.
    """

    profile: str
    recording: str
    start: float
    end: float
    before: Judgement
    after: Judgement

    def __str__(self) -> str:
        """Return the turn, and both outcomes."""
        where = f"{self.recording} {self.start:.1f} to {self.end:.1f} s"
        return f"{where}  {_words(self.before)} -> {_words(self.after)}"

    def to_json(self) -> dict[str, Any]:
        """Return the difference as `rehearse` prints it."""
        return {
            "profile": self.profile,
            "recording": self.recording,
            "start": round(self.start, 3),
            "end": round(self.end, 3),
            "before": _shown(self.before),
            "after": _shown(self.after),
        }


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Two releases on the same turns.

    Attributes:
        before: The packages of the installed one.
        after: Those of the other one.
        compared: The number of decisions: profiles that are known, times turns.
        differences: The turns that are decided otherwise.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]
    compared: int
    differences: Sequence[Difference]

    def lines(self) -> Iterator[str]:
        """Yield a heading, the sum, and the differences of each profile."""
        yield f"{_listed(self.before)} against {_listed(self.after)}"
        yield f"{len(self.differences)} of {counted(self.compared, 'decision')} differ"
        for name in dict.fromkeys(one.profile for one in self.differences):
            own = [one for one in self.differences if one.profile == name]
            yield from (f"  {name}  {one}" for one in own[:_MOST])
            if len(own) > _MOST:
                yield f"  {name}  {len(own) - _MOST} more"

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as `rehearse` prints it."""
        return {
            "installed": dict(self.before),
            "other": dict(self.after),
            "decisions": self.compared,
            "differences": [one.to_json() for one in self.differences],
        }


def compare(profiles: Sequence[ProfileResult], before: Judged, after: Judged) -> Upgrade:
    """Compare two releases.

    Args:
        profiles: The results of the installed release.
        before: The same, as judgements.
        after: Those of the other release.
    """
    known = [one for one in profiles if one.profile in after.profiles]
    differences = [
        Difference(
            one.profile, judged.recording, judged.turn.speech.start, judged.turn.speech.end, a, b
        )
        for one in known
        for judged, a, b in zip(
            one.turns, before.profiles[one.profile], after.profiles[one.profile], strict=True
        )
        if _differ(a, b)
    ]
    compared = sum(len(one.turns) for one in known)
    return Upgrade(before.versions, after.versions, compared, differences)


def _differ(one: Judgement, other: Judgement) -> bool:
    """Whether one cuts and the other does not, or one decides later by more than a frame."""
    pairs = ((one.cut_at, other.cut_at), (one.wait, other.wait))
    return any((a is None) != (b is None) or _apart(a, b) for a, b in pairs)


def _apart(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and round(abs(one - other), 3) > WITHIN


def _words(one: Judgement) -> str:
    waits = "" if one.wait is None else f"answered after {one.wait:.2f} s"
    if one.cut_at is None:
        return waits or "no decision"
    cut = f"cut at {one.cut_at:.1f} s"
    return f"{cut}, {waits}" if waits else cut


def _shown(one: Judgement) -> dict[str, Any]:
    return {"cut_at": one.cut_at, "wait": one.wait, "decided_by": one.decided_by}


def _listed(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
