"""Recipes of docs/existing-agents.md as agents: the metadata of the dispatch selects one.

The test puts the code of the page in front of this file.
"""

import json

from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

import timing_profiles

server = AgentServer(
    port=0, load_fnc=lambda: 0.0, num_idle_processes=1, initialize_process_timeout=60
)
timing_profiles.attach(server)


@server.rtc_session()
async def call(ctx: JobContext) -> None:
    """Answer one call as a recipe does."""
    recipe = json.loads(ctx.job.metadata).get("recipe")
    if recipe == "dial":
        await dial(ctx)  # type: ignore[name-defined]  # noqa: F821 - of the page
        return
    is_text = recipe == "chat"
    timing = await (chat if is_text else timing_profiles.for_call)(ctx)  # type: ignore[name-defined]  # noqa: F821
    session: AgentSession[None] = AgentSession(**timing.session_kwargs(llm="openai/gpt-4.1-mini"))
    options = timing.room_options(audio_input=not is_text, audio_output=not is_text)
    await session.start(agent=Agent(instructions=""), room=ctx.room, room_options=options)

    async def move(request: rtc.RpcInvocationData) -> str:
        session.room_io.set_participant(request.payload)
        return ""

    ctx.room.local_participant.register_rpc_method("move", move)


if __name__ == "__main__":
    cli.run_app(server)
