"""Read files of words with their times: Deepgram's JSON, messages of Flux, plain JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from timing_profiles.problems import printable, quoted, strerror
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.recording import Side
from timing_profiles.rehearsal.transcript import FluxEnd, Transcript, Word, is_within

SUFFIXES: Final = frozenset({".json", ".jsonl", ".csv"})
"""The endings of the files that may have words where a directory is given."""

FORMS: Final = (
    "write Deepgram's JSON, messages of Flux, a JSON list of {word, start, end}, or CSV with"
    " word,start,end"
)
"""What a file may contain."""

_COLUMNS: Final = ("word", "start", "end")
_SPEAKER: Final = "speaker"
_OVERLAP: Final = 0.5  # seconds by which estimated times of two words may overlap
_SLACK: Final = 0.5  # seconds by which a last word may end after the recording
_AGREES: Final = 0.5  # share of the words that must lie in the speech of a recording


class WordsError(Exception):
    """Words cannot be used for a recording; the text has the file's name and the reason."""


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A word and its speaker: a name as text; empty where that is not known."""

    word: Word
    speaker: str


@dataclass(frozen=True, slots=True)
class GivenWords:
    """The contents of a file.

    Attributes:
        name: The file's name, for messages.
        channels: The words of each channel, in order of time; one for all where it is not known.
        flux: The ends of turns; None where the file has no messages of Flux.
    """

    name: str
    channels: Sequence[Sequence[_Spoken]]
    flux: tuple[FluxEnd, ...] | None = None

    def of_caller(
        self,
        side: Side,
        seconds: float,
        caller: Sequence[Interval],
        other: Sequence[Interval],
    ) -> Transcript:
        """Return the words of the caller of a recording.

        Of a file with speakers, the caller is the one who has the most words in the caller's
        speech. Of a file that mixes two sides, the caller's words are those in the caller's speech.

        Args:
            side: The caller's channel.
            seconds: The duration of the recording.
            caller: The caller's speech.
            other: That of the other side; empty where it has no channel.

        Raises:
            WordsError: They are of another recording.
        """
        spoken = self.channels[0]
        if len(self.channels) > 1:
            spoken = self.channels[0 if side == "left" else 1]
        self._check_end(seconds)
        speakers = sorted({one.speaker for one in spoken})
        words = [one.word for one in spoken]
        if len(speakers) > 1:
            of_each = ([one.word for one in spoken if one.speaker == name] for name in speakers)
            words = max(of_each, key=lambda some: len(_in(some, caller)))
        is_mixed = len(self.channels) == 1 and len(speakers) <= 1
        self._check_place(words, caller, [*caller, *other] if is_mixed else caller)
        if is_mixed and other:
            words = [word for word in words if _is_of(word, caller, other)]
        return Transcript(tuple(words), self.flux)

    def _check_end(self, seconds: float) -> None:
        last = max(one.word.end for some in self.channels for one in some)
        if last > seconds + _SLACK:
            raise WordsError(
                f"{self.name} is of another recording: its last word ends at {last:.1f} s, the"
                f" recording at {seconds:.1f} s"
            )

    def _check_place(
        self, words: Sequence[Word], caller: Sequence[Interval], speech: Sequence[Interval]
    ) -> None:
        if not words:
            raise WordsError(f"{self.name} has no word of the caller's channel")
        inside = len(_in(words, speech))
        if not _in(words, caller) or inside < _AGREES * len(words):
            raise WordsError(
                f"{self.name} is of another recording: {inside} of its {len(words)} words lie in"
                " the caller's speech"
            )


def _in(words: Iterable[Word], speech: Sequence[Interval]) -> list[Word]:
    return [word for word in words if any(is_within(word, one) for one in speech)]


def _is_of(word: Word, caller: Sequence[Interval], other: Sequence[Interval]) -> bool:
    """Return whether a word lies closer to the caller's speech than to the other side's."""
    return _distance(word, caller) <= _distance(word, other)


def _distance(word: Word, speech: Sequence[Interval]) -> float:
    return min(max(0.0, one.start - word.middle, word.middle - one.end) for one in speech)


def read(path: Path) -> GivenWords:
    """Read a file of words.

    Raises:
        WordsError: It cannot be read, has another form, or its words overlap.
    """
    name = printable(path.name)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise WordsError(f"{name} cannot be read: {strerror(error)}") from None
    except ValueError as error:
        reason = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not a file name"
        raise WordsError(f"{name} cannot be read: {reason}") from None
    try:
        found = _of_csv(name, text) if path.suffix.lower() == ".csv" else _of_json(name, text)
    except _PlaceError as error:
        raise WordsError(f"{name}: {error}") from None
    if not any(found.channels):
        raise WordsError(f"{name} contains no word")
    return found


class _PlaceError(Exception):
    """A value is wrong; the text has its place in the file, what was found and what is allowed."""


def _of_csv(name: str, text: str) -> GivenWords:
    try:
        rows = [*csv.reader(io.StringIO(text, newline=""))]
    except csv.Error as error:
        raise _PlaceError(f"cannot be read: {error}") from None
    head = [cell.strip() for cell in rows[0]] if rows else []
    if not {*_COLUMNS} <= {*head}:
        raise _PlaceError(f"line 1: found {quoted(','.join(head))}; {FORMS}")
    spoken = []
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        if len(row) != len(head):
            raise _PlaceError(f"line {line}: found {len(row)} columns; line 1 has {len(head)}")
        cells = dict(zip(head, (cell.strip() for cell in row), strict=True))
        spoken.append(_spoken(cells, f"line {line}", _float))
    return GivenWords(name, [_in_order(spoken, lambda at: f"word {at + 1}")])


def _of_json(name: str, text: str) -> GivenWords:
    found = _parsed(text)
    if isinstance(found, dict) and "results" in found:
        return GivenWords(name, [*_channels(found)])
    if isinstance(found, dict) and "words" in found:
        return GivenWords(name, [_words(found["words"], "words")])
    if isinstance(found, dict):
        found = [found]
    if not isinstance(found, list):
        raise _PlaceError(f"found {quoted(found)}; {FORMS}")
    if any(isinstance(one, dict) and one.get("type") == "TurnInfo" for one in found):
        ends = tuple(_flux(found))
        spoken = [_Spoken(word, "") for end in ends for word in end.words]
        return GivenWords(name, [spoken], ends)
    return GivenWords(name, [_words(found, "")])


def _parsed(text: str) -> Any:
    """Return JSON; a list of the lines where each is a JSON object of its own."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise _PlaceError("not JSON") from None


