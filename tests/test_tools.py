"""The function tools by which a caller asks the LLM for another timing."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent
from livekit.agents.llm import FunctionTool

from tests.running import Running, publish
from timing_profiles.call.follow_metadata import RAPID
from timing_profiles.rehearsal.virtual_time import run

MIN_DELAY = "turn_handling.endpointing.min_delay"

DONE = "Done. Say so in a few words."
NOT_HERE = "That is not possible here."


@pytest.fixture(autouse=True)
def log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> pytest.LogCaptureFixture:
    """Published starter profiles, and what the library says of a call."""
    publish(tmp_path, monkeypatch)
    caplog.set_level(logging.INFO, "timing_profiles")
    return caplog


def tools(running: Running, **profiles: str) -> dict[str, Any]:
    """The tools by their names."""
    made = running.timing.tools(**profiles)
    return {tool.info.name: tool for tool in made if isinstance(tool, FunctionTool)}


def test_agent_accepts_the_tools() -> None:
    """Two tools without arguments, described for an LLM."""

    async def story() -> dict[str, str]:
        agent = Agent(instructions="", tools=Running().timing.tools())
        infos = [tool.info for tool in agent.tools if isinstance(tool, FunctionTool)]
        return {info.name: info.description or "" for info in infos}

    assert run(story()) == {
        "give_more_time": (
            "Give the caller more time. Call this once when the caller asks not to be rushed or"
            " interrupted, to wait, or for time to think."
        ),
        "answer_sooner": (
            "Answer the caller sooner. Call this once when the caller asks you to hurry, or"
            " complains that you wait too long before you answer."
        ),
    }


def test_an_empty_name_leaves_a_tool_out() -> None:
    """An application may want one of them only."""

    async def story() -> list[list[str]]:
        running = Running()
        return [[*tools(running, patient="")], [*tools(running, brisk="")]]

    assert run(story()) == [["answer_sooner"], ["give_more_time"]]


def test_a_tool_moves_the_call_to_its_profile() -> None:
    """At once, seen in the room; the other tool moves it on."""

    async def story() -> list[Any]:
        running = Running().follow()
        asked = tools(running)
        seen: list[Any] = []
        for name in ("give_more_time", "answer_sooner"):
            seen.append(await asked[name]())
            await asyncio.sleep(0)
            attributes = running.room.local_participant.attributes
            seen.append((attributes["timing.profile"], running.in_force(MIN_DELAY)))
        return seen

    assert run(story()) == [DONE, ("patient", 1.5), DONE, ("brisk", 0.3)]


def test_the_profiles_are_the_applications_choice() -> None:
    """Its own in the place of `patient` and `brisk`."""

    async def story() -> tuple[str, str]:
        running = Running().follow()
        return await tools(running, patient="elderly")["give_more_time"](), running.timing.profile

    assert run(story()) == (DONE, "elderly")


def test_second_request_has_no_effect(log: pytest.LogCaptureFixture) -> None:
    """Neither the session nor the room, and nothing more is logged."""

    async def story() -> Running:
        running = Running().follow()
        more_time = tools(running)["give_more_time"]
        assert [await more_time(), await more_time()] == [DONE, DONE]
        await asyncio.sleep(1)
        return running

    assert len(run(story()).room.local_participant.announced) == 1
    assert len(log.messages) == 1


def test_caller_with_that_profile_keeps_its_own_values(log: pytest.LogCaptureFixture) -> None:
    """A caller with 3 s who asks for more time must not get the profile's 1.5 s."""
    metadata = json.dumps({"profile": "patient", "min_endpointing_delay": 3.0})

    async def story() -> tuple[str, float]:
        running = Running(metadata).follow()
        return await tools(running)["give_more_time"](), running.in_force(MIN_DELAY)

    assert run(story()) == (DONE, 3.0)
    assert log.messages == []


def test_later_metadata_wins_over_a_spoken_request() -> None:
    """The client has the last word, as in all else."""

    async def story() -> list[str]:
        running = Running('{"profile": "brisk"}').follow()
        await tools(running)["give_more_time"]()
        seen = [running.timing.profile]
        running.room.change_metadata('{"profile": "courier"}')
        await asyncio.sleep(RAPID + 0.01)
        return [*seen, running.timing.profile]

    assert run(story()) == ["patient", "courier"]


def test_unknown_profile_is_politely_declined(log: pytest.LogCaptureFixture) -> None:
    """The LLM gets that answer, and nothing else happens."""

    async def story() -> tuple[str, list[Any], float]:
        running = Running().follow()
        told = await tools(running, patient="nobody")["give_more_time"]()
        await asyncio.sleep(1)
        announced: list[Any] = running.room.local_participant.announced
        return told, announced, running.in_force(MIN_DELAY)

    assert run(story()) == (NOT_HERE, [], 0.3)
    assert log.messages == []


def test_session_without_follow_cannot_change_profile(log: pytest.LogCaptureFixture) -> None:
    """The caller gets that answer, and the log has the remedy."""

    async def story() -> str:
        told: str = await tools(Running())["give_more_time"]()
        return told

    assert run(story()) == NOT_HERE
    assert log.messages == [
        (
            "profile requested aloud not applied: no session is followed; call"
            " timing.follow(session) so that callers can get patient"
        ),
    ]


def test_step_keeps_its_borrowed_values() -> None:
    """A spoken request is active once the step is over."""

    async def story() -> list[float]:
        running = Running().follow()
        async with running.timing.borrow("dictation"):
            await tools(running)["give_more_time"]()
            seen = [running.in_force(MIN_DELAY)]
        return [*seen, running.in_force(MIN_DELAY)]

    assert run(story()) == [3.0, 1.5]
