"""What the agent announces, as another participant of a real room reads it."""

import contextlib
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import cast

from livekit import api, rtc
from livekit.agents import JobContext

import timing_profiles
from sandbox.connection import Connection
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually
from sandbox.worker import ROOT
from tests.room import Job, Room
from timing_profiles.call import announce


@contextlib.asynccontextmanager
async def joined(server: Connection, identity: str) -> AsyncGenerator[rtc.Room]:
    """A participant in the room `announced`."""
    grants = api.VideoGrants(room_join=True, room="announced", can_update_own_metadata=True)
    token = api.AccessToken(server.api_key, server.api_secret).with_identity(identity)
    room = rtc.Room()
    await room.connect(server.url, token.with_grants(grants).to_jwt())
    try:
        yield room
    finally:
        await room.disconnect()


async def test_last_of_several_announcements_remains() -> None:
    """The SDK sends requests that follow each other at once in any order."""
    found = timing_profiles.resolve({}, profiles_dir=ROOT / "profiles")
    async with (
        LiveKitServer() as server,
        joined(server.connection, "agent") as agent,
        joined(server.connection, "observer") as observer,
    ):
        job = cast("JobContext", Job(cast("Room", agent)))
        for number in range(40):
            for profile in ("first", "second", f"last-{number}"):
                announce.announce(job, replace(found, profile=profile))

            def read(last: str = f"last-{number}") -> bool:
                who = observer.remote_participants.get("agent")
                return who is not None and who.attributes.get("timing.profile") == last

            await eventually(read, 10, "the last announcement")
