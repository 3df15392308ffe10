"""The cost of following a call: of each change, and of each turn without one."""

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.bench.inputs import LLM_MODEL, ROOT, published
from lab.bench.table import Row
from lab.bench.timing import Pair, medians, shown
from sandbox.connection import Connection
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference
from sandbox.worker_environment import environment
from timing_profiles.handoff import variables

_CHANGE_AT_MOST = 0.002  # seconds; what reading back the values of a call may take
_TURN_AT_MOST = 1.02


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure a process with two sessions and alternate turns, one of which is followed."""
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        measured = asyncio.run(_measured(Path(folder), turns=4 if quick else 16))
    turns = medians(list(zip(measured["followed"], measured["alone"], strict=True)))
    return [_change(statistics.median(measured["changes"])), _turn(turns)]


def _change(seconds: float) -> Row:
    return Row(
        "a change in a call, resolved, applied and read back",
        shown(seconds),
        "the job's loop",
        shown(seconds),
        shown(_CHANGE_AT_MOST),
        seconds <= _CHANGE_AT_MOST,
    )


def _turn(pair: Pair) -> Row:
    return Row(
        "the loop's work in a turn of a followed call",
        shown(pair.ours),
        f"not followed: {shown(pair.theirs)}",
        f"{pair.ratio - 1:+.1%}",
        f"+{_TURN_AT_MOST - 1:.0%}",
        pair.ratio <= _TURN_AT_MOST,
    )


async def _measured(folder: Path, *, turns: int) -> Mapping[str, list[float]]:
    nowhere = Connection("ws://127.0.0.1:9", "a-key", "a-secret-of-thirty-two-characters")
    async with Deepgram() as deepgram, Inference(reply="Good.") as llm:
        surroundings = {
            **environment(nowhere, deepgram, llm),
            "LLM_MODEL": LLM_MODEL,
            variables.PUBLISHED: str(published(folder)),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lab.bench.follow_process", str(turns), str(turns * 10)),
            env=surroundings,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    measured: Mapping[str, list[float]] = json.loads(output)
    return measured
