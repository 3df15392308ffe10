"""A fitted policy as the text of a profile: each number with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from timing_profiles.rehearsal import statistics
from timing_profiles.rehearsal.result import ProfileResult, wait_statistics
from timing_profiles.rehearsal.summary import counted, share
from timing_profiles.rehearsal.sweep import Cost, Policy


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted policy, and the evidence for it.

    Attributes:
        policy: The delays and the threshold.
        most: The share of turns that may be cut.
        base: The name of the profile that it extends.
        confirmed: The result of LiveKit's session with it.
        left_out: The estimate for a recording that was left out; None where there is none.
        recordings: The number of recordings.
        pauses: The number of pauses.
        date: The day, as in `2026-11-29`.
        cut_in: The turns that the agents of recordings cut in on, beside those that were judged.
    """

    policy: Policy
    most: float
    base: str
    confirmed: ProfileResult
    left_out: Cost | None
    recordings: int
    pauses: int
    date: str
    cut_in: int = 0

    @property
    def remarks(self) -> list[str]:
        """What is known of other calls, and of the limit."""
        return [self.estimate, *([self._of_agents] if self.cut_in else []), self.evidence]

    @property
    def _of_agents(self) -> str:
        verb = "counts" if self.cut_in == 1 else "count"
        return f"{counted(self.cut_in, 'more turn')} that an agent cut in on {verb} as cut"

    @property
    def evidence(self) -> str:
        """The evidence of the recordings about the limit."""
        cut, of = (count + self.cut_in for count in self.confirmed.turns_cut)
        if statistics.is_below(cut, of, self.most):
            return f"{of} turns show that at most {self.most:.0%} are cut (95% confidence)"
        total = statistics.needed(self.most, cut)
        more = "no number of turns" if total is None else f"{total} turns with {cut} cut"
        return f"{of} turns do not show that at most {self.most:.0%} are cut: {more} would"

    @property
    def estimate(self) -> str:
        """The expectation for other calls."""
        if self.left_out is None:
            return "no estimate for other calls: it takes two recordings"
        cut, wait = self.left_out.cut, self.left_out.wait
        return f"on a recording left out of the fit: {cut:.1%} of turns cut, mean wait {wait:.2f} s"

    def text(self) -> str:
        """Return a profile."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        turns = len(self.confirmed.turns)
        waits = wait_statistics(self.confirmed.waits)
        yield "# yaml-language-server: $schema=../schema.json"
        yield f"description: Fitted to cut in on at most {self.most:.0%} of recorded turns."
        yield (
            f"# timing-profiles fit, {self.date}: {counted(self.recordings, 'recording')},"
            f" {counted(turns, 'turn')}, {counted(self.pauses, 'pause')}."
        )
        mean = "" if waits["mean"] is None else f", mean wait {waits['mean']:.2f} s"
        yield f"# Turns cut in LiveKit's session: {share(*self.confirmed.turns_cut)}{mean}."
        yield from (f"# {words[0].upper()}{words[1:]}." for words in self.remarks)
        if self.base != "default":
            yield f"extends: {self.base}"
        low, high = self.policy.min_delay, self.policy.max_delay
        yield "turn_detector:"
        yield "  # Below this probability that the caller has finished, max_delay applies."
        yield f"  unlikely_threshold: {self.policy.threshold:g}"
        yield "turn_handling:"
        yield "  endpointing:"
        yield f"    min_delay: {low:g} # s; the shortest that keeps the pauses that sound finished"
        yield f"    max_delay: {high:g} # s; the shortest that keeps the others"
