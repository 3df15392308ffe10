"""Fields of parts that agents bring: each value on the wire, at the start and in a running call.

LiveKit's own classes talk to the stand-ins. The plugin of AssemblyAI is no dependency: its test
runs where it is installed.
"""

import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from livekit.agents import Agent, inference
from livekit.agents.utils import http_context

from sandbox.assemblyai import AssemblyAI
from sandbox.inference import Inference
from sandbox.polling import eventually
from tests.e2e.fields.parts import INFERENCE, PLUGIN, REALTIME, PartField
from tests.running import Running, publish
from tests.test_apply import MUTE, asking

SEMANTIC: Final = {"type": "semantic_vad", "create_response": True, "interrupt_response": True}


@pytest.fixture(autouse=True)
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Inference]:
    """LiveKit Inference, and the starter profiles."""
    publish(tmp_path, monkeypatch)
    for name in ("LIVEKIT_API_KEY", "LIVEKIT_API_SECRET", "ASSEMBLYAI_API_KEY"):
        monkeypatch.setenv(name, "any key of at least so many characters")
    async with Inference() as server, http_context.open():
        monkeypatch.setenv("LIVEKIT_INFERENCE_URL", server.url)
        yield server


def updates(server: Inference) -> list[dict[str, Any]]:
    """The sound of each `session.update` to the realtime model."""
    bodies = (body for one in server.requests for body in one.bodies("session.update"))
    return [body["session"]["audio"] for body in bodies if "audio" in body["session"]]


async def told(server: Inference, number: int) -> dict[str, Any]:
    """What the realtime model is told, the so manyth time."""
    await eventually(lambda: len(updates(server)) >= number, 5, "session.update")
    return updates(server)[number - 1]


def values(running: Running, sets: Mapping[str, Any]) -> dict[str, Any]:
    """What is reported of some fields."""
    return {path: running.timing.settings.values[path] for path in sets}


async def seen(field: PartField, session: Mapping[str, Any], wire: Any) -> None:
    """Start with one value, change to another, and see both on the wire and in the report."""
    first, second = ({**field.beside, field.path: value} for value in field.values)
    running = Running(asking(first), session={**MUTE, **session}).follow()
    async with running.started(Agent(instructions="")):
        assert await wire(1) == field.values[0]
        assert values(running, first) == first
        running.room.change_metadata(asking(second))
        assert await wire(2) == field.values[1]
        assert values(running, second) == second
        assert [problem.path for problem in running.timing.problems] == []


@pytest.mark.parametrize("field", REALTIME, ids=str)
async def test_field_reaches_realtime_model(field: PartField, server: Inference) -> None:
    """In the first `session.update`, and in another one."""

    async def wire(number: int) -> Any:
        return field.on(await told(server, number))

    await seen(field, {"llm": inference.RealtimeModel("openai/gpt-realtime")}, wire)


@pytest.mark.parametrize("field", INFERENCE, ids=str)
@pytest.mark.parametrize("make", [str, inference.STT])
async def test_field_reaches_assemblyai_at_the_gateway(
    field: PartField, server: Inference, make: Callable[[str], Any]
) -> None:
    """In the `extra` of `session.create` and of `session.update`, for an object and for a name."""

    async def wire(number: int) -> Any:
        type_ = "session.create" if number == 1 else "session.update"
        await eventually(lambda: server.requests and server.requests[0].bodies(type_), 5, type_)
        return field.on(server.requests[0].bodies(type_)[-1]["settings"]["extra"])

    model = "assemblyai/universal-streaming:en"
    await seen(field, {"stt": make(model)}, wire)


