"""Find the caller of a room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from livekit import rtc

from timing_profiles.call import sdk_internals
from timing_profiles.problems import quoted

_EVENTS: tuple[sdk_internals.RoomEvent, ...] = (
    "participant_active",
    "participant_attributes_changed",
    "participant_permissions_changed",
    "connection_state_changed",
)


LOGGED_AFTER = 10.0
"""Seconds after which a wait for the caller is logged."""

_logger = logging.getLogger("timing_profiles")


class CallerMissing(Exception):
    """No caller came in time, or the room closed."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The participants that may be the caller.

    Attributes:
        identity: The caller's identity, where it is known.
        kinds: Further kinds of participants that may be the caller.
    """

    identity: str | None = None
    kinds: Collection[rtc.ParticipantKind.ValueType] = ()

    def find(self, room: rtc.Room, linked: Collection[str] = ()) -> rtc.RemoteParticipant | None:
        """Return the caller, if it has come.

        Args:
            room: A connected room.
            linked: Identities that go before others: a session listens to them.
        """
        found = list(callers(room, self.identity, self.kinds))
        heard = [participant for participant in found if participant.identity in linked]
        return earliest(heard or found)


async def wait_for_caller(
    room: rtc.Room,
    *,
    identity: str | None,
    seconds: float,
    kinds: Collection[rtc.ParticipantKind.ValueType] = (),
) -> rtc.RemoteParticipant:
    """Wait for the caller of a room.

    The caller is the earliest joined among the active SIP, standard and connector participants
    that may publish and do not publish on the agent's behalf.

    A wait of more than 10 s is logged once.

    Args:
        room: A connected room.
        identity: The participant to wait for, where it is known: it is taken whatever its rights
            or kind, as a text-only client, which may not publish.
        seconds: The longest wait.
        kinds: Further kinds of participants that may be the caller.

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
    loop = asyncio.get_running_loop()
    timer = loop.call_later(seconds, expire)
    notice = loop.call_later(LOGGED_AFTER, _log_waiting, identity, seconds)
    try:
        while True:
            something.clear()
            caller = earliest(callers(room, identity, kinds))
            if caller:
                return caller
            if not room.isconnected():
                raise CallerMissing("the room closed before the caller came")
            if is_over:
                raise CallerMissing(f"no caller came within {seconds:g} s")
            await something.wait()
    finally:
        timer.cancel()
        notice.cancel()
        for event in _EVENTS:
            room.off(event, happened)


def earliest(participants: Iterable[rtc.RemoteParticipant]) -> rtc.RemoteParticipant | None:
    """Return the participant that joined first."""
    return min(participants, key=lambda p: (p.joined_at is None, p.joined_at), default=None)


def callers(
    room: rtc.Room, identity: str | None, kinds: Collection[rtc.ParticipantKind.ValueType] = ()
) -> Iterator[rtc.RemoteParticipant]:
    """Yield the participants that may be the caller.

    Args:
        room: A connected room.
        identity: The one participant that is the caller, where it is known.
        kinds: Further kinds that it may be of.
    """
    agent = room.local_participant.identity
    for participant in room.remote_participants.values():
        if participant.state != rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE:
            continue
        may_call = (
            participant.kind in {*sdk_internals.CALLER_KINDS, *kinds}
            and participant.permissions.can_publish
            and participant.attributes.get(sdk_internals.PUBLISHES_FOR) != agent
        )
        if participant.identity == identity or (identity is None and may_call):
            yield participant


def _log_waiting(identity: str | None, seconds: float) -> None:
    whom = f"participant {quoted(identity)}" if identity else "a participant that may publish"
    _logger.info(
        "waiting for the caller: %s has not come within %g s, the job waits up to %g s; an agent"
        " that dials out itself needs for_call(wait=False)",
        whom,
        LOGGED_AFTER,
        seconds,
    )
