"""What a caller hears of an agent: a loudspeaker at the pace of real time."""

import asyncio
import time
from typing import Final

import numpy as np
from livekit import rtc
from livekit.agents.voice import io

from tests.e2e.fields.mouth import SAMPLE_RATE, Interval

_SLICE: Final = 0.02  # seconds that are played at a time
_SLICE_BYTES: Final = 2 * round(SAMPLE_RATE * _SLICE)
_GAP: Final = 0.3  # seconds of silence that part one sound from the next
_AUDIBLE: Final = 100.0  # root mean square of 16-bit samples, -50 dB of full scale


class Ear(io.AudioOutput):
    """Plays what it is given, and can be paused.

    Attributes:
        sounds: Stretches of audible sound, parted by at least 0.3 s of silence.
    """

    def __init__(self) -> None:
        """Nothing is heard yet."""
        super().__init__(
            label="ear",
            capabilities=io.AudioOutputCapabilities(pause=True),
            sample_rate=SAMPLE_RATE,
        )
        self.sounds: list[Interval] = []
        self._waiting = bytearray()
        self._played = 0.0
        self._is_whole = False  # the segment: whether all of it has been given
        self._is_playing = asyncio.Event()
        self._is_playing.set()
        self._loudspeaker: asyncio.Task[None] | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Take a frame of the segment."""
        await super().capture_frame(frame)
        self._waiting += bytes(frame.data)
        if self._loudspeaker is None:
            self._is_whole = False
            self._loudspeaker = asyncio.create_task(self._play())

    def flush(self) -> None:
        """All of the segment has been given."""
        super().flush()
        self._is_whole = True

    def clear_buffer(self) -> None:
        """Stop the segment where it is."""
        if self._loudspeaker is not None:
            self._loudspeaker.cancel()
            self._over(interrupted=True)

    def pause(self) -> None:
        """Fall silent."""
        super().pause()
        self._is_playing.clear()

    def resume(self) -> None:
        """Go on."""
        super().resume()
        self._is_playing.set()

    async def _play(self) -> None:
        due = time.time()
        while self._waiting or not self._is_whole:
            if not self._is_playing.is_set():
                await self._is_playing.wait()
                due = time.time()
            if self._waiting:
                self._hear(bytes(self._waiting[:_SLICE_BYTES]))
                del self._waiting[:_SLICE_BYTES]
            due += _SLICE
            await asyncio.sleep(max(0.0, due - time.time()))
        self._over(interrupted=False)

    def _hear(self, samples: bytes) -> None:
        now = time.time()
        if not self._played:
            self.on_playback_started(created_at=now)
        self._played += len(samples) / (2 * SAMPLE_RATE)
        if not _is_audible(samples):
            return
        if self.sounds and now - self.sounds[-1].end < _GAP:
            self.sounds[-1] = Interval(self.sounds[-1].start, now + _SLICE)
        else:
            self.sounds.append(Interval(now, now + _SLICE))

    def _over(self, *, interrupted: bool) -> None:
        played, self._played = self._played, 0.0
        self._loudspeaker = None
        self._waiting.clear()
        self.on_playback_finished(playback_position=played, interrupted=interrupted)


def _is_audible(samples: bytes) -> bool:
    return bool(np.sqrt(np.mean(np.frombuffer(samples, "<i2").astype(np.float64) ** 2)) > _AUDIBLE)
