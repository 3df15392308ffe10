"""Add timing profiles to an existing agent; the numbered comments mark the added lines.

The agent uses speech-to-text, LLM and text-to-speech models of LiveKit Inference. From a profile it
uses

- all of `turn_handling`, `turn_detector`, `vad` and `session`, which configure LiveKit. With
  `turn_detection: stt`, as in profiles for Deepgram Flux, the agent's own speech-to-text ends the
  turn: with the model below, at every final transcript.
- `tts.speed`, which the voice below takes (docs/providers.md).
- nothing of `stt.engine`, `stt.nova` and `stt.flux`, which are for Deepgram: where a profile sets
  them, `timing.problems` says that they are not applied. The agent needs no DEEPGRAM_API_KEY.

Run it with `.venv/bin/python examples/existing_agent.py dev`.
"""

from dataclasses import dataclass

from dotenv import load_dotenv
from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    JobContext,
    RunContext,
    cli,
    function_tool,
)

import timing_profiles

load_dotenv(".env.local")

server = AgentServer()
timing_profiles.attach(server, deepgram=False)  # 1. Load, check and watch the profiles.


@dataclass
class Booking:
    """A booking, as far as the caller has given it."""

    guests: int | None = None


class Host(Agent):
    """Takes bookings for a restaurant."""

    def __init__(self) -> None:
        """Set the instructions."""
        super().__init__(instructions="You take bookings for a restaurant. Answer briefly.")

    async def on_enter(self) -> None:
        """Greet the caller."""
        self.session.generate_reply()

    @function_tool
    async def note_guests(self, context: RunContext[Booking], guests: int) -> str:
        """Note for how many guests the table is.

        Args:
            context: The call.
            guests: The number of guests, including the caller.
        """
        context.userdata.guests = guests
        return f"A table for {guests}."


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Answer one call."""
    timing = await timing_profiles.for_call(ctx)  # 2. Wait for the caller, resolve its profile.
    session = AgentSession[Booking](
        userdata=Booking(),
        **timing.session_kwargs(  # 3. The profile's timing, with your own models.
            stt="assemblyai/universal-streaming:en",
            llm="openai/gpt-4.1-mini",
            tts="cartesia/sonic-3",
        ),
    )
    await session.start(
        agent=Host(),
        room=ctx.room,
        room_options=timing.room_options(),  # 3, too: listen to that caller.
    )


if __name__ == "__main__":
    cli.run_app(server)
