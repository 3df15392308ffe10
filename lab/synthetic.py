"""Stereo recordings of calls with synthetic speech, and their words."""

import json
import wave
from array import array
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from sandbox import speech
from sandbox.caller.script import parse_say
from sandbox.caller.sound import audible
from sandbox.deepgram import Deepgram
from sandbox.deepgram.flux import Flux

RATE: Final = 16000
"""Samples a second."""

_GAP: Final = 0.8  # seconds between the sides
_QUIET: Final = 2.5  # seconds after an answer: who went on sooner would not have finished
_ANSWER: Final = "Thank you. What else?"


def calls(folder: Path, texts: Sequence[str]) -> list[Path]:
    """Write a call for each text; `|` parts its turns, `[1.2]` is a pause in seconds."""
    files = []
    for number, text in enumerate(texts, 1):
        caller, other = bytearray(2 * RATE), bytearray(2 * RATE)
        for turn in text.split("|"):
            _add(caller, other, turn)
        files.append(_write(folder / f"call-{number}.wav", caller, other))
    return files


def call_of(path: Path, turns: Sequence[str], seconds: float) -> Path:
    """Write a call of at least so many seconds, with the same turns over and over."""
    caller, other = bytearray(2 * RATE), bytearray(2 * RATE)
    for turn in islice(cycle(turns), 100_000):
        if len(caller) >= 2 * RATE * seconds:
            break
        _add(caller, other, turn)
    return _write(path, caller, other)


def _add(caller: bytearray, other: bytearray, turn: str) -> None:
    for part in parse_say(turn.strip()):
        said = bytes(2 * round(RATE * part)) if isinstance(part, float) else _said(part)
        caller += said
        other += bytes(len(said))
    answer = _said(_ANSWER, speech.AGENT)
    for pause in (_GAP, _QUIET):
        silence = bytes(2 * round(RATE * pause))
        caller += silence
        other += silence
        if pause == _GAP:
            caller += bytes(len(answer))
            other += answer


def _said(text: str, voice: str = speech.CALLER) -> bytes:
    return audible(speech.synthesize(text, voice=voice, sample_rate=RATE))


def _write(path: Path, *channels: bytes | bytearray) -> Path:
    frames = array("h", bytes(2 * sum(map(len, channels)) // 2))
    for at, channel in enumerate(channels):
        frames[at :: len(channels)] = array("h", bytes(channel))
    with wave.open(str(path), "wb") as file:
        file.setparams((len(channels), 2, RATE, 0, "NONE", ""))
        file.writeframes(frames.tobytes())
    return path


def words_of(call: Path, target: Path) -> Path:
    """Write what the sandbox's Flux would send about the caller of a call."""
    with wave.open(str(call), "rb") as file:
        caller = array("h", file.readframes(file.getnframes()))[:: file.getnchannels()].tobytes()
    query = {"model": ["flux-general-en"], "encoding": ["linear16"], "sample_rate": [str(RATE)]}
    stream = Flux(query, Deepgram(), "")
    target.write_text(json.dumps([*stream.hear(caller)]), encoding="utf-8")
    return target
