"""A voice agent whose turn-taking comes from the caller's timing profile."""

import os

from dotenv import load_dotenv
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

import timing_profiles

load_dotenv(".env.local")

server = AgentServer(prometheus_port=timing_profiles.metrics_port())
timing_profiles.attach(server)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Answer one call with the timing that its caller asked for."""
    timing = await timing_profiles.for_call(ctx)
    llm = os.environ.get("LLM_MODEL") or "openai/gpt-4.1-mini"
    session: AgentSession[None] = AgentSession(**timing.session_kwargs(llm=llm))
    agent = Agent(instructions="You are a friendly assistant on the phone. Answer briefly.")
    await session.start(agent=agent, room=ctx.room, room_options=timing.room_options())
    timing.follow(session)


if __name__ == "__main__":
    cli.run_app(server)
