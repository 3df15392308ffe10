"""Whom a session listens to, and how: beside what the application sets itself."""

import asyncio
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.agents import NOT_GIVEN, JobContext, RoomInputOptions, RoomOutputOptions
from livekit.agents.voice.room_io import AudioInputOptions, RoomOptions

from tests.room import Job, Room
from tests.running import Deaf, Running, publish
from tests.session import Session
from tests.test_apply import REST
from tests.virtual_time import in_virtual_time
from timing_profiles.call.caller import Expected
from timing_profiles.call.requests import Requests
from timing_profiles.call.timing import Timing

STANDARD = rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter profiles."""
    publish(tmp_path, monkeypatch)


def as_started(options: RoomOptions, **former: Any) -> RoomOptions:
    """What `AgentSession.start` makes of its arguments."""
    ensure = RoomOptions._ensure_options  # noqa: SLF001 - what `start` calls
    return ensure(options, **former)


def running(kind: Any = STANDARD) -> Running:
    """A call with a caller of a kind."""
    call = Running()
    cast("Any", call.room.caller).kind = kind
    return call


@in_virtual_time
async def test_session_listens_to_the_caller() -> None:
    """Unless the application sets another participant."""
    timing = running().timing
    assert timing.room_options().participant_identity == "caller"
    assert timing.room_options(participant_identity="other").participant_identity == "other"


@in_virtual_time
async def test_caller_of_another_kind_is_linked() -> None:
    """One that the application has named; the SDK would leave it out."""
    kind = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    kinds: Any = running(kind).timing.room_options().participant_kinds
    assert kind in kinds
    assert STANDARD in kinds


@in_virtual_time
async def test_named_caller_of_a_call_without_a_wait_may_be_of_any_kind() -> None:
    """Its kind is unknown before it comes; the SDK would never listen to an agent or a recorder."""
    call = running()
    expected = Expected("callee")
    timing = Timing(cast("JobContext", call.job), None, Requests(None), expected)
    options = timing.room_options()
    assert options.participant_identity == "callee"
    assert set(cast("Any", options.participant_kinds)) == set(rtc.ParticipantKind.values())
    await timing.aclose()


@in_virtual_time
async def test_former_options_are_kept() -> None:
    """Given to `start` beside ours, where the SDK drops them; ours win."""
    cancelling: Any = SimpleNamespace()
    inputs = RoomInputOptions(noise_cancellation=cancelling, close_on_disconnect=False)
    outputs = RoomOutputOptions(transcription_enabled=False)
    started = as_started(
        running().timing.room_options(), room_input_options=inputs, room_output_options=outputs
    )
    assert cast("Any", started.audio_input).noise_cancellation is cancelling
    assert started.close_on_disconnect is False
    assert started.text_output is False
    assert started.participant_identity == "caller"


@in_virtual_time
async def test_options_of_others_are_as_before() -> None:
    """Ours are told from the SDK's own."""
    running().timing.room_options()
    theirs = RoomOptions(participant_identity="other")
    assert as_started(theirs, room_input_options=RoomInputOptions()) is theirs
    assert as_started(theirs) is theirs


@pytest.mark.parametrize(
    ("audio", "released"),
    [
        (AudioInputOptions(pre_connect_audio=False), True),
        (False, True),
        (AudioInputOptions(), False),
        (True, False),
    ],
)
@in_virtual_time
async def test_session_without_recordings_gets_its_callers_audio_at_once(
    audio: Any, *, released: bool
) -> None:
    """No audio is kept for a session that would not take it."""
    calls: list[bool] = []
    timing = running().timing
    heard: list[str] = []
    subscriptions = SimpleNamespace(release=lambda: calls.append(True), listen_to=heard.append)
    timing.subscribes_with(cast("Any", subscriptions))
    timing.room_options(audio_input=audio)
    assert bool(calls) is released
    assert heard == ["caller"]


AGENT = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
SIP = rtc.ParticipantKind.PARTICIPANT_KIND_SIP


class Outbound(Room):
    """A room into which the agent dials its callee."""

    def __init__(self, kind: "rtc.ParticipantKind.ValueType" = SIP) -> None:
        super().__init__('{"profile": "patient"}')
        self.kind = kind
        self.answers = False

    @property
    def remote_participants(self) -> Any:
        """Nobody, until the callee answers."""
        return super().remote_participants if self.answers else {}

    def answer(self) -> None:
        """The callee is there."""
        self.answers = True
        callee: Any = self.caller
        callee.state = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
        callee.kind = self.kind
        callee.permissions = SimpleNamespace(can_publish=True)
        callee.joined_at = None
        self.emit("participant_active", callee)


def dialling(room: Outbound) -> Timing:
    """Of an agent that dials out, whose dispatch requests `brisk`."""
    requests = Requests(None, dispatch='{"profile": "brisk"}')
    return Timing(cast("JobContext", Job(room)), None, requests)


@pytest.mark.parametrize(
    ("expected", "identity"),
    [
        (Expected(), None),
        (Expected(kinds=[AGENT]), "caller"),
        (Expected("caller"), "caller"),
        (Expected("somebody else", [AGENT]), None),
    ],
)
@in_virtual_time
async def test_call_without_a_wait_takes_the_expected_caller(
    expected: Expected, identity: str | None
) -> None:
    """`for_call(wait=False, kinds=..., identity=...)`: as where the call waits."""
    room = Outbound(AGENT)
    job = cast("JobContext", Job(room))
    timing = Timing(job, None, Requests(None), expected)
    before = timing.room_options()
    assert before.participant_identity == (expected.identity or NOT_GIVEN)
    is_linked = expected.identity is not None or AGENT in expected.kinds
    assert (AGENT in (before.participant_kinds or [])) is is_linked
    timing.follow(Session(**timing.session_kwargs()))
    room.answer()
    await asyncio.sleep(REST)
    assert timing.profile == ("patient" if identity else "default")
    if identity:
        assert timing.caller.identity == identity
    await timing.aclose()


@in_virtual_time
async def test_call_without_a_wait_takes_the_participant_that_joins(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """`for_call(wait=False)`: an agent that dials out. First the dispatch, then the callee."""
    caplog.set_level(logging.INFO, logger="timing_profiles")
    room = Outbound()
    timing = dialling(room)
    session = Session(**timing.session_kwargs())
    timing.follow(session)
    assert timing.profile == "brisk"
    with pytest.raises(RuntimeError, match="there is no caller yet"):
        _ = timing.caller
    assert timing.room_options() == RoomOptions()
    room.answer()
    await asyncio.sleep(REST)
    assert (timing.profile, timing.caller.identity) == ("patient", "caller")
    assert session.options.endpointing["min_delay"] == 1.5
    await timing.aclose()


@in_virtual_time
async def test_line_of_the_call_precedes_that_of_a_callee_who_is_there(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first line has what the session began with, the second one what the callee requests."""
    caplog.set_level(logging.INFO, logger="timing_profiles")
    room = Outbound()
    room.answer()
    timing = dialling(room)
    timing.log_when_started()
    session = Session(**timing.session_kwargs())
    await session.start(Deaf(instructions=""))
    timing.follow(session)
    ours = (record for record in caplog.records if record.name == "timing_profiles")
    lines = [record.getMessage().partition(",")[0] for record in ours]
    await session.aclose()
    await timing.aclose()
    assert lines == ["call with profile brisk", "call continues with profile patient"]
