"""The recipes for agents that work already: each does what its page says."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit.agents import JobContext, inference

from tests.running import Running, publish
from tests.session import Session
from tests.test_apply import MUTE, REST
from tests.test_docs_python import run
from tests.test_in_force import realtime
from tests.test_room_options import as_started, running
from tests.virtual_time import in_virtual_time

PAGE = "docs/existing-agents.md"
MIN_DELAY = "turn_handling.endpointing.min_delay"
PATIENT = '{"profile": "patient"}'


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter profiles, and credentials for LiveKit Inference."""
    publish(tmp_path, monkeypatch)
    monkeypatch.setenv("LIVEKIT_API_KEY", "a-key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a secret of thirty-two bytes or more")


def recipe(name: str) -> Any:
    """What a recipe defines."""
    return run(PAGE)[name]


@in_virtual_time
async def test_starter_is_tuned() -> None:
    """Model strings and the VAD of the process."""
    process: Any = SimpleNamespace(userdata={})
    recipe("prewarm")(process)
    running = Running(PATIENT)
    job = cast("JobContext", SimpleNamespace(proc=process))
    session = recipe("starter_session")(job, running.timing)
    assert session.options.endpointing["min_delay"] == 1.5
    assert session.vad is process.userdata["vad"]
    assert vars(session.stt)["_opts"].extra_kwargs == {"endpointing": 400}
    assert running.timing.problems == ()


@in_virtual_time
async def test_former_arguments_win() -> None:
    """And the profile's own delay gives way."""
    running = Running('{"profile": "brisk"}')
    session = recipe("former_session")(running.timing)
    assert session.options.endpointing["min_delay"] == 3.0
    assert session.options.endpointing["max_delay"] == 3.0
    assert session.options.interruption["enabled"] is False


@in_virtual_time
async def test_noise_cancellation_is_kept() -> None:
    """In the options that the session starts with, beside the caller's identity."""
    started: dict[str, Any] = {}

    async def start(**arguments: Any) -> None:
        started.update(arguments)

    session: Any = SimpleNamespace(start=start)
    cancelling: Any = SimpleNamespace()
    job = cast("JobContext", SimpleNamespace(room=None))
    await recipe("begin")(job, running().timing, session, cancelling)
    options = as_started(started["room_options"], room_input_options=started["room_input_options"])
    assert cast("Any", options.audio_input).noise_cancellation is cancelling
    assert options.participant_identity == "caller"


@in_virtual_time
async def test_factory_may_pass_nothing_on() -> None:
    """`NOT_GIVEN` is not given; a part is."""
    timing = Running(PATIENT).timing
    assert isinstance(recipe("make_session")(timing).vad, inference.VAD)
    own = inference.VAD()
    assert recipe("make_session")(timing, own).vad is own


@in_virtual_time
async def test_parts_of_an_agent_are_tuned_and_its_delay_stays() -> None:
    """Its speech-to-text gets the profile's endpointing."""
    running = Running(PATIENT, session=MUTE).follow()
    receptionist = recipe("Receptionist")()
    await running.session.start(receptionist)
    assert receptionist.stt.arguments["endpointing_ms"] == 400
    settings = running.timing.settings
    assert (settings.values[MIN_DELAY], settings.origins[MIN_DELAY]) == (0.4, "application")
    assert [problem.path for problem in running.timing.problems] == [MIN_DELAY]
    await running.session.aclose()


@in_virtual_time
async def test_fallback_is_followed() -> None:
    """Both of its parts change with the caller's metadata."""
    running = Running()
    adapter = recipe("ear")(running.timing)
    running.session = Session(**running.timing.session_kwargs(**MUTE, stt=adapter))
    running.follow()
    running.room.change_metadata('{"endpointing_ms": 900}')
    await asyncio.sleep(REST)
    parts = vars(adapter)["_stt_instances"]
    assert [part.arguments["endpointing_ms"] for part in parts] == [900, 900]


@in_virtual_time
async def test_realtime_model_yields_its_turn_detection() -> None:
    """For the detection that the agent asks for; the profile's delay acts."""
    running = Running(PATIENT)
    session = recipe("realtime_session")(running.timing, realtime())
    assert session.turn_detection == "vad"
    assert session.options.endpointing["min_delay"] == 1.5
