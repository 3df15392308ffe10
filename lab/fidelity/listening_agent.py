"""A production worker like agent.py's that records what it hears, and when it decides.

Each call becomes two files in the folder that `HEARD_DIR` names, called after the room: `.pcm`, the
sound as the session gets it, and `.jsonl`, a line for each frame, prediction, change of state, and
for each time that the process was late.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import Path
from typing import Any, TextIO

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    AgentStateChangedEvent,
    JobContext,
    ModelSettings,
    cli,
)

import timing_profiles
from timing_profiles.call import sdk_internals

_BEAT = 0.01  # seconds

server = AgentServer(
    port=0, load_fnc=lambda: 0.0, num_idle_processes=2, initialize_process_timeout=60
)
timing_profiles.attach(server)


class Notes:
    """Lines of JSON, each there at once.

    Args:
        stream: Where they go.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def add(self, what: str, at: float, value: Any) -> None:
        """Add a line: what it is about, when in seconds since 1970, and its value."""
        self._stream.write(json.dumps([what, at, value]) + "\n")
        self._stream.flush()

    def predicted(self, probability: float, _: float | None) -> None:
        """Add a probability of the turn detector."""
        self.add("prediction", time.time(), probability)

    def state_changed(self, event: AgentStateChangedEvent) -> None:
        """Add a state of the agent."""
        self.add("state", event.created_at, event.new_state)

    async def watch_the_clock(self) -> None:
        """Add how late each beat of the event loop is."""
        while True:
            due = time.time() + _BEAT
            await asyncio.sleep(_BEAT)
            now = time.time()
            self.add("late", now, now - due)


class Listening(Agent):
    """Answers briefly, and records what it hears.

    Args:
        sound: Where the frames go.
        notes: Where their times go.
    """

    def __init__(self, sound: Path, notes: Notes) -> None:
        super().__init__(instructions="You are a friendly assistant on the phone. Answer briefly.")
        self._sound = sound
        self._notes = notes

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> Any:
        """Record each frame when it comes, and recognise as usual."""

        async def recorded() -> AsyncIterator[rtc.AudioFrame]:
            with self._sound.open("ab", buffering=0) as sound:
                async for frame in audio:
                    sound.write(frame.data)
                    self._notes.add("frame", time.time(), frame.samples_per_channel)
                    yield frame

        async for event in Agent.default.stt_node(self, recorded(), model_settings):
            yield event


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Answer one call with the timing that its caller asked for."""
    timing = await timing_profiles.for_call(ctx)
    given = timing.session_kwargs(llm=os.environ.get("LLM_MODEL") or "openai/gpt-4.1-mini")
    file = Path(os.environ["HEARD_DIR"]) / ctx.room.name
    notes = Notes(file.with_suffix(".jsonl").open("a", encoding="utf-8"))
    sdk_internals.observe_predictions(given["turn_handling"]["turn_detection"], notes.predicted)
    session: AgentSession[None] = AgentSession(**given)
    session.on("agent_state_changed", notes.state_changed)
    agent = Listening(file.with_suffix(".pcm"), notes)
    await session.start(agent=agent, room=ctx.room, room_options=timing.room_options())
    timing.follow(session)
    beats = asyncio.create_task(notes.watch_the_clock())

    async def ended() -> None:
        beats.cancel()

    ctx.add_shutdown_callback(ended)


if __name__ == "__main__":
    cli.run_app(server)
