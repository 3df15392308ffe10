"""The messages of an observer, in a room without a server."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from livekit import rtc
from livekit.protocol.agent_pb import agent_session

from tests.observed_room import EVENTS, PERSON, ObservedRoom, Participant
from tests.virtual_time import in_virtual_time
from timing_profiles.tuner.messages import Message
from timing_profiles.tuner.observer import SILENT_AFTER, Observer, Unreachable, reported

URL, TOKEN = "ws://127.0.0.1:9", "a-token"

OURS = {"timing.profile": "patient", "timing.revision": "1a2b3c", "timing.problems": "0"}
_AT = 1_700_000_000


class Messages:
    """Collects the messages of an observer with their times."""

    def __init__(self) -> None:
        self._began = time.time()
        self._messages: list[tuple[float, Message]] = []

    def __call__(self, message: Message) -> None:
        """Add a message; `received` must be the current time."""
        received = message["received"] - self._began
        assert message["received"] == time.time()
        content = {name: value for name, value in message.items() if name != "received"}
        self._messages.append((round(received, 2), content))

    @property
    def messages(self) -> list[Message]:
        """The messages, without their times."""
        return [message for _, message in self._messages]

    @property
    def timed(self) -> list[tuple[float, Message]]:
        """The messages, each after the seconds since the observer joined."""
        return self._messages


@asynccontextmanager
async def observed(room: ObservedRoom) -> AsyncGenerator[Messages]:
    """Observe a room until the block ends."""
    heard = Messages()
    with pytest.MonkeyPatch.context() as environment:
        room.replace(environment)
        observer = Observer(heard)
    await observer.join(URL, TOKEN)
    try:
        yield heard
    finally:
        await observer.leave()


def _is_there(attributes: dict[str, str]) -> Message:
    return {"type": "agent", "present": True, "identity": "agent", "attributes": attributes}


def _state(new: Any) -> agent_session.AgentSessionEvent:
    changed = agent_session.AgentSessionEvent.AgentStateChanged(new_state=new)
    event = agent_session.AgentSessionEvent(agent_state_changed=changed)
    event.created_at.FromSeconds(_AT)
    return event


@in_virtual_time
async def test_observer_subscribes_to_no_track() -> None:
    """The observer joins without automatic subscription, and leaves."""
    room = ObservedRoom()
    async with observed(room):
        pass
    assert room.joined == [(URL, TOKEN, False)]
    assert room.is_left


@in_virtual_time
async def test_joining_agent_is_reported_with_timing_attributes() -> None:
    """Other attributes are left out."""
    room = ObservedRoom()
    async with observed(room) as heard:
        await asyncio.sleep(2)
        room.comes(Participant("agent", attributes={**OURS, "mood": "fine"}))
    assert heard.timed == [(2.0, _is_there(OURS))]


@in_virtual_time
async def test_agent_present_before_the_observer_is_reported() -> None:
    """The message is sent as soon as the observer joins."""
    caller = Participant("caller", PERSON)
    async with observed(ObservedRoom(caller, Participant("agent", attributes=OURS))) as heard:
        pass
    assert heard.timed == [(0.0, _is_there(OURS))]


@in_virtual_time
async def test_participants_other_than_agents_are_ignored() -> None:
    """Joining, changing attributes and leaving send no message."""
    room, caller = ObservedRoom(), Participant("caller", PERSON, OURS)
    async with observed(room) as heard:
        room.comes(caller)
        room.changes(caller, timing_profile="brisk")
        room.leaves(caller)
    assert heard.messages == []


@in_virtual_time
async def test_second_agent_is_ignored() -> None:
    """Only the first agent of the room is reported."""
    room, second = ObservedRoom(Participant("agent")), Participant("another", attributes=OURS)
    async with observed(room) as heard:
        room.comes(second)
        room.changes(second, timing_profile="brisk")
        room.leaves(second)
    assert heard.messages == [_is_there({})]


@in_virtual_time
async def test_changed_timing_attribute_is_reported() -> None:
    """The message has all timing attributes; a change of another one sends no message."""
    agent = Participant("agent", attributes=OURS)
    room = ObservedRoom(agent)
    async with observed(room) as heard:
        room.changes(agent, mood="better")
        room.changes(agent, timing_profile="brisk")
    assert heard.messages == [_is_there(OURS), _is_there({**OURS, "timing.profile": "brisk"})]


@in_virtual_time
async def test_leaving_agent_is_reported() -> None:
    """The message has present false and no attributes."""
    agent = Participant("agent", attributes=OURS)
    room = ObservedRoom(agent)
    async with observed(room) as heard:
        room.leaves(agent)
    assert heard.messages == [
        _is_there(OURS),
        {"type": "agent", "present": False, "identity": "agent", "attributes": {}},
    ]


@in_virtual_time
async def test_missing_agent_is_reported_once_after_ten_seconds() -> None:
    """An agent that joins later is still reported."""
    room = ObservedRoom(Participant("caller", PERSON))
    async with observed(room) as heard:
        await asyncio.sleep(60)
        room.comes(Participant("agent"))
    assert heard.timed == [
        (10.0, {"type": "silent", "after": SILENT_AFTER}),
        (60.0, _is_there({})),
    ]


@in_virtual_time
async def test_silence_timer_ends_with_agent_or_room() -> None:
    """After an agent joined or the room ended, `silent` is not sent."""
    room, over = ObservedRoom(), ObservedRoom()
    async with observed(room) as heard, observed(over) as after_end:
        await asyncio.sleep(9.9)
        room.comes(Participant("agent"))
        over.end(rtc.DisconnectReason.ROOM_DELETED)
        await asyncio.sleep(60)
    assert heard.messages == [_is_there({})]
    assert after_end.messages == [{"type": "ended", "reason": "the call was ended"}]


@in_virtual_time
async def test_no_message_after_the_observer_leaves() -> None:
    """Neither `silent` nor `ended` is sent for the observer's own departure."""
    room = ObservedRoom()
    async with observed(room) as heard:
        await asyncio.sleep(5)
    await asyncio.sleep(60)
    assert heard.messages == []


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (rtc.DisconnectReason.ROOM_DELETED, "the call was ended"),
        (rtc.DisconnectReason.ROOM_CLOSED, "the room was closed"),
        (rtc.DisconnectReason.SERVER_SHUTDOWN, "the LiveKit server was shut down"),
        (rtc.DisconnectReason.PARTICIPANT_REMOVED, "the LiveKit server removed the observer"),
        (rtc.DisconnectReason.SIGNAL_CLOSE, "the connection to the LiveKit server was lost"),
        (rtc.DisconnectReason.CONNECTION_TIMEOUT, "the connection to the LiveKit server was lost"),
        (rtc.DisconnectReason.MIGRATION, "the call is over"),
    ],
)
@in_virtual_time
async def test_disconnection_has_a_reason(reason: Any, message: str) -> None:
    """Each reason of LiveKit has a text; others have a general one."""
    room = ObservedRoom()
    async with observed(room) as heard:
        room.end(reason)
    assert heard.messages == [{"type": "ended", "reason": message}]


