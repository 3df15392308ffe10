"""What `listening_agent` recorded of a call, on the time line of what the caller sent."""

import itertools
import json
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.caller.sound import SAMPLE_RATE

Sound = NDArray[np.int16]

_CLEAR = 0.7  # the correlation of a sound with itself after Opus; without it, 0.3 at most
_SILENT = round(0.1 * SAMPLE_RATE)  # samples without sound that part two stretches
_ANCHOR = round(0.5 * SAMPLE_RATE)  # samples of a stretch that are looked for
_FRAME = 0.05  # seconds: RoomIO's own
_NOTICED = 0.6  # seconds in which the VAD and the turn detector notice that the caller is silent
_BEFORE, _AFTER = 0.2, 1.5  # seconds around the expected moment in which they are


@dataclass(frozen=True, slots=True)
class Heard:
    """What an agent heard and did.

    Attributes:
        sound: All frames, one after the other.
        ends: The samples that it had after each frame.
        came: When each frame came, in seconds since 1970.
        states: The states of the agent, with their times.
        predictions: The probabilities of the turn detector, likewise.
        late: How late the event loop was, in seconds, likewise.
    """

    sound: Sound
    ends: list[int]
    came: list[float]
    states: list[tuple[float, str]]
    predictions: list[tuple[float, float]]
    late: list[tuple[float, float]]

    def came_at(self, sample: int) -> float:
        """Return when a sample came; within its frame, at the pace of sound."""
        frame = min(bisect_left(self.ends, sample), len(self.ends) - 1)
        return self.came[frame] - (self.ends[frame] - sample) / SAMPLE_RATE

    def find(self, sound: Sound, about: float) -> int | None:
        """Return the sample at which a sound begins; None where it is not clear.

        Args:
            sound: What was sent.
            about: When it was sent, in seconds since 1970.
        """
        first = bisect_left(self.came, about - _BEFORE)
        last = bisect_left(self.came, about + len(sound) / SAMPLE_RATE + _AFTER)
        start = self.ends[first - 1] if first else 0
        within = self.sound[start : self.ends[min(last, len(self.ends) - 1)]]
        if len(within) < len(sound):
            return None
        at = _best_match(within, sound)
        found = within[at : at + len(sound)]
        return start + at if _correlation(found, sound) > _CLEAR else None

    def stall(self, end: float, decided: float) -> float:
        """Return by how many seconds the agent's process or its sound was late at most.

        Args:
            end: When the last sound came. What counts is then, and just before the decision.
            decided: When the agent decided.
        """
        spans = (end - 2 * _FRAME, min(end + _NOTICED, decided)), (decided - 2 * _FRAME, decided)
        return max(self._late(*span) for span in spans)

    def _late(self, since: float, until: float) -> float:
        beats = [late for at, late in self.late if since <= at <= until + _FRAME]
        frames = [at for at in self.came if since - _FRAME <= at <= until]
        gaps = [b - a - _FRAME for a, b in itertools.pairwise(frames)]
        return max([*beats, *gaps], default=0.0)


def read(file: Path) -> Heard:
    """Read what was recorded of a call.

    Args:
        file: The path without a suffix.
    """
    notes: dict[str, list[tuple[float, Any]]] = {}
    for line in file.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines():
        what, at, value = json.loads(line)
        notes.setdefault(what, []).append((at, value))
    frames = notes.get("frame", [])
    return Heard(
        sound=np.frombuffer(file.with_suffix(".pcm").read_bytes(), dtype=np.int16),
        ends=list(itertools.accumulate(samples for _, samples in frames)),
        came=[at for at, _ in frames],
        states=notes.get("state", []),
        predictions=notes.get("prediction", []),
        late=notes.get("late", []),
    )


def stretches(sound: Sound) -> Iterator[tuple[int, int]]:
    """Yield the first and last sample of each stretch of a sound, with silence between them."""
    loud = np.flatnonzero(sound)
    borders = np.flatnonzero(np.diff(loud) > _SILENT)
    firsts = [loud[0], *loud[borders + 1]]
    lasts = [*loud[borders], loud[-1]]
    yield from ((int(a), int(b) + 1) for a, b in zip(firsts, lasts, strict=True))


def anchor(sound: Sound, end: int) -> tuple[int, Sound]:
    """Return the first sample of the end of a stretch, and its sound."""
    first = max(0, end - _ANCHOR)
    return first, sound[first:end]


def _best_match(within: Sound, sound: Sound) -> int:
    size = len(within) + len(sound)
    spectrum = np.fft.rfft(within.astype(float), size)
    of_sound = np.fft.rfft(sound.astype(float), size)
    product = np.fft.irfft(spectrum * np.conj(of_sound), size)
    return int(np.argmax(product[: len(within) - len(sound) + 1]))


def _correlation(one: Sound, other: Sound) -> float:
    if not one.any():
        return 0.0
    return float(np.corrcoef(one.astype(float), other.astype(float))[0, 1])
