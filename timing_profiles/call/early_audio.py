"""Keep what a caller says before the session listens."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from livekit import rtc
from livekit.rtc._proto.track_pb2 import AudioTrackFeature
from livekit.rtc.data_stream import ByteStreamHandler

PRE_CONNECT_TOPIC = "lk.agent.pre-connect-audio-buffer"
"""The byte stream on which LiveKit's clients send what was said before the agent was there."""


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    # The SDK warns that a stream may have been lost; it was kept.
    return "pre-connect audio handler registered after" not in str(record.msg)


class EarlyAudio:
    """Keeps what a caller says before the session listens, and hands it to the session.

    LiveKit's clients can record before the agent is there. Such a recording ends when the agent
    subscribes to the caller's track, and then comes as a byte stream. LiveKit's session takes it
    only where it was made before the room was connected. Ours is made after that, because the
    caller's metadata decides how. So the subscription waits for the session: the recording goes on
    until then. And the stream is kept, should it come before the session takes it.

    A room that is connected anew publishes every track anew. Until it is, what it is asked for is
    lost: a track that was announced meanwhile is subscribed to afterwards.
    """

    def __init__(self, room: rtc.Room) -> None:
        """Begin to keep; the room must not be connected yet."""
        self._room = room
        self._streams: list[tuple[rtc.ByteStreamReader, str]] = []
        self._held: list[rtc.RemoteTrackPublication] = []
        self._waiting = True
        self._register = room.register_byte_stream_handler
        room.on("track_published", self._subscribe)
        room.on("track_unpublished", self._forget)
        room.on("reconnected", self._subscribe_to_held)
        # An application that takes the topic itself is let be, as the session would do.
        with contextlib.suppress(ValueError):
            self._register(PRE_CONNECT_TOPIC, self._keep)
            # On this one room, registering for the topic now means: hand over.
            setattr(room, "register_byte_stream_handler", self._hand_over)  # noqa: B010
            logging.getLogger("livekit.agents").addFilter(_is_no_false_alarm)

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
        recorded = AudioTrackFeature.TF_PRECONNECT_BUFFER in publication.audio_features
        connected = self._room.connection_state == rtc.ConnectionState.CONN_CONNECTED
        if (self._waiting and recorded) or not connected:
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
        self._streams.append((reader, identity))

    def _hand_over(self, topic: str, handler: ByteStreamHandler) -> None:
        if topic == PRE_CONNECT_TOPIC:
            setattr(self._room, "register_byte_stream_handler", self._register)  # noqa: B010
            self._room.unregister_byte_stream_handler(topic)
        self._register(topic, handler)
        if topic == PRE_CONNECT_TOPIC:
            for stream in self._streams:
                handler(*stream)
            # Once the session, which is registering just now, has linked its caller.
            asyncio.get_running_loop().call_soon(self.release)
