"""The two agents that are compared, each in a worker of its own."""

import contextlib
import sys
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TypeVar

from lab.bench.inputs import LLM_MODEL, PROFILES, ROOT
from sandbox import worker as sandbox_worker
from sandbox.polling import eventually
from sandbox.records import records, started_processes
from sandbox.worker import Services, Worker

PROFILED = "profiled"
"""The agent with timing profiles, a program in agents/."""

BARE = "bare"
"""The agent with literal settings, a program in agents/."""

LIMIT = 60.0  # seconds; what takes longer has failed

T = TypeVar("T")


async def at_rest(worker: Worker, calls: int) -> int:
    """Wait until a worker can take a call at once, and nothing is left of the calls before.

    Args:
        worker: The worker.
        calls: How many it has taken so far; each had a process of its own.

    Returns:
        The id of the process that will take the next one.
    """
    await _seen(worker, lambda: len(records(worker, "process exiting")) >= calls, "ends its calls")
    ready = await _seen(
        worker, lambda: started_processes(worker)[calls:], "has a process for a call"
    )
    return ready[0]


async def seconds_to_start(worker: Worker, calls: int) -> float:
    """Wait until the next session has started; returns the seconds that the agent needed.

    Args:
        worker: The worker.
        calls: How many calls it had taken before.
    """
    started = await _seen(
        worker, lambda: records(worker, "session started")[calls:], "starts a session"
    )
    return float(started[0]["seconds"])


async def _seen(worker: Worker, look: Callable[[], T], what: str) -> T:
    return await eventually(look, LIMIT, f"the {worker.connection.agent_name} agent {what}")


@contextlib.asynccontextmanager
async def services() -> AsyncGenerator[Services]:
    """Run a LiveKit server and the stand-ins until the block ends.

    Raises:
        LiveKitServerError: There is no server, and none can be built.
    """
    async with sandbox_worker.services(progress=_say) as running:
        yield running


def _say(progress: str) -> None:
    print(progress, file=sys.stderr)


@contextlib.asynccontextmanager
async def both_workers(folder: str) -> AsyncGenerator[tuple[Worker, Worker]]:
    """Run the agent with profiles and the bare one, with the same services."""
    async with (
        services() as among,
        worker(among, PROFILED, Path(folder)) as profiled,
        worker(among, BARE, Path(folder)) as bare,
    ):
        yield profiled, bare


@contextlib.asynccontextmanager
async def worker(
    among: Services, agent: str, folder: Path, profiles: Path = PROFILES
) -> AsyncGenerator[Worker]:
    """Run a worker until the block ends.

    Args:
        among: What it talks to.
        agent: A program in agents/, and the name by which callers ask for it.
        folder: For a folder of its name, with its profiles, its log, and `tmp`.
        profiles: What its profiles are copied from.
    """
    temporary = folder / agent / "tmp"
    temporary.mkdir(parents=True)
    running = sandbox_worker.worker(
        folder / agent,
        agent=ROOT / "lab" / "bench" / "agents" / f"{agent}.py",
        env={"LIVEKIT_AGENT_NAME": agent, "LLM_MODEL": LLM_MODEL, "TMPDIR": str(temporary)},
        profiles=profiles,
        among=among,
    )
    async with running as started:
        yield started
