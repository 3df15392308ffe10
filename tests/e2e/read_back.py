"""What an agent's session has in force, as the SDK tells everybody in the room."""

import ast
from typing import Any

from livekit.agents.voice.remote_session import RemoteSession

from sandbox.caller import Caller


async def session_options(caller: Caller) -> dict[str, Any]:
    """The options of the session that the caller's agent runs, by name."""
    assert caller.agent
    session = RemoteSession.from_room(caller.room, caller.agent.identity)
    await session.start()
    options = (await session.get_session_state()).options
    await session.aclose()
    return {name: ast.literal_eval(value) for name, value in options.items()}
