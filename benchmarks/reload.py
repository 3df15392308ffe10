"""From saving a profile until the next call gets it, with a real worker."""

import asyncio
import json
import math
import statistics
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dial import dialled
from benchmarks.stage import PROFILED, Stage, Worker, stage, until, worker
from benchmarks.table import Row
from benchmarks.timing import shown
from timing_profiles import snapshot
from timing_profiles.announcement import REVISION_ATTRIBUTE

_MEDIAN_AT_MOST = 0.150  # seconds
_P99_AT_MOST = 0.300

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
    """What became of the saves.

    Attributes:
        seconds: From the end of each until it was published.
        half_read: How often half of a file was published.
        called: Whether a real call after the last one got it.
    """

    seconds: Sequence[float]
    half_read: int
    called: bool


def rows(*, quick: bool) -> Sequence[Row]:
    """Saves by renaming and in place, by turns, each after the one before was published."""
    saves = asyncio.run(_saved(50 if quick else 1000))
    half, called = str(saves.half_read), "has it" if saves.called else "has another"
    count = f"{len(saves.seconds):,}"
    percentiles = statistics.quantiles(saves.seconds, n=100)
    return [
        _row("median", percentiles[49], _MEDIAN_AT_MOST),
        _row("99th percentile", percentiles[98], _P99_AT_MOST),
        Row(f"half-read files in {count} saves", half, "", half, "0", saves.half_read == 0),
        Row("a real call after the last save", called, "", called, "has it", saves.called),
    ]


def _row(what: str, seconds: float, at_most: float) -> Row:
    work = f"save -> published, {what}"
    return Row(work, shown(seconds), "", shown(seconds), shown(at_most), seconds <= at_most)


async def _saved(count: int) -> _Saves:
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        async with stage() as on, worker(on, PROFILED, Path(folder, PROFILED)) as who:
            published = next(who.temporary.glob("timing-profiles-*/*.sqlite"))
            profile = who.profiles / f"{_NAME}.yaml"
            saves = [await _save(profile, published, number) for number in range(1, count + 1)]
            called = await _called(on, who, published)
    return _Saves([seconds for seconds, _ in saves], sum(half for _, half in saves), called)


async def _save(profile: Path, published: Path, number: int) -> tuple[float, int]:
    """Save once; returns the seconds until it was published, and how often half of it was."""
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
    """Both delays in each set that is published, until the save counts as lost."""
    deadline = time.monotonic() + _LOST
    seen = (0, 0)
    while time.monotonic() < deadline:
        found = _identity(published)
        if found != seen:
            seen = found
            with snapshot.opened(published) as current:
                profile = current.profile(_NAME)
            if profile:
                low, high = (profile.values[path] for path in _DELAYS)
                yield low, high
        await asyncio.sleep(_LOOK_EVERY)


def _identity(published: Path) -> tuple[int, int]:
    found = published.stat()
    return found.st_ino, found.st_mtime_ns


async def _called(on: Stage, who: Worker, published: Path) -> bool:
    """Make a call, and see whether it has the published revision."""
    await who.at_rest(0)
    with snapshot.opened(published) as current:
        revision: str = current.revision
    async with dialled(on.connection, who.agent, json.dumps({"profile": _NAME})) as answered:
        agent = answered.agent
        seen = await until(lambda: agent.attributes.get(REVISION_ATTRIBUTE), "no revision")
        return seen == revision
