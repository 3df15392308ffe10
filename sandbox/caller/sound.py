"""The caller's microphone and ear: sound at the pace of real time, and when it was audible."""

import asyncio
import time
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from livekit import rtc

from timing_profiles.rehearsal.interval import Interval

SAMPLE_RATE = 24000

_FRAME_SECONDS = 0.01
_FRAME_SAMPLES = round(SAMPLE_RATE * _FRAME_SECONDS)
_SILENCE = bytes(2 * _FRAME_SAMPLES)

# Root mean square of a frame of 16-bit samples, -44 dB of full scale: above the noise that Opus
# leaves in silence, below the quietest sounds of speech.
_AUDIBLE = 200

# What is sent, and what is heard, at once: two packets of Opus. Half of it doubles the work.
_PACKET_SECONDS = 0.04
_PACKET_MS = round(1000 * _PACKET_SECONDS)
_PACKET_BYTES = 2 * round(SAMPLE_RATE * _PACKET_SECONDS)
_PAUSE = bytes(_PACKET_BYTES)

_LEAD = 0.1  # seconds that the microphone runs ahead, so that a busy moment leaves no gap
_GAP = 0.3  # seconds of silence that part one sound from the next


class Track:
    """Sound that was sent or heard: consecutive 16-bit mono samples.

    Attributes:
        started: when the first sample was, in seconds of `time.monotonic()`.
        samples: all of them.
    """

    def __init__(self) -> None:
        self.started = 0.0
        self.samples = bytearray()

    def add(self, sound: bytes, at: float) -> None:
        """Append sound; a gap before it, as while nothing arrived, becomes silence."""
        if not self.samples:
            self.started = at
        missing = round((at - self.started - self.seconds) / _FRAME_SECONDS)
        if missing * _FRAME_SECONDS > _GAP:
            self.samples += _SILENCE * missing
        self.samples += sound

    @property
    def seconds(self) -> float:
        """Return the duration in seconds."""
        return _seconds(self.samples)


class Microphone:
    """A microphone that sends silence and queued sound.

    Attributes:
        track: to be published.
        sent: everything so far.
    """

    def __init__(self) -> None:
        self._source = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=200)
        self.track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        self.sent = Track()
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()
        self._left = 0.0

    async def run(self) -> None:
        """Send until cancelled."""
        due = time.monotonic() - _LEAD
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if self._waiting.empty():
                due += await self._send(_PAUSE)
            else:
                due += await self._send(self._waiting.get_nowait())
                self._waiting.task_done()

    async def play(self, samples: bytes) -> Interval:
        """Send mono 16-bit samples; returns once they are on the way, with when they leave."""
        packets = _cut(samples, _PACKET_BYTES)
        for packet in packets:
            self._waiting.put_nowait(packet)
        await self._waiting.join()
        end = self._left + _seconds(packets[-1])
        return Interval(end - _seconds(samples), end)

    async def pause(self, seconds: float) -> None:
        """Send silence for a number of seconds."""
        await self.play(_SILENCE * max(1, round(seconds / _FRAME_SECONDS)))

    async def _send(self, packet: bytes) -> float:
        """Send a packet, its last frame filled up with silence; return its duration in seconds."""
        packet = b"".join(_frames(packet))
        self._left = time.monotonic() + self._source.queued_duration
        self.sent.add(packet, self._left)
        frame = rtc.AudioFrame(packet, SAMPLE_RATE, 1, len(packet) // 2)
        capture = asyncio.ensure_future(self._source.capture_frame(frame))
        try:
            await asyncio.shield(capture)
        except asyncio.CancelledError:
            await capture  # its end, in a program that has ended, is an error on the terminal
            raise
        return _seconds(packet)


class Ear:
    """Sound that arrives on a track.

    Attributes:
        sounds: stretches of audible sound in seconds of `time.monotonic()`, parted by at least
            0.3 s of silence.
        heard: everything so far.
    """

    def __init__(self) -> None:
        self.sounds: list[Interval] = []
        self.heard = Track()

    async def listen(self, track: rtc.Track) -> None:
        """Listen until the track ends."""
        stream = rtc.AudioStream.from_track(
            track=track, sample_rate=SAMPLE_RATE, num_channels=1, frame_size_ms=_PACKET_MS
        )
        try:
            async for event in stream:
                self._hear(bytes(event.frame.data), time.monotonic())
        finally:
            await stream.aclose()

    def _hear(self, packet: bytes, at: float) -> None:
        began = at - _seconds(packet)
        for number, frame in enumerate(_frames(packet), start=1):
            self._notice(frame, began + number * _FRAME_SECONDS)

    def _notice(self, frame: bytes, at: float) -> None:
        self.heard.add(frame, at)
        if not _is_audible(frame):
            return
        if self.sounds and at - self.sounds[-1].end < _GAP:
            self.sounds[-1] = Interval(self.sounds[-1].start, at)
        else:
            self.sounds.append(Interval(at, at))


def audible(samples: bytes) -> bytes:
    """Return the frames from the first to the last audible one; empty without any."""
    frames = _frames(samples)
    loud = [index for index, frame in enumerate(frames) if _is_audible(frame)]
    return b"".join(frames[loud[0] : loud[-1] + 1]) if loud else b""


def write_wav(path: Path, left: Track, right: Track) -> None:
    """Write both tracks as one stereo recording, aligned in time."""
    start = min(track.started for track in (left, right) if track.samples)
    sides = [_samples_from(start, track) for track in (left, right)]
    stereo = np.zeros((max(map(len, sides)), len(sides)), dtype=np.int16)
    for column, side in enumerate(sides):
        stereo[: len(side), column] = side
    with wave.open(str(path), "wb") as file:
        file.setparams((len(sides), 2, SAMPLE_RATE, len(stereo), "NONE", ""))
        file.writeframes(stereo.tobytes())


def _samples_from(start: float, track: Track) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    late = max(0, round((track.started - start) * SAMPLE_RATE))
    return np.frombuffer(bytes(2 * late) + track.samples, dtype=np.int16)


def _frames(samples: bytes) -> Sequence[bytes]:
    size = len(_SILENCE)
    return [frame.ljust(size, b"\0") for frame in _cut(samples, size)]


def _cut(samples: bytes, size: int) -> Sequence[bytes]:
    return [samples[at : at + size] for at in range(0, len(samples), size)]


def _seconds(samples: bytes | bytearray) -> float:
    return len(samples) / (2 * SAMPLE_RATE)


def _is_audible(frame: bytes) -> bool:
    samples = np.frombuffer(frame, dtype=np.int16).astype(np.float64)
    return bool(samples @ samples > _AUDIBLE**2 * len(samples))
