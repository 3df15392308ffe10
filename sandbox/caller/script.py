"""The script of a caller: words, pauses, turns."""

import re
from dataclasses import dataclass

from sandbox import speech
from sandbox.caller.sound import SAMPLE_RATE, audible

_PAUSE = re.compile(r"\[\s*(\d+(?:\.\d+)?)\s*\]")


@dataclass(frozen=True, slots=True)
class Script:
    """A text with pauses and turns, and the voice for it.

    Attributes:
        text: as in `parse_say`; a `|` ends a turn.
        voice: one of espeak-ng.
        rate: words per minute.
    """

    text: str = "My number is five five five [1.2] zero one two three."
    voice: str = speech.CALLER
    rate: int = speech.WORDS_PER_MINUTE

    def turns(self) -> list[list[bytes | float]]:
        """Return the sound of each turn, without silence around it, and the pauses in seconds.

        Raises:
            ValueError: the voice or the rate is unknown, or a turn contains no words.
        """
        return [self._sounds(turn) for turn in self.text.split("|")]

    def _sounds(self, turn: str) -> list[bytes | float]:
        sounds = [self._sound(item) if isinstance(item, str) else item for item in parse_say(turn)]
        if not any(isinstance(sound, bytes) and sound for sound in sounds):
            raise ValueError(f"{turn.strip()!r} contains no words")
        return [sound for sound in sounds if sound]

    def _sound(self, words: str) -> bytes:
        return audible(
            speech.synthesize(words, voice=self.voice, rate=self.rate, sample_rate=SAMPLE_RATE)
        )


def parse_say(text: str) -> list[str | float]:
    """`"words [1.5] words"` -> the text of each part, and the pauses between them in seconds."""
    pieces = _PAUSE.split(text)
    items: list[str | float] = [
        float(piece) if index % 2 else piece.strip() for index, piece in enumerate(pieces)
    ]
    return [item for item in items if item != ""]
