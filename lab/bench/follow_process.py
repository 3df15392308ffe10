"""A process as a worker has it for a call, with a session that is followed, and one that is not.

`python -m lab.bench.follow_process TURNS CHANGES` prints, as JSON, the seconds for which each turn
kept the loop busy (`followed`, `alone`), and those that each change took (`changes`).
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

from livekit.agents import AgentSession, inference
from livekit.agents.llm import FunctionTool
from livekit.agents.utils import http_context

from lab.bench.conversation import talking
from lab.bench.inputs import LLM_MODEL
from timing_profiles.call.requests import Requests
from timing_profiles.call.timing import Timing

# Each turn as long as any other: a wait that no model decides.
_METADATA = json.dumps(
    {
        "profile": "default",
        "overrides": {"turn_handling": {"endpointing": {"min_delay": 0.6, "max_delay": 0.6}}},
    }
)

# Together they set delays, the VAD, interruption and preemptive generation, and no speech-to-text.
_PROFILES = {"patient": "phone-menu", "brisk": "courier"}


class _Job:
    """A job without a room: only the session is measured."""

    def is_fake_job(self) -> bool:
        return True


async def main(turns: int, changes: int) -> dict[str, list[float]]:
    """Speak to both alternately; then change the followed one."""
    async with http_context.open(), AsyncExitStack() as running:
        timings = [_timing(), _timing()]
        sessions = [_session(timing) for timing in timings]
        talks = [await running.enter_async_context(talking(session)) for session in sessions]
        timings[0].follow(sessions[0])
        for talk in talks:
            await talk.turn()  # the first one imports and connects
        pairs = [[await talk.turn() for talk in talks] for _ in range(turns)]
        followed, alone = zip(*pairs, strict=True)
        seconds = [taken async for taken in _changes(timings[0], changes)]
    return {"followed": list(followed), "alone": list(alone), "changes": seconds}


async def _changes(timing: Timing, count: int) -> AsyncGenerator[float]:
    tools: list[Any] = [t for t in timing.tools(**_PROFILES) if isinstance(t, FunctionTool)]
    for number in range(count):
        began = time.perf_counter()
        await tools[number % len(tools)]()
        yield time.perf_counter() - began
        await asyncio.sleep(0.02)  # as long as a frame: the next change finds a cold cache


def _timing() -> Timing:
    job: Any = _Job()
    caller: Any = SimpleNamespace(identity="caller")
    return Timing(job, caller, Requests(SimpleNamespace(attributes={}, metadata=_METADATA)))


def _session(timing: Timing) -> AgentSession[None]:
    return AgentSession(
        **timing.session_kwargs(
            llm=inference.llm_from_model_string(LLM_MODEL), session_close_transcript_timeout=0.0
        )
    )


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))))
