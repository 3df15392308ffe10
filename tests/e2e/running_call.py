"""A real call whose timing changes while it runs: who changes it, and what is seen of it."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from livekit import api
from typing_extensions import Self

from sandbox.caller import Caller, Dial, Script, join
from sandbox.polling import eventually
from sandbox.worker import Worker

SENTENCE = Script("I would like to book a table for two.").turns()[0]

PROBLEMS = "timing.problems"


def metadata(profile: str = "brisk", /, **more: Any) -> str:
    """What a caller's client writes."""
    return json.dumps({"profile": profile, **more})


@asynccontextmanager
async def joined(worker: Worker, asked: str) -> AsyncGenerator[Caller]:
    """A caller whose agent listens."""
    async with join(worker.connection, Dial(metadata=asked)) as caller:
        await caller.agent_listens()
        yield caller


class BackEnd:
    """Writes metadata, as an application's own server does."""

    def __init__(self, worker: Worker, caller: Caller) -> None:
        """Know the server and the room."""
        self._caller = caller
        connection = worker.connection
        self._livekit = api.LiveKitAPI(connection.url, connection.api_key, connection.api_secret)

    async def __aenter__(self) -> Self:
        """Connect."""
        await self._livekit.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Disconnect."""
        await self._livekit.aclose()

    async def write(self, text: str, identity: str = "") -> None:
        """Write a participant's metadata, by default the caller's."""
        participant = identity or self._caller.room.local_participant.identity
        await self._livekit.room.update_participant(
            api.UpdateParticipantRequest(
                room=self._caller.room.name, identity=participant, metadata=text
            )
        )


def attributes(caller: Caller) -> dict[str, str]:
    """What the agent says of its timing."""
    assert caller.agent
    return {k: v for k, v in caller.agent.attributes.items() if k.startswith("timing.")}


async def says(caller: Caller, name: str, value: str | None) -> None:
    """Wait until the agent says so; None is not at all."""
    await eventually(lambda: attributes(caller).get(name) == value, 5, f"{name} is {value}")


async def waited(caller: Caller) -> float:
    """Say a sentence once the agent listens; how long the answer takes."""
    await caller.agent_listens()
    wait = (await caller.say(SENTENCE)).wait
    assert wait is not None
    return wait
