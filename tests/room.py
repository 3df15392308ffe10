"""A room and a job without a server, for what listens to a room: events as LiveKit emits them."""

from collections.abc import Mapping
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession
from livekit.rtc.room import EventTypes


class Somebody:
    """A participant.

    Attributes:
        identity: Who it is.
        metadata: Its metadata, of now.
        attributes: Its attributes, of now.
    """

    def __init__(
        self, identity: str, metadata: str = "", attributes: Mapping[str, str] | None = None
    ) -> None:
        """Come in."""
        self.identity = identity
        self.metadata = metadata
        self.attributes = dict(attributes or {})
        self.announced: list[dict[str, str]] = []

    async def set_attributes(self, attributes: dict[str, str]) -> None:
        """As LiveKit: an empty value takes an attribute away."""
        self.announced.append(attributes)
        both = {**self.attributes, **attributes}
        self.attributes = {name: value for name, value in both.items() if value}


class Room(rtc.EventEmitter[EventTypes]):
    """A room with an agent and a caller in it.

    Attributes:
        local_participant: The agent.
        caller: The caller; another object after a lost connection.
        connection_state: Of the agent.
    """

    def __init__(self, metadata: str = "", attributes: Mapping[str, str] | None = None) -> None:
        """Let both in.

        Args:
            metadata: The caller's.
            attributes: The caller's.
        """
        super().__init__()
        self.local_participant = Somebody("agent")
        self.caller = Somebody("caller", metadata, attributes)
        self.connection_state = rtc.ConnectionState.CONN_CONNECTED

    @property
    def remote_participants(self) -> dict[str, Somebody]:
        """Who is there beside the agent, by identity."""
        return {self.caller.identity: self.caller}

    def change_metadata(self, metadata: str, who: Somebody | None = None) -> None:
        """Somebody, by default the caller, gets other metadata."""
        somebody = who or self.caller
        old, somebody.metadata = somebody.metadata, metadata
        self.emit("participant_metadata_changed", somebody, old, metadata)

    def change_attribute(self, name: str, value: str) -> None:
        """The caller gets another attribute; an empty one goes."""
        self.caller.attributes.pop(name, None)
        if value:
            self.caller.attributes[name] = value
        self.emit("participant_attributes_changed", {name: value}, self.caller)


class Job:
    """What a job says of itself to `timing_profiles`.

    Attributes:
        room: Its room.
        log_context_fields: As of a job.
        started: The first session that was started; None before that.
    """

    def __init__(self, room: Room, *, fake: bool = False) -> None:
        """Begin; the console's job is a fake one."""
        self.room = room
        self.log_context_fields: dict[str, Any] = {}
        self.started: AgentSession[None] | None = None
        self._fake = fake

    @property
    def primary_session(self) -> AgentSession[None]:
        """The first session that was started."""
        if self.started is None:
            raise RuntimeError("No AgentSession was started for this job")
        return self.started

    def is_fake_job(self) -> bool:
        """Whether it is the console's."""
        return self._fake
