"""A session without a room: its sound comes from nowhere, and goes nowhere."""

import asyncio
import time
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from livekit import rtc
from livekit.agents import Agent, AgentSession, inference, io
from livekit.agents.utils import http_context

from lab.bench import literal
from lab.bench.inputs import LLM_MODEL, METADATA
from timing_profiles.call.requests import Requests
from timing_profiles.call.timing import Timing


@dataclass(frozen=True, slots=True)
class Start:
    """How long the start of a session took, in seconds.

    Attributes:
        arguments: To make the session's arguments: by timing profiles, or literally.
        rest: For the LLM, the session and its start: the same code on both sides.
    """

    arguments: float
    rest: float


async def start(*, profiled: bool) -> Start:
    """Start a session as an entrypoint does, and close it again."""
    async with http_context.open():
        began = time.perf_counter()
        model = inference.llm_from_model_string(LLM_MODEL)
        built = time.perf_counter()
        arguments = (_by_profile if profiled else literal.session_kwargs)(model)
        made = time.perf_counter()
        session: AgentSession[None] = AgentSession(**arguments)
        session.input.audio, session.output.audio = _Silence(), _Nowhere()
        await session.start(Agent(instructions="Answer briefly."))
        started = time.perf_counter()
        await session.aclose()
    return Start(made - built, built - began + started - made)


def _by_profile(model: Any) -> dict[str, Any]:
    """Do the same as `for_call` once the caller has joined, and as an entrypoint with it."""
    caller = SimpleNamespace(attributes={}, metadata=METADATA)
    nobody: Any = None  # the arguments depend on no job, and not on who calls
    return Timing(nobody, nobody, Requests(caller)).session_kwargs(llm=model)


class _Silence(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="silence")

    async def __anext__(self) -> rtc.AudioFrame:
        never: asyncio.Future[rtc.AudioFrame] = asyncio.get_running_loop().create_future()
        return await never


class _Nowhere(io.AudioOutput):
    def __init__(self) -> None:
        super().__init__(label="nowhere", capabilities=io.AudioOutputCapabilities(pause=True))

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        """Discard the frame."""

    def flush(self) -> None:
        """Do nothing."""

    def clear_buffer(self) -> None:
        """Do nothing."""
