"""From the moment when a caller joins until the agent listens, on real calls."""

import asyncio
import tempfile
from collections.abc import Sequence

from lab.bench.dial import dialled
from lab.bench.stage import at_rest, both_workers
from lab.bench.table import Row
from lab.bench.timing import Pair, medians, shown
from sandbox.worker import Worker

_AT_MOST = 1.05


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure calls of an agent with profiles and of one with literal settings, alternately."""
    pair = asyncio.run(_measured(2 if quick else 15))
    return [
        Row(
            "caller joins -> agent listens",
            shown(pair.ours),
            f"literal settings: {shown(pair.theirs)}",
            f"{pair.ratio:.3f}x",
            f"{_AT_MOST:g}x",
            pair.ratio <= _AT_MOST,
        )
    ]


async def _measured(rounds: int) -> Pair:
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        async with both_workers(folder) as (profiled, bare):
            turns = [await _turn(profiled, bare, number) for number in range(rounds)]
    return medians(turns)


async def _turn(profiled: Worker, bare: Worker, number: int) -> tuple[float, float]:
    """Call each agent once; the order alternates."""
    if number % 2:
        return await _seconds(profiled, number), await _seconds(bare, number)
    theirs = await _seconds(bare, number)
    return await _seconds(profiled, number), theirs


async def _seconds(who: Worker, number: int) -> float:
    await at_rest(who, number)
    async with dialled(who.connection) as answered:
        return answered.seconds
