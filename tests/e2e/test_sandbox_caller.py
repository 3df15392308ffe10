"""The sandbox's caller in a room with an agent whose state is wrong."""

import subprocess
import sys
import time

from sandbox.caller.call import STATE, Dial, join
from sandbox.caller.script import Script
from sandbox.livekit_server import LiveKitServer
from sandbox.repository import ROOT
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


# As on a busy machine, what is late is sent at once, until the SDK's queue is full, and the program
# ends a second after the SDK.
LEAVES_WHILE_SENDING = """
import asyncio, atexit, time

atexit.register(time.sleep, 1)
from sandbox.caller.sound import Microphone

async def main():
    sending = asyncio.create_task(Microphone().run())
    await asyncio.sleep(0.1)
    time.sleep(1)
    await asyncio.sleep(0.1)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

asyncio.run(main())
"""


def test_caller_who_leaves_while_sending_prints_nothing() -> None:
    """The SDK's library wrote an error to the terminal of `make call`, rarely."""
    program = [sys.executable, "-c", LEAVES_WHILE_SENDING]
    ran = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603
    assert (ran.stdout, ran.stderr) == ("", "")


def test_program_ends_before_the_interpreter() -> None:
    """Else one of the SDK's threads aborted `make call` once in a hundred times."""
    program = "import atexit; from sandbox.ending import end; atexit.register(print, 'late');"
    program += "print('all', end=''); end(130)"
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "all", "")