def _channels(found: Mapping[str, Any]) -> Iterator[Sequence[_Spoken]]:
    """Yield the words of each channel of Deepgram's response to a recording."""
    channels = _item(found, "results", "channels")
    if not isinstance(channels, list) or not 1 <= len(channels) <= 2:  # noqa: PLR2004 - stereo
        count = f"{len(channels)} channels" if isinstance(channels, list) else quoted(channels)
        raise _PlaceError(f"results.channels: found {count}; a recording has one or two")
    for at, channel in enumerate(channels):
        place = f"results.channels[{at}].alternatives"
        alternatives = _item(channel, "alternatives")
        if not isinstance(alternatives, list) or not alternatives:
            raise _PlaceError(f"{place}: found {quoted(alternatives)}; write a list")
        yield _words(_item(alternatives[0], "words"), f"{place}[0].words")


def _item(found: Any, *keys: str) -> Any:
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _words(found: Any, place: str) -> list[_Spoken]:
    if not isinstance(found, list):
        raise _PlaceError(f"{place}: found {quoted(found)}; write a list of words")
    spoken = [_spoken(one, f"{place}[{at}]", _number) for at, one in enumerate(found)]
    return _in_order(spoken, lambda at: f"{place}[{at}]")


def _in_order(spoken: Sequence[_Spoken], place: Callable[[int], str]) -> list[_Spoken]:
    """Return words as they are, if each speaker's follow each other."""
    last: dict[str, int] = {}
    for at, one in enumerate(spoken):
        before = last.get(one.speaker)
        if before is not None and one.word.start < _earliest(spoken[before].word):
            word = spoken[before].word
            raise _PlaceError(
                f"{place(at)}: found start {one.word.start:g}, and {place(before)} from"
                f" {word.start:g} to {word.end:g}; write the words of a speaker in order of time"
            )
        last[one.speaker] = at
    return sorted(spoken, key=lambda one: one.word.start)


def _earliest(before: Word) -> float:
    """Return when the next word of a speaker may begin."""
    return max(before.start, before.end - _OVERLAP)


def _spoken(found: Any, place: str, number: Callable[[Any], float | None]) -> _Spoken:
    if not isinstance(found, Mapping):
        raise _PlaceError(f"{place}: found {quoted(found)}; {FORMS}")
    text = found.get("punctuated_word") or found.get("word")
    if not isinstance(text, str) or not text.strip():
        raise _PlaceError(f"{place}.word: found {quoted(text)}; write a word")
    seconds = []
    for key in ("start", "end"):
        at = number(found.get(key))
        if at is None or at < 0:
            value = quoted(found.get(key))
            raise _PlaceError(f"{place}.{key}: found {value}; write seconds, as in 12.3")
        seconds.append(at)
    start, end = seconds
    if end < start:
        raise _PlaceError(f"{place}.end: found {end:g}; it lies before start, {start:g}")
    speaker = found.get(_SPEAKER)
    return _Spoken(Word(text.strip(), start, end), "" if speaker is None else str(speaker))


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _float(value: Any) -> float | None:
    try:
        return _number(float(value))
    except (TypeError, ValueError):
        return None


def _flux(found: Sequence[Any]) -> Iterator[FluxEnd]:
    """Yield the ends of turns among the messages of Flux."""
    before = 0.0
    for at, message in enumerate(found):
        if not isinstance(message, dict):
            raise _PlaceError(f"[{at}]: found {quoted(message)}; write messages of Flux")
        if message.get("type") != "TurnInfo":
            continue
        confidence = _number(message.get("end_of_turn_confidence"))
        if message.get("event") != "EndOfTurn":
            before = max(before, confidence or 0.0)
            continue
        ends = _number(message.get("audio_window_end"))
        if ends is None:
            value = quoted(message.get("audio_window_end"))
            raise _PlaceError(f"[{at}].audio_window_end: found {value}; write seconds")
        words = tuple(one.word for one in _words(message.get("words"), f"[{at}].words"))
        if words:
            by_timeout = message.get("trigger") == "timeout"
            yield FluxEnd(ends, words, confidence, before, by_timeout)
        before = 0.0
