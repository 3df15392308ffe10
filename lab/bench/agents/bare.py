"""The agent to compare with: the same session with literal settings."""

import logging
import time

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli, inference, room_io

from lab.bench import literal
from lab.bench.inputs import LLM_MODEL

_logger = logging.getLogger("bare")

# A port of its own, no call refused because the machine is busy, and one process kept warm.
server = AgentServer(port=0, load_fnc=lambda: 0.0, num_idle_processes=1)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Answer one call, and log how long the start took."""
    began = time.perf_counter()
    await ctx.connect()
    caller = await ctx.wait_for_participant()
    llm = inference.llm_from_model_string(LLM_MODEL)
    session: AgentSession[None] = AgentSession(**literal.session_kwargs(llm))
    agent = Agent(instructions="You are a friendly assistant on the phone. Answer briefly.")
    options = room_io.RoomOptions(participant_identity=caller.identity)
    await session.start(agent=agent, room=ctx.room, room_options=options)
    logging.getLogger("bare").info(
        "session started", extra={"seconds": time.perf_counter() - began}
    )


if __name__ == "__main__":
    cli.run_app(server)
