"""Keep what a caller says before the session listens."""

from __future__ import annotations

import asyncio

from livekit import rtc

from timing_profiles.call import sdk_internals


class EarlyAudio:
    """Keeps what a caller says before the session listens, and hands it to the session.

    LiveKit's clients can record before the agent is there. Such a recording ends when the agent
    subscribes to the caller's track, and then comes as a byte stream. LiveKit's session takes it
    only where it was made before the room was connected. Ours is made after that, because the
    caller's metadata decides how. So the subscription waits for the session: the recording goes on
    until then. And the stream is kept, should it come before the session takes it.

    A room that reconnects publishes every track again. What it is asked for meanwhile is lost:
    a track that was announced while it reconnects is subscribed to afterwards.

    Args:
        room: The room; not connected yet.
    """

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._recordings: list[tuple[rtc.ByteStreamReader, str]] = []
        self._held: list[rtc.RemoteTrackPublication] = []
        self._waiting = True
        room.on("track_published", self._subscribe)
        room.on("track_unpublished", self._forget)
        room.on("reconnected", self._subscribe_to_held)
        sdk_internals.intercept_recordings(room, self._keep, self._hand_over)

    def connected(self) -> None:
        """Subscribe to what was published before the room was connected without subscriptions."""
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._subscribe(publication)

    def release(self) -> None:
        """Subscribe to everything from now on."""
        self._waiting = False
        self._subscribe_to_held()

    def _subscribe(self, publication: rtc.RemoteTrackPublication) -> None:
        connected = self._room.connection_state == rtc.ConnectionState.CONN_CONNECTED
        if (self._waiting and sdk_internals.is_recorded(publication)) or not connected:
            self._held.append(publication)
        else:
            publication.set_subscribed(True)

    def _subscribe_to_held(self) -> None:
        held, self._held = self._held, []
        for publication in held:
            self._subscribe(publication)

    def _forget(self, publication: rtc.RemoteTrackPublication) -> None:
        if publication in self._held:
            self._held.remove(publication)

    def _keep(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        self._recordings.append((reader, identity))

    def _hand_over(self, handler: sdk_internals.Stream) -> None:
        for recording in self._recordings:
            handler(*recording)
        # Once the session, which is registering just now, has linked its caller.
        asyncio.get_running_loop().call_soon(self.release)
