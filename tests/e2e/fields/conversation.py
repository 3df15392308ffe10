"""A real session in this process: a caller on one side, the stand-ins on the other, and no room.

What a room adds to a wait is absent. The session, the VAD, the turn detector and Deepgram's plugin
are the SDK's own, and made from a profile by the code that makes them in a job. Time is virtual.

All times are `time.time()`, the clock of the SDK's events and of the stand-ins' records.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import openai.resources.chat.completions  # noqa: F401 - or the first request pays half a second
import pytest
from livekit import rtc
from livekit.agents import Agent, AgentSession, JobContext, utils

from sandbox.caller import Script
from sandbox.deepgram import NUMBERS, Deepgram, Request
from sandbox.polling import eventually
from tests.e2e.fields.ear import Ear
from tests.e2e.fields.gateway import Gateway
from tests.e2e.fields.mouth import Interval, Mouth
from timing_profiles.call.requests import Requests
from timing_profiles.call.timing import Timing

_EVENTS: Final = (
    "agent_false_interruption",
    "agent_state_changed",
    "conversation_item_added",
    "user_input_transcribed",
    "user_state_changed",
    "user_transcription_timeout",
)
_QUIET: Final = 0.3  # seconds in which both sides settle before anything happens


class Conversation:
    """What happens, and what has happened, between a caller and an agent.

    Attributes:
        session: The agent's session.
        deepgram: The stand-in that hears and speaks.
        gateway: The stand-in that thinks.
        mouth: What the caller says.
        ear: What the caller hears.
        began: When both sides had settled.
        said: When the caller said something.
    """

    def __init__(self, session: AgentSession[None], deepgram: Deepgram, gateway: Gateway) -> None:
        """Give the session a mouth to listen to, and an ear to talk to."""
        self.session = session
        self.deepgram = deepgram
        self.gateway = gateway
        self.mouth = Mouth()
        self.ear = Ear()
        self.began = 0.0
        self.said: list[Interval] = []
        self._events: list[tuple[float, Any]] = []
        self._is_over = False
        session.input.audio, session.output.audio = self.mouth, self.ear
        for name in _EVENTS:
            session.on(name, self._happened)

    async def settle(self) -> None:
        """Let both sides be silent for a moment."""
        await asyncio.sleep(_QUIET)
        self.began = time.time()

    def end(self) -> None:
        """Take no notice of what comes of hanging up."""
        self._is_over = True

    async def say(self, *sounds: str | bytes) -> None:
        """Say text, with pauses as in a caller's script, or sounds; returns once they are said."""
        for sound in sounds:
            said = Script(sound).turns()[0] if isinstance(sound, str) else [sound]
            self.said += await self.mouth.say(said)

    async def hear(self, seconds: float = 5.0) -> Interval | None:
        """Wait for the agent's next sound; None when it stays silent for so long."""
        heard = len(self.ear.sounds)
        with contextlib.suppress(TimeoutError):
            await eventually(lambda: len(self.ear.sounds) > heard, seconds, "a sound")
            return self.ear.sounds[-1]
        return None

    def events(self, type_: str, **having: Any) -> list[tuple[float, Any]]:
        """All events of a type that have these values, with the times at which they came."""
        return [
            (at, event)
            for at, event in self._events
            if event.type == type_ and all(getattr(event, k) == v for k, v in having.items())
        ]

    def turns(self) -> Iterator[tuple[float, float | None]]:
        """When each turn of the caller was found to be over, and the SDK's own delay."""
        for at, event in self.events("conversation_item_added"):
            if getattr(event.item, "role", None) == "user":
                yield at, event.item.metrics.get("end_of_turn_delay")

    def asked(self, path: str = "/chat/completions") -> list[float]:
        """When the gateway was asked for something."""
        return [request.at for request in self.gateway.requests if request.path == path]

    def connections(self, path: str) -> list[Request]:
        """The connections to Deepgram."""
        return [request for request in self.deepgram.requests if request.path == path]

    def _happened(self, event: Any) -> None:
        if not self._is_over:
            self._events.append((time.time(), event))


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens in a conversation.

    Attributes:
        act: What the caller does.
        deaf: Whether Deepgram hears no words in sound.
        words: What it hears otherwise.
        thinks: Seconds that the LLM takes.
        speaks: Seconds that the text-to-speech takes.
    """

    act: Callable[[Conversation], Awaitable[None]]
    deaf: bool = False
    words: Sequence[str] = NUMBERS
    thinks: float = 0.0
    speaks: float = 0.0


async def converse(profile: str, scene: Scene) -> Conversation:
    """Play a scene with the timing of a published profile."""
    async with (
        Deepgram(words=scene.words, deaf=scene.deaf, tts_latency=scene.speaks) as deepgram,
        Gateway(latency=scene.thinks) as gateway,
        utils.http_context.open(),
        _session(profile, deepgram, gateway) as conversation,
    ):
        await conversation.settle()
        await scene.act(conversation)
        conversation.end()
    return conversation


@contextlib.asynccontextmanager
async def _session(
    profile: str, deepgram: Deepgram, gateway: Gateway
) -> AsyncGenerator[Conversation]:
    requests = Requests(None, profile)
    # Neither a job nor a room: only what follows a running call would look at them.
    timing = Timing(cast("JobContext", None), cast("rtc.RemoteParticipant", None), requests)
    assert timing.problems == ()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DEEPGRAM_BASE_URL", deepgram.url)
        environment.setenv("LIVEKIT_INFERENCE_URL", gateway.url)
        session: AgentSession[None] = AgentSession(
            **timing.session_kwargs(llm="openai/gpt-4.1-mini")
        )
        conversation = Conversation(session, deepgram, gateway)
        await session.start(agent=Agent(instructions="Answer briefly."))
    try:
        yield conversation
    finally:
        await session.aclose()
        for part in (session.stt, session.llm, session.tts):
            assert part
            await part.aclose()  # what a job leaves to the end of its process
        requests.close()
