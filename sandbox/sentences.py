"""The recorded sentences of the page of `timing-profiles tune`, in a stand-in's voice.

`python -m sandbox.sentences` writes them. A browser plays them as the microphone, so that the same
words can be heard under two profiles.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import av
import numpy as np

from sandbox.caller.script import Script
from sandbox.caller.sound import SAMPLE_RATE
from timing_profiles.tuner import page_files

FOLDER: Final = page_files.FOLDER / "sentences"

_BITS_PER_SECOND: Final = 16_000  # espeak-ng's voice has nothing that more would keep
_FRAME: Final = 480  # samples: 20 ms, as Opus has them


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence with pauses.

    Attributes:
        name: of its file.
        title: for people.
        say: the words, with pauses in seconds in brackets.
    """

    name: str
    title: str
    say: str

    def samples(self) -> bytes:
        """Return the sound: mono, 16 bits, 24 kHz, without silence around it."""
        (turn,) = Script(self.say).turns()
        return b"".join(map(_sound, turn))


SENTENCES: Final = (
    Sentence("number", "Number, 1.2 s pause", Script().text),
    Sentence("table", "Request, 0.7 s pause", "I would like a table for [0.7] four people."),
    Sentence(
        "order", "Two sentences, 0.5 s apart", "Can you check my order? [0.5] It is from Monday."
    ),
)


def _sound(part: bytes | float) -> bytes:
    if isinstance(part, bytes):
        return part
    return bytes(2 * round(part * SAMPLE_RATE))


def encoded(samples: bytes) -> bytes:
    """Return 16-bit mono samples of 24 kHz as Ogg Opus; equal samples give equal bytes."""
    file = io.BytesIO()
    options = {"fflags": "+bitexact", "serial_offset": "0"}
    with av.open(file, "w", format="ogg", options=options) as container:
        stream = container.add_stream(
            "libopus", rate=SAMPLE_RATE, options={"application": "voip", "flags": "+bitexact"}
        )
        stream.bit_rate = _BITS_PER_SECOND
        stream.layout = "mono"
        for frame in _frames(samples):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def _frames(samples: bytes) -> Sequence[av.AudioFrame]:
    frames = []
    for at in range(0, len(samples), 2 * _FRAME):
        part = np.frombuffer(samples[at : at + 2 * _FRAME].ljust(2 * _FRAME, b"\0"), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(part.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = at // 2
        frames.append(frame)
    return frames


def files() -> Mapping[str, bytes]:
    """Return the files of the page's folder, by name."""
    made: dict[str, bytes] = {}
    listed = []
    for sentence in SENTENCES:
        samples = sentence.samples()
        made[f"{sentence.name}.ogg"] = encoded(samples)
        listed.append(
            {
                "name": sentence.name,
                "title": sentence.title,
                "text": sentence.say,
                "seconds": round(len(samples) / 2 / SAMPLE_RATE, 2),
            }
        )
    text = json.dumps(listed, indent=1) + "\n"
    return {**made, "sentences.json": text.encode()}


def main() -> None:
    """Write the files of the page's folder."""
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)


if __name__ == "__main__":
    main()
