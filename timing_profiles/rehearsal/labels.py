"""Label the silences of a call: pauses and ends of the caller's turns.

A turn is the caller's speech until the other side speaks. A silence before the caller's own next
word is a pause, one before the other side's is the end. Left out is an unknown end: the
other side speaks before the caller's last sound, or the caller goes on within 2 s of its start, or
the recording ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.transcript import Transcript

SHORTEST_PAUSE: Final = 0.2
"""Seconds of silence inside a turn from which it is a pause."""

GOES_ON: Final = 2.0
"""Seconds after the start of the other side in which a caller who goes on had not finished."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The caller's speech until the other side speaks, in seconds of the recording.

    Attributes:
        speech: From the caller's first to the last sound.
        pauses: The silences of 0.2 s or more within.
        next_speech: When either side speaks after it; None where neither does.
        is_end: Whether the silence after it is known to be the end of the turn.
        transcript: Its words; None where no file has them.
    """

    speech: Interval
    pauses: tuple[Interval, ...]
    next_speech: float | None
    is_end: bool
    transcript: Transcript | None = None


def turns(caller: Sequence[Interval], other: Sequence[Interval]) -> list[Turn]:
    """Label the turns of a call.

    Args:
        caller: The stretches of the caller's speech, in order.
        other: Those of the other side.

    Returns:
        The turns, in order, that have a pause or a known end.
    """
    found = (_turn(stretches, other, after) for stretches, after in _grouped(caller, other))
    return [turn for turn in found if turn.pauses or turn.is_end]


def cut_in(caller: Sequence[Interval], other: Sequence[Interval]) -> int:
    """Count the turns in which the other side speaks in a pause of the caller, who then goes on.

    Where the other side is an agent, it has cut in, and how long the pause would have been is
    unknown.
    """
    return sum(
        after is not None
        and any(stretches[-1].end <= one.start < after.start < one.start + GOES_ON for one in other)
        for stretches, after in _grouped(caller, other)
    )


def _grouped(
    caller: Sequence[Interval], other: Sequence[Interval]
) -> Iterator[tuple[list[Interval], Interval | None]]:
    """Yield the stretches of each turn, and the caller's stretch after it."""
    group: list[Interval] = []
    for one, following in zip(caller, [*caller[1:], None], strict=False):
        group.append(one)
        if following is None or _speaks(other, one.end, following.start):
            yield group, following
            group = []


def _turn(stretches: Sequence[Interval], other: Sequence[Interval], after: Interval | None) -> Turn:
    speech = Interval(stretches[0].start, stretches[-1].end)
    gaps = (Interval(a.end, b.start) for a, b in pairwise(stretches))
    pauses = tuple(gap for gap in gaps if gap.seconds >= SHORTEST_PAUSE)
    until = after.start if after else float("inf")
    answer = next((one for one in other if one.end > speech.end and one.start < until), None)
    is_end = (
        answer is not None
        and answer.start >= speech.end
        and (after is None or after.start - answer.start >= GOES_ON)
    )
    following = min([*_starts([answer, after])], default=None)
    return Turn(speech, pauses, following, is_end)


def _starts(intervals: Iterable[Interval | None]) -> Iterator[float]:
    return (one.start for one in intervals if one)


def _speaks(side: Sequence[Interval], start: float, end: float) -> bool:
    return any(one.start < end and one.end > start for one in side)
