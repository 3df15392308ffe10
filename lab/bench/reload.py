"""From saving a profile until the next call gets it, with a real worker."""

import asyncio
import json
import math
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from lab.bench.dial import dialled
from lab.bench.inputs import many_profiles
from lab.bench.stage import BARE, LIMIT, PROFILED, at_rest, services, worker
from lab.bench.table import Row
from lab.bench.timing import shown
from sandbox.polling import eventually
from sandbox.worker import Worker
from timing_profiles.call.announce import REVISION_ATTRIBUTE
from timing_profiles.handoff.snapshot import Snapshot

_MEDIAN_AT_MOST = 0.150  # seconds
_P99_AT_MOST = 0.300

_MANY = 1_000
_MEMORY_AT_MOST = 30.0  # MB
_GROWTH_AT_MOST = 5.0
_WARM = 50  # saves
_REST = 3.0  # seconds

_LOOK_EVERY = 0.001
_HALF_WRITTEN = 0.005  # seconds between the halves of a file that is written in place
_LOST = 10.0  # seconds after which a save is lost; a worker looks by itself every 5

_NAME = "saved"
_DELAYS = ("turn_handling.endpointing.min_delay", "turn_handling.endpointing.max_delay")

# Between the two delays of every save, in seconds. Half of a file is a valid profile as well, but
# inherits a max_delay that does not belong to its min_delay.
_APART = 5.0


@dataclass(frozen=True, slots=True)
class _Saves:
    """The outcome of the saves.

    Attributes:
        seconds: From the end of each until it was published.
        half_read: How often half of a file was published.
        called: Whether a real call after the last one got it.
    """

    seconds: Sequence[float]
    half_read: int
    called: bool


