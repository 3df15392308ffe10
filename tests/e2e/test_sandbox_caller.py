"""The sandbox's caller in a room with an agent whose state is wrong."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator

from livekit import api, rtc

from sandbox.caller.call import Dial, join
from sandbox.caller.script import Script
from sandbox.caller.sound import Microphone
from sandbox.connection import Connection
from sandbox.livekit_server import LiveKitServer

STATE = "lk.agent.state"


@contextlib.asynccontextmanager
async def agent_in(room: str, server: Connection) -> AsyncGenerator[tuple[rtc.Room, Microphone]]:
    """An agent with a voice."""
    grants = api.VideoGrants(room_join=True, room=room, can_update_own_metadata=True)
    token = api.AccessToken(server.api_key, server.api_secret).with_kind("agent")
    agent, voice = rtc.Room(), Microphone()
    await agent.connect(server.url, token.with_identity("agent").with_grants(grants).to_jwt())
    sending = asyncio.create_task(voice.run())
    try:
        await agent.local_participant.publish_track(voice.track)
        yield agent, voice
    finally:
        sending.cancel()
        await agent.disconnect()


async def test_agent_whose_state_remains_speaking_is_heard_out() -> None:
    """The SDK may send `listening` before the `speaking` that it follows: silence decides then."""
    ((hello,),) = Script("Hello.").turns()
    assert isinstance(hello, bytes)
    async with (
        LiveKitServer() as server,
        join(server.connection, Dial(patience=30)) as caller,
        agent_in(caller.room.name, server.connection) as (agent, voice),
    ):
        await agent.local_participant.set_attributes({STATE: "listening"})
        await caller.agent_listens()
        await agent.local_participant.set_attributes({STATE: "speaking"})
        said = await voice.play(hello)
        await caller.agent_listens()
        assert time.monotonic() - said.end > 5
