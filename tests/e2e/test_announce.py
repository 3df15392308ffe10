"""What the agent announces, as another participant of a real room reads it."""

from dataclasses import replace
from typing import cast

from livekit.agents import JobContext

import timing_profiles
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually
from sandbox.worker import ROOT
from tests.e2e.guest import guest
from tests.room import Job, Room
from timing_profiles.call import announce

ROOM = "announced"


async def test_last_of_several_announcements_remains() -> None:
    """The SDK sends requests that follow each other at once in any order."""
    found = timing_profiles.resolve({}, profiles_dir=ROOT / "profiles")
    async with (
        LiveKitServer() as server,
        guest(server.connection, ROOM, identity="agent", can_publish=False) as agent,
        guest(server.connection, ROOM, identity="observer", can_publish=False) as observer,
    ):
        job = cast("JobContext", Job(cast("Room", agent.room)))
        for number in range(40):
            for profile in ("first", "second", f"last-{number}"):
                announce.announce(job, replace(found, profile=profile))

            def read(last: str = f"last-{number}") -> bool:
                who = observer.room.remote_participants.get("agent")
                return who is not None and who.attributes.get("timing.profile") == last

            await eventually(read, 10, "the last announcement")
