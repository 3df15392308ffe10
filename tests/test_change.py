"""What the application requests itself while a call runs: above what its caller requests."""

import asyncio
from pathlib import Path

import pytest

from tests.running import Running, publish
from tests.session import Session
from tests.test_apply import REST
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
