"""Judge turns under another release of the SDK: a process in an environment that has it.

`python -m timing_profiles.rehearsal.other_sdk` reads the turns and the settings as JSON from stdin,
and prints each profile's effect on each turn. The turns are those that were found here, so that
only the decisions can differ. Sound never leaves the files: each process reads the files.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from timing_profiles.problems import printable
from timing_profiles.rehearsal import (
    environment,
    line,
    outcome,
    recording,
    session_report,
    sweep,
)
from timing_profiles.rehearsal.environment import SDK, EnvironmentUnavailableError
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.line import Line
from timing_profiles.rehearsal.outcome import Outcome, Played
from timing_profiles.rehearsal.rehearse import Conditions
from timing_profiles.rehearsal.transcript import FluxEnd, Transcript, Word
from timing_profiles.rehearsal.workers import Workers
from timing_profiles.turns.fields import Values

_PACKAGE: Final = Path(__file__).parents[1]
_VERSIONS: Final = (SDK, "livekit-local-inference")


@dataclass(frozen=True, slots=True)
class Placed:
    """A turn of a recording.

    Attributes:
        file: The recording.
        turn: The turn.
        first: The second from which the VAD hears it.
        level: The level of the caller's speech; see `line.level`.
    """

    file: str
    turn: Turn
    first: float
    level: float = 0.0


@dataclass(frozen=True, slots=True)
class Judgement:
    """The effect of a profile on a turn.

    Attributes:
        cut_at: The second of the recording of the first decision inside the turn, if any.
        wait: Seconds from the last sound to the decision; None where that is not known.
        decided_by: The field that decided first; None where nothing was decided.
    """

    cut_at: float | None
    wait: float | None
    decided_by: str | None


@dataclass(frozen=True, slots=True)
class Judged:
    """The effect of profiles under a release.

    Attributes:
        versions: The packages of the SDK.
        profiles: For each profile, its judgement of each turn.
    """

    versions: Mapping[str, str]
    profiles: Mapping[str, Sequence[Judgement]]


def place_of(played: Played) -> tuple[float, float]:
    """Return `first` and `level` of a turn, for `rehearse.each_turn`."""
    return played.first, played.level


def judgement(found: Outcome) -> Judgement:
    """Return the compared part of an outcome."""
    cut_at = found.cuts[0].at if found.cuts else None
    return Judgement(cut_at, found.wait, found.decided_by)


def ask(
    python: Path,
    turns: Sequence[Placed],
    conditions: Conditions,
    profiles: Mapping[str, Values],
) -> Judged:
    """Judge turns in another environment, with the code that runs here.

    Args:
        python: The Python of the environment.
        turns: The turns, those of a recording one after the other.
        conditions: The caller's channel, the line to a session, and the delay of words.
        profiles: The settings of each profile.

    Raises:
        EnvironmentUnavailableError: The code does not run under that release.
    """
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        shutil.copytree(
            _PACKAGE, Path(folder) / _PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__")
        )
        done = subprocess.run(  # noqa: S603 - a Python of ours
            [python, "-m", __name__],
            input=to_request(turns, conditions, profiles),
            env={**environment.clean(), "PYTHONPATH": folder},
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    if done.returncode != 0:
        last = next(reversed(done.stderr.strip().splitlines()), f"exit status {done.returncode}")
        raise EnvironmentUnavailableError(printable(f"cannot rehearse under that release: {last}"))
    return of_answer(done.stdout)


def to_request(
    turns: Sequence[Placed], conditions: Conditions, profiles: Mapping[str, Values]
) -> str:
    """Return what the program reads, as JSON; see `ask`."""
    on = conditions.line
    request = {
        "caller": conditions.caller,
        "stt_delay": conditions.stt_delay,
        "noise": on.noise and str(on.noise),
        "is_telephone": on.is_telephone,
        "turns": [_to_json(one) for one in turns],
        "profiles": {name: dict(values) for name, values in profiles.items()},
    }
    return json.dumps(request)


def of_answer(text: str) -> Judged:
    """Read what the program printed."""
    answer = json.loads(text)
    profiles = {
        name: [Judgement(*each) for each in column] for name, column in answer["profiles"].items()
    }
    return Judged(answer["versions"], profiles)


def here(profiles: Mapping[str, Sequence[Judgement]]) -> Judged:
    """Return the results of this process."""
    return Judged(versions(), profiles)


def versions() -> dict[str, str]:
    """Return the installed packages that decide."""
    return {name: metadata.version(name) for name in _VERSIONS if _is_installed(name)}


def _is_installed(name: str) -> bool:
    return any(True for _ in metadata.distributions(name=name))


def main() -> None:
    """Read a request from stdin, and print the results."""
    request = json.load(sys.stdin)
    turns = [_from_json(one) for one in request["turns"]]
    profiles: Mapping[str, Values] = request["profiles"]
    noise = request["noise"] and line.parse_noise(request["noise"])
    conditions = Conditions(
        request["caller"],
        stt_delay=request["stt_delay"],
        line=Line(noise, request["is_telephone"]),
    )
    judged = [*_judged(turns, conditions, [*profiles.values()])]
    shown = {
        name: [[one[at].cut_at, one[at].wait, one[at].decided_by] for one in judged]
        for at, name in enumerate(profiles)
    }
    json.dump({"versions": versions(), "profiles": shown}, sys.stdout)


def _judged(
    turns: Sequence[Placed], conditions: Conditions, profiles: Sequence[Values]
) -> Iterator[list[Judgement]]:
    judge = partial(sweep.judge_all, profiles=profiles, stt_delay=conditions.stt_delay)
    with Workers() as pool:
        for file, some in groupby(turns, key=attrgetter("file")):
            path = Path(file)
            side = "left" if session_report.beside(path) else conditions.caller
            samples = recording.read(path, side, one_channel=True).caller
            played = [
                conditions.line.changed(outcome.cut_out(one.turn, samples, one.first), one.level)
                for one in some
            ]
            for future in [pool.submit(judge, one) for one in played]:
                yield [judgement(_known(found)) for found in future.result()]


def _known(found: Outcome | str) -> Outcome:
    """Return an outcome: only profiles that are known here are asked for."""
    if isinstance(found, str):
        raise RuntimeError(f"unknown under this release: {found}")  # noqa: TRY004 - no wrong type
    return found


def _to_json(one: Placed) -> list[Any]:
    turn = one.turn
    speech, *pauses = ([each.start, each.end] for each in (turn.speech, *turn.pauses))
    words = turn.transcript and dataclasses.asdict(turn.transcript)
    found = [speech, pauses, turn.next_speech, turn.is_end, words]
    return [one.file, found, one.first, one.level]


def _from_json(one: Sequence[Any]) -> Placed:
    file, (speech, pauses, next_speech, is_end, words), first, level = one
    silences = tuple(Interval(*each) for each in pauses)
    transcript = words and _transcript(words)
    turn = Turn(Interval(*speech), silences, next_speech, is_end, transcript)
    return Placed(file, turn, first, level)


def _transcript(found: Mapping[str, Any]) -> Transcript:
    flux = found["flux"]
    ends = (FluxEnd(**{**one, "words": _words(one["words"])}) for one in flux or ())
    return Transcript(_words(found["words"]), None if flux is None else tuple(ends))


def _words(found: Sequence[Mapping[str, Any]]) -> tuple[Word, ...]:
    return tuple(Word(**one) for one in found)


if __name__ == "__main__":
    main()
