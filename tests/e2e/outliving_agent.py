"""An agent whose job goes on after its caller has left: each caller's metadata says how."""

import asyncio
import logging

from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

import timing_profiles

logger = logging.getLogger("timing_profiles")

server = AgentServer(
    port=0, load_fnc=lambda: 0.0, num_idle_processes=1, initialize_process_timeout=60
)
timing_profiles.attach(server)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Close the session, move it, or have another one; then wait for the caller to leave."""
    timing = await timing_profiles.for_call(ctx)
    left = asyncio.Event()

    def leaves(who: rtc.RemoteParticipant) -> None:
        if who.identity == timing.caller.identity:
            left.set()

    ctx.room.on("participant_disconnected", leaves)
    if timing.profile == "courier":
        other: AgentSession[None] = AgentSession(vad=None)
        await other.start(agent=Agent(instructions=""))
    session: AgentSession[None] = AgentSession(**timing.session_kwargs(llm="openai/gpt-4.1-mini"))
    options = timing.room_options(close_on_disconnect=False)
    await session.start(agent=Agent(instructions=""), room=ctx.room, room_options=options)
    await asyncio.sleep(1.0)  # linked, and noticed
    if timing.profile == "patient":
        await session.aclose()
    elif timing.profile == "courier":
        pass
    elif timing.profile == "elderly":
        second: AgentSession[None] = AgentSession(
            **timing.session_kwargs(llm="openai/gpt-4.1-mini")
        )
        options = timing.room_options(close_on_disconnect=False, text_input=False)
        await second.start(
            agent=Agent(instructions=""), room=ctx.room, room_options=options, record=False
        )
        timing.follow(second)
    else:
        session.room_io.set_participant("second")
    logger.info("%s: ready", timing.profile)
    await left.wait()
    await asyncio.sleep(1.0)
    logger.info("%s: written up", timing.profile)
    ctx.shutdown("done")


if __name__ == "__main__":
    cli.run_app(server)
