"""A real session in this process whose caller is followed: with a voice, without a server."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, cast

from livekit import rtc
from livekit.agents import Agent, AgentSession, JobContext

from sandbox.deepgram import Deepgram
from sandbox.polling import eventually
from tests.e2e.fields.conversation import Conversation
from tests.e2e.fields.gateway import Gateway
from tests.room import Job, Room
from timing_profiles.call.requests import Requests
from timing_profiles.call.timing import Timing


@dataclass(frozen=True, slots=True)
class Followed:
    """A conversation, and the room in which the caller's metadata is.

    Attributes:
        room: Where the caller's metadata can be changed.
        timing: Of the call.
        talk: What is said.
    """

    room: Room
    timing: Timing
    talk: Conversation

    async def delay(self, *sounds: str) -> float:
        """Say something, and hear the answer out; the agent's own delay, in seconds."""
        turns = len(self.delays)
        await self.talk.say(*sounds)
        await self.hear_out()
        (delay,) = self.delays[turns:]
        return delay

    async def hear_out(self) -> None:
        """Wait for the agent's answer, and for its end."""
        assert await self.talk.hear()
        session = self.talk.session
        await eventually(lambda: session.agent_state == "listening", 30, "the agent listens")

    @property
    def delays(self) -> list[float]:
        """The agent's own delay in each turn so far."""
        return [delay for _, delay in self.talk.turns() if delay is not None]


@contextlib.asynccontextmanager
async def followed(
    deepgram: Deepgram,
    gateway: Gateway,
    metadata: str = "",
    agent: Agent | None = None,
    **yours: Any,
) -> AsyncGenerator[Followed]:
    """Have a session run and follow its caller, until the block ends.

    Args:
        deepgram: The stand-in that hears and speaks; the environment must name it.
        gateway: The stand-in that thinks; likewise.
        metadata: The caller's, when the call begins.
        agent: By default, one without anything of its own.
        **yours: Arguments of the session that the application gives.
    """
    room = Room(metadata)
    caller = cast("rtc.RemoteParticipant", room.caller)
    requests = Requests(caller)
    timing = Timing(cast("JobContext", Job(room)), caller, requests)
    arguments = {"session_close_transcript_timeout": 0.0, "llm": "openai/gpt-4.1-mini", **yours}
    session: AgentSession[None] = AgentSession(**timing.session_kwargs(**arguments))
    talk = Conversation(session, deepgram, gateway)
    await session.start(agent=agent or Agent(instructions="Answer briefly."))
    timing.follow(session)
    try:
        yield Followed(room, timing, talk)
    finally:
        talk.end()
        await session.aclose()
        for part in (session.stt, session.llm, session.tts):
            assert part
            await part.aclose()  # what a job leaves to the end of its process
        requests.close()
