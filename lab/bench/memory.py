"""The memory of a job process during a call, beside that of the bare agent's."""

import asyncio
import statistics
import tempfile
from collections.abc import Sequence

import psutil

from lab.bench.dial import dialled
from lab.bench.stage import at_rest, both_workers
from lab.bench.table import Row
from sandbox.worker import Worker

_AT_MOST = 5.0  # MB

_SETTLED = 1.0  # seconds after which a session has made what it makes at its start


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure resident memory, as the SDK's limit for job processes counts it."""
    profiled, bare = asyncio.run(_megabytes(1 if quick else 5))
    more = profiled - bare
    return [
        Row(
            "memory of a job process in a call",
            f"{profiled:.1f} MB",
            f"literal settings: {bare:.1f} MB",
            f"{more:+.1f} MB",
            f"+{_AT_MOST:g} MB",
            more <= _AT_MOST,
        )
    ]


async def _megabytes(calls: int) -> list[float]:
    """The median over so many calls, for each of both workers."""
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        async with both_workers(folder) as workers:
            found = [[await _call(who, number) for who in workers] for number in range(calls)]
    return [statistics.median(side) for side in zip(*found, strict=True)]


async def _call(who: Worker, number: int) -> float:
    pid = await at_rest(who, number)
    async with dialled(who.connection):
        await asyncio.sleep(_SETTLED)
        return float(psutil.Process(pid).memory_info().rss) / 1e6
