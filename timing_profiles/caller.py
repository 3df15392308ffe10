"""A room -> the caller in it, and what the caller said before anybody listened."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from livekit import rtc
from livekit.agents.job import DEFAULT_PARTICIPANT_KINDS
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF
from livekit.rtc.data_stream import ByteStreamHandler
from livekit.rtc.room import EventTypes

PRE_CONNECT_TOPIC = "lk.agent.pre-connect-audio-buffer"
"""The byte stream on which LiveKit's clients send what was said before the agent was there."""

_EVENTS: tuple[EventTypes, ...] = (
    "participant_active",
    "participant_attributes_changed",
    "participant_permissions_changed",
    "connection_state_changed",
)


class CallerMissing(Exception):
    """There is no caller to talk to: none came in time, or the room closed."""


async def wait_for_caller(
    room: rtc.Room, *, identity: str | None, seconds: float
) -> rtc.RemoteParticipant:
    """Wait for the caller of a room.

    The caller is the earliest joined among the active SIP, standard and connector participants
    that may publish and do not publish on the agent's behalf.

    Args:
        room: A connected room.
        identity: The participant to wait for, where it is known.
        seconds: The longest wait.

    Raises:
        CallerMissing: The time is over, or the room has closed.
    """
    something = asyncio.Event()

    def happened(*_: object) -> None:
        something.set()

    for event in _EVENTS:
        room.on(event, happened)
    try:
        async with asyncio.timeout(seconds):
            while True:
                something.clear()
                caller = earliest(_callers(room, identity))
                if caller:
                    return caller
                if not room.isconnected():
                    raise CallerMissing("the room closed before the caller came")
                await something.wait()
    except TimeoutError:
        raise CallerMissing(f"no caller came within {seconds:g} s") from None
    finally:
        for event in _EVENTS:
            room.off(event, happened)


def earliest(participants: Iterator[rtc.RemoteParticipant]) -> rtc.RemoteParticipant | None:
    """The one who joined first."""
    return min(participants, key=lambda p: (p.joined_at is None, p.joined_at), default=None)


def _callers(room: rtc.Room, identity: str | None) -> Iterator[rtc.RemoteParticipant]:
    agent = room.local_participant.identity
    for participant in room.remote_participants.values():
        if (
            participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
            and identity in {None, participant.identity}
            and participant.kind in DEFAULT_PARTICIPANT_KINDS
            and participant.permissions.can_publish
            and participant.attributes.get(ATTRIBUTE_PUBLISH_ON_BEHALF) != agent
        ):
            yield participant


class EarlyAudio:
    """Holds what callers send before the session listens, and hands it to the session.

    LiveKit's session takes this audio only where it was made before the room was connected. Ours
    is made after that, because the caller's metadata decides how. So the stream is taken here,
    and given to the session's own handler in the moment when the session registers one.
    """

    def __init__(self, room: rtc.Room) -> None:
        """Begin to hold; the room must not be connected yet."""
        self._room = room
        self._held: list[tuple[rtc.ByteStreamReader, str]] = []
        self._register = room.register_byte_stream_handler
        self._register(PRE_CONNECT_TOPIC, self._hold)
        # On this one room, registering for the topic means: hand over.
        setattr(room, "register_byte_stream_handler", self._hand_over)  # noqa: B010

    def _hold(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        self._held.append((reader, identity))

    def _hand_over(self, topic: str, handler: ByteStreamHandler) -> None:
        if topic == PRE_CONNECT_TOPIC:
            setattr(self._room, "register_byte_stream_handler", self._register)  # noqa: B010
            self._room.unregister_byte_stream_handler(topic)
        self._register(topic, handler)
        while topic == PRE_CONNECT_TOPIC and self._held:
            handler(*self._held.pop(0))
