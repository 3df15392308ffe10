"""Change the audio that a session gets: noise at a signal-to-noise ratio, a telephone line."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np

from timing_profiles.problems import listed, quoted
from timing_profiles.rehearsal import recording
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.outcome import Played
from timing_profiles.rehearsal.recording import SAMPLE_RATE

_TELEPHONE: Final = 8000  # Hz, G.711
_TAIL: Final = 15.0  # seconds of noise after the next speech: longer than any wait
_LEVEL: Final = re.compile(r"([+-]?\d+(?:\.\d+)?) ?dB", re.IGNORECASE)
_LOUDEST: Final = 100.0  # dB, in either direction: beyond it, 16 bits contain nothing of the other

# G.711 mu-law: the offset that makes segments of equal steps, and the highest sample.
_BIAS, _CLIP = 132, 32635


class LineError(Exception):
    """Noise cannot be used; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Noise:
    """Noise under the caller.

    Attributes:
        name: That of a recording of the SDK.
        decibels: The level of the caller's speech above that of the noise.
    """

    name: str
    decibels: float

    def __str__(self) -> str:
        """Return the noise as the command line has it."""
        return f"{self.name}:{self.decibels:g}dB"


@dataclass(frozen=True, slots=True)
class Line:
    """The line between a caller and the session.

    Attributes:
        noise: Noise beside the caller; none by default.
        is_telephone: Whether the sound passes the mu-law of a telephone, 8000 samples a second.
    """

    noise: Noise | None = None
    is_telephone: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether the session hears the recording as it is."""
        return self.noise is None and not self.is_telephone

    def __str__(self) -> str:
        """Return the changes as text; empty where there are none."""
        parts = [f"noise {self.noise}"] if self.noise else []
        return ", ".join([*parts, *(["line mulaw"] if self.is_telephone else [])])

    def changed(self, played: Played, level: float) -> Played:
        """Return a turn as the session hears it.

        The noise begins with the recording and continues after the next speech: there, the caller
        would still stand in it.

        Args:
            played: The turn.
            level: That of the caller's speech; see `level`.
        """
        if self.is_clean:
            return played
        before = len(played.before)
        samples = played.before + played.samples
        if self.noise:
            samples = _mixed(samples, played.first, self.noise, level)
        if self.is_telephone:
            samples = _by_telephone(samples)
        return replace(played, samples=samples[before:], before=samples[:before], level=level)


def level(samples: bytes | bytearray, speech: Sequence[Interval]) -> float:
    """Return the level of speech: the root mean square over all stretches of a recording."""
    sound = np.frombuffer(samples, dtype=np.int16)
    squares, count = 0.0, 0
    for one in speech:
        part = sound[round(one.start * SAMPLE_RATE) : round(one.end * SAMPLE_RATE)]
        squares += float(np.square(part.astype(np.float64)).sum())
        count += len(part)
    return math.sqrt(squares / count) if count else 0.0


def parse_noise(text: str) -> Noise:
    """Parse noise as a command line has it, `crowded-room:10dB`.

    Raises:
        LineError: The name is not one of the SDK's recordings, or the level cannot be read.
    """
    name, _, loud = text.rpartition(":")
    found = _LEVEL.fullmatch(loud.strip())
    if not name or not found:
        raise LineError(f"noise {quoted(text)} cannot be read: write NAME:10dB")
    decibels = float(found[1])
    if abs(decibels) > _LOUDEST:
        raise LineError(f"noise {quoted(text)}: the level lies between -100dB and 100dB")
    known = names()
    fitting = [one for one in known if one == name] or [
        one for one in known if one.startswith(name)
    ]
    if len(fitting) != 1:
        what = "ambiguous" if fitting else "unknown"
        shown = listed(fitting or known)
        raise LineError(f"noise {quoted(text)}: {what} name {quoted(name)}; available: {shown}")
    return Noise(fitting[0], decibels)


def names() -> list[str]:
    """Return the names of the noise that the SDK contains."""
    return sorted(_files())


@cache
def _files() -> Mapping[str, Path]:
    """Return the recordings of noise that the SDK contains, by name."""
    found = find_spec("livekit.agents")  # without importing it, which takes seconds
    folder = Path(found.origin).parent / "resources" if found and found.origin else Path()
    return {file.stem.replace("_", "-"): file for file in sorted(folder.glob("*.ogg"))}


@cache
def _sound(name: str) -> Any:
    """Return the samples of noise at a level of 1."""
    samples = np.frombuffer(recording.mono(_files()[name]), dtype=np.int16).astype(np.float64)
    return samples / math.sqrt(float(np.square(samples).mean()))


def _mixed(samples: bytes, start: float, noise: Noise, speech: float) -> bytes:
    sound = _sound(noise.name)
    caller = np.frombuffer(samples, dtype=np.int16)
    count = len(caller) + round(_TAIL * SAMPLE_RATE)
    places = (round(start * SAMPLE_RATE) + np.arange(count)) % len(sound)
    mixed = sound[places] * (speech / 10 ** (noise.decibels / 20))
    mixed[: len(caller)] += caller
    found: bytes = np.clip(np.rint(mixed), -32768, 32767).astype(np.int16).tobytes()
    return found


def _by_telephone(samples: bytes) -> bytes:
    low = recording.resampled(samples, SAMPLE_RATE, _TELEPHONE)
    found = recording.resampled(mulaw(low), _TELEPHONE, SAMPLE_RATE)
    return found[: len(samples)].ljust(len(samples), b"\0")


def mulaw(samples: bytes) -> bytes:
    """Return samples after the mu-law of G.711: 8 segments of 16 steps for each sign."""
    wide = np.frombuffer(samples, dtype=np.int16).astype(np.int32)
    loud = np.minimum(np.abs(wide), _CLIP) + _BIAS
    segment = np.maximum(np.floor(np.log2(loud)).astype(np.int32) - 7, 0)
    step = 1 << (segment + 3)
    decoded = (loud // step) * step + step // 2 - _BIAS
    found: bytes = (np.sign(wide) * decoded).astype(np.int16).tobytes()
    return found
