"""An agent as many are still written: `WorkerOptions` instead of a server."""

from typing import Any

from livekit.agents import Agent, AgentSession, JobContext, WorkerOptions, cli

import timing_profiles


async def entrypoint(ctx: JobContext) -> None:
    """Answer one call."""
    timing = await timing_profiles.for_call(ctx)
    given: dict[str, Any] = timing.session_kwargs(llm="openai/gpt-4.1-mini")
    session: AgentSession[None] = AgentSession(**given)
    agent = Agent(instructions="Answer briefly.")
    await session.start(agent=agent, room=ctx.room, room_options=timing.room_options())


options = WorkerOptions(entrypoint_fnc=entrypoint)
timing_profiles.attach(options)

if __name__ == "__main__":
    cli.run_app(options)