@pytest.mark.parametrize("field", PLUGIN, ids=str)
async def test_field_reaches_assemblyai(field: PartField) -> None:
    """In the query of the connection, and in `UpdateConfiguration`."""
    plugin = pytest.importorskip("livekit.plugins.assemblyai")
    async with AssemblyAI() as assemblyai:

        async def wire(number: int) -> Any:
            await eventually(lambda: assemblyai.requests, 5, "the connection")
            request = assemblyai.requests[0]
            if number == 1:
                return type(field.values[0])(request.query[field.name][0])
            type_ = "UpdateConfiguration"
            await eventually(lambda: request.bodies(type_), 5, type_)
            return field.on(request.bodies(type_)[-1])

        own = plugin.STT(base_url=assemblyai.socket_url, **field.model)
        await seen(field, {"stt": own}, wire)


async def test_agents_own_turn_detection_stays(server: Inference) -> None:
    """Its type and its own options stay; the other options of that type are the profile's."""
    vad = importlib.import_module("openai.types.realtime.realtime_audio_input_turn_detection")
    own = vad.ServerVad(type="server_vad", threshold=0.7)
    model = inference.RealtimeModel("openai/gpt-realtime", turn_detection=own)
    sets = {
        "realtime.turn_detection": "semantic_vad",
        "realtime.eagerness": "low",
        "realtime.threshold": 0.4,
        "realtime.silence_duration_ms": 900,
    }
    running = Running(asking(sets), session={**MUTE, "llm": model}).follow()
    async with running.started(Agent(instructions="")):
        turns = (await told(server, 1))["input"]["turn_detection"]
        assert turns == {"type": "server_vad", "threshold": 0.7, "silence_duration_ms": 900}
        assert running.timing.settings.changed == ("realtime.silence_duration_ms",)
        reasons = [str(each).partition(" is not applied: ")[2] for each in running.timing.problems]
        assert reasons == [
            'the application sets it itself: "server_vad"',
            "the application sets it itself: 0.7",
            "inference.RealtimeModel has it only with semantic_vad",
        ]


async def test_turns_of_the_session_stay_the_sessions(server: Inference) -> None:
    """A model that leaves the turns to the session gets no turn detection, not in a call either."""
    session = {**MUTE, "llm": inference.RealtimeModel("openai/gpt-realtime"), "stt": None}
    own = {**session, "turn_handling": {"turn_detection": "vad"}}
    running = Running(asking({"realtime.silence_duration_ms": 900}), session=own).follow()
    async with running.started(Agent(instructions="")):
        assert (await told(server, 1))["input"]["turn_detection"] is None
        sets = {"realtime.silence_duration_ms": 700, "realtime.speed": 1.2}
        running.room.change_metadata(asking(sets))
        assert await told(server, 2) == {"output": {"speed": 1.2}}
        assert running.timing.settings.changed == ("realtime.speed",)
        (problem,) = running.timing.problems
        assert problem.path == "realtime.silence_duration_ms"
        assert problem.message == "700 is not applied: the session ends the turns, not the model"


async def test_model_of_an_agent_is_tuned(server: Inference) -> None:
    """When it takes over, where the session leaves the turns to it."""
    agent = Agent(instructions="", llm=inference.RealtimeModel("openai/gpt-realtime"))
    sets = {"turn_handling.turn_detection": "realtime_llm", "realtime.eagerness": "high"}
    running = Running(asking(sets), session={**MUTE, "stt": None}).follow()
    async with running.started(agent):
        await eventually(
            lambda: any(
                each.get("input", {}).get("turn_detection") == {**SEMANTIC, "eagerness": "high"}
                for each in updates(server)
            ),
            5,
            "the turn detection of the profile",
        )
        assert "realtime.eagerness" in running.timing.settings.changed
        assert running.timing.problems == ()


async def test_default_profile_does_not_change_a_realtime_model(
    server: Inference,
) -> None:
    """`default` leaves the model as the plugin makes it."""
    running = Running(session={**MUTE, "llm": inference.RealtimeModel("openai/gpt-realtime")})
    async with running.follow().started(Agent(instructions="")):
        first = await told(server, 1)
        assert first["input"]["turn_detection"] == {**SEMANTIC, "eagerness": "medium"}
        assert first["output"]["speed"] == 1.0
        assert len(updates(server)) == 1
        assert (running.timing.settings.changed, running.timing.problems) == ((), ())
