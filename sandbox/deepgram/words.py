"""Sound -> words. None is recognised: one of a vocabulary is placed for every 0.3 s of sound."""

from collections.abc import Sequence
from typing import Final

from sandbox.deepgram.hearing import in_seconds
from sandbox.deepgram.record import Body, Vocabulary

# In frames of 10 ms.
ONSET: Final = 5
"""Less sound than this is a click, not speech."""

STOP: Final = 5
"""Less silence than this is a stop inside a word (p, t, k), not a pause."""

_WORD: Final = 30  # sound of one word

Span = tuple[int, int]


def spans(sound: Sequence[int], vocabulary: Vocabulary) -> list[Span]:
    """Start and end of each word in a stretch of speech, in frames.

    Args:
        sound: The frames with sound in them.
        vocabulary: The words; none for a deaf stand-in.
    """
    if vocabulary.deaf or not vocabulary.words or len(sound) < ONSET:
        return []
    count = max(1, round(len(sound) / _WORD))
    cuts = [len(sound) * index // count for index in range(count + 1)]
    return [(sound[cuts[i]] - 1, sound[cuts[i + 1] - 1]) for i in range(count)]


def word(number: int, span: Span, vocabulary: Vocabulary) -> Body:
    """The word of this number on the connection: the vocabulary over and over, in order."""
    return {
        "word": vocabulary.words[number % len(vocabulary.words)],
        "start": in_seconds(span[0]),
        "end": in_seconds(span[1]),
        "confidence": 0.99,
    }


def capitalized(text: str) -> str:
    """Return a text with a capital, as at the start of a sentence."""
    return text[:1].upper() + text[1:]
