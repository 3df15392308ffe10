"""Judge turns under another release of the SDK: a process in an environment that has it.

`python -m timing_profiles.rehearsal.other_sdk` reads the turns and the settings as JSON from stdin,
and prints each profile's effect on each turn. The turns are those that were found here, so that
only the decisions can differ. Sound never leaves the files: each process reads the files.
"""

from __future__ import annotations

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
from timing_profiles.rehearsal import environment, outcome, recording, session_report, sweep
from timing_profiles.rehearsal.environment import SDK, EnvironmentUnavailableError
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.outcome import Outcome, Played
from timing_profiles.rehearsal.recording import Side
from timing_profiles.rehearsal.workers import Workers
from timing_profiles.turns.fields import Values

_PACKAGE: Final = Path(__file__).parents[1]
_VERSIONS: Final = (SDK, "livekit-local-inference")


@dataclass(frozen=True, slots=True)
class Placed:
    """A turn of a recording.

    Attributes:
        file: The recording.
        start: The second from which it is played.
        turn: The turn.
    """

    file: str
    start: float
    turn: Turn


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


def start_of(played: Played) -> float:
    """Return the second from which a turn is played, for `rehearse.each_turn`."""
    return played.start


def judgement(found: Outcome) -> Judgement:
    """Return the compared part of an outcome."""
    cut_at = found.cuts[0].at if found.cuts else None
    return Judgement(cut_at, found.wait, found.decided_by)


def ask(
    python: Path, turns: Sequence[Placed], caller: Side, profiles: Mapping[str, Values]
) -> Judged:
    """Judge turns in another environment, with the code that runs here.

    Args:
        python: The Python of the environment.
        turns: The turns, those of a recording one after the other.
        caller: The channel that has the caller.
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
            input=to_request(turns, caller, profiles),
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


def to_request(turns: Sequence[Placed], caller: Side, profiles: Mapping[str, Values]) -> str:
    """Return what the program reads, as JSON; see `ask`."""
    request = {
        "caller": caller,
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
    judged = [*_judged(turns, request["caller"], [*profiles.values()])]
    shown = {
        name: [[one[at].cut_at, one[at].wait, one[at].decided_by] for one in judged]
        for at, name in enumerate(profiles)
    }
    json.dump({"versions": versions(), "profiles": shown}, sys.stdout)


def _judged(
    turns: Sequence[Placed], caller: Side, profiles: Sequence[Values]
) -> Iterator[list[Judgement]]:
    judge = partial(sweep.judge_all, profiles=profiles)
    with Workers() as pool:
        for file, some in groupby(turns, key=attrgetter("file")):
            path = Path(file)
            side = "left" if session_report.beside(path) else caller
            samples = recording.read(path, side, one_channel=True).caller
            played = [outcome.cut_out(one.turn, samples, one.start) for one in some]
            for future in [pool.submit(judge, one) for one in played]:
                yield [judgement(_known(found)) for found in future.result()]


def _known(found: Outcome | str) -> Outcome:
    """Return an outcome: only profiles that are known here without words are asked for."""
    if isinstance(found, str):
        raise RuntimeError(f"unknown under this release: {found}")  # noqa: TRY004 - no wrong type
    return found


def _to_json(one: Placed) -> list[Any]:
    turn = one.turn
    speech, *pauses = ([each.start, each.end] for each in (turn.speech, *turn.pauses))
    return [one.file, one.start, speech, pauses, turn.next_speech, turn.is_end]


def _from_json(one: Sequence[Any]) -> Placed:
    file, start, speech, pauses, next_speech, is_end = one
    silences = tuple(Interval(*each) for each in pauses)
    return Placed(file, start, Turn(Interval(*speech), silences, next_speech, is_end))


if __name__ == "__main__":
    main()