@dataclass(frozen=True, slots=True)
class _Memory:
    """Resident memory of main processes, in MB.

    Attributes:
        bare: Of the agent with literal settings.
        loaded: Of the worker with many profiles, after a few saves.
        saved: Of the same after all of them.
    """

    bare: float
    loaded: float
    saved: float


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure saves by rename and in place, alternately, each after the former was published."""
    count = 50 if quick else 1000
    few = asyncio.run(_saved(count))
    first, first_of_many = asyncio.run(_saved_after_rests(count // 50))
    many, memory = asyncio.run(_saved_among_many(count))
    return [
        *_save_rows("", few),
        *_first_rows("", first),
        *_save_rows(f", {_MANY:,} profiles", many),
        *_first_rows(f", {_MANY:,} profiles", first_of_many),
        *_memory_rows(memory, count),
    ]


def _save_rows(among: str, saves: _Saves) -> Sequence[Row]:
    half, called = str(saves.half_read), "has it" if saves.called else "has another"
    count = f"{len(saves.seconds):,}"
    percentiles = statistics.quantiles(saves.seconds, n=100)
    return [
        _row(f"median{among}", percentiles[49], _MEDIAN_AT_MOST),
        _row(f"99th percentile{among}", percentiles[98], _P99_AT_MOST),
        Row(f"half-read files in {count} saves{among}", half, "", half, "0", saves.half_read == 0),
        Row(f"a real call after the last save{among}", called, "", called, "has it", saves.called),
    ]


def _first_rows(among: str, seconds: Sequence[float]) -> Sequence[Row]:
    rest = f"{_REST:g} s of rest{among}"
    return [
        _row(f"median of first saves after {rest}", statistics.median(seconds), _MEDIAN_AT_MOST),
        _row(f"slowest of {len(seconds)} first saves after {rest}", max(seconds), _P99_AT_MOST),
    ]


def _row(what: str, seconds: float, at_most: float) -> Row:
    work = f"save -> published, {what}"
    return Row(work, shown(seconds), "", shown(seconds), shown(at_most), seconds <= at_most)


def _memory_rows(memory: _Memory, count: int) -> Sequence[Row]:
    more, growth = memory.loaded - memory.bare, memory.saved - memory.loaded
    return [
        Row(
            f"memory of a worker's main process, {_MANY:,} profiles",
            f"{memory.loaded:.1f} MB",
            f"literal settings: {memory.bare:.1f} MB",
            f"{more:+.1f} MB",
            f"+{_MEMORY_AT_MOST:g} MB",
            more <= _MEMORY_AT_MOST,
        ),
        Row(
            f"the same {count:,} saves later",
            f"{memory.saved:.1f} MB",
            f"{memory.loaded:.1f} MB",
            f"{growth:+.1f} MB",
            f"+{_GROWTH_AT_MOST:g} MB",
            growth <= _GROWTH_AT_MOST,
        ),
    ]


async def _saved(count: int) -> _Saves:
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        async with services() as among, worker(among, PROFILED, Path(folder)) as who:
            return await _save_all(who, count)


async def _saved_after_rests(count: int) -> tuple[Sequence[float], Sequence[float]]:
    """Save a while after the last save, as a person does; in a small set, and among 1,000."""
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        few, many = Path(folder, "few"), Path(folder, "many")
        thousand = many_profiles(Path(folder, "profiles"), _MANY)
        async with (
            services() as among,
            worker(among, PROFILED, few) as small,
            worker(among, PROFILED, many, thousand) as large,
        ):
            found: tuple[list[float], list[float]] = [], []
            for number in range(1, count + 2):
                await asyncio.sleep(_REST)
                for seconds, who in zip(found, (small, large), strict=True):
                    path = who.profiles / f"{_NAME}.yaml"
                    seconds.append((await _save(path, _published(who), number))[0])
            return found


def _published(who: Worker) -> Path:
    return next(who.profiles.parent.glob("tmp/timing-profiles-*/*.sqlite"))


async def _saved_among_many(count: int) -> tuple[_Saves, _Memory]:
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        many = many_profiles(Path(folder, "many"), _MANY)
        async with (
            services() as among,
            worker(among, BARE, Path(folder)) as bare,
            worker(among, PROFILED, Path(folder), many) as who,
        ):
            await _save_all(who, _WARM)
            before = _megabytes(who)
            saves = await _save_all(who, count)
            return saves, _Memory(_megabytes(bare), before, _megabytes(who))


async def _save_all(who: Worker, count: int) -> _Saves:
    published = _published(who)
    profile = who.profiles / f"{_NAME}.yaml"
    saves = [await _save(profile, published, number) for number in range(1, count + 1)]
    called = await _called(who, published)
    return _Saves([seconds for seconds, _ in saves], sum(half for _, half in saves), called)


def _megabytes(who: Worker) -> float:
    return float(psutil.Process(who.process.pid).memory_info().rss) / 1e6


async def _save(profile: Path, published: Path, number: int) -> tuple[float, int]:
    """Save once; return the seconds until it was published, and how often half of it was."""
    delay = number / 1000
    first = f"turn_handling:\n  endpointing:\n    min_delay: {delay}\n"
    second = f"    max_delay: {delay + _APART}\n"
    await (_rename if number % 2 else _write_in_place)(profile, first, second)
    saved, half_read = time.monotonic(), 0
    async for low, high in _delays(published):
        whole = math.isclose(high - low, _APART)
        half_read += not whole
        if whole and math.isclose(low, delay):
            break
    return time.monotonic() - saved, half_read


async def _rename(path: Path, first: str, second: str) -> None:
    aside = path.with_suffix(".aside")
    aside.write_text(first + second, encoding="utf-8")
    aside.replace(path)


async def _write_in_place(path: Path, first: str, second: str) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(first)
        file.flush()
        await asyncio.sleep(_HALF_WRITTEN)
        file.write(second)


async def _delays(published: Path) -> AsyncGenerator[tuple[float, float]]:
    """Yield both delays of each published set, until the save counts as lost."""
    deadline = time.monotonic() + _LOST
    seen = (0, 0)
    while time.monotonic() < deadline:
        found = _identity(published)
        if found != seen:
            seen = found
            with closing(Snapshot(published)) as current:
                profile = current.profile(_NAME)
            if profile:
                low, high = (profile.values[path] for path in _DELAYS)
                yield low, high
        await asyncio.sleep(_LOOK_EVERY)


def _identity(published: Path) -> tuple[int, int]:
    found = published.stat()
    return found.st_ino, found.st_mtime_ns


async def _called(who: Worker, published: Path) -> bool:
    """Make a call, and see whether it has the published revision."""
    await at_rest(who, 0)
    with closing(Snapshot(published)) as current:
        revision: str = current.revision
    async with dialled(who.connection, json.dumps({"profile": _NAME})) as answered:
        agent = answered.agent
        seen = await eventually(
            lambda: agent.attributes.get(REVISION_ATTRIBUTE), LIMIT, "the agent's revision"
        )
        return seen == revision
