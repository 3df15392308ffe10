"""Read recordings: the channels of one call, in any format that `av` decodes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

import av

from timing_profiles.problems import strerror

SAMPLE_RATE: Final = 16000
"""Samples a second of audio that was read: those that the VAD and the turn detector take.

A session gets 24000 from a room and resamples them with random dither: no two runs are the same.
"""

SAMPLE_BYTES: Final = 2
"""Bytes of one sample, a signed 16-bit integer."""

SUFFIXES: Final = frozenset({".wav", ".ogg", ".oga", ".opus", ".mp3", ".flac"})
"""The endings of the files that are recordings where a directory is given."""

Side = Literal["left", "right"]

_STEREO: Final = 2
_TRUNCATED: Final = 0.98  # share of the declared length below which a file is truncated
_STREAMED: Final = 0xFFFFFFFF  # the size in the header of a wav file that was written to a pipe


class RecordingError(Exception):
    """A file cannot be rehearsed; the text is the reason, without the file's name."""


@dataclass(frozen=True, slots=True)
class Recording:
    """The two sides of one call: mono samples of the machine's byte order, equally long.

    Attributes:
        caller: The caller's channel, or the only one.
        other: The channel of the other side; empty where there is one channel.
    """

    caller: bytes | bytearray
    other: bytes | bytearray

    @property
    def seconds(self) -> float:
        """The duration."""
        return len(self.caller) / SAMPLE_BYTES / SAMPLE_RATE


def files(path: Path) -> list[Path]:
    """Return the recordings that a path names: the file, or those below a directory, sorted."""
    if not path.is_dir():
        return [path]
    found = (Path(folder, name) for folder, _, names in os.walk(path) for name in names)
    return sorted(file for file in found if file.suffix.lower() in SUFFIXES)


def read(path: Path, caller: Side, *, one_channel: bool = False) -> Recording:
    """Read a recording.

    Args:
        path: The file.
        caller: The channel that has the caller.
        one_channel: Whether it may have one channel instead of two.

    Raises:
        RecordingError: It cannot be read, is truncated, silent, or has other channels.
    """
    left, right = bytearray(), bytearray()
    try:
        # Opened here, not by libav: a name may have bytes that are not UTF-8.
        with path.open("rb") as file:
            _check_length(file)
            declared = _decode(file, (left, right), one_channel=one_channel)
    except av.FFmpegError as error:
        reason = error.strerror or type(error).__name__
        raise RecordingError(f"cannot be decoded: {reason}; {_READABLE}") from None
    except OSError as error:
        raise RecordingError(f"cannot be read: {strerror(error)}") from None
    except ValueError:  # a name that no file can have
        raise RecordingError("cannot be read: not a file name") from None
    seconds = len(left) / SAMPLE_BYTES / SAMPLE_RATE
    if not seconds:
        raise RecordingError("contains no audio")
    if declared and seconds < _TRUNCATED * declared:
        raise RecordingError(f"truncated: {seconds:.1f} of {declared:.1f} s are there")
    sides = (left, right) if caller == "left" or not right else (right, left)
    return Recording(*sides)


_READABLE: Final = "wav, ogg, mp3 and flac are read"


def _check_length(file: BinaryIO) -> None:
    """Raise where a wav file is shorter than its header states, which libav does not report."""
    header = file.read(8)
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    declared = int.from_bytes(header[4:], "little") + len(header)
    is_known = header[:4] == b"RIFF" and len(header) < declared < _STREAMED
    if is_known and size < _TRUNCATED * declared:
        raise RecordingError(f"truncated: {size} of {declared} bytes are there")


def _decode(
    file: BinaryIO, channels: tuple[bytearray, bytearray], *, one_channel: bool
) -> float | None:
    """Append the samples of a file to channels; return the seconds that it declares."""
    with av.open(file, "r") as container:
        declared = _declared_seconds(container, one_channel=one_channel)
        for frame in _frames(container):
            for channel, plane in zip(channels, frame.planes, strict=False):
                channel.extend(memoryview(plane)[: SAMPLE_BYTES * frame.samples])
    return declared


def _declared_seconds(container: av.container.InputContainer, *, one_channel: bool) -> float | None:
    if not container.streams.audio:
        raise RecordingError("contains no audio")
    stream = container.streams.audio[0]
    channels = stream.codec_context.layout.nb_channels
    if channels != _STEREO and not (one_channel and channels == 1):
        one = "one channel" if channels == 1 else f"{channels} channels"
        labels = "; with --labels, one is enough" if channels == 1 else ""
        raise RecordingError(
            f"has {one}: a recording needs two, the caller and the other side{labels}"
        )
    if stream.duration is None or stream.time_base is None:
        return None
    return float(stream.duration * stream.time_base)


def _frames(container: av.container.InputContainer) -> Iterator[av.AudioFrame]:
    channels = container.streams.audio[0].codec_context.layout.nb_channels
    layout = "stereo" if channels == _STEREO else "mono"
    resampler = av.AudioResampler(format="s16p", layout=layout, rate=SAMPLE_RATE)
    for frame in container.decode(audio=0):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def mono(path: Path) -> bytes:
    """Read a file as one channel, mixed from all of its own.

    Raises:
        RecordingError: It cannot be read.
    """
    found = bytearray()
    try:
        with av.open(str(path)) as container:
            resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
            for frame in [*container.decode(audio=0), None]:
                for part in resampler.resample(frame):
                    found.extend(memoryview(part.planes[0])[: SAMPLE_BYTES * part.samples])
    except (OSError, av.FFmpegError) as error:
        raise RecordingError(f"cannot be read: {error}") from None
    return bytes(found)


def resampled(samples: bytes, rate: int, target: int) -> bytes:
    """Return mono samples of one rate at another, equally long."""
    frame = av.AudioFrame(format="s16", layout="mono", samples=len(samples) // SAMPLE_BYTES)
    frame.sample_rate = rate
    frame.planes[0].update(samples.ljust(frame.planes[0].buffer_size, b"\0"))
    resampler = av.AudioResampler(format="s16", layout="mono", rate=target)
    found = bytearray()
    for one in (frame, None):
        for part in resampler.resample(one):
            found.extend(memoryview(part.planes[0])[: SAMPLE_BYTES * part.samples])
    length = SAMPLE_BYTES * round(len(samples) / SAMPLE_BYTES * target / rate)
    return bytes(found[:length].ljust(length, b"\0"))


def names(paths: Iterable[Path]) -> list[str]:
    """Return the shortest ends of paths that distinguish them, in the same order."""
    parts = [path.absolute().parts for path in paths]
    longest = max(map(len, parts), default=0)
    for length in range(1, longest + 1):
        short = ["/".join(one[-length:]) for one in parts]
        if len(set(short)) == len(set(parts)):
            return short
    return ["/".join(one) for one in parts]
