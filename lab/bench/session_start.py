"""The time that timing profiles add to the start of a session.

What is the same code on both sides is counted once, as the median of both: an addition of 1 ms
would be lost in the noise of two whole starts.
"""

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bench.dial import dialled
from lab.bench.inputs import LLM_MODEL, ROOT, published
from lab.bench.stage import BARE, at_rest, seconds_to_start, services, worker
from lab.bench.table import Row
from lab.bench.timing import Pair, shown
from sandbox.worker import Services
from timing_profiles.handoff import variables

_WITH_IMPORTS_AT_MOST = 1.05
_AFTER_THEM_AT_MOST = 1.01

_PROFILED = "profiled"
_LITERAL = "literal"

_Report = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Measured:
    """Seconds.

    Attributes:
        profiled: Reports of fresh processes whose session has a timing profile.
        literal: Reports of those whose session has literal settings.
        starts: From the beginning of the bare agent's entrypoint until its session has started.
    """

    profiled: Sequence[_Report]
    literal: Sequence[_Report]
    starts: Sequence[float]

    @property
    def first(self) -> Pair:
        """All that a fresh process does until its session has started, the imports included."""
        both = [*self.profiled, *self.literal]
        same = _median(both, "sdk") + _median(both, "rest")
        ours, theirs = self._arguments
        return Pair(same + _median(both, "ours") + ours, same + theirs)

    @property
    def after_imports(self) -> Pair:
        """A start in a job process of a worker, which comes with all imports."""
        start = statistics.median(self.starts)
        ours, theirs = self._arguments
        return Pair(start + ours - theirs, start)

    @property
    def _arguments(self) -> tuple[float, float]:
        return _median(self.profiled, "arguments"), _median(self.literal, "arguments")


def _median(reports: Sequence[_Report], name: str) -> float:
    return statistics.median(report[name] for report in reports)


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure new processes with one session each, and calls of the bare agent."""
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        measured = asyncio.run(_measured(Path(folder), 1 if quick else 7))
    return [
        _row("first session of a process, with imports", measured.first, _WITH_IMPORTS_AT_MOST),
        _row("session of a job process, after them", measured.after_imports, _AFTER_THEM_AT_MOST),
    ]


def _row(work: str, pair: Pair, at_most: float) -> Row:
    return Row(
        work,
        shown(pair.ours),
        f"literal settings: {shown(pair.theirs)}",
        f"+{pair.ratio - 1:.2%}",
        f"+{at_most - 1:.0%}",
        pair.ratio <= at_most,
    )


async def _measured(folder: Path, rounds: int) -> _Measured:
    async with services() as among:
        environment = {
            **among.environment,
            "LLM_MODEL": LLM_MODEL,
            variables.PUBLISHED: str(published(folder)),
        }
        reports = [
            (await _report(_PROFILED, environment), await _report(_LITERAL, environment))
            for _ in range(rounds)
        ]
        starts = [seconds async for seconds in _starts(among, folder, rounds)]
    profiled, literal = zip(*reports, strict=True)
    return _Measured(profiled, literal, starts)


async def _report(kind: str, environment: Mapping[str, str]) -> _Report:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "lab.bench.session_process", kind),
        env=environment,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    report: _Report = json.loads(output)
    return report


async def _starts(among: Services, folder: Path, calls: int) -> AsyncGenerator[float]:
    """From the beginning of the bare entrypoint until its session has started, for each call."""
    async with worker(among, BARE, folder) as bare:
        for number in range(calls):
            await at_rest(bare, number)
            async with dialled(bare.connection):
                yield await seconds_to_start(bare, number)
