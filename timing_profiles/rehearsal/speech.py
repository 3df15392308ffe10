"""Find speech in one channel of a recording: the SDK's VAD, and the level around its borders."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

from livekit import rtc
from livekit.agents import inference, vad

from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.recording import SAMPLE_BYTES, SAMPLE_RATE
from timing_profiles.rehearsal.virtual_time import run

# Shorter than any pause that counts: the VAD separates words that are so far apart.
_SILENCE: Final = 0.1
_FRAME: Final = SAMPLE_RATE // 2  # samples that the VAD gets at a time
_AHEAD: Final = 30.0  # seconds that the VAD is given ahead: an hour would be copied
_BLOCK: Final = SAMPLE_RATE // 100  # samples whose level is one value

_REACH: Final = 0.3  # seconds around a border of the VAD in which the first or last sound is
_ABOVE_NOISE: Final = 2.0  # times the level of the silence beside it
_BELOW_SPEECH: Final = 0.02  # times the highest level of the speech: -34 dB


def speech(samples: bytes | bytearray) -> list[Interval]:
    """Find speech, from the first to the last sound of each stretch.

    Args:
        samples: One channel.

    Returns:
        Stretches of speech, in order, with at least 0.1 s of silence between them.
    """
    found = run(_detected(samples), start=0.0)
    audio = memoryview(samples).cast("h")
    return [
        Interval(_first_sound(audio, one, before), _last_sound(audio, one, after))
        for before, one, after in zip(
            [0.0, *(one.end for one in found)],
            found,
            [*(one.start for one in found[1:]), len(audio) / SAMPLE_RATE],
            strict=False,
        )
    ]


async def _detected(samples: bytes | bytearray) -> list[Interval]:
    stream = inference.VAD(min_silence_duration=_SILENCE).stream()
    frames = _frames(samples)
    found: list[Interval] = []
    start = None
    timestamp = pushed = 0.0
    is_open = True
    while is_open and pushed < _AHEAD:
        pushed, is_open = _push(stream, frames, pushed)
    async for event in stream:
        timestamp = event.timestamp
        while is_open and pushed < timestamp + _AHEAD:
            pushed, is_open = _push(stream, frames, pushed)
        if event.type is vad.VADEventType.START_OF_SPEECH:
            start = timestamp - event.speech_duration
        elif event.type is vad.VADEventType.END_OF_SPEECH and start is not None:
            found.append(Interval(start, timestamp - event.silence_duration))
            start = None
    if start is not None:  # it speaks to the end
        found.append(Interval(start, timestamp))
    await stream.aclose()
    return found


def _frames(samples: bytes | bytearray) -> Iterator[rtc.AudioFrame]:
    view, step = memoryview(samples), _FRAME * SAMPLE_BYTES
    for at in range(0, len(samples), step):
        data = bytes(view[at : at + step])
        yield rtc.AudioFrame(data, SAMPLE_RATE, 1, len(data) // SAMPLE_BYTES)


def _push(
    stream: vad.VADStream, frames: Iterator[rtc.AudioFrame], pushed: float
) -> tuple[float, bool]:
    """Give a stream its next frame, or end it; return the seconds given, and whether it is open."""
    frame = next(frames, None)
    if frame is None:
        stream.end_input()
        return pushed, False
    stream.push_frame(frame)
    return pushed + frame.duration, True


def _first_sound(audio: memoryview, one: Interval, before: float) -> float:
    """Return where the first block that is loud enough begins."""
    lowest = max(before, one.start - _REACH)
    threshold = _threshold(audio, one, Interval(max(before, lowest - _REACH), lowest))
    levels = _levels(audio, Interval(lowest, min(one.end, one.start + _REACH)))
    loud = (at for at, level in enumerate(levels) if level > threshold)
    at = next(loud, None)
    return one.start if at is None else lowest + at * _BLOCK / SAMPLE_RATE


def _last_sound(audio: memoryview, one: Interval, after: float) -> float:
    """Return where the last block that is loud enough ends."""
    threshold = _threshold(audio, one, Interval(one.end, min(after, one.end + _REACH)))
    lowest = max(one.start, one.end - _REACH)
    levels = _levels(audio, Interval(lowest, one.end))
    loud = [at for at, level in enumerate(levels) if level > threshold]
    return lowest + (loud[-1] + 1) * _BLOCK / SAMPLE_RATE if loud else one.end


def _threshold(audio: memoryview, speech: Interval, silence: Interval) -> float:
    noise = sorted(_levels(audio, silence))
    quiet = noise[len(noise) // 2] if noise else 0.0
    return max(_ABOVE_NOISE * quiet, _BELOW_SPEECH * max(_levels(audio, speech), default=0.0))


def _levels(audio: memoryview, interval: Interval) -> list[float]:
    """Return the root mean square of each block of an interval."""
    first, last = (round(at * SAMPLE_RATE) for at in (interval.start, interval.end))
    starts = range(first, min(last, len(audio)) - _BLOCK + 1, _BLOCK)
    # hypot is the fastest sum of squares in the standard library of 3.10.
    return [math.hypot(*audio[at : at + _BLOCK]) / math.sqrt(_BLOCK) for at in starts]
