"""Calls of the page: the real server, a real worker, and what the observer in the room sees."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit import api, rtc

from sandbox.caller.call import Caller, Dial
from sandbox.caller.script import Script
from sandbox.polling import eventually
from sandbox.worker import Worker
from tests.e2e.tuned import Page, page
from timing_profiles.tuner import observer
from timing_profiles.tuner.livekit_access import Access

SENTENCE = Script("I would like to book a table for four.").turns()[0]


@pytest.fixture
async def served(edited_worker: Worker) -> AsyncGenerator[Page]:
    """A page for a worker whose profiles it may write."""
    async with page(edited_worker.profiles, _access(edited_worker), write=True) as running:
        yield running


def _access(running: Worker) -> Access:
    connection = running.connection
    return Access(connection.url, connection.api_key, connection.api_secret)


@dataclass(frozen=True, slots=True)
class Talk:
    """A call of the page.

    Attributes:
        room: Its room.
        caller: The person with the microphone.
        events: What the observer told so far.
    """

    room: str
    caller: Caller
    events: list[dict[str, Any]] = field(default_factory=list)

    async def told(self, kind: str, **content: Any) -> dict[str, Any]:
        """Wait for a message with this content; return the first one."""

        def found() -> dict[str, Any] | None:
            for event in self.events:
                same = all(event.get(name) == value for name, value in content.items())
                if event["type"] == kind and same:
                    return event
            return None

        return await eventually(found, 60, f"{kind} {content}")

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one kind."""
        return [event for event in self.events if event["type"] == kind]


@contextlib.asynccontextmanager
async def talk(served: Page, profile: str) -> AsyncGenerator[Talk]:
    """Call as the page does: the observer is there first."""
    made = await served.post("/api/call", {"profile": profile, "overrides": {}})
    caller = Caller(rtc.Room(), Dial())
    talking = Talk(made["room"], caller)
    async with served.socket(f"/api/calls/{made['room']}/events") as events:

        async def follow() -> None:
            async for message in events:
                talking.events.append(json.loads(message.data))

        following = asyncio.create_task(follow())
        await caller.room.connect(made["url"], made["token"])
        try:
            await caller.open_microphone()
            yield talking
        finally:
            await caller.hang_up()
            await caller.room.disconnect()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _rooms(access: Access) -> set[str]:
    async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as server:
        return {room.name for room in (await server.room.list_rooms(api.ListRoomsRequest())).rooms}


@pytest.mark.measured
async def test_the_page_sees_a_turn_and_changes_the_next_one(
    served: Page, edited_worker: Worker
) -> None:
    """States, prediction, words and attributes; the observer is seen by nobody, and goes along."""
    async with talk(served, "patient") as call:
        await call.caller.agent_listens()
        spoken = await call.caller.say(SENTENCE)
        await call.caller.hear_out(spoken)
        thinking = await call.told("agent_state", state="thinking")
        prediction = call.all("prediction")[-1]
        silent = [one for one in call.all("user_state") if one["state"] == "listening"][-1]
        said = await call.told("said", role="assistant")
        agent = await call.told("agent", present=True)
        assert [*call.caller.room.remote_participants] == [agent["identity"]]
        shown = await served.post("/api/preview", {"profile": "brisk", "overrides": {}})
        await call.caller.room.local_participant.set_metadata(shown["metadata"])
        changed = await eventually(lambda: _profile(call, "brisk"), 20, "the other profile")
    assert 0 <= prediction["probability"] <= 1
    assert prediction["threshold"] == 0.36
    expected = 1.5 if prediction["probability"] >= prediction["threshold"] else 4.0
    assert thinking["at"] - silent["at"] == pytest.approx(expected, abs=0.5)
    assert thinking["at"] <= thinking["received"]
    assert said["text"]
    assert _profile(call, "patient") is not None
    assert changed["attributes"]["timing.revision"]
    assert edited_worker.tracebacks == []

    async def is_gone() -> bool:
        return call.room not in await _rooms(_access(edited_worker))

    await eventually(is_gone, 30, "the end of the room")


def _profile(call: Talk, name: str) -> dict[str, Any] | None:
    seen = call.all("agent")
    return next((one for one in seen if one["attributes"].get("timing.profile") == name), None)


async def test_written_profile_is_the_next_calls(served: Page, edited_worker: Worker) -> None:
    """By the worker's ordinary reload; and an ended call is reported."""
    overrides = {"turn_handling": {"endpointing": {"min_delay": 0.8}}}
    asked = {"name": "mine", "base": "patient", "overrides": overrides}
    await served.post("/api/write", asked)
    try:
        await edited_worker.logs("mine: new")
        async with talk(served, "mine") as call:
            await eventually(lambda: _profile(call, "mine"), 60, "the written profile")
            await served.asked("DELETE", f"/api/calls/{call.room}")
            ended = await call.told("ended")
    finally:
        (edited_worker.profiles / "mine.yaml").unlink()
    assert ended["reason"] == "the call was ended"
    assert call.events[-1] == ended


async def test_missing_agent_is_reported_once(
    shared_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker has the name; the call stays open."""
    monkeypatch.setattr(observer, "SILENT_AFTER", 1.0)
    access = _access(shared_worker)
    async with page(shared_worker.profiles, access, agent="nobody") as running:
        async with talk(running, "patient") as call:
            silent = await call.told("silent")
            assert call.caller.room.isconnected()
            assert [event["type"] for event in call.events] == ["silent"]
        assert silent["after"] == 1.0


async def test_a_socket_that_closes_takes_the_observer_along(
    served: Page, edited_worker: Worker
) -> None:
    """A page that is gone leaves no participant behind, and no room."""
    made = await served.post("/api/call", {"profile": "patient"})
    access = _access(edited_worker)
    async with served.socket(f"/api/calls/{made['room']}/events"):
        assert made["room"] in await _rooms(access)

    async def is_gone() -> bool:
        return made["room"] not in await _rooms(access)

    await eventually(is_gone, 30, "the end of the room")
