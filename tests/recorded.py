"""Recordings of calls: speech that the sandbox makes, in two channels."""

import wave
from array import array
from pathlib import Path
from typing import Final

from sandbox import speech
from sandbox.caller.script import parse_say
from sandbox.caller.sound import audible

SAMPLE_RATE: Final = 16000
GAP: Final = 0.8  # seconds between the sides
QUIET: Final = 2.5  # seconds after an answer: who went on sooner would not have finished


def silence(seconds: float) -> bytes:
    """Return digital silence."""
    return bytes(2 * round(seconds * SAMPLE_RATE))


def said(text: str, voice: str = speech.CALLER) -> bytes:
    """Return speech; `[1.2]` in the text is a pause in seconds."""
    return b"".join(
        audible(speech.synthesize(one, voice=voice, sample_rate=SAMPLE_RATE))
        if isinstance(one, str)
        else silence(one)
        for one in parse_say(text)
    )


def sides(
    *turns: str, answer: str = "Thank you. What else?", voice: str = speech.CALLER
) -> tuple[bytes, bytes]:
    """Return the channels of a caller who says these turns, and of a side that answers each."""
    caller, other = silence(1), silence(1)
    for text in turns:
        turn, reply = said(text, voice), said(answer, speech.AGENT)
        caller += turn + silence(GAP) + bytes(len(reply)) + silence(QUIET)
        other += bytes(len(turn)) + silence(GAP) + reply + silence(QUIET)
    return caller, other


def write(path: Path, *channels: bytes, rate: int = SAMPLE_RATE) -> Path:
    """Write channels as a wav file; a lower rate leaves samples out."""
    kept = [array("h", one)[:: SAMPLE_RATE // rate] for one in channels]
    frames = array("h", bytes(2 * len(kept) * len(kept[0])))
    for at, one in enumerate(kept):
        frames[at :: len(kept)] = one
    with wave.open(str(path), "wb") as file:
        file.setparams((len(kept), 2, rate, 0, "NONE", ""))
        file.writeframes(frames.tobytes())
    return path
