"""The recordings that a command line names, and how far the work on them is."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from timing_profiles.cli import UsageError, words_files
from timing_profiles.problems import Problem, listed, printable, quoted
from timing_profiles.rehearsal import given_labels, other_sdk, recording, sweep
from timing_profiles.rehearsal.given_labels import Label, LabelsError
from timing_profiles.rehearsal.line import Line, LineError, parse_noise
from timing_profiles.rehearsal.other_sdk import Placed
from timing_profiles.rehearsal.outcome import Played
from timing_profiles.rehearsal.recording import Side
from timing_profiles.rehearsal.rehearse import Conditions, Judged, Progress, each_turn, rehearse
from timing_profiles.rehearsal.replay import STT_DELAY
from timing_profiles.rehearsal.result import Rehearsal
from timing_profiles.rehearsal.sweep import HeardTurn
from timing_profiles.rehearsal.why import Explained, explain
from timing_profiles.turns.fields import Values

T = TypeVar("T")

_LONGEST_DELAY: Final = 10.0  # seconds; no session waits so long


@dataclass(frozen=True, slots=True)
class Options:
    """The options that three commands share: what a command line tells about recordings.

    Attributes:
        recordings: Files, and directories of files.
        caller: The channel that has the caller.
        labels: The file of labels; none by default.
        words: Files of words, and directories of such.
        stt_delay: Seconds in which final words reach the session.
        noise: Noise beside the caller, such as `crowded-room:10dB`; none by default.
        line: `mulaw` for a telephone; none by default.
        form: `text`, `json`, or what else the command prints.
    """

    recordings: Sequence[str]
    caller: Side
    labels: str | None
    words: Sequence[str]
    stt_delay: str | None
    noise: str | None
    line: str | None
    form: str


class Recordings:
    """The files that a command line names.

    Args:
        options: What the command line tells about them.

    Attributes:
        problems: What cannot be judged, and why.
        cut_in: The turns that the agents of the recordings were last heard to cut in on.
        stt_delay: Seconds in which final words reach the session.

    Raises:
        UsageError: The file of labels cannot be read, or an option has an invalid value.
    """

    def __init__(self, options: Options) -> None:
        """Find the files."""
        self.problems: list[Problem] = []
        self.cut_in = 0
        self.stt_delay = _delay(options.stt_delay)
        self._line = _line(options)
        self._caller = options.caller
        found = {os.path.realpath(file): file for file in self._found(options.recordings)}
        self._files = [*found.values()]
        self._given: dict[Path, Sequence[Label]] = {}
        self._first = self._files[:1]
        if options.labels is not None:
            self._label(Path(options.labels))
        self._words = words_files.found(options.words, self._files, self._failed)

    @property
    def heard_instead(self) -> str:
        """What sessions hear in place of the recordings; empty where nothing is changed."""
        return str(self._line)

    @property
    def conditions(self) -> Conditions:
        """What people know of the recordings, and the line to a session."""
        return Conditions(self._caller, self._given, self._words, self.stt_delay, self._line)

    def rehearse(self, profiles: Mapping[str, Values], *, by_session: bool = False) -> Rehearsal:
        """Rehearse profiles; how far it is stands on stderr where that is a terminal."""
        with _progress() as progress:
            return rehearse(
                self._files,
                profiles,
                conditions=self.conditions,
                failed=self._failed,
                progress=progress,
                by_session=by_session,
            )

    def explained(
        self, values: Values
    ) -> tuple[Sequence[tuple[str, Explained]], Sequence[HeardTurn]]:
        """Explain the turns of the file named first, and hear those of the others."""
        others = [file for file in self._files if file not in self._first]
        first = self._each(
            [file for file in self._first if file in self._files], partial(explain, values=values)
        )
        heard = self._each(others, partial(sweep.hear, values=values))
        return [(name, one) for name, _, one in first.turns], [one for _, _, one in heard.turns]

    def heard(self, values: Values) -> Mapping[str, Sequence[HeardTurn]]:
        """Return the turns of each recording as sessions hear them, at all phases."""
        heard: dict[str, list[HeardTurn]] = {}
        judged = self._each(self._files, partial(sweep.hear_all, values=values))
        self.cut_in = judged.cut_in
        for name, _, turns in judged.turns:
            heard.setdefault(name, []).extend(turns)
        return heard

    def placed(self) -> Sequence[Placed]:
        """Return each turn with its file, in the order in which they are rehearsed."""
        files = dict(zip(recording.names(self._files), self._files, strict=True))
        found = self._each(self._files, other_sdk.place_of)
        return [
            Placed(str(files[name].absolute()), turn, *place) for name, turn, place in found.turns
        ]

    def _each(self, files: Sequence[Path], judge: Callable[[Played], T]) -> Judged[T]:
        with _progress() as progress:
            return each_turn(
                files,
                judge,
                conditions=self.conditions,
                failed=self._failed,
                progress=progress,
            )

    def _found(self, names: Sequence[str]) -> Iterator[Path]:
        for name in names:
            before = len(self.problems)
            files = recording.files(Path(name), self._failed)
            if not files and len(self.problems) == before:
                self._failed(Path(name), "the directory contains no recording")
            yield from files

    def _label(self, path: Path) -> None:
        """Give labels to the files; those whose labels are wrong are not judged."""
        try:
            labels = given_labels.read(path)
        except LabelsError as error:
            raise UsageError(printable(str(error))) from None
        labelled: set[Path] = set()
        refused: set[Path] = set()
        for name, line in labels.places.items():
            file, wrong = self._labelled(name)
            if file in labelled:
                wrong = f"recording: {quoted(name)} is labelled by another name, too"
            problems = [Problem("labels", wrong, file=path.as_posix(), line=line)] if wrong else []
            self.problems += [*problems, *labels.problems.get(name, ())]
            if file is None:
                continue
            labelled.add(file)
            self._given[file] = labels.recordings.get(name, ())
            if problems or name in labels.problems:
                refused.add(file)
        self._files = [file for file in self._files if file not in refused]

    def _labelled(self, name: str) -> tuple[Path | None, str]:
        """Return the file that a name in labels stands for, or why there is none."""
        files = given_labels.belonging(name, self._files)
        if len(files) == 1:
            return files[0], ""
        ends = listed(recording.names(files or self._files), most=5)
        if files:
            return None, f"recording: {quoted(name)} is {len(files)} of those given: {ends}"
        return None, f"recording: {quoted(name)} is none of those given: {ends}"

    def _failed(self, file: Path, reason: str) -> None:
        problem = Problem("recording", reason, file=printable(file.as_posix()))
        if problem not in self.problems:  # a command may read the recordings several times
            self.problems.append(problem)


def _delay(text: str | None) -> float:
    if text is None:
        return STT_DELAY
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= _LONGEST_DELAY:  # also where it is no number
        limits = f"write seconds, 0 to {_LONGEST_DELAY:g}"
        raise UsageError(f"--stt-delay: found {quoted(text)}; {limits}")
    return value


def _line(options: Options) -> Line:
    try:
        noise = None if options.noise is None else parse_noise(options.noise)
    except LineError as error:
        raise UsageError(f"--{error}") from None
    return Line(noise, options.line == "mulaw")


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """Show how far the block is, and clear the line after it; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    yield _show
    print("\r\x1b[K", end="", file=sys.stderr)


def _show(recordings: int, of: int, turns: int) -> None:
    print(f"\r{recordings} of {of} recordings, {turns} turns", end="", file=sys.stderr, flush=True)
