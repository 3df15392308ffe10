"""Labels that people give: where a caller speaks, and after which silence they went on.

A CSV file has one line for each stretch of the caller's speech. After it, the caller went on, so
that the silence before the next line is a pause, or had finished; the label may also be unknown.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from timing_profiles.problems import Problem, quoted, strerror
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import SHORTEST_PAUSE, Turn

HEAD: Final = ("recording", "start", "end", "went_on")
"""The columns of a file."""

_WENT_ON: Final = {"yes": True, "true": True, "no": False, "false": False, "": None}
_BORDER: Final = 0.3  # seconds by which a border that a person sets may miss the sound


@dataclass(frozen=True, slots=True)
class Label:
    """A stretch of the caller's speech.

    Attributes:
        speech: From the first to the last sound, in seconds of the recording.
        went_on: Whether the caller went on after the silence that follows; None where unknown.
        place: The file of labels, and the line.
    """

    speech: Interval
    went_on: bool | None
    place: str

    def __str__(self) -> str:
        """Return the stretch for a message."""
        return f"{self.speech.start:g} to {self.speech.end:g} s"


class LabelsError(Exception):
    """A file of labels cannot be read; the text has its name and the reason."""


@dataclass(frozen=True, slots=True)
class GivenLabels:
    """The contents of a file.

    Attributes:
        recordings: The labels of each recording, in order of time, by its name in the file.
        places: The first line of each recording.
        problems: The problems of the labels of each recording that has none here.
    """

    recordings: Mapping[str, Sequence[Label]]
    places: Mapping[str, int]
    problems: Mapping[str, Sequence[Problem]]


def read(path: Path) -> GivenLabels:
    """Read a file of labels.

    Raises:
        LabelsError: It cannot be read, or a line has other columns.
    """
    rows: dict[str, list[Label]] = defaultdict(list)
    places: dict[str, int] = {}
    problems: dict[str, list[Problem]] = defaultdict(list)
    for line, (name, *row) in _rows(path):
        places.setdefault(name, line)
        found = _label(row, f"{path.as_posix()}:{line}")
        if isinstance(found, str):
            problems[name].append(_problem(path, line, found))
        else:
            rows[name].append(found)
    for name, labels in rows.items():
        labels.sort(key=lambda one: (one.speech.start, one.speech.end))
        for label, message in _disagreements(labels):
            line = int(label.place.rpartition(":")[2])
            problems[name].append(_problem(path, line, message))
    good = {name: labels for name, labels in rows.items() if name not in problems}
    return GivenLabels(good, places, problems)


def unfit(labels: Sequence[Label], seconds: float, heard: Sequence[Interval] | None) -> str:
    """Return why labels are none of a recording; empty where they fit.

    Args:
        labels: The labels.
        seconds: The duration of the recording.
        heard: The speech in a recording of one channel, of whichever side; None where the caller
            has a channel of their own.
    """
    for one in labels:
        if one.speech.end > seconds:
            return f"{one.place}: {one} ends after the recording of {seconds:.2f} s"
    for one, following in pairwise(labels):
        pause = Interval(one.speech.end + _BORDER, following.speech.start - _BORDER)
        sound = next(
            (at for at in heard or () if at.start < pause.end and at.end > pause.start), None
        )
        if one.went_on and sound:
            return (
                f"{one.place}: speech at {max(sound.start, pause.start):.1f} s, in the pause after"
                f" {one}: in one channel, nobody else may speak there"
            )
    return ""


def turns(labels: Sequence[Label], heard: Sequence[Interval]) -> list[Turn]:
    """Return the turns of a recording that have a pause or a known end.

    Args:
        labels: The labels, in order of time.
        heard: The speech of all channels, in order: what is played of a turn ends before the next.
    """
    found = []
    for group, after in _grouped(labels):
        speech = Interval(group[0].speech.start, group[-1].speech.end)
        gaps = (Interval(a.speech.end, b.speech.start) for a, b in pairwise(group))
        pauses = tuple(gap for gap in gaps if gap.seconds >= SHORTEST_PAUSE)
        is_end = group[-1].went_on is False
        found.append(Turn(speech, pauses, _next_speech(speech.end, after, heard), is_end))
    return [turn for turn in found if turn.pauses or turn.is_end]


def quiet_from(turn: Turn, heard: Sequence[Interval]) -> float:
    """Return the second from which silence precedes a turn, in a recording of one channel."""
    start = turn.speech.start
    latest = 0.0
    for one in heard:
        if one.start >= start:
            break
        if one.end <= start + _BORDER:
            latest = min(one.end, start)
        else:  # the turn itself, or another side that speaks into it
            latest = max(latest, one.start if start - one.start < _BORDER else start)
    return latest


def belonging(name: str, files: Iterable[Path]) -> list[Path]:
    """Return the files whose path ends with a name."""
    parts = Path(name).parts
    return [file for file in files if parts and file.absolute().parts[-len(parts) :] == parts]


def _next_speech(end: float, after: Label | None, heard: Sequence[Interval]) -> float | None:
    """Return when somebody speaks after a turn: at its end where a sound lasts beyond it."""
    starts = [after.speech.start] if after else []
    for one in heard:
        if one.start > end:
            starts.append(one.start)
        elif one.end > end + _BORDER:
            starts.append(end)
    return min(starts, default=None)


def _grouped(labels: Sequence[Label]) -> Iterator[tuple[list[Label], Label | None]]:
    """Yield the labels of each turn, and the one after it."""
    group: list[Label] = []
    for one, following in zip(labels, [*labels[1:], None], strict=True):
        group.append(one)
        if not one.went_on:
            yield group, following
            group = []


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    name = path.as_posix()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            head = [cell.strip() for cell in next(reader, [])]
            if head != [*HEAD]:
                found = quoted(",".join(head))
                raise LabelsError(f"{name}:1: found {found}; the first line is {','.join(HEAD)}")
            for row in reader:
                if len(row) == len(HEAD):
                    yield reader.line_num, [cell.strip() for cell in row]
                elif row:
                    count = f"found {len(row)} columns"
                    place = f"{name}:{reader.line_num}"
                    raise LabelsError(f"{place}: {count}; a line has {','.join(HEAD)}")
    except OSError as error:
        raise LabelsError(f"{name}: cannot be read: {strerror(error)}") from None
    except (ValueError, csv.Error) as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise LabelsError(f"{name}: cannot be read: {reason}") from None


def _label(row: Sequence[str], place: str) -> Label | str:
    start, end, went_on = row
    seconds = []
    for name, text in [("start", start), ("end", end)]:
        at = _seconds(text)
        if at is None:
            return f"{name}: found {quoted(text)}; write seconds of the recording, as in 12.3"
        seconds.append(at)
    if went_on.lower() not in _WENT_ON:
        return f"went_on: found {quoted(went_on)}; write yes, no, or nothing where nobody knows"
    if seconds[0] >= seconds[1]:
        return f"end: found {end}; it lies after start, {start}"
    return Label(Interval(*seconds), _WENT_ON[went_on.lower()], place)


def _seconds(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _disagreements(labels: Sequence[Label]) -> Iterator[tuple[Label, str]]:
    """Yield each label that another one of the recording excludes, and the reason."""
    for one, following in pairwise(labels):
        if following.speech.start < one.speech.end:
            line = one.place.rpartition(":")[2]
            yield following, f"{following} overlaps {one} of line {line}"
    if labels[-1].went_on:
        yield labels[-1], f"went_on: found yes after {labels[-1]}, and no later line of it"


def _problem(path: Path, line: int, message: str) -> Problem:
    return Problem("labels", message, file=path.as_posix(), line=line)
