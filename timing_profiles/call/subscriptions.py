"""Subscribe to the tracks that a call uses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from livekit import rtc

from timing_profiles.call import sdk_internals
from timing_profiles.call.early_audio import Recordings

# Seconds between two looks at tracks that are unused yet: no event reports a session's first use.
_LOOKS = 0.2


class Subscriptions:
    """Subscribes to the tracks that a call uses, and to no others: a stranger's tracks cost.

    Used is the caller's audio; of the participant that a session is linked to, the audio, and the
    video where the session takes video; and all tracks where the application has its own handler
    for subscribed ones.

    LiveKit's clients can record before the agent is there. Such a recording ends when the agent
    subscribes to the caller's track, and then comes as a byte stream. LiveKit's session takes it
    only where it was made before the room was connected. Ours is made after that, because the
    caller's metadata decides how. So the subscription waits for the session: the recording goes on
    until then. And the stream is kept, should it come before the session takes it: `recordings`.

    A room that reconnects publishes every track again. What it is asked for meanwhile is lost:
    a track that was announced while it reconnects is subscribed to afterwards.

    Args:
        room: The room; not connected yet.
        recordings: Its recordings; once a session takes them, the tracks of recordings are
            subscribed to.
    """

    def __init__(self, room: rtc.Room, recordings: Recordings) -> None:
        self._room = room
        self._caller: str | None = None
        self._held: list[tuple[rtc.RemoteTrackPublication, str]] = []
        self._is_recording = True
        self._timer: asyncio.TimerHandle | None = None
        room.on("track_published", self._published)
        room.on("track_unpublished", self._forget)
        room.on("reconnected", self._look)
        recordings.on_taken = self.release

    def connected(self) -> None:
        """Check the tracks published before the room was connected without subscriptions."""
        for participant in self._room.remote_participants.values():
            for publication in participant.track_publications.values():
                self._published(publication, participant)

    def listen_to(self, identity: str) -> None:
        """Subscribe to the audio of a participant, the caller, from now on."""
        self._caller = identity
        self._look()

    def release(self) -> None:
        """Wait for no recording any more."""
        self._is_recording = False
        self._look()

    def _published(
        self, publication: rtc.RemoteTrackPublication, participant: rtc.RemoteParticipant
    ) -> None:
        taken = sdk_internals.taken_sources(self._room)
        if self._connected() and self._is_used(publication, participant.identity, taken):
            publication.set_subscribed(True)
            return
        # Only this one: a participant may publish thousands.
        self._held.append((publication, participant.identity))
        if self._timer is None:
            self._look_later()

    def _forget(self, publication: rtc.RemoteTrackPublication) -> None:
        self._held = [held for held in self._held if held[0] is not publication]

    def _look(self) -> None:
        """Subscribe to the tracks in use; check again later while there are others."""
        connected = self._connected()
        taken = sdk_internals.taken_sources(self._room)
        held, self._held = self._held, []
        for publication, identity in held:
            if connected and self._is_used(publication, identity, taken):
                publication.set_subscribed(True)
            elif identity in self._room.remote_participants:
                self._held.append((publication, identity))
        self._look_later()

    def _look_later(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self._held and self._room.isconnected():
            self._timer = asyncio.get_running_loop().call_later(_LOOKS, self._look)

    def _connected(self) -> bool:
        return self._room.connection_state == rtc.ConnectionState.CONN_CONNECTED

    def _is_used(
        self,
        publication: rtc.RemoteTrackPublication,
        identity: str,
        taken: Mapping[str, set[int]] | None,
    ) -> bool:
        # A stranger's are the many; the others take the time of a protocol buffer.
        if taken is not None and identity != self._caller and identity not in taken:
            return False
        if self._is_recording and sdk_internals.is_recorded(publication):
            return False
        is_audio = publication.kind == rtc.TrackKind.KIND_AUDIO
        if taken is None or (is_audio and identity == self._caller):
            return True
        return publication.source in taken.get(identity, ())
