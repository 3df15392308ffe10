"""What the application requests itself while a call runs: above what its caller requests."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, publish
from tests.session import Session
from tests.test_apply import MUTE, REST
from tests.virtual_time import in_virtual_time

MIN_DELAY = "turn_handling.endpointing.min_delay"
DELAY = {"turn_handling": {"endpointing": {"min_delay": 0.6}}}
PATIENT = '{"profile": "patient"}'


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter profiles."""
    publish(tmp_path, monkeypatch)


@in_virtual_time
async def test_change_is_above_the_callers_request() -> None:
    """Also above what the caller requests afterwards, until it is taken back."""
    running = Running(PATIENT).follow()
    settings = running.timing.change(profile="brisk", overrides=DELAY)
    assert (settings.profile, running.in_force(MIN_DELAY)) == ("brisk", 0.6)
    assert settings.origins[MIN_DELAY] == "application"
    running.room.change_metadata('{"profile": "dictation", "min_endpointing_delay": 2.0}')
    await asyncio.sleep(REST)
    assert (running.timing.profile, running.in_force(MIN_DELAY)) == ("brisk", 0.6)
    running.timing.change()
    assert (running.timing.profile, running.in_force(MIN_DELAY)) == ("dictation", 2.0)


@in_virtual_time
async def test_overrides_alone_keep_the_callers_profile() -> None:
    """One field; the next change takes the place of this one."""
    running = Running(PATIENT).follow()
    running.timing.change(overrides=DELAY)
    assert (running.timing.profile, running.in_force(MIN_DELAY)) == ("patient", 0.6)
    running.timing.change(profile="brisk")
    assert (running.timing.profile, running.in_force(MIN_DELAY)) == ("brisk", 0.3)


@in_virtual_time
async def test_policy_holds_for_the_application_too() -> None:
    """An override that is left out is a problem, as in metadata."""
    running = Running(PATIENT).follow()
    settings = running.timing.change(overrides={"stt": {"nova": {"model": "nova-2"}}})
    assert [(p.code, p.file) for p in settings.problems] == [("override-forbidden", "application")]


@in_virtual_time
async def test_unknown_profile_has_no_effect() -> None:
    """It is the application's mistake: an error, not a problem of the call."""
    running = Running(PATIENT).follow()
    with pytest.raises(LookupError, match='unknown profile "brsk"'):
        running.timing.change(profile="brsk")
    assert running.timing.profile == "patient"


@in_virtual_time
async def test_change_before_the_session_is_made_is_in_its_arguments() -> None:
    """As where the application has looked the caller up."""
    running = Running(PATIENT)
    running.timing.change(profile="brisk")
    session = Session(**running.timing.session_kwargs())
    assert session.options.endpointing["max_delay"] == 0.8


WARMUP = {"session": {"aec_warmup_duration": 1.0}, **DELAY}
WARMUP_FIELD = "session.aec_warmup_duration"


@in_virtual_time
async def test_session_that_is_not_followed_is_changed(caplog: pytest.LogCaptureFixture) -> None:
    """It runs with what is reported, but its caller's later metadata stays without effect."""
    caplog.set_level("INFO", logger="timing_profiles")
    running = Running(PATIENT, session=MUTE)
    running.timing.log_when_started()
    async with running.started():
        running.job.started = running.session
        await asyncio.sleep(REST)
        running.room.change_metadata('{"profile": "dictation"}')
        seen: list[Any] = []
        for change in ({"profile": "brisk"}, {"overrides": DELAY}, {}):
            running.timing.change(**change)
            seen.append((running.timing.profile, running.in_force(MIN_DELAY)))
            assert running.timing.settings.values[MIN_DELAY] == running.in_force(MIN_DELAY)
        await asyncio.sleep(0)
        assert running.room.local_participant.attributes["timing.profile"] == "patient"
    assert seen == [("brisk", 0.3), ("patient", 0.6), ("patient", 1.5)]
    lines = [line.split(",")[0] for line in caplog.messages if line.startswith("call ")]
    assert lines == [f"call {at}with profile {name}" for at, name in LINES]


LINES = [
    ("", "patient"),
    ("continues ", "brisk"),
    ("continues ", "patient"),
    ("continues ", "patient"),
]


@pytest.mark.parametrize("is_followed", [True, False])
@in_virtual_time
async def test_change_of_a_session_that_has_not_started_is_applied_as_far_as_possible(
    *, is_followed: bool
) -> None:
    """What is read when a session is made keeps its value, and is reported so."""
    running = Running('{"profile": "brisk"}', session=MUTE)
    running.timing.change(overrides=WARMUP)
    if is_followed:
        running.follow()
    async with running.started():
        running.job.started = running.session
        running.timing.log_when_started()
        await asyncio.sleep(REST)
        settings = running.timing.settings
        assert (running.in_force(MIN_DELAY), settings.values[MIN_DELAY]) == (0.6, 0.6)
        assert (running.in_force(WARMUP_FIELD), settings.values[WARMUP_FIELD]) == (3.0, "auto")
        assert [(p.code, p.path) for p in running.timing.problems] == [("next-call", WARMUP_FIELD)]


@in_virtual_time
async def test_session_after_a_closed_one_is_made_with_the_change() -> None:
    """As the log says of the problem `next-call`, all of it acts there."""
    running = Running('{"profile": "brisk"}', session=MUTE).follow()
    async with running.started():
        pass
    running.timing.change(overrides=WARMUP)
    another = Session(**running.timing.session_kwargs())
    assert another.options.endpointing["min_delay"] == 0.6
    assert another.options.aec_warmup_duration == 1.0
    running.timing.follow(another)
    assert (running.timing.problems, running.timing.settings.values[WARMUP_FIELD]) == ((), 1.0)


@in_virtual_time
async def test_session_of_another_purpose_is_not_taken_for_that_of_the_call() -> None:
    """One without a room and without anything of the call's is neither tuned nor reported."""
    running = Running(PATIENT)
    other = Session(vad=None, turn_handling={"endpointing": {"min_delay": 9.0}})
    running.job.started = other
    running.timing.log_when_started()
    await asyncio.sleep(REST)
    with pytest.raises(RuntimeError, match="nothing to borrow for"):
        async with running.timing.borrow("dictation"):
            pass
    assert running.timing.settings.values[MIN_DELAY] == 1.5
    assert other.options.endpointing["min_delay"] == 9.0
