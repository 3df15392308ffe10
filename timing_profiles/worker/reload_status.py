"""What calls get, and since when: in words for an operator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from timing_profiles.problems import Problem

_MOST_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Serving:
    """What calls get.

    Attributes:
        revision: In force.
        since: When it was put in force, or was found sound again.
        failed: When the folder's present state was refused; None where it is in force.
        problems: Why it was.
    """

    revision: str
    since: datetime
    failed: datetime | None = None
    problems: tuple[Problem, ...] = ()

    def kept(self, problems: tuple[Problem, ...]) -> Serving:
        """The same, after a state of the folder was refused just now."""
        return Serving(self.revision, self.since, _now(), problems)

    def __str__(self) -> str:
        """In a line; every further problem in one of its own."""
        said = f"serving revision {self.revision} since {_time(self.since)}"
        if not self.failed:
            return said
        failed = f"last reload failed at {_time(self.failed)} because"
        return f"{said}, {failed}\n  {reasons(self.problems)}"


def reasons(problems: Sequence[Problem]) -> str:
    """List problems, one on each line; of many, the first ones and the number of the others."""
    lines = [str(problem) for problem in problems[:_MOST_PROBLEMS]]
    more = len(problems) - _MOST_PROBLEMS
    if more > 0:
        lines.append(f"... and {more} more; see `timing-profiles check`")
    return "\n  ".join(lines)


def serving(revision: str) -> Serving:
    """A revision that is put in force just now."""
    return Serving(revision, _now())


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
