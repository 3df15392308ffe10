"""An agent whose first step borrows a profile in `on_enter`, and whose session can start again."""

import asyncio

from livekit import rtc
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli

import timing_profiles

server = AgentServer()
timing_profiles.attach(server)


class Dictating(Agent):
    """Borrows a profile as soon as it is there, until its caller ends the step."""

    def __init__(self, timing: timing_profiles.Timing, step: asyncio.Event) -> None:
        """Keep what the step needs."""
        super().__init__(instructions="Answer briefly.")
        self._timing = timing
        self._step = step

    async def on_enter(self) -> None:
        """Take the step: `timing.follow` has not been called yet."""
        async with self._timing.borrow("dictation"):
            await self._step.wait()


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Answer one call; the caller ends the step, and restarts the session, by RPC."""
    timing = await timing_profiles.for_call(ctx)
    step = asyncio.Event()
    session = AgentSession[None](**timing.session_kwargs(llm="openai/gpt-4.1-mini"))
    options = timing.room_options(close_on_disconnect=False)
    await session.start(agent=Dictating(timing, step), room=ctx.room, room_options=options)
    timing.follow(session)

    async def end_step(_: rtc.RpcInvocationData) -> str:
        step.set()
        return ""

    async def restart(_: rtc.RpcInvocationData) -> str:
        await session.aclose()
        await session.start(agent=Agent(instructions=""), room=ctx.room, room_options=options)
        return ""

    ctx.room.local_participant.register_rpc_method("end_step", end_step)
    ctx.room.local_participant.register_rpc_method("restart", restart)


if __name__ == "__main__":
    cli.run_app(server)
