"""Real workers, with everything that they talk to on this machine."""

import asyncio
import contextlib
import json
import shutil
import sys
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from lab.bench.inputs import LLM_MODEL, PROFILES, ROOT
from sandbox.child import child
from sandbox.connection import Connection
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference
from sandbox.livekit_server import LiveKitServer
from sandbox.worker_environment import environment

PROFILED = "profiled"
"""The agent with timing profiles, a program in agents/."""

BARE = "bare"
"""The agent with literal settings, a program in agents/."""

_LIMIT = 60.0  # seconds; what takes longer has failed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stage:
    """A LiveKit server, and the stand-ins of Deepgram and of LiveKit Inference.

    Attributes:
        connection: The server.
        environment: What a worker needs to know, and nothing of what this machine says of LiveKit.
    """

    connection: Connection
    environment: dict[str, str]


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that runs.

    Attributes:
        agent: Its name, by which a caller asks for it.
        profiles: Its own folder of profiles.
        temporary: Its folder of temporary files.
        log_file: What it prints: JSON, a line each.
        pid: Of its main process.
    """

    agent: str
    profiles: Path
    temporary: Path
    log_file: Path
    pid: int = 0

    async def registered(self) -> None:
        """Wait until LiveKit knows it."""
        registered = "registered worker"
        await until(lambda: self._entries(registered), f"the {self.agent} agent is not registered")

    async def at_rest(self, calls: int) -> int:
        """Wait until it can take a call at once, and nothing is left of the calls before.

        Args:
            calls: How many it has taken so far; each had a process of its own.

        Returns:
            The id of the process that will take the next one.
        """
        await until(
            lambda: len(self._entries("process exiting")) >= calls,
            f"a call of the {self.agent} agent does not end",
        )
        ready = await until(
            lambda: self._entries("process initialized")[calls:],
            f"the {self.agent} agent has no process for a call",
        )
        return int(ready[0]["pid"])

    async def started(self, calls: int) -> float:
        """Wait until the next session has started; returns the seconds that the agent needed.

        Args:
            calls: How many calls it had taken before.
        """
        started = await until(
            lambda: self._entries("session started")[calls:],
            f"the {self.agent} agent starts no session",
        )
        return float(started[0]["seconds"])

    def _entries(self, message: str) -> list[dict[str, Any]]:
        """Everything that it has printed with this message, oldest first."""
        lines = self.log_file.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if f'"{message}"' in line]


async def until(look: Callable[[], T], failure: str) -> T:
    """Look until there is something to see.

    Raises:
        TimeoutError: There is nothing for a minute.
    """
    deadline = time.monotonic() + _LIMIT
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise TimeoutError(failure)
        await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def stage() -> AsyncGenerator[Stage]:
    """A LiveKit server and the stand-ins, until the block ends.

    Raises:
        LiveKitServerError: There is no server, and none can be built.
    """
    async with LiveKitServer(progress=_say) as livekit, Deepgram() as deepgram, Inference() as llm:
        connection = Connection(livekit.url, livekit.api_key, livekit.api_secret)
        surroundings = {
            **environment(connection, deepgram, llm),
            "LLM_MODEL": LLM_MODEL,
            "PYTHONPATH": str(ROOT),
        }
        yield Stage(connection, surroundings)


def _say(progress: str) -> None:
    print(progress, file=sys.stderr)


@contextlib.asynccontextmanager
async def both_workers(folder: str) -> AsyncGenerator[tuple[Stage, Worker, Worker]]:
    """A stage, and on it the agent with timing profiles and the bare one."""
    async with (
        stage() as on,
        worker(on, PROFILED, Path(folder, PROFILED)) as profiled,
        worker(on, BARE, Path(folder, BARE)) as bare,
    ):
        yield on, profiled, bare


@contextlib.asynccontextmanager
async def worker(
    on: Stage, agent: str, folder: Path, profiles: Path = PROFILES
) -> AsyncGenerator[Worker]:
    """Run a worker until the block ends.

    Args:
        on: What it talks to.
        agent: A program in agents/.
        folder: For what belongs to it; it must not be there yet.
        profiles: What its profiles are copied from.
    """
    running = Worker(agent, folder / "profiles", folder / "tmp", folder / "worker.log")
    shutil.copytree(profiles, running.profiles)
    running.temporary.mkdir()
    environment = {
        **on.environment,
        "LIVEKIT_AGENT_NAME": agent,
        "PROFILES_DIR": str(running.profiles),
        "TMPDIR": str(running.temporary),
    }
    command = [sys.executable, str(ROOT / "lab" / "bench" / "agents" / f"{agent}.py"), "start"]
    with running.log_file.open("wb") as output:
        try:
            async with child(command, env=environment, cwd=ROOT, output=output) as process:
                await running.registered()
                yield replace(running, pid=process.pid)
        except TimeoutError as error:
            log = running.log_file.read_text(encoding="utf-8")[-4000:]
            raise TimeoutError(f"{error}\n{log}") from None
