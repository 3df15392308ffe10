"""The sandbox's caller in a room with an agent whose state is wrong."""

import time

from sandbox.caller.call import STATE, Dial, join
from sandbox.caller.script import Script
from sandbox.livekit_server import LiveKitServer
from tests.e2e.guest import guest


async def test_agent_whose_state_remains_speaking_is_heard_out() -> None:
    """The SDK may send `listening` before the `speaking` that it follows: silence decides then."""
    ((hello,),) = Script("Hello.").turns()
    assert isinstance(hello, bytes)
    async with (
        LiveKitServer() as server,
        join(server.connection, Dial(patience=30)) as caller,
        guest(server.connection, caller.room.name, identity="agent", kind="agent") as agent,
    ):
        await agent.room.local_participant.set_attributes({STATE: "listening"})
        await caller.agent_listens()
        await agent.room.local_participant.set_attributes({STATE: "speaking"})
        said = await agent.microphone.play(hello)
        await caller.agent_listens()
        assert time.monotonic() - said.end > 5
