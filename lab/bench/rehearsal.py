"""Rehearsals, beside the duration of the calls, and the sweep of `fit`, beside one by one.

Seconds are those of one processor: of this process and of those that it starts.
"""

import os
import random
import resource
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from lab.bench.inputs import PROFILES
from lab.bench.table import Row
from lab.bench.timing import shown
from lab.synthetic import call_of, words_of
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal import fit, sweep
from timing_profiles.rehearsal.fit import Bounds
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.rehearse import Conditions, rehearse
from timing_profiles.rehearsal.sweep import HeardTurn, Silence
from timing_profiles.turns.fields import Values

_MINUTES: Final = 10
_ENGINE_AT_MOST: Final = 1 / 6
_PAUSES: Final = 1000
_FIT_AT_MOST: Final = 1.0  # s
_BOUNDS: Final = Bounds((0.0, 0.44), (0.0, 10.0), (0.0, 10.0))  # 10,230 candidates
_SAMPLE: Final = 20  # candidates that are judged one by one

_TURNS: Final = (
    "I would like to book a table for two people.",
    "My number is five five five [1.2] zero one two three.",
    "Yes, that is right.",
    "Could you send it [0.6] to my office, please?",
)


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure rehearsals without a cache, a second one with it, and the sweep."""
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        cache = os.environ.get("XDG_CACHE_HOME")
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        try:
            return [*_rehearsals(Path(folder), 1 if quick else _MINUTES), _fit(quick=quick)]
        finally:
            if cache is None:
                del os.environ["XDG_CACHE_HOME"]
            else:
                os.environ["XDG_CACHE_HOME"] = cache


def _rehearsals(folder: Path, minutes: int) -> Sequence[Row]:
    """Return a row for each way: the session decides, arithmetic does, and again with a cache."""
    found = catalog.load(PROFILES)
    profiles = {name: one.values for name in found.names() if (one := found.profile(name))}
    call = call_of(folder / "call.wav", _TURNS, 60 * minutes)
    conditions = Conditions(words={call: words_of(call, folder / "call.json")})
    audio = 60.0 * minutes * len(profiles)
    # In this order: the first way stores where speech is, and nothing that a session heard.
    ways = {"by the session": True, "by one pass": False, "by one pass, again": False}
    seconds = {way: _seconds(call, profiles, conditions, one) for way, one in ways.items()}
    work = f"rehearse {len(profiles)} profiles, {minutes} minutes"
    return [
        Row(
            f"{work}, {way}",
            shown(one),
            f"the audio, for each profile: {audio:.0f} s",
            f"1/{audio / one:.0f}",
            f"1/{1 / _ENGINE_AT_MOST:.0f}",
            one <= _ENGINE_AT_MOST * audio,
        )
        for way, one in seconds.items()
    ]


def _seconds(
    call: Path,
    profiles: Mapping[str, Values],
    conditions: Conditions,
    by_session: bool,  # noqa: FBT001 - of two ways
) -> float:
    started = _processor()
    rehearsed = rehearse(
        [call], profiles, conditions=conditions, failed=_failed, by_session=by_session
    )
    seconds = _processor() - started
    unknown = [one.profile for one in rehearsed.profiles if one.unknown]
    if unknown:
        raise RuntimeError(f"unknown: {unknown}")
    return seconds


def _processor() -> float:
    """Return the seconds of this process, and of those that it has ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _median(work: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        started = _processor()
        work()
        seconds.append(_processor() - started)
    return statistics.median(seconds)


def _failed(file: Path, reason: str) -> None:
    raise RuntimeError(f"{file.name}: {reason}")


def _fit(*, quick: bool) -> Row:
    turns = [*_heard(_PAUSES)]
    found = [*fit.points(turns, _BOUNDS)]
    sample = random.Random(1).sample(found, _SAMPLE)  # noqa: S311 - not a secret
    rounds = 3 if quick else 9
    ours = _median(lambda: fit.frontier([*fit.points(turns, _BOUNDS)]), rounds)
    some = _median(lambda: [sweep.cost(turns, point.policy) for point in sample], rounds)
    one_by_one = some * len(found) / _SAMPLE
    return Row(
        f"fit: {len(found):,} candidates, {_PAUSES:,} pauses",
        shown(ours),
        f"one by one: {shown(one_by_one)}, by {_SAMPLE} of them",
        f"1/{one_by_one / ours:.0f}, {shown(ours)}",
        shown(_FIT_AT_MOST),
        ours <= _FIT_AT_MOST,
    )


def _heard(pauses: int) -> Sequence[HeardTurn]:
    """Return turns with a pause and an end each, as a session hears them."""
    chance = random.Random(0)  # noqa: S311 - not a secret
    turns = []
    for _ in range(pauses):
        pause = chance.uniform(0.2, 4.0)
        end = 2 + pause
        turn = Turn(Interval(0, end), (Interval(1, 1 + pause),), None, is_end=True)
        silences = (
            Silence(1.09, 1.4, 1 + pause, chance.random()),
            Silence(end + 0.09, end + 0.4, float("inf"), chance.random()),
        )
        turns.append(HeardTurn(turn, silences, 0.36))
    return turns
