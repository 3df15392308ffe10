"""Conversations with sessions over loopback: sound in real time, and no room."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator

from async_timeout import timeout
from livekit import rtc
from livekit.agents import Agent, AgentSession, io

from sandbox import speech

_SAMPLE_RATE = 24000
_FRAME = 0.05  # seconds: RoomIO's own
_FRAME_BYTES = 2 * round(_SAMPLE_RATE * _FRAME)
_SENTENCE = "I would like to book a table for two."

_LIMIT = 30.0  # seconds; a turn that takes longer has failed


class Conversation:
    """One session, and a caller who speaks to it.

    Between turns, the session gets no sound and has nothing to do.
    """

    def __init__(self, session: AgentSession[None]) -> None:
        self._session = session
        self._mouth = _Mouth()
        self._ear = _Ear()
        session.input.audio, session.output.audio = self._mouth, self._ear

    async def turn(self) -> float:
        """Say a sentence, and wait until the answer ends.

        Returns:
            The time that the loop's thread was busy meanwhile, in seconds.

        Raises:
            TimeoutError: There is no answer.
        """
        began = time.thread_time()
        self._ear.finished.clear()
        self._mouth.speak(speech.synthesize(_SENTENCE, sample_rate=_SAMPLE_RATE))
        async with timeout(_LIMIT):
            await self._ear.finished.wait()
            while self._session.agent_state != "listening":  # noqa: ASYNC110 - it may be over by now
                await asyncio.sleep(0.01)
        self._mouth.pause()
        return time.thread_time() - began


@contextlib.asynccontextmanager
async def talking(session: AgentSession[None]) -> AsyncGenerator[Conversation]:
    """Run a session until the block ends."""
    conversation = Conversation(session)
    await session.start(Agent(instructions="Answer briefly."))
    try:
        yield conversation
    finally:
        await session.aclose()


class _Mouth(io.AudioInput):
    def __init__(self) -> None:
        super().__init__(label="mouth")
        self._waiting = bytearray()
        self._open = asyncio.Event()
        self._due = 0.0

    def speak(self, sound: bytes) -> None:
        """Send the sound, then silence."""
        self._waiting += sound
        self._due = time.monotonic()
        self._open.set()

    def pause(self) -> None:
        """Send nothing, not even silence."""
        self._open.clear()

    async def __anext__(self) -> rtc.AudioFrame:
        await self._open.wait()
        self._due += _FRAME
        await asyncio.sleep(self._due - time.monotonic())
        sound = bytes(self._waiting[:_FRAME_BYTES]).ljust(_FRAME_BYTES, b"\0")
        del self._waiting[:_FRAME_BYTES]
        return rtc.AudioFrame(sound, _SAMPLE_RATE, 1, _FRAME_BYTES // 2)


class _Ear(io.AudioOutput):
    """Hears everything at once.

    Attributes:
        finished: Set when an answer is over.
    """

    def __init__(self) -> None:
        capabilities = io.AudioOutputCapabilities(pause=True)
        super().__init__(label="ear", capabilities=capabilities, sample_rate=_SAMPLE_RATE)
        self.finished = asyncio.Event()
        self._seconds = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        if not self._seconds:
            self.on_playback_started(created_at=time.time())
        self._seconds += frame.duration

    def flush(self) -> None:
        super().flush()
        self._over(interrupted=False)

    def clear_buffer(self) -> None:
        self._over(interrupted=True)

    def _over(self, *, interrupted: bool) -> None:
        if self._seconds:
            self.on_playback_finished(playback_position=self._seconds, interrupted=interrupted)
            self._seconds = 0.0
            self.finished.set()
