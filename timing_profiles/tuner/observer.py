"""Observe a call from inside its room: hidden, without the right to publish.

The agent does not see it, and never takes it for the caller.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

from livekit import rtc

from timing_profiles.tuner import messages
from timing_profiles.tuner.messages import Message

SILENT_AFTER = 10.0
"""Seconds without an agent after which the page is told so."""

_TOKEN = re.compile(r"access_token=[^&\s\"]*")

_AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
_STATE = "lk.agent.state"
_OURS = ("timing.profile", "timing.revision", "timing.problems")

_REASONS = {
    rtc.DisconnectReason.ROOM_DELETED: "the call was ended",
    rtc.DisconnectReason.ROOM_CLOSED: "the room was closed",
    rtc.DisconnectReason.SERVER_SHUTDOWN: "the LiveKit server was shut down",
    rtc.DisconnectReason.PARTICIPANT_REMOVED: "the LiveKit server removed the observer",
    rtc.DisconnectReason.SIGNAL_CLOSE: "the connection to the LiveKit server was lost",
    rtc.DisconnectReason.CONNECTION_TIMEOUT: "the connection to the LiveKit server was lost",
}


class Unreachable(Exception):
    """The room cannot be observed; the text is one message for people."""


@contextmanager
def reported(observer: Observer) -> Iterator[None]:
    """Tell the page why a room cannot be observed, instead of raising `Unreachable`."""
    try:
        yield
    except Unreachable as error:
        observer.say_ended(str(error))


def _reason(message: str) -> str:
    """Return why a room could not be joined, without the token that the SDK's message may quote."""
    if "401" in message:
        return "the LiveKit server refused LIVEKIT_API_KEY or LIVEKIT_API_SECRET"
    known = "connection refused" if "Connection refused" in message else _TOKEN.sub("", message)
    return f"no connection to the LiveKit server: {known}"


class Observer:
    """One observer of one room."""

    def __init__(self, tell: Callable[[Message], None]) -> None:
        """Observe nothing yet.

        Args:
            tell: Called in the loop with each message for the page; `ended` is the last one.
        """
        self._tell = tell
        self._room = rtc.Room()
        self._session: Any = None
        self._agent = ""
        self._has_events = False
        self._silence: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def join(self, url: str, token: str) -> None:
        """Join the room.

        Raises:
            Unreachable: The LiveKit server cannot be reached, or refuses.
        """
        self._room.on("participant_connected", self._came)
        self._room.on("participant_disconnected", self._left)
        self._room.on("participant_attributes_changed", self._changed)
        self._room.on("disconnected", self._ended)
        try:
            await self._room.connect(url, token, rtc.RoomOptions(auto_subscribe=False))
        except rtc.ConnectError as error:
            raise Unreachable(_reason(error.message)) from None
        loop = asyncio.get_running_loop()
        self._silence = loop.call_later(SILENT_AFTER, self._nobody_came)
        for participant in self._room.remote_participants.values():
            self._came(participant)

    async def leave(self) -> None:
        """Leave the room."""
        if self._silence:
            self._silence.cancel()
        self._room.off("disconnected", self._ended)
        for task in self._tasks:
            task.cancel()
        if self._session:
            await self._session.aclose()
        await self._room.disconnect()

    def say_ended(self, reason: str) -> None:
        """Send the page the reason why there is no call."""
        self._tell(messages.now("ended", reason=reason))

    def _came(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind != _AGENT or self._agent:
            return
        self._agent = participant.identity
        if self._silence:
            self._silence.cancel()
        self._follow(participant.identity)
        self._describe(participant)

    def _follow(self, identity: str) -> None:
        """Take the events of the agent's session."""
        # Loaded before, in a thread: see `server`.
        from livekit.agents.voice import RemoteSession  # noqa: PLC0415

        session = RemoteSession.from_room(self._room, identity)
        # Its type does not name every event that it emits.
        on = cast("Callable[[str, Callable[[Any], None]], None]", session.on)
        for name in messages.names():
            on(name, self._happened)
        self._session = session
        self._run(session.start())

    def _happened(self, event: Any) -> None:
        self._has_events = True
        message = messages.of(event)
        if message:
            self._tell(message)

    def _changed(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if participant.identity != self._agent:
            return
        state = changed.get(_STATE)
        if state and not self._has_events:  # an agent that publishes no events
            self._tell(messages.now("agent_state", state=state, at=None))
        if changed.keys() & set(_OURS):
            self._describe(participant)

    def _describe(self, agent: rtc.Participant) -> None:
        known = {name: agent.attributes[name] for name in _OURS if name in agent.attributes}
        identity = agent.identity
        self._tell(messages.now("agent", present=True, identity=identity, attributes=known))

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == self._agent:
            identity = participant.identity
            self._tell(messages.now("agent", present=False, identity=identity, attributes={}))

    def _nobody_came(self) -> None:
        self._tell(messages.now("silent", after=SILENT_AFTER))

    def _ended(self, reason: Any) -> None:
        if self._silence:
            self._silence.cancel()
        self.say_ended(_REASONS.get(reason, "the call is over"))

    def _run(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
