"""What a caller says, as a session hears it: frames at the pace of real time, as RoomIO gives them.

All times are `time.time()`, the clock of the SDK's events and of the stand-ins' records.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from livekit import rtc
from livekit.agents.voice import io

SAMPLE_RATE: Final = 24000
FRAME: Final = 0.05
"""Seconds in a frame: RoomIO's own."""

_FRAME_BYTES: Final = 2 * round(SAMPLE_RATE * FRAME)


@dataclass(frozen=True, slots=True)
class Interval:
    """From the first to the last sample of a sound."""

    start: float
    end: float


class Mouth(io.AudioInput):
    """Gives silence, and between it what is said."""

    def __init__(self) -> None:
        """Nothing is said yet."""
        super().__init__(label="mouth")
        self._waiting = bytearray()
        self._said = asyncio.Event()
        self._began: float | None = None
        self._given = 0

    async def __anext__(self) -> rtc.AudioFrame:
        """Wait until the next frame is over, and give it."""
        if self._began is None:
            self._began = time.time()
        self._given += 1
        await asyncio.sleep(self._now - time.time())
        audio = bytes(self._waiting[:_FRAME_BYTES])
        del self._waiting[:_FRAME_BYTES]
        if not self._waiting:
            self._said.set()
        frame = audio.ljust(_FRAME_BYTES, b"\0")
        return rtc.AudioFrame(frame, SAMPLE_RATE, 1, len(frame) // 2)

    async def say(self, sounds: Sequence[bytes | float]) -> list[Interval]:
        """Say sounds of 16-bit samples, with pauses in seconds between them.

        Returns:
            When each sound was said; once all are.
        """
        start = self._now + len(self._waiting) / (2 * SAMPLE_RATE)
        intervals = []
        for sound in sounds:
            samples = sound if isinstance(sound, bytes) else bytes(2 * round(SAMPLE_RATE * sound))
            self._waiting += samples
            end = start + len(samples) / (2 * SAMPLE_RATE)
            if isinstance(sound, bytes):
                intervals.append(Interval(start, end))
            start = end
        self._said.clear()
        await self._said.wait()
        return intervals

    @property
    def _now(self) -> float:
        """When the frame that is being given is over."""
        return (self._began or time.time()) + self._given * FRAME
