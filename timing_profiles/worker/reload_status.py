"""The state of the last reload, for operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from timing_profiles.problems import Problem

_MOST_PROBLEMS = 50


@dataclass(frozen=True, slots=True)
class Serving:
    """The active revision, and why the current files are not active, if so.

    Attributes:
        revision: The active revision.
        since: When it was activated, or found valid again.
        failed: When the current files were rejected; None if they are active.
        problems: Why they were.
    """

    revision: str
    since: datetime
    failed: datetime | None = None
    problems: tuple[Problem, ...] = ()

    def kept(self, problems: tuple[Problem, ...]) -> Serving:
        """Return the status after the current files were rejected just now."""
        return Serving(self.revision, self.since, _now(), problems)

    def __str__(self) -> str:
        """Return one line, and one for each problem."""
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
    """Return the status of a revision that is activated just now."""
    return Serving(revision, _now())


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
