"""Change the timing of a running call; docs/running-calls.md describes how.

The agent asks for an e-mail address. The numbered comments mark three methods: follow the caller's
metadata, borrow a profile for one step, and let the caller ask for another pace.

Run it with `.venv/bin/python examples/collect_email.py dev`.
"""

from dotenv import load_dotenv
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli, function_tool
from livekit.agents.beta.workflows import GetEmailTask

import timing_profiles

load_dotenv(".env.local")

server = AgentServer()
timing_profiles.attach(server)


class Receptionist(Agent):
    """Takes messages."""

    def __init__(self, timing: timing_profiles.Timing) -> None:
        """Set the instructions and the tools."""
        super().__init__(
            instructions="You take messages. Ask for an e-mail address, so that we can reply.",
            tools=timing.tools(),  # 3. "Please don't rush me", "you can be quicker".
        )
        self._timing = timing

    @function_tool
    async def ask_for_email(self) -> str:
        """Ask the caller for the e-mail address, once the caller is ready to give it."""
        async with self._timing.borrow("dictation"):  # 2. Callers who spell pause between letters.
            given = await GetEmailTask(chat_ctx=self.chat_ctx)
        return f"The address is {given.email_address}."


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Answer one call."""
    timing = await timing_profiles.for_call(ctx)
    session = AgentSession[None](**timing.session_kwargs(llm="openai/gpt-4.1-mini"))
    options = timing.room_options()
    await session.start(agent=Receptionist(timing), room=ctx.room, room_options=options)
    timing.follow(session)  # 1. Apply later changes of the metadata.


if __name__ == "__main__":
    cli.run_app(server)