@in_virtual_time
async def test_session_events_of_the_agent_are_forwarded() -> None:
    """The messages keep the order and the agent's time; other senders are ignored."""
    agent, guest = Participant("agent"), Participant("guest", PERSON)
    room = ObservedRoom(agent, guest)
    async with observed(room) as heard:
        await asyncio.sleep(1)
        room.publishes(guest, _state(agent_session.AS_IDLE))
        room.publishes(agent, _state(agent_session.AS_LISTENING))
        room.publishes(agent, _state(agent_session.AS_THINKING))
        await asyncio.sleep(1)
        assert room.topics == [EVENTS]
    assert heard.messages == [
        _is_there({}),
        {"type": "agent_state", "state": "listening", "at": _AT},
        {"type": "agent_state", "state": "thinking", "at": _AT},
    ]
    assert room.topics == []


@in_virtual_time
async def test_unsupported_session_event_is_skipped() -> None:
    """A tool call in the history sends no message."""
    item = agent_session.ChatContext.ChatItem(function_call=agent_session.FunctionCall(name="book"))
    added = agent_session.AgentSessionEvent.ConversationItemAdded(item=item)
    agent = Participant("agent")
    room = ObservedRoom(agent)
    async with observed(room) as heard:
        await asyncio.sleep(1)
        room.publishes(agent, agent_session.AgentSessionEvent(conversation_item_added=added))
        await asyncio.sleep(1)
    assert heard.messages == [_is_there({})]


@in_virtual_time
async def test_agent_state_falls_back_to_the_attribute() -> None:
    """Without session events, `lk.agent.state` gives the state; its time is unknown."""
    agent = Participant("agent")
    room = ObservedRoom(agent)
    async with observed(room) as heard:
        room.changes(agent, lk_agent_state="listening")
    assert heard.messages == [
        _is_there({}),
        {"type": "agent_state", "state": "listening", "at": None},
    ]


@in_virtual_time
async def test_agent_state_attribute_is_ignored_after_session_events() -> None:
    """An agent with session events reports each state once."""
    agent = Participant("agent")
    room = ObservedRoom(agent)
    async with observed(room) as heard:
        await asyncio.sleep(1)
        room.publishes(agent, _state(agent_session.AS_SPEAKING))
        await asyncio.sleep(1)
        room.changes(agent, lk_agent_state="speaking")
    assert heard.messages == [
        _is_there({}),
        {"type": "agent_state", "state": "speaking", "at": _AT},
    ]


_NO_CONNECTION = "no connection to the LiveKit server"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            'engine: signal failure: "401 Unauthorized"',
            "the LiveKit server refused LIVEKIT_API_KEY or LIVEKIT_API_SECRET",
        ),
        (
            "engine: IO error: Connection refused (os error 111)",
            f"{_NO_CONNECTION}: connection refused",
        ),
        (
            'cannot get "ws://127.0.0.1:9/rtc?access_token=eyJ.a.b&sdk=python": timeout',
            f'{_NO_CONNECTION}: cannot get "ws://127.0.0.1:9/rtc?&sdk=python": timeout',
        ),
    ],
)
@in_virtual_time
async def test_failed_connection_has_a_reason_without_the_token(said: str, reason: str) -> None:
    """`reported` sends the reason as `ended`, the only message."""
    heard = Messages()
    with pytest.MonkeyPatch.context() as environment:
        ObservedRoom(refusal=said).replace(environment)
        observer = Observer(heard)
    with pytest.raises(Unreachable) as raised:
        await observer.join(URL, TOKEN)
    with reported(observer):
        await observer.join(URL, TOKEN)
    await observer.leave()
    assert str(raised.value) == reason
    assert heard.messages == [{"type": "ended", "reason": reason}]
