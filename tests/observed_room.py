"""A room without a server, from an observer's side: events as LiveKit emits them."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from livekit import rtc
from livekit.protocol.agent_pb import agent_session
from livekit.rtc.room import EventTypes

AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
PERSON = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD

EVENTS = "lk.agent.session"
"""The topic of the messages of an agent's session."""


class Participant:
    """A remote participant.

    Attributes:
        identity: The identity.
        kind: An agent, or a person.
        attributes: The current ones.
    """

    def __init__(
        self, identity: str, kind: Any = AGENT, attributes: Mapping[str, str] | None = None
    ) -> None:
        """Create a participant, outside of a room."""
        self.identity = identity
        self.kind = kind
        self.attributes = dict(attributes or {})


class ObservedRoom(rtc.EventEmitter[EventTypes]):
    """Replaces `rtc.Room`.

    Attributes:
        refusal: The SDK's message when joining fails; empty to let it succeed.
        remote_participants: By identity.
        joined: Address, token and automatic subscription of each connection.
        is_left: Whether the observer has left it.
    """

    def __init__(self, *present: Participant, refusal: str = "") -> None:
        """Create a room with participants in it."""
        super().__init__()
        self.refusal = refusal
        self.remote_participants = {one.identity: one for one in present}
        self.joined: list[tuple[str, str, bool]] = []
        self.is_left = False
        self._readers: dict[str, Callable[[Any, str], None]] = {}

    def replace(self, environment: pytest.MonkeyPatch) -> "ObservedRoom":
        """Return this room from `rtc.Room()` from now on."""
        environment.setattr(rtc, "Room", lambda: self)
        return self

    async def connect(self, url: str, token: str, options: rtc.RoomOptions) -> None:
        """Connect, or fail with the refusal."""
        if self.refusal:
            raise rtc.ConnectError(self.refusal)
        self.joined.append((url, token, options.auto_subscribe))

    async def disconnect(self) -> None:
        """Disconnect; LiveKit emits the same event as for other ends."""
        self.is_left = True
        self.end(rtc.DisconnectReason.CLIENT_INITIATED)

    def register_byte_stream_handler(self, topic: str, handler: Callable[[Any, str], None]) -> None:
        """Register the handler of a topic."""
        self._readers[topic] = handler

    def unregister_byte_stream_handler(self, topic: str) -> None:
        """Remove the handler of a topic."""
        del self._readers[topic]

    @property
    def topics(self) -> list[str]:
        """The topics with a handler."""
        return [*self._readers]

    def comes(self, who: Participant) -> None:
        """Add a participant."""
        self.remote_participants[who.identity] = who
        self.emit("participant_connected", who)

    def leaves(self, who: Participant) -> None:
        """Remove a participant."""
        del self.remote_participants[who.identity]
        self.emit("participant_disconnected", who)

    def changes(self, who: Participant, **attributes: str) -> None:
        """Change attributes of a participant; an underscore stands for a dot."""
        changed = {name.replace("_", "."): value for name, value in attributes.items()}
        who.attributes.update(changed)
        self.emit("participant_attributes_changed", changed, who)

    def publishes(self, who: Participant, event: agent_session.AgentSessionEvent) -> None:
        """Deliver a session event of a participant, in two chunks."""
        message = agent_session.AgentSessionMessage(event=event).SerializeToString()

        async def parts() -> AsyncIterator[bytes]:
            yield message[:3]
            yield message[3:]

        self._readers[EVENTS](parts(), who.identity)

    def end(self, reason: "rtc.DisconnectReason.ValueType") -> None:
        """End the connection of the observer."""
        self.emit("disconnected", reason)
