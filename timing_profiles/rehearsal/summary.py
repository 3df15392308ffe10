"""The results of a rehearsal as short texts: cells of a table, the worst pauses, verdicts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from timing_profiles.problems import quoted
from timing_profiles.rehearsal import gate, statistics
from timing_profiles.rehearsal.outcome import Cut, remedy
from timing_profiles.rehearsal.paired import Pair
from timing_profiles.rehearsal.recording import Side
from timing_profiles.rehearsal.result import ProfileResult, Rehearsal, wait_statistics
from timing_profiles.rehearsal.transcript import said_before

HEAD: Final = (
    *("", "turns cut", "pauses cut"),
    *("wait p50", "p90", "p95", "mean", "over 2 s", "decided by"),
)
"""The heads of the columns of `row`."""

_WAITS: Final = ("p50", "p90", "p95", "mean")
_MOST_PAUSES: Final = 10
_MOST_TURNS: Final = 20  # of one comparison
_LEAST: Final = 0.0001  # the lowest probability that is printed


@dataclass(frozen=True, slots=True)
class WorstPause:
    """A pause that profiles cut.

    Attributes:
        recording: The name of the recording.
        start: Where the silence begins, in seconds.
        silence: How long it lasts, in seconds.
        said: The last words before it; empty where they are not given.
        cuts: The profiles that cut it, and their first decision in it.
    """

    recording: str
    start: float
    silence: float
    said: str
    cuts: Sequence[tuple[ProfileResult, Cut]]

    @property
    def where(self) -> str:
        """The recording and the second."""
        return f"{self.recording} {self.start:.1f} s"

    def __str__(self) -> str:
        """The words, the silence, the probability, and the field that would have kept the pause."""
        after = f"after {quoted(self.said)}  " if self.said else ""
        known = (cut.probability for _, cut in self.cuts if cut.probability is not None)
        probability = next((f"  probability {one:.2f}" for one in known), "")
        remedies: dict[str, list[str]] = defaultdict(list)
        for result, cut in self.cuts:
            remedies[remedy(self.silence, cut, result.values)].append(result.profile)
        saved = "; ".join(
            f"{change} would have kept it ({', '.join(names)})"
            for change, names in remedies.items()
        )
        silence = f"{after}{self.silence:.2f} s of silence"
        return f"{silence}{probability}  cut by {len(self.cuts)}: {saved}"


def counts(rehearsed: Rehearsal, caller: Side, heard: str = "") -> str:
    """Return the totals: recordings, turns, pauses, and the speaking time of each side.

    How long the other side speaks is unknown in recordings of one channel.

    Args:
        rehearsed: The results.
        caller: The channel of the caller.
        heard: The audio of the sessions in place of the recordings; empty where nothing is changed.
    """
    turns, pauses = rehearsed.labels
    ours, theirs = rehearsed.speech
    found = (
        counted(rehearsed.recordings, "recording"),
        counted(turns, "turn"),
        counted(pauses, "pause"),
    )
    swap = "right" if caller == "left" else "left"
    speech = (
        f"caller: {caller}, {ours:.0f} s of speech; other: {theirs:.0f} s; swap: --caller {swap}"
    )
    if not theirs:
        speech = f"caller: {ours:.0f} s of speech"
    changed = f"; {heard}" if heard else ""
    return f"{', '.join(found)} ({speech}{changed})"


def row(result: ProfileResult) -> tuple[str, ...]:
    """Return the cells of a profile whose result is known."""
    waits = wait_statistics(result.waits)
    seconds = ["-" if (at := waits[name]) is None else f"{at:.2f} s" for name in _WAITS]
    over = "-" if waits["over_2s"] is None else f"{waits['over_2s']:.0%}"
    decided = sum(result.decided_by.values())
    by = [f"{name} {count / decided:.0%}" for name, count in result.decided_by.items()]
    if result.undecided:
        by.append(f"no decision in {counted(result.undecided, 'turn')}")
    cut = share(*result.turns_cut), share(*result.pauses_cut)
    return result.profile, *cut, *seconds, over, ", ".join(by)


def worst_pauses(profiles: Sequence[ProfileResult]) -> Iterator[WorstPause]:
    """Yield the ten pauses that most profiles cut, the longest first among equals."""
    cut: dict[tuple[str, float, float, str], list[tuple[ProfileResult, Cut]]] = defaultdict(list)
    for result in profiles:
        for judged in result.turns:
            for at in sorted(judged.cut_pauses):
                pause = judged.turn.pauses[at]
                first = next(one for one in judged.outcome.cuts if one.pause == at)
                said = said_before(judged.turn.transcript, pause.start)
                cut[judged.recording, pause.start, pause.seconds, said].append((result, first))
    ranked = sorted(cut.items(), key=lambda item: (-len(item[1]), -item[0][2], item[0]))
    return (WorstPause(*where, by) for where, by in ranked[:_MOST_PAUSES])


def verdict(result: gate.Result) -> str:
    """Return the verdict of the evidence on a gate, with the numbers behind it."""
    if result.verdict != "not-enough-evidence":
        return f"{result.verdict} ({result.count} of {result.of})"
    if result.needed is None:
        return f"not enough evidence ({result.count} of {result.of})"
    more = f", or {result.more} more without another one" if result.count else ""
    return (
        f"not enough evidence ({result.count} of {result.of};"
        f" {result.needed} without any would show it{more})"
    )


def compared(pair: Pair) -> Iterator[str]:
    """Yield the changes by a later version of a profile: one line, then one for each turn."""
    if pair.unknown is not None:
        yield f"{pair.profile}: {pair.unknown}"
        return
    newly, saved, of = pair.newly_cut, pair.saved, len(pair.after.turns)
    longer, shorter = pair.directions
    cuts = f"newly cut {len(newly)}, saved {len(saved)} of {counted(of, 'turn')}"
    if newly or saved:
        cuts += _chance(pair.chance_of_cuts)
    waits = f"waits: {longer} longer, {shorter} shorter of {len(pair.moves)}"
    if longer or shorter:
        waits += f", median {statistics.quantile(pair.moves, 0.5):+.2f} s"
        waits += _chance(pair.chance_of_waits)
    yield f"{pair.profile}: {cuts}; {waits}"
    for verb, turns in (("newly cut", newly), ("saved", saved)):
        for one in turns[:_MOST_TURNS]:
            yield f"  {verb}  {one.recording} {one.outcome.cuts[0].at:.1f} s"
        if len(turns) > _MOST_TURNS:
            yield f"  {verb}  {len(turns) - _MOST_TURNS} more"


def _chance(probability: float) -> str:
    """Return whether a difference is more than chance, at 95% confidence."""
    is_more = probability <= 1 - statistics.CONFIDENCE
    shown = f"{probability:.2g}" if probability >= _LEAST else f"< {_LEAST:g}"
    return f" ({'more than chance' if is_more else 'may be chance'}, p {shown})"


def counted(count: int, name: str) -> str:
    """Return `1 turn` or `2 turns`."""
    return f"{count} {name}{'' if count == 1 else 's'}"


def share(count: int, of: int) -> str:
    """Return `3 of 36  8% [2-22]`, with the exact 95% interval in percent."""
    if not of:
        return "-"
    low, high = (f"{100 * bound:.0f}" for bound in statistics.interval(count, of))
    return f"{count} of {of}  {count / of:.0%} [{low}-{high}]"
