"""Words with times for synthetic recordings: what the sandbox's Deepgram hears in the caller."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from sandbox.deepgram import Deepgram
from sandbox.deepgram.flux import Flux
from sandbox.deepgram.query import ListenOptions
from sandbox.deepgram.transcriber import Transcriber
from tests.recorded import SAMPLE_RATE

_CHUNK: Final = 2 * SAMPLE_RATE // 100  # 10 ms: each message has the second that it belongs to


def of_nova(samples: bytes, endpointing: float = 0.025) -> list[tuple[float, dict[str, Any]]]:
    """Return the results of nova's stream, each with the seconds of audio before it."""
    query = {
        "model": ["nova-3"],
        "encoding": ["linear16"],
        "sample_rate": [str(SAMPLE_RATE)],
        "channels": ["1"],
        "endpointing": [str(round(1000 * endpointing))],
    }
    stream = Transcriber(ListenOptions.from_query(query), Deepgram(), "")
    return [
        (stream.seconds, message)
        for chunk in _chunks(samples)
        for message in stream.hear(chunk)
        if message["type"] == "Results"
    ]


def of_flux(samples: bytes, **options: float) -> list[dict[str, Any]]:
    """Return the messages of Flux's stream."""
    query = {
        "model": ["flux-general-en"],
        "encoding": ["linear16"],
        "sample_rate": [str(SAMPLE_RATE)],
        **{name: [str(value)] for name, value in options.items()},
    }
    stream = Flux(query, Deepgram(), "")
    return [message for chunk in _chunks(samples) for message in stream.hear(chunk)]


def spoken(samples: bytes) -> list[dict[str, Any]]:
    """Return the words of a channel."""
    return [
        word
        for _, message in of_nova(samples)
        for word in message["channel"]["alternatives"][0]["words"]
    ]


def response(*channels: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return Deepgram's response to a recording with these words in its channels."""
    return {
        "metadata": {"channels": len(channels)},
        "results": {"channels": [{"alternatives": [{"words": [*words]}]} for words in channels]},
    }


def write(path: Path, found: Any) -> Path:
    """Write JSON."""
    path.write_text(json.dumps(found), encoding="utf-8")
    return path


def _chunks(samples: bytes) -> Iterator[bytes]:
    return (samples[at : at + _CHUNK] for at in range(0, len(samples), _CHUNK))
