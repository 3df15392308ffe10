"""Read recordings: the channels of one call, in any format that `av` decodes."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator
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
Failed = Callable[[Path, str], None]
"""Called with a path that cannot be used, and the reason."""

_STEREO: Final = 2
_TRUNCATED: Final = 0.98  # share of the declared length below which a file is truncated
_STREAMED: Final = 0xFFFFFFFF  # the size in the header of a wav file that was written to a pipe

# In these formats the declared length is exact, but for what an encoder adds at the start.
_EXACT: Final = frozenset({"flac", "ogg"})
_LOST: Final = 0.1  # seconds

_LAST_PAGE: Final = 65307  # bytes of a page of ogg at most, RFC 3533
_IS_LAST: Final = 4  # its flag, in the sixth byte


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


def files(path: Path, failed: Failed) -> list[Path]:
    """Return the recordings that a path names: the file, or those below a directory, sorted."""
    return below(path, SUFFIXES, failed) if os.path.isdir(path) else [path]  # noqa: PTH112 - see `below`


def below(directory: Path, suffixes: Container[str], failed: Failed) -> list[Path]:
    """Return the files below a directory that end with one of some suffixes, sorted.

    A directory that cannot be read is reported. (`Path.is_dir` would raise an error.)

    Args:
        directory: The directory.
        suffixes: In lower case.
        failed: Called with each directory that cannot be read, and the reason.
    """

    def unreadable(error: OSError) -> None:
        failed(Path(error.filename), f"cannot be read: {strerror(error)}")

    walked = os.walk(directory, onerror=unreadable)
    found = (Path(folder, name) for folder, _, names in walked for name in names)
    return sorted(file for file in found if file.suffix.lower() in suffixes)


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
            _decode(file, (left, right), one_channel=one_channel)
    except av.FFmpegError as error:
        reason = error.strerror or type(error).__name__
        raise RecordingError(f"cannot be decoded: {reason}; {_READABLE}") from None
    except OSError as error:
        raise RecordingError(f"cannot be read: {strerror(error)}") from None
    except ValueError:  # a name that no file can have
        raise RecordingError("cannot be read: not a file name") from None
    sides = (left, right) if caller == "left" or not right else (right, left)
    return Recording(*sides)


_READABLE: Final = "wav, ogg, mp3 and flac are read"


def _check_length(file: BinaryIO) -> None:
    """Raise where the end of a wav or ogg file is missing, which libav does not report."""
    header = file.read(8)
    size = file.seek(0, os.SEEK_END)
    if not size:
        raise RecordingError("the file is empty")
    file.seek(max(0, size - _LAST_PAGE))
    last_page = file.read().rpartition(b"OggS")[2]
    file.seek(0)
    if header[:4] == b"OggS" and not (last_page[1:2] or b"\0")[0] & _IS_LAST:
        raise RecordingError("truncated: the last page is missing")
    declared = int.from_bytes(header[4:], "little") + len(header)
    is_known = header[:4] == b"RIFF" and len(header) < declared < _STREAMED
    if is_known and size < _TRUNCATED * declared:
        raise RecordingError(f"truncated: {size} of {declared} bytes are there")


def _decode(file: BinaryIO, channels: tuple[bytearray, bytearray], *, one_channel: bool) -> None:
    """Append the samples of a file to channels."""
    with av.open(_Reader(file), "r") as container:
        _check_channels(container, one_channel=one_channel)
        for frame in _frames(container):
            for channel, plane in zip(channels, frame.planes, strict=False):
                channel.extend(memoryview(plane)[: SAMPLE_BYTES * frame.samples])
        _check_decoded(container, len(channels[0]) / SAMPLE_BYTES / SAMPLE_RATE)


class _Reader:
    """A file for libav, which seeks to invalid positions in files that are damaged."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.tell = file.tell
        self._seek = file.seek

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return the position; -1, an error of libav, where it is invalid."""
        try:
            return self._seek(offset, whence)
        except (OSError, ValueError):
            return -1


def _check_channels(container: av.container.InputContainer, *, one_channel: bool) -> None:
    streams = container.streams.audio
    channels = streams[0].codec_context.layout.nb_channels if streams else 0
    if not channels:
        raise RecordingError("contains no audio")
    if channels != _STEREO and not (one_channel and channels == 1):
        one = "one channel" if channels == 1 else f"{channels} channels"
        labels = "; with --labels, one is enough" if channels == 1 else ""
        raise RecordingError(
            f"has {one}: a recording needs two, the caller and the other side{labels}"
        )


def _check_decoded(container: av.container.InputContainer, seconds: float) -> None:
    """Raise where a file contains less than it declares."""
    stream = container.streams.audio[0]
    if not seconds:
        raise RecordingError("contains no audio")
    if stream.duration is None or stream.time_base is None:
        return
    declared = float(stream.duration * stream.time_base)
    is_exact = container.format.name in _EXACT
    if seconds < (declared - _LOST if is_exact else _TRUNCATED * declared):
        raise RecordingError(
            f"damaged or truncated: {seconds:.2f} of {declared:.2f} s can be decoded"
        )


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
