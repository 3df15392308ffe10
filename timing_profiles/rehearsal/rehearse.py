"""Rehearse profiles on recordings: read, label, play each turn alone, in several processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, Generic, TypeVar

from timing_profiles.rehearsal import (
    given_labels,
    given_words,
    labels,
    line,
    outcome,
    recording,
    session_report,
    stored,
    sweep,
)
from timing_profiles.rehearsal.given_labels import Label
from timing_profiles.rehearsal.given_words import GivenWords, WordsError
from timing_profiles.rehearsal.interval import Interval, overlap
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.line import Line
from timing_profiles.rehearsal.outcome import Outcome, Played
from timing_profiles.rehearsal.recording import Recording, RecordingError, Side
from timing_profiles.rehearsal.replay import STT_DELAY
from timing_profiles.rehearsal.result import JudgedTurn, ProfileResult, Rehearsal
from timing_profiles.rehearsal.session_report import ReportError
from timing_profiles.rehearsal.workers import Workers
from timing_profiles.turns.fields import Values

T = TypeVar("T")

Progress = Callable[[int, int, int], None]
"""Called with the numbers of recordings that were read, of all, and of turns that were judged."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The information from people about recordings, and the line to a session.

    Attributes:
        caller: The channel that has the caller.
        labels: The labels of those recordings whose turns are not found in two channels.
        words: The files that have the words of some recordings.
        stt_delay: Seconds in which final words reach the session.
        line: The changes between the caller and the session.
    """

    caller: Side = "left"
    labels: Mapping[Path, Sequence[Label]] = field(default_factory=dict)
    words: Mapping[Path, Path] = field(default_factory=dict)
    stt_delay: float = STT_DELAY
    line: Line = field(default_factory=Line)

    def of(self, file: Path) -> Conditions:
        """Return the conditions of one recording: another process gets no more than it needs."""
        return replace(
            self,
            labels={path: found for path, found in self.labels.items() if path == file},
            words={path: found for path, found in self.words.items() if path == file},
        )


_PLAIN: Final = Conditions()
_BOTH_SPEAK: Final = 0.5  # share of the caller's speech beside the other side's: not two sides
_AHEAD: Final = 4  # turns for each process that wait with their sound in memory


@dataclass(frozen=True, slots=True)
class Labelled:
    """The turns of a recording with their sound.

    Attributes:
        played: The turns.
        caller_speech: The seconds of speech of the caller.
        other_speech: Those of the other side; 0 where it has no channel.
        cut_in: The turns that the agent of the recording cut in on; 0 where that is unknown.
    """

    played: Sequence[Played]
    caller_speech: float
    other_speech: float
    cut_in: int = 0


def rehearse(  # noqa: PLR0913 - of keywords
    files: Sequence[Path],
    profiles: Mapping[str, Values],
    *,
    conditions: Conditions = _PLAIN,
    failed: Callable[[Path, str], None],
    progress: Progress | None = None,
    processes: int | None = None,
    by_session: bool = False,
) -> Rehearsal:
    """Play each turn of some recordings to a session with each profile.

    Args:
        files: The recordings.
        profiles: The settings of each profile, by its name.
        conditions: The information from people about the recordings, and the line to a session.
        failed: Called with each file that cannot be judged, and the reason.
        progress: Called after each step.
        processes: How many processes work; by default as many as there are processors, once that
            is worth it. The result is the same.
        by_session: Whether the session decides, too, instead of arithmetic over what it hears.
    """
    reasons = {name: _unknown(values, conditions) for name, values in profiles.items()}
    distinct: list[Values] = []
    for name, values in profiles.items():
        if not reasons[name] and values not in distinct:
            distinct.append(values)
    judge = partial(
        outcome.judge_each if by_session else sweep.judge_all,
        profiles=distinct,
        stt_delay=conditions.stt_delay,
    )
    judged = each_turn(
        files,
        judge,
        conditions=conditions,
        failed=failed,
        progress=progress,
        processes=processes,
    )
    results = [
        ProfileResult(name, values, reasons[name])
        if reasons[name]
        else _result(name, values, judged.turns, distinct.index(values))
        for name, values in profiles.items()
    ]
    return Rehearsal(judged.recordings, judged.turns_and_pauses, judged.speech, results)


def each_turn(
    files: Sequence[Path],
    judge: Callable[[Played], T],
    *,
    conditions: Conditions = _PLAIN,
    failed: Callable[[Path, str], None],
    progress: Progress | None = None,
    processes: int | None = None,
) -> Judged[T]:
    """Judge each turn of some recordings; see `rehearse` for the other arguments.

    Args:
        files: The recordings.
        judge: Judges a turn; another process must be able to import it.
        conditions: The information from people about the recordings, and the line to a session.
        failed: Called with each file that cannot be judged, and the reason.
        progress: Called after each step.
        processes: How many processes work.
    """
    judged: Judged[T] = Judged(dict(zip(files, recording.names(files), strict=True)), progress)
    with Workers(processes) as pool:
        for file, labelled in _labelled(pool, files, conditions):
            if isinstance(labelled, str):
                failed(file, labelled)
            else:
                judged.add(pool, judge, file, labelled)
        judged.finish(0)
    return judged


class Judged(Generic[T]):
    """The turns of recordings, and the result of each.

    Args:
        names: The name of each file.
        progress: Called after each step.

    Attributes:
        recordings: The number of recordings that were judged.
        speech: The seconds of speech of the callers and of the other sides.
        turns: The name of the recording, the turn, and the result, in order.
        cut_in: The turns that the agents of recordings cut in on.
    """

    def __init__(self, names: Mapping[Path, str], progress: Progress | None) -> None:
        self.recordings = 0
        self.speech = (0.0, 0.0)
        self.cut_in = 0
        self.turns: list[tuple[str, Turn, T]] = []
        self._names = names
        self._progress = progress
        self._waiting: deque[tuple[str, Turn, Future[T]]] = deque()

    @property
    def turns_and_pauses(self) -> tuple[int, int]:
        """The numbers of turns and of pauses."""
        return len(self.turns), sum(len(turn.pauses) for _, turn, _ in self.turns)

    def add(
        self, pool: Workers, judge: Callable[[Played], T], file: Path, labelled: Labelled
    ) -> None:
        """Judge the turns of a recording, with the sound of a few in memory."""
        self.recordings += 1
        self.cut_in += labelled.cut_in
        ours, theirs = self.speech
        self.speech = ours + labelled.caller_speech, theirs + labelled.other_speech
        for played in labelled.played:
            future = pool.submit(judge, played)
            self._waiting.append((self._names[file], played.turn, future))
            self.finish(_AHEAD * pool.workers)

    def finish(self, most: int) -> None:
        """Wait until at most so many turns are left."""
        while len(self._waiting) > most:
            name, turn, future = self._waiting.popleft()
            self.turns.append((name, turn, future.result()))
            if self._progress:
                self._progress(self.recordings, len(self._names), len(self.turns))


def label(file: Path, conditions: Conditions = _PLAIN) -> Labelled | str:
    """Read a recording and label its turns; the reason where that is impossible."""
    given = conditions.labels.get(file)
    words = conditions.words.get(file)
    try:
        report = session_report.beside(file)
        caller = "left" if report else conditions.caller
        read = recording.read(file, caller, one_channel=given is not None)
        if report:
            report.check(read.seconds, _speech(read.caller))
        labelled = _given(read, given) if given is not None else _found(read, caller)
        if isinstance(labelled, str):
            return labelled
        if words:
            labelled = _spoken(labelled, read, caller, given_words.read(words), given)
    except (RecordingError, ReportError, WordsError) as error:
        return str(error)
    if report and read.other:
        seen = labels.cut_in(_speech(read.caller), _speech(read.other))
        labelled = replace(labelled, cut_in=seen)
    if not labelled.played:
        return "contains no turn whose end or pause is known"
    return _changed(labelled, read, conditions.line, given)


def _spoken(
    labelled: Labelled,
    read: Recording,
    caller: Side,
    words: GivenWords,
    given: Sequence[Label] | None,
) -> Labelled:
    """Give each turn its words."""
    ours = [one.speech for one in given] if given is not None else _speech(read.caller)
    theirs = _speech(read.other) if read.other else []
    transcript = words.of_caller(caller, read.seconds, ours, theirs)
    played = [
        replace(one, turn=replace(one.turn, transcript=transcript.within(one.turn.speech)))
        for one in labelled.played
    ]
    return replace(labelled, played=played)


def _changed(
    labelled: Labelled, read: Recording, on: Line, given: Sequence[Label] | None
) -> Labelled:
    """Change the audio of a session; the labels remain those of the recording."""
    if on.is_clean:
        return labelled
    speech = [one.speech for one in given] if given is not None else _speech(read.caller)
    loud = line.level(read.caller, speech)
    return replace(labelled, played=[on.changed(one, loud) for one in labelled.played])


def _found(read: Recording, caller: Side) -> Labelled | str:
    """Label the turns of a recording by who speaks in which channel."""
    ours, theirs = _speech(read.caller), _speech(read.other)
    reason = _useless(ours, theirs, caller)
    if reason:
        return reason
    played = [outcome.cut_out(turn, read.caller) for turn in labels.turns(ours, theirs)]
    return Labelled(played, _seconds(ours), _seconds(theirs))


def _given(read: Recording, given: Sequence[Label]) -> Labelled | str:
    """Label the turns of a recording as people did."""
    ours = _speech(read.caller)
    theirs = _speech(read.other) if read.other else None
    reason = given_labels.unfit(given, read.seconds, ours if theirs is None else None)
    if reason:
        return reason
    heard = sorted([*ours, *(theirs or ())], key=lambda one: one.start)
    played = [
        outcome.cut_out(
            turn, read.caller, given_labels.quiet_from(turn, ours) if theirs is None else 0.0
        )
        for turn in given_labels.turns(given, heard)
    ]
    return Labelled(played, _seconds([one.speech for one in given]), _seconds(theirs or ()))


def _speech(samples: bytes | bytearray) -> list[Interval]:
    key = stored.key("speech", samples)
    found = stored.read(key)
    if found is None:
        from timing_profiles.rehearsal.speech import speech  # noqa: PLC0415 - imports for seconds

        found = [(one.start, one.end) for one in speech(samples)]
        stored.write(key, found)
    return [Interval(*one) for one in found]


def _useless(ours: Sequence[Interval], theirs: Sequence[Interval], caller: Side) -> str:
    if not ours and not theirs:
        return "contains no speech"
    other = "right" if caller == "left" else "left"
    if not ours:
        return f"the caller's channel ({caller}) contains no speech; --caller {other} swaps them"
    if not theirs:
        return f"the channel of the other side ({other}) contains no speech: no end of a turn"
    both = overlap(ours, theirs) / _seconds(ours)
    if both > _BOTH_SPEAK:
        return f"both channels speak at once for {both:.0%} of the caller's speech: no two sides"
    return ""


def _unknown(values: Values, conditions: Conditions) -> str | None:
    """Return why nothing is known of a profile, whatever the turns."""
    if conditions.words:
        return outcome.unknown_with_words(values)
    return outcome.unknown(values, conditions.stt_delay)


def _result(
    name: str,
    values: Values,
    turns: Sequence[tuple[str, Turn, list[Outcome | str]]],
    at: int,
) -> ProfileResult:
    """Return the effect of a profile; the first reason where it is unknown for a turn."""
    judged = []
    for file, turn, outcomes in turns:
        found = outcomes[at]
        if isinstance(found, str):
            where = "no words" if turn.transcript is None else f"{turn.speech.start:.1f} s"
            return ProfileResult(name, values, f"{found} ({file}: {where})")
        judged.append(JudgedTurn(file, turn, found))
    return ProfileResult(name, values, None, judged)


def _seconds(intervals: Sequence[Interval]) -> float:
    return sum(one.seconds for one in intervals)


def _labelled(
    pool: Workers, files: Sequence[Path], conditions: Conditions
) -> Iterator[tuple[Path, Labelled | str]]:
    """Label recordings in order, a few ahead of those that are asked for."""
    waiting: deque[tuple[Path, Future[Labelled | str]]] = deque()
    for file in files:
        waiting.append((file, pool.submit(label, file, conditions.of(file))))
        if len(waiting) >= pool.workers:
            first, future = waiting.popleft()
            yield first, future.result()
    for first, future in waiting:
        yield first, future.result()
