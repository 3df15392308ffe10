"""Uses of the SDK that are not public hold, and so do guards for releases that lack something."""

import asyncio
import json
import re
from pathlib import Path

import pytest
from livekit.agents import inference, llm
from livekit.plugins import deepgram

from tests.running import Running, publish
from tests.sdk.contracts import CONTRACTS
from timing_profiles.call import sdk_arguments, sdk_internals
from timing_profiles.problems import Problem
from timing_profiles.rehearsal.virtual_time import run

SPEED = "tts.speed"
MIN_DELAY = "turn_handling.endpointing.min_delay"
PACKAGE = Path(sdk_internals.__file__).parents[1]
WHY = "this SDK has no such option"


@pytest.fixture(name="without_pace")
def _without_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An SDK that has no option for the pace, and the starter profiles."""
    publish(tmp_path, monkeypatch)
    monkeypatch.setattr(sdk_internals, "UNSUPPORTED", {SPEED: WHY})


@pytest.mark.parametrize("used", CONTRACTS)
async def test_contract_with_the_sdk_holds(used: str) -> None:
    """Its docstring in tests/sdk/contracts.py says what breaks in the library where it fails."""
    await CONTRACTS[used]()


PRIVATE = re.compile(
    r"\b_proto\b|\.run = |\"run\"|registered_plugins|register_plugin|session\.options|\.room_io\b"
    r"|byte_stream_handler|addFilter|_on_disconnect_reasons|livekit\.(agents|rtc)\.\w*\._",
    re.IGNORECASE,
)


def test_uses_that_are_not_public_are_in_one_file() -> None:
    """Any other file of the library uses what LiveKit documents."""
    files = {file.name for file in PACKAGE.rglob("*.py") if PRIVATE.search(file.read_text("utf-8"))}
    assert files == {"sdk_internals.py"}


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
    assert timing.settings.values[MIN_DELAY] == 1.0
    assert timing.problems == (not_applied(0.9, timing.settings.origins[SPEED]),)


@pytest.mark.usefixtures("without_pace")
def test_unsupported_field_that_is_off_is_not_reported() -> None:
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
    """A step gets the other fields of the profile, and the session no unsupported one."""

    async def story() -> float:
        running = Running().follow()
        async with running.timing.borrow("elderly"):
            return float(running.in_force(MIN_DELAY))

    assert run(story()) == 1.0
    assert [record for record in caplog.records if record.name == "timing_profiles"] == []


def test_model_string_builds_the_part_of_the_session(
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
