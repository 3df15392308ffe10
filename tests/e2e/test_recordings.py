"""What comes of byte streams on LiveKit's pre-connect topic: real rooms, without a worker."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from livekit import api, rtc

from sandbox.connection import Connection
from sandbox.fixtures import Happened
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually
from tests.e2e.guest import Guest, guest
from timing_profiles.call.early_audio import MOST_SECONDS, Recordings
from timing_profiles.call.sdk_internals import PRE_CONNECT_TOPIC

ROOM = "recordings"
OPUS = "audio/opus"
LIMIT = MOST_SECONDS * 16_000  # bytes of Opus: as many seconds of PCM take six times as long


@dataclass
class Agent:
    """The agent's side of a room, and what its session gets."""

    room: rtc.Room
    recordings: Recordings
    got: list[tuple[str, bytes]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def session_starts(self) -> None:
        """Take recordings, as a session does."""

        async def read(reader: rtc.ByteStreamReader, identity: str) -> None:
            self.got.append((identity, b"".join([chunk async for chunk in reader])))

        def take(reader: rtc.ByteStreamReader, identity: str) -> None:
            self.tasks.append(asyncio.create_task(read(reader, identity)))

        self.room.register_byte_stream_handler(PRE_CONNECT_TOPIC, take)


@contextlib.asynccontextmanager
async def agent(connection: Connection) -> AsyncGenerator[Agent]:
    """Be in the room as a job is that waits for its caller."""
    room = rtc.Room()
    made = Agent(room, Recordings(room))
    token = api.AccessToken(connection.api_key, connection.api_secret).with_identity("agent")
    token = token.with_grants(api.VideoGrants(room_join=True, room=ROOM, agent=True))
    options = rtc.RoomOptions(auto_subscribe=False)
    await room.connect(connection.url, token.with_kind("agent").to_jwt(), options)
    try:
        yield made
    finally:
        await room.disconnect()


async def send(sender: Guest, track: str, sound: bytes, mime_type: str = "") -> None:
    """Send a recording of a track."""
    writer = await sender.room.local_participant.stream_bytes(
        "preconnect-buffer",
        topic=PRE_CONNECT_TOPIC,
        mime_type=mime_type,
        attributes={"trackId": track, "sampleRate": "48000", "channels": "1"},
    )
    await writer.write(sound)
    await writer.aclose()


async def track_of(agent: Agent, identity: str) -> str:
    """The track of a participant, once the agent knows it."""

    def known() -> str | None:
        there = agent.room.remote_participants.get(identity)
        return next(iter(there.track_publications), None) if there else None

    return await eventually(known, 10, f"a track of {identity}")


@pytest.mark.parametrize("is_publisher", [False, True])
async def test_fault_66_stranger_does_not_speak_for_the_caller(
    happened: Happened, *, is_publisher: bool
) -> None:
    """Neither before the session starts nor after; the caller's own recordings are taken."""
    async with LiveKitServer() as server, agent(server.connection) as job:
        caller = guest(server.connection, ROOM, identity="caller")
        stranger = guest(server.connection, ROOM, identity="stranger", can_publish=is_publisher)
        async with caller as one, stranger as other:
            track = await track_of(job, "caller")
            own = await track_of(job, "stranger") if is_publisher else track
            for sender, of, sound in (
                (other, track, b"words"),
                (other, own, b"more words"),
                (one, track, b"mine"),
            ):
                await send(sender, of, sound)
            await asyncio.sleep(0.5)  # nothing reports what is not taken
            job.recordings.only_of(lambda identity: identity == "caller")
            job.session_starts()
            await send(other, track, b"words")
            await send(other, own, b"more words")
            await send(one, "TR_unknown", b"nobody's")
            await send(one, track, b"mine again")
            await eventually(lambda: len(job.got) == 2, 10, "both recordings of the caller")
            await asyncio.sleep(0.5)
    assert job.got == [("caller", b"mine"), ("caller", b"mine again")]
    happened("two recordings of the caller taken, of five by a stranger or of no track none")


async def test_fault_74_no_more_than_a_minute_is_kept(happened: Happened) -> None:
    """Of the caller, before the session starts and after; the beginning is taken."""
    sound = bytes(range(256)) * (LIMIT // 256 + 4_000)
    async with (
        LiveKitServer() as server,
        agent(server.connection) as job,
        guest(server.connection, ROOM, identity="caller") as caller,
    ):
        track = await track_of(job, "caller")
        await send(caller, track, sound, OPUS)
        await asyncio.sleep(1)
        job.session_starts()
        await send(caller, track, sound, OPUS)
        await eventually(lambda: len(job.got) == 2, 30, "both recordings")
    assert [taken == sound[:LIMIT] for _, taken in job.got] == [True, True]
    happened(f"of two recordings of {len(sound):,} bytes, {LIMIT:,} each")
