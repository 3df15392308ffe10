"""The words of a turn with their times, and the moments at which Flux ended a turn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from timing_profiles.rehearsal.interval import Interval

REACH: Final = 0.3
"""Seconds by which the middle of a word may lie outside of the speech that contains it."""

_SHOWN: Final = 4  # words before a pause


@dataclass(frozen=True, slots=True)
class Word:
    """A word, in seconds of the recording."""

    text: str
    start: float
    end: float

    @property
    def middle(self) -> float:
        """The moment that decides where it belongs."""
        return (self.start + self.end) / 2


@dataclass(frozen=True, slots=True)
class FluxEnd:
    """An `EndOfTurn` of Deepgram Flux.

    Attributes:
        at: The second of the recording up to which Flux had heard.
        words: The words of the turn.
        confidence: That the turn was over; None where the message has none.
        confidence_before: The highest one before, with which Flux did not end the turn.
        by_timeout: Whether `eot_timeout_ms` ended the turn.
    """

    at: float
    words: tuple[Word, ...]
    confidence: float | None = None
    confidence_before: float = 0.0
    by_timeout: bool = False


@dataclass(frozen=True, slots=True)
class Transcript:
    """The words of one caller, or of one turn, in a file.

    Attributes:
        words: In order of time.
        flux: The ends of turns; None where the file has no messages of Flux.
    """

    words: tuple[Word, ...]
    flux: tuple[FluxEnd, ...] | None = None

    def within(self, speech: Interval) -> Transcript:
        """Return the transcript of a turn: the words whose middle lies in it."""
        words = tuple(word for word in self.words if is_within(word, speech))
        if self.flux is None:
            return Transcript(words)
        ends = (one for one in self.flux if one.words and is_within(one.words[-1], speech))
        kept = (
            replace(one, words=tuple(word for word in one.words if is_within(word, speech)))
            for one in ends
        )
        return Transcript(words, tuple(kept))


def is_within(word: Word, speech: Interval) -> bool:
    """Return whether the middle of a word lies in a stretch of speech, or close to it."""
    return speech.start - REACH <= word.middle <= speech.end + REACH


def said_before(transcript: Transcript | None, moment: float) -> str:
    """Return the last words before a pause, such as `... the number is`; empty without any."""
    words = [one.text for one in transcript.words if one.middle < moment] if transcript else []
    return " ".join([*(["..."] if len(words) > _SHOWN else []), *words[-_SHOWN:]])


def runs(words: Sequence[Word], silence: float) -> Iterator[Sequence[Word]]:
    """Yield the words between silences of at least so many seconds."""
    run: list[Word] = []
    for word in words:
        if run and word.start - run[-1].end >= silence - 1e-9:
            yield run
            run = []
        run.append(word)
    if run:
        yield run
