"""Recipes of docs/existing-agents.md on real calls: outbound, by name, text, several people.

LiveKit's server has no SIP trunk here: a participant of the kind SIP stands for the callee.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from livekit import api, rtc

from sandbox.caller import Dial, join
from sandbox.caller.call import STATE
from sandbox.polling import eventually
from sandbox.worker import Worker, worker
from tests.e2e.guest import Guest, guest
from tests.markdown import of_sort

PAGE = "docs/existing-agents.md"
AGENT = Path(__file__).with_name("recipes_agent.py")
NAME = "assistant"
YES = "Yes please."


@pytest.fixture(scope="module")
async def named_worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    """A worker with the recipes, which takes only the calls that ask for it by its name."""
    folder = tmp_path_factory.mktemp("recipes")
    blocks = [block.text for block in of_sort("python") if block.page == PAGE]
    recipes = [text for text in blocks if "async def dial(" in text or "async def chat(" in text]
    first = "from livekit.agents import Agent, AgentSession, JobContext\nimport timing_profiles\n"
    program = folder / "recipes.py"
    program.write_text("\n".join([first, *recipes, AGENT.read_text()]), encoding="utf-8")
    async with worker(folder, agent=program, env={"LIVEKIT_AGENT_NAME": NAME}) as running:
        yield running


@contextlib.asynccontextmanager
async def dispatched(running: Worker, **metadata: Any) -> AsyncGenerator[str]:
    """A new room with the agent in it, as `lk dispatch create` sends it there."""
    room = f"recipe-{secrets.token_hex(4)}"
    connection = running.connection
    request = api.CreateAgentDispatchRequest(
        agent_name=NAME, room=room, metadata=json.dumps(metadata)
    )
    async with api.LiveKitAPI(connection.url, connection.api_key, connection.api_secret) as server:
        await server.agent_dispatch.create_dispatch(request)
        yield room
        await server.room.delete_room(api.DeleteRoomRequest(room=room))


async def agent_of(somebody: Guest) -> rtc.RemoteParticipant:
    """The agent, once it listens."""

    def listening() -> rtc.RemoteParticipant | None:
        there = somebody.room.remote_participants.values()
        return next((one for one in there if one.attributes.get(STATE) == "listening"), None)

    return await eventually(listening, 30, "the agent listens")


async def is_answered(somebody: Guest, agent: rtc.RemoteParticipant) -> None:
    """Say something to an agent that listens, and wait for the answer."""
    await eventually(lambda: agent.attributes.get(STATE) == "listening", 20, "it listens")
    await somebody.is_answered(YES)


async def has_profile(agent: rtc.RemoteParticipant, name: str) -> None:
    """Wait until the agent announces a profile."""
    await eventually(lambda: agent.attributes.get("timing.profile") == name, 20, name)


async def test_dispatch_by_name_selects_the_profile_below_the_callers(named_worker: Worker) -> None:
    """The metadata of the dispatch, unless the caller's own names another one."""
    found = []
    for metadata in ("", '{"profile": "brisk"}'):
        dial = Dial(metadata=metadata, dispatch_metadata='{"profile": "patient"}')
        async with join(named_worker.connection, dial) as caller:
            await caller.agent_listens()
            found.append(caller.result([]).profile)
    assert found == ["patient", "brisk"]
    assert named_worker.tracebacks == []


async def test_agent_that_dials_out_gets_the_timing_of_its_callee(named_worker: Worker) -> None:
    """Until somebody answers, the dispatch decides; an observer who came first is not heard."""
    connection = named_worker.connection
    async with (
        dispatched(named_worker, recipe="dial", profile="courier") as room,
        guest(connection, room, identity="observer", can_publish=False) as observer,
    ):
        agent = await agent_of(observer)
        await has_profile(agent, "courier")
        patient = '{"profile": "patient"}'
        async with guest(connection, room, identity="callee", kind="sip", metadata=patient) as one:
            agent = await agent_of(one)
            await has_profile(agent, "patient")
            await is_answered(one, agent)
    assert named_worker.tracebacks == []


async def test_client_that_only_writes_is_answered(named_worker: Worker) -> None:
    """It may not publish, and is the caller because the application names it."""
    connection = named_worker.connection
    answers: list[str] = []

    def written(reader: rtc.TextStreamReader, _: str) -> None:
        reading.append(asyncio.create_task(read(reader)))

    async def read(reader: rtc.TextStreamReader) -> None:
        answers.append(await reader.read_all())

    reading: list[asyncio.Task[None]] = []
    async with dispatched(named_worker, recipe="chat") as room:
        brisk = '{"profile": "brisk"}'
        joining = guest(connection, room, identity="user-42", metadata=brisk, can_publish=False)
        async with guest(connection, room, identity="other"), joining as client:
            client.room.register_text_stream_handler("lk.transcription", written)
            agent = await agent_of(client)
            await has_profile(agent, "brisk")
            await client.room.local_participant.send_text("A table for two.", topic="lk.chat")
            await eventually(lambda: any(answers), 20, "an answer in writing")
    assert named_worker.tracebacks == []


async def test_session_moves_between_people_with_the_callers_timing(named_worker: Worker) -> None:
    """The second one is heard, also after the caller has left; the timing stays the caller's."""
    connection = named_worker.connection
    async with dispatched(named_worker, profile="patient") as room:
        second: Guest | None = None
        async with contextlib.AsyncExitStack() as staying:
            async with guest(connection, room, identity="caller") as caller:
                agent = await agent_of(caller)
                brisk = guest(connection, room, identity="second", metadata='{"profile": "brisk"}')
                second = await staying.enter_async_context(brisk)
                await caller.room.local_participant.perform_rpc(
                    destination_identity=agent.identity, method="move", payload="second"
                )
                agent = await agent_of(second)
                await is_answered(second, agent)
            await is_answered(second, agent)
            assert agent.attributes["timing.profile"] == "patient"
    assert "no call: the caller left" not in named_worker.log
    assert named_worker.tracebacks == []
