"""Guards for releases of the SDK that lack something: nothing is passed or reported that is not."""

import asyncio
import json
from pathlib import Path

import pytest
from livekit.agents import inference, llm
from livekit.plugins import deepgram

from tests.running import Running, publish
from tests.virtual_time import run
from timing_profiles.call import sdk_arguments, sdk_internals
from timing_profiles.problems import Problem

SPEED = "tts.speed"
MIN_DELAY = "turn_handling.endpointing.min_delay"
WHY = "this SDK has no such option"


@pytest.fixture(name="without_pace")
def _without_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK that has no option for the pace, and the starter profiles."""
    publish(tmp_path, monkeypatch)
    monkeypatch.setattr(sdk_internals, "UNSUPPORTED", {SPEED: WHY})


def not_applied(value: float, origin: str) -> Problem:
    return Problem("not-applied", f"{value} is not applied: {WHY}", SPEED, origin)


def test_pace_is_unsupported_where_the_plugin_has_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason names the installed release and the first one that has it."""
    monkeypatch.setattr(sdk_internals, "version", {"livekit-plugins-deepgram": "1.8.3"}.get)

    def older(*, model: str = "aura") -> None:
        """Take what the text-to-speech of older releases takes."""

    def newer(*, model: str = "aura", speed: float | None = None) -> None:
        """Take what that of newer releases takes."""

    reason = "livekit-plugins-deepgram 1.8.3 cannot change the pace: install 1.8.4 or newer"
    assert sdk_internals.unsupported(older) == {SPEED: reason}
    assert sdk_internals.unsupported(newer) == {}


@pytest.mark.usefixtures("without_pace")
def test_unsupported_field_is_reported_as_not_applied() -> None:
    """It is neither among the values nor among the changes of the call; all else is in force."""

    async def story() -> Running:
        return Running('{"profile": "elderly"}')

    timing = run(story()).timing
    assert timing.settings.values[SPEED] is None
    assert SPEED not in timing.settings.changed
    assert MIN_DELAY in timing.settings.changed
    assert timing.settings.values[MIN_DELAY] == 2.0
    assert timing.problems == (not_applied(0.9, timing.settings.origins[SPEED]),)


@pytest.mark.usefixtures("without_pace")
def test_unsupported_field_that_is_off_is_no_problem() -> None:
    """A call that asks for the normal pace gets it."""

    async def story() -> Running:
        return Running('{"profile": "patient"}')

    assert run(story()).timing.problems == ()


@pytest.mark.usefixtures("without_pace")
def test_unsupported_field_is_not_passed() -> None:
    """Not even when it is off: an unknown argument would cost the call."""

    async def story() -> Running:
        return Running('{"profile": "elderly"}')

    running = run(story())
    assert isinstance(running.session.tts, deepgram.TTS)
    assert sdk_arguments.section({**running.timing.settings.values, SPEED: 0.9}, "tts") == {}


@pytest.mark.usefixtures("without_pace")
def test_unsupported_field_does_not_change_during_a_call() -> None:
    """The caller's request has the problem; what comes with it changes."""
    asked = {"profile": "patient", "overrides": {"tts": {"speed": 0.8}}, "endpointing_ms": 700}

    async def story() -> Running:
        running = Running().follow()
        running.room.change_metadata(json.dumps(asked))
        await asyncio.sleep(30)
        return running

    running = run(story())
    assert running.in_force("stt.nova.endpointing_ms") == 700
    assert running.timing.settings.values[SPEED] is None
    assert running.timing.problems == (not_applied(0.8, "participant"),)


@pytest.mark.usefixtures("without_pace")
def test_unsupported_field_is_not_borrowed(caplog: pytest.LogCaptureFixture) -> None:
    """A step gets the rest of the profile, and the session is not told what it cannot take."""

    async def story() -> float:
        running = Running().follow()
        async with running.timing.borrow("elderly"):
            return float(running.in_force(MIN_DELAY))

    assert run(story()) == 2.0
    assert caplog.messages == []


def test_model_string_builds_what_the_session_would_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the SDK's own function, or with the one of releases that do not have it yet."""
    monkeypatch.setenv("LIVEKIT_API_KEY", "a-key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a-secret-of-at-least-32-bytes-for-sha256")
    built = sdk_internals.llm_from_model_string("openai/gpt-4.1-mini")
    monkeypatch.delattr(inference, "llm_from_model_string", raising=False)
    older = sdk_internals.llm_from_model_string("openai/gpt-4.1-mini")
    for model in (built, older):
        assert isinstance(model, llm.LLM)
        assert model.model == "openai/gpt-4.1-mini"
