"""A running call does as its caller asks, also when the caller changes its mind."""

import json
from typing import Any

from livekit import api

from sandbox.caller import Caller, Dial, Script, join
from sandbox.connection import Connection
from tests.e2e.read_back import session_options
from tests.e2e.worker import Worker, eventually

SENTENCE = Script("I would like to book a table for two.").turns()[0]

QUICK = {"turn_handling": {"endpointing": {"min_delay": 0.35, "max_delay": 0.4}}}
SLOW = {"turn_handling": {"endpointing": {"min_delay": 2.5, "max_delay": 2.6}}}


async def change_metadata(connection: Connection, caller: Caller, metadata: str) -> None:
    """What a back end does: it writes the participant's metadata."""
    async with api.LiveKitAPI(
        connection.url, connection.api_key, connection.api_secret
    ) as livekit:
        await livekit.room.update_participant(
            api.UpdateParticipantRequest(
                room=caller.room.name,
                identity=caller.room.local_participant.identity,
                metadata=metadata,
            )
        )


def attributes(caller: Caller) -> dict[str, str]:
    assert caller.agent
    return {k: v for k, v in caller.agent.attributes.items() if k.startswith("timing.")}


async def test_a_change_of_metadata_changes_the_wait(shared_worker: Worker) -> None:
    """Measured by the clock: from under a second to more than two and a half."""
    dial = Dial(metadata=json.dumps({"overrides": QUICK}))
    async with join(shared_worker.connection, dial) as caller:
        await caller.agent_listens()
        before = (await caller.say(SENTENCE)).wait
        await caller.agent_listens()
        metadata = json.dumps({"profile": "patient", "overrides": SLOW})
        await change_metadata(shared_worker.connection, caller, metadata)
        await eventually(lambda: attributes(caller).get("timing.profile") == "patient", 5, "patient")
        after = (await caller.say(SENTENCE)).wait
        options: dict[str, Any] = await session_options(caller)
    assert before is not None
    assert after is not None
    print("MEASURED", before, after)
    assert before < 1.2
    assert after > 2.5
    assert options["endpointing"]["min_delay"] == 2.5
