"""Which tracks of a room a job gets: a real room with a caller and a stranger, without a worker."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

import pytest
from livekit import api, rtc
from livekit.agents import AgentSession
from livekit.agents.voice.room_io import RoomIO, RoomOptions

from sandbox.connection import Connection
from sandbox.fixtures import Happened
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually
from tests.e2e.guest import Guest, guest
from timing_profiles.call.early_audio import Recordings
from timing_profiles.call.subscriptions import Subscriptions

ROOM = "subscriptions"
CALLER = {"caller microphone"}
EVERYTHING = {
    f"{who} {what}" for who in ("caller", "stranger") for what in ("microphone", "camera")
}

SOURCES = {
    rtc.TrackSource.SOURCE_MICROPHONE: "microphone",
    rtc.TrackSource.SOURCE_CAMERA: "camera",
}


@dataclass
class Job:
    """The agent's side of a room."""

    room: rtc.Room
    subscriptions: Subscriptions

    def _tracks(self) -> list[tuple[str, rtc.RemoteTrackPublication]]:
        return [
            (f"{identity} {SOURCES[publication.source]}", publication)
            for identity, participant in self.room.remote_participants.items()
            for publication in participant.track_publications.values()
        ]

    def published(self) -> set[str]:
        """The tracks that there are."""
        return {name for name, _ in self._tracks()}

    def gets(self) -> set[str]:
        """The tracks that arrive here."""
        return {name for name, publication in self._tracks() if publication.track}

    async def gets_only(self, expected: set[str]) -> None:
        """Wait for tracks, and a little longer for any others."""
        await eventually(lambda: self.gets() >= expected, 10, f"{expected} arrive")
        await asyncio.sleep(0.6)  # three looks; nothing reports what is not subscribed to
        assert self.gets() == expected


@contextlib.asynccontextmanager
async def job(connection: Connection) -> AsyncGenerator[Job]:
    """Be in the room as a job is whose `for_call` connects."""
    room = rtc.Room()
    made = Job(room, Subscriptions(room, Recordings(room)))
    token = api.AccessToken(connection.api_key, connection.api_secret).with_identity("agent")
    token = token.with_grants(api.VideoGrants(room_join=True, room=ROOM, agent=True))
    options = rtc.RoomOptions(auto_subscribe=False)
    await room.connect(connection.url, token.with_kind("agent").to_jwt(), options)
    made.subscriptions.connected()
    try:
        yield made
    finally:
        await room.disconnect()


async def show(somebody: Guest) -> None:
    """Publish a camera."""
    track = rtc.LocalVideoTrack.create_video_track("camera", rtc.VideoSource(64, 48))
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    await somebody.room.local_participant.publish_track(track, options)


@pytest.fixture
async def here() -> AsyncGenerator[Job]:
    """A job in a room in which a caller and a stranger have microphone and camera on."""
    async with LiveKitServer() as server, job(server.connection) as made:
        caller = guest(server.connection, ROOM, identity="caller")
        stranger = guest(server.connection, ROOM, identity="stranger")
        async with caller as one, stranger as other:
            await asyncio.gather(show(one), show(other))
            await eventually(lambda: made.published() == EVERYTHING, 10, "four tracks")
            yield made


async def test_fault_86_only_what_the_session_uses_is_subscribed_to(
    here: Job, happened: Happened
) -> None:
    """The caller's audio; video once the session takes it; another one's once it is linked."""
    await here.gets_only(set())
    here.subscriptions.listen_to("caller")
    await here.gets_only(CALLER)
    session = AgentSession[None]()
    linked = RoomIO(session, here.room, participant="caller")
    await linked.start()
    await here.gets_only(CALLER)
    await linked.aclose()
    linked = RoomIO(session, here.room, participant="caller", options=RoomOptions(video_input=True))
    await linked.start()
    await here.gets_only({*CALLER, "caller camera"})
    linked.set_participant("stranger")
    await here.gets_only(EVERYTHING)
    await linked.aclose()
    happened("of four tracks one; two for a session with video; all once it moves to the other")


async def test_application_with_a_track_handler_gets_the_tracks(here: Job) -> None:
    """As where it is connected without this library: from when it has a handler."""
    here.subscriptions.listen_to("caller")
    await here.gets_only(CALLER)
    arrived: list[object] = []
    here.room.on("track_subscribed", arrived.append)
    await here.gets_only(EVERYTHING)
    assert len(arrived) == 3
