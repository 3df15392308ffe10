"""An agent that is made of `WorkerOptions` gets its timing profiles like any other."""

from pathlib import Path

import timing_profiles
from sandbox.caller import Dial, join
from sandbox.worker import ROOT, worker
from tests.e2e.read_back import session_options
from tests.e2e.running_call import metadata

AGENT = ROOT / "tests" / "e2e" / "options_agent.py"


async def test_worker_options_publish_and_resolve(tmp_path: Path) -> None:
    """Profiles are published before the worker registers, and the caller gets its profile."""
    asked = metadata("brisk")
    async with (
        worker(tmp_path, agent=AGENT, mode="dev") as running,
        join(running.connection, Dial(metadata=asked)) as caller,
    ):
        await caller.agent_listens()
        endpointing = (await session_options(caller))["endpointing"]
    values = timing_profiles.resolve(asked, profiles_dir=running.profiles).values
    assert endpointing["max_delay"] == values["turn_handling.endpointing.max_delay"]
    assert "profiles active, revision" in running.log
    assert running.tracebacks == []
