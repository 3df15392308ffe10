"""Play a turn that was just spoken to each profile: when would it have answered?

This is the program of `turn_process`. It reads requests and writes answers, each a line of JSON;
the sound follows the line of a request. It ends with its standard input.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
import wave
from collections.abc import Sequence
from importlib import import_module
from itertools import pairwise
from typing import Any, BinaryIO, Final

from timing_profiles.rehearsal import outcome, stored, sweep
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import SHORTEST_PAUSE, Turn
from timing_profiles.rehearsal.outcome import Played
from timing_profiles.rehearsal.recording import SAMPLE_BYTES, SAMPLE_RATE
from timing_profiles.tuner.turn_process import NoTurn
from timing_profiles.turns.fields import Values

_NICE: Final = 5  # an agent on the same machine goes first
_TAKES_SECONDS: Final = ("timing_profiles.rehearsal.session", "timing_profiles.rehearsal.speech")
_MOST_SECONDS: Final = 6.0  # of work; a set may have any number of profiles that hear differently
_ROUNDED: Final = 0.001  # seconds to which moments are rounded
_ANSWER: Final = (
    *("profile", "cut_at", "wait", "decided_by"),
    *("probability", "threshold", "unknown"),
)
_TOO_MANY: Final = "not played: the profiles before it took too long"


def samples_of(content: bytes) -> bytes:
    """Return the samples of a WAV file.

    Args:
        content: The file: 16-bit mono PCM at 16 kHz.

    Raises:
        NoTurn: It is not such a file.
    """
    wanted = f"expected 16-bit mono PCM at {SAMPLE_RATE} Hz as WAV"
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = file.getnchannels(), file.getsampwidth(), file.getframerate()
            samples: bytes = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise NoTurn(f"{wanted}, found: {str(error) or 'the end of the file'}") from None
    if form != (1, SAMPLE_BYTES, SAMPLE_RATE):
        channels, width, rate = form
        raise NoTurn(f"{wanted}, found {channels} x {8 * width} bits at {rate} Hz")
    return samples[: len(samples) // SAMPLE_BYTES * SAMPLE_BYTES]


def judge(samples: bytes, profiles: Sequence[tuple[str, Values]]) -> dict[str, Any]:
    """Return the decision of each profile about a turn, in seconds of the sound.

    Args:
        samples: One turn of a caller, from before its first sound to after its last.
        profiles: The name and the values of each profile, the most important first.

    Raises:
        NoTurn: No speech was found.
    """
    # It takes seconds to import.
    from timing_profiles.rehearsal.speech import speech  # noqa: PLC0415

    heard = speech(samples)
    if not heard:
        raise NoTurn("no speech in this sound")
    played = outcome.cut_out(_turn(heard), samples)
    deadline = time.monotonic() + _MOST_SECONDS
    return {
        "seconds": round(len(samples) / SAMPLE_BYTES / SAMPLE_RATE, 3),
        "speech": [[round(one.start, 3), round(one.end, 3)] for one in heard],
        "profiles": [_judged(played, name, values, deadline) for name, values in profiles],
    }


def _turn(heard: Sequence[Interval]) -> Turn:
    """Make one turn of all speech: whoever sends it has finished."""
    gaps = (Interval(one.end, other.start) for one, other in pairwise(heard))
    pauses = tuple(gap for gap in gaps if gap.seconds >= SHORTEST_PAUSE)
    return Turn(Interval(heard[0].start, heard[-1].end), pauses, None, is_end=True)


def _judged(played: Played, name: str, values: Values, deadline: float) -> dict[str, Any]:
    if time.monotonic() > deadline and not outcome.unknown(values):
        return _unknown(name, _TOO_MANY)
    (found,) = sweep.judge_all(played, [values])
    if isinstance(found, str):
        return _unknown(name, found)
    cut = next(iter(found.cuts), None)
    decided = cut.at if cut else played.turn.speech.end + (found.wait or 0.0)
    asked = [one for one in found.predictions if one.at <= decided + _ROUNDED]
    answer = (
        name,
        cut.at if cut else None,
        found.wait,
        found.decided_by,
        round(asked[-1].probability, 4) if asked else None,
        asked[-1].threshold if asked else None,
        None,
    )
    return dict(zip(_ANSWER, answer, strict=True))


def _unknown(name: str, reason: str) -> dict[str, Any]:
    return {**dict.fromkeys(_ANSWER), "profile": name, "unknown": reason}


def main(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until their end."""
    with contextlib.suppress(AttributeError):  # Windows
        os.nice(_NICE)
    for name in _TAKES_SECONDS:
        import_module(name)
    for line in requests:
        request = json.loads(line)
        sound = requests.read(request["bytes"])
        stored.keep_in_memory()  # of this turn only
        try:
            answer = judge(samples_of(sound), request["profiles"])
        except NoTurn as error:
            answer = {"no_turn": str(error)}
        answers.write(json.dumps(answer).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
