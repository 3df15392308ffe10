"""Find the caller of a room."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from livekit import rtc

from timing_profiles.call import sdk_internals

_EVENTS: tuple[sdk_internals.RoomEvent, ...] = (
    "participant_active",
    "participant_attributes_changed",
    "participant_permissions_changed",
    "connection_state_changed",
)


class CallerMissing(Exception):
    """No caller came in time, or the room closed."""


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
    is_over = False

    def happened(*_: object) -> None:
        something.set()

    def expire() -> None:
        nonlocal is_over
        is_over = True
        something.set()

    for event in _EVENTS:
        room.on(event, happened)
    # Not asyncio.wait_for: before Python 3.12 it can swallow a cancellation.
    timer = asyncio.get_running_loop().call_later(seconds, expire)
    try:
        while True:
            something.clear()
            caller = earliest(_callers(room, identity))
            if caller:
                return caller
            if not room.isconnected():
                raise CallerMissing("the room closed before the caller came")
            if is_over:
                raise CallerMissing(f"no caller came within {seconds:g} s")
            await something.wait()
    finally:
        timer.cancel()
        for event in _EVENTS:
            room.off(event, happened)


def earliest(participants: Iterator[rtc.RemoteParticipant]) -> rtc.RemoteParticipant | None:
    """Return the participant that joined first."""
    return min(participants, key=lambda p: (p.joined_at is None, p.joined_at), default=None)


def _callers(room: rtc.Room, identity: str | None) -> Iterator[rtc.RemoteParticipant]:
    agent = room.local_participant.identity
    for participant in room.remote_participants.values():
        if (
            participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
            and identity in {None, participant.identity}
            and participant.kind in sdk_internals.CALLER_KINDS
            and participant.permissions.can_publish
            and participant.attributes.get(sdk_internals.PUBLISHES_FOR) != agent
        ):
            yield participant
