"""`python -m lab.noise [--levels 20,10,5] [NOISE...]`: rehearse, and print one table."""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from livekit import rtc
from livekit.agents import vad

from lab import markdown
from lab.synthetic import RATE, calls
from timing_profiles.call import sdk_arguments
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal import line, recording, rehearse
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.line import Line, Noise
from timing_profiles.rehearsal.outcome import Played
from timing_profiles.rehearsal.rehearse import Conditions
from timing_profiles.rehearsal.result import ProfileResult
from timing_profiles.rehearsal.speech import speech
from timing_profiles.rehearsal.virtual_time import run
from timing_profiles.turns.fields import Values

_MINUTE = 60
_PROFILES = ("default", "noisy-line")
_HEAD = ("noise", "level", "profile", "turns cut", "mean wait", "not ended", "heard in a minute")
_TEXTS = (
    (
        "Our heating is broken. | My number is five five five [1.2] zero one two three."
        " | Is the museum open. | I would like a table [0.6] for four people. | Where can I buy it."
    ),
    (
        "I lost my key. | It is a train to [1.8] Cambridge on Friday. | When will you be there."
        " | My name is Alice [0.9] Brown. | Yes, that is right. [0.5] Thank you."
    ),
)


@dataclass(frozen=True, slots=True)
class _Sample:
    """The calls, and the level of the caller's speech."""

    files: Sequence[Path]
    level: float


def main() -> int:
    """Rehearse each noise at each level; return 0."""
    parser = argparse.ArgumentParser(prog="python -m lab.noise", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NOISE", help=", ".join(line.names()))
    parser.add_argument("--levels", default="20,10,5", metavar="DB,...", help="20,10,5 by default")
    arguments = parser.parse_args()
    levels = [float(text) for text in arguments.levels.split(",")]
    found = catalog.load(Path(__file__).parents[2] / "profiles")
    profiles = {name: found.profile(name) for name in _PROFILES}
    values = {name: one.values for name, one in profiles.items() if one}
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        files = calls(Path(folder), _TEXTS)
        read = recording.read(files[0], "left")
        sample = _Sample(files, line.level(read.caller, speech(read.caller)))
        rows = [*_rows(sample, values, None)]
        for name in arguments.names or line.names():
            for decibels in levels:
                print(f"{name} {decibels:g} dB", file=sys.stderr)  # noqa: T201 - progress
                rows += _rows(sample, values, Noise(name, decibels))
    print(markdown.table(_HEAD, rows))  # noqa: T201 - the result
    return 0


def _rows(
    sample: _Sample, values: Mapping[str, Values], noise: Noise | None
) -> Sequence[tuple[str, ...]]:
    on = Line(noise)
    rehearsed = rehearse.rehearse(
        sample.files, values, conditions=Conditions(line=on), failed=_failed, processes=1
    )
    shown = (noise.name, f"{noise.decibels:g} dB") if noise else ("none", "")
    return [
        (*shown, *_cells(result), f"{_heard(on, sample.level, result.values):.1f} s")
        for result in rehearsed.profiles
    ]


def _cells(result: ProfileResult) -> tuple[str, ...]:
    cut, of = result.turns_cut
    waits = result.waits
    mean = f"{sum(waits) / len(waits):.2f} s" if waits else "-"
    return result.profile, f"{cut} of {of}", mean, str(result.undecided)


def _heard(on: Line, level: float, values: Values) -> float:
    """Return the seconds that the VAD of a profile hears as speech in a minute without any."""
    minute = Turn(Interval(0, _MINUTE), (), None, is_end=False)
    played = on.changed(Played(minute, 0.0, bytes(2 * _MINUTE * RATE)), level)
    return run(_speech(played.samples[: 2 * _MINUTE * RATE], values))


async def _speech(samples: bytes, values: Values) -> float:
    stream = sdk_arguments.voice_activity(values).stream()
    stream.push_frame(rtc.AudioFrame(samples, RATE, 1, len(samples) // 2))
    stream.end_input()
    windows = [event async for event in stream if event.type is vad.VADEventType.INFERENCE_DONE]
    await stream.aclose()
    return _MINUTE * sum(one.speaking for one in windows) / len(windows) if windows else 0.0


def _failed(file: Path, reason: str) -> None:
    raise RuntimeError(f"{file.name}: {reason}")


if __name__ == "__main__":
    sys.exit(main())
