"""An agent that takes its time between finding the caller and listening to it."""

import asyncio

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

import timing_profiles

server = AgentServer(
    port=0, load_fnc=lambda: 0.0, num_idle_processes=1, initialize_process_timeout=60
)
timing_profiles.attach(server)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Answer one call, slowly."""
    timing = await timing_profiles.for_call(ctx)
    await asyncio.sleep(4.0)
    session: AgentSession[None] = AgentSession(**timing.session_kwargs(llm="openai/gpt-4.1-mini"))
    options = timing.room_options()
    await session.start(agent=Agent(instructions=""), room=ctx.room, room_options=options)
    timing.follow(session)


if __name__ == "__main__":
    cli.run_app(server)
