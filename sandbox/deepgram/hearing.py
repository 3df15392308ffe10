"""Where in the audio there is sound."""

from collections.abc import Iterator
from typing import Final

import numpy as np

FRAMES_PER_SECOND: Final = 100

# -50 dBFS. The stops inside a word stay above it, the gaps between words do not, before and after
# Opus (24 kbit/s, measured with espeak-ng's voices). A noisy room is louder, and unsupported.
_LOUD_RMS: Final = 100.0


def in_frames(seconds: float) -> int:
    """Convert seconds of audio to frames."""
    return round(seconds * FRAMES_PER_SECOND)


def in_seconds(frames: int) -> float:
    """Convert frames of audio to seconds."""
    return frames / FRAMES_PER_SECOND


class Hearing:
    """Linear16 audio in pieces of any size -> whether each 10 ms of it are loud."""

    def __init__(self, sample_rate: int) -> None:
        """Expect a sample rate in Hz that is a multiple of 100."""
        self._frame_bytes = sample_rate // FRAMES_PER_SECOND * 2
        self._rest = b""

    def frames(self, audio: bytes) -> Iterator[bool]:
        """Yield for each frame that is now complete whether it is loud."""
        audio = self._rest + audio
        whole = len(audio) // self._frame_bytes * self._frame_bytes
        self._rest = audio[whole:]
        samples = np.frombuffer(audio[:whole], dtype="<i2").astype(np.float32)
        frames = samples.reshape(-1, self._frame_bytes // 2)
        yield from (frames**2).mean(axis=1) > _LOUD_RMS**2
