"""A caller who joins and waits for the agent to listen."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from livekit import api, rtc

from lab.bench.inputs import METADATA
from sandbox.caller.call import STATE
from sandbox.connection import Connection

_LIMIT = 60.0  # seconds; what takes longer has failed


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that the agent has answered.

    Attributes:
        seconds: From the moment when the caller began to join until the agent listened.
        agent: The agent, as the caller sees it.
    """

    seconds: float
    agent: rtc.RemoteParticipant


@contextlib.asynccontextmanager
async def dialled(connection: Connection, metadata: str = METADATA) -> AsyncGenerator[Answered]:
    """Call the agent that a connection names, in a new room; the call ends with the block.

    Raises:
        TimeoutError: Nobody listens for a minute.
    """
    room, name = rtc.Room(), f"call-{secrets.token_hex(4)}"
    listening: asyncio.Future[rtc.RemoteParticipant] = asyncio.get_running_loop().create_future()

    def look(*_: object) -> None:
        for participant in room.remote_participants.values():
            if participant.attributes.get(STATE) == "listening" and not listening.done():
                listening.set_result(participant)

    room.on("participant_connected", look)
    room.on("participant_attributes_changed", look)
    token = _token(connection, name, metadata)
    started = time.monotonic()
    await room.connect(connection.url, token)
    try:
        participant = await asyncio.wait_for(listening, _LIMIT)
        yield Answered(time.monotonic() - started, participant)
    finally:
        await room.disconnect()
        await _delete(connection, name)


def _token(connection: Connection, room: str, metadata: str) -> str:
    dispatch = api.RoomAgentDispatch(agent_name=connection.agent_name)
    return (
        api.AccessToken(connection.api_key, connection.api_secret)
        .with_identity("caller")
        .with_metadata(metadata)
        .with_grants(api.VideoGrants(room_join=True, room=room))
        .with_room_config(api.RoomConfiguration(agents=[dispatch]))
        .to_jwt()
    )


async def _delete(connection: Connection, room: str) -> None:
    async with api.LiveKitAPI(connection.url, connection.api_key, connection.api_secret) as livekit:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
