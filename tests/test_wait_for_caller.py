"""Who is the caller of a room, and how long it is waited for."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF
from livekit.rtc.room import EventTypes

from timing_profiles.call.caller import CallerMissing, wait_for_caller
from timing_profiles.rehearsal import virtual_time

ACTIVE = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
JOINED = rtc.ParticipantState.PARTICIPANT_STATE_JOINED
KIND = rtc.ParticipantKind


@dataclass
class Participant:
    """A participant, as far as the choice of the caller looks at it."""

    identity: str
    joined_at: float | None = 0.0
    state: int = ACTIVE
    kind: int = KIND.PARTICIPANT_KIND_STANDARD
    attributes: dict[str, str] = field(default_factory=dict)
    can_publish: bool = True

    @property
    def permissions(self) -> Any:
        """What LiveKit lets it do."""
        return SimpleNamespace(can_publish=self.can_publish)


class Waiting(rtc.EventEmitter[EventTypes]):
    """A room in which participants come, change and go."""

    def __init__(self, *participants: Participant) -> None:
        """Let the participants in."""
        super().__init__()
        self.local_participant = SimpleNamespace(identity="agent")
        self.remote_participants = {who.identity: who for who in participants}
        self.connected = True

    def isconnected(self) -> bool:
        """Whether the room is open."""
        return self.connected

    def enter(self, who: Participant) -> None:
        """Let a participant in and announce it."""
        self.remote_participants[who.identity] = who
        self.emit("participant_active", who)

    def close(self) -> None:
        """Close the room."""
        self.connected = False
        self.emit("connection_state_changed", rtc.ConnectionState.CONN_DISCONNECTED)


def waited(
    room: Waiting, identity: str | None = None, later: Callable[[], None] | None = None
) -> str:
    """The caller for whom a job of this room would wait 300 s; `later` happens after 5 s."""

    async def story() -> str:
        if later:
            asyncio.get_running_loop().call_later(5, later)
        found = await wait_for_caller(cast("rtc.Room", room), identity=identity, seconds=300)
        return found.identity

    return virtual_time.run(story())


def test_the_earliest_participant_is_the_caller() -> None:
    """By LiveKit's time of joining; a participant without one comes last."""
    room = Waiting(
        Participant("unknown", None), Participant("late", 20.0), Participant("early", 9.0)
    )
    assert waited(room) == "early"


@pytest.mark.parametrize(
    "other",
    [
        Participant("other", state=JOINED),
        Participant("other", kind=KIND.PARTICIPANT_KIND_AGENT),
        Participant("other", kind=KIND.PARTICIPANT_KIND_EGRESS),
        Participant("other", can_publish=False),
        Participant("other", attributes={ATTRIBUTE_PUBLISH_ON_BEHALF: "agent"}),
    ],
    ids=["not-active-yet", "agent", "egress", "observer", "avatar-of-the-agent"],
)
def test_participants_that_are_not_callers_are_skipped(other: Participant) -> None:
    """Although they joined first."""
    assert waited(Waiting(other, Participant("caller", 50.0))) == "caller"


def test_sip_callers_are_callers() -> None:
    """A phone is as good as a browser."""
    assert waited(Waiting(Participant("phone", kind=KIND.PARTICIPANT_KIND_SIP))) == "phone"


def test_the_caller_may_come_later() -> None:
    """It is found when it becomes active."""
    room = Waiting()
    assert waited(room, later=lambda: room.enter(Participant("caller"))) == "caller"


def test_a_right_to_publish_may_come_later() -> None:
    """A participant becomes the caller once it may publish."""
    observer = Participant("caller", can_publish=False)
    room = Waiting(observer)

    def allow() -> None:
        observer.can_publish = True
        room.emit("participant_permissions_changed", observer)

    assert waited(room, later=allow) == "caller"


def test_a_named_caller_is_waited_for() -> None:
    """Others are not taken in its place."""
    room = Waiting(Participant("first"))
    assert waited(room, "second", lambda: room.enter(Participant("second"))) == "second"


@pytest.mark.parametrize(
    "named",
    [
        Participant("named", can_publish=False),
        Participant("named", kind=KIND.PARTICIPANT_KIND_AGENT),
        Participant("named", attributes={ATTRIBUTE_PUBLISH_ON_BEHALF: "agent"}),
    ],
    ids=["text-only", "agent", "avatar"],
)
def test_named_caller_is_accepted_with_any_permissions(named: Participant) -> None:
    """A client that only writes may not publish; the application has named it."""
    assert waited(Waiting(named, Participant("other")), "named") == "named"


@pytest.mark.parametrize(
    ("identity", "whom"),
    [(None, "a participant that may publish"), ("Ann", 'participant "Ann"')],
)
def test_long_wait_is_logged_with_the_expected_caller(
    identity: str | None, whom: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, after 10 s: an agent that dials out itself would wait for nobody."""
    caplog.set_level("INFO", logger="timing_profiles")
    with pytest.raises(CallerMissing):
        waited(Waiting(), identity)
    assert caplog.messages == [
        (
            f"waiting for the caller: {whom} has not come within 10 s, the job waits up to 300 s;"
            " an agent that dials out itself needs for_call(wait=False)"
        )
    ]


def test_application_may_take_callers_of_other_kinds() -> None:
    """Such as an agent that calls another one."""
    room = Waiting(Participant("robot", kind=KIND.PARTICIPANT_KIND_AGENT))

    async def story() -> str:
        kinds = [KIND.PARTICIPANT_KIND_AGENT]
        found = await wait_for_caller(cast("rtc.Room", room), identity=None, seconds=1, kinds=kinds)
        return found.identity

    assert virtual_time.run(story()) == "robot"


def test_short_wait_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The caller is there."""
    caplog.set_level("INFO", logger="timing_profiles")
    waited(Waiting(Participant("caller")))
    assert caplog.messages == []


def test_a_room_that_closes_ends_the_wait() -> None:
    """At once, and with the reason."""
    room = Waiting()
    with pytest.raises(CallerMissing, match=r"^the room closed before the caller came$"):
        waited(room, later=room.close)


def test_the_wait_has_an_end() -> None:
    """Without a caller, the reason has the length of the wait."""
    with pytest.raises(CallerMissing, match=r"^no caller came within 300 s$"):
        waited(Waiting())


def test_no_listener_stays_behind() -> None:
    """Neither after a caller nor after a time-out."""
    room = Waiting(Participant("caller"))
    waited(room)
    with pytest.raises(CallerMissing):
        waited(room, "somebody-else")
    assert not any(room._events.values())  # noqa: SLF001 - EventEmitter has no public count
