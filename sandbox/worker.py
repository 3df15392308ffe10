"""A real worker process, and the services that it uses on this machine."""

import asyncio
import contextlib
import re
import shutil
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sandbox.child import child
from sandbox.connection import Connection
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference
from sandbox.livekit_binary import Progress, silent
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually
from sandbox.worker_environment import environment

ROOT = Path(__file__).parents[1]
WARM_AGENT = Path(__file__).with_name("warm_agent.py")
SLOW_AGENT = Path(__file__).with_name("slow_agent.py")

NO_CALLS = {"IDLE_PROCESSES": "0"}
"""Lets `WARM_AGENT` keep no process ready for a call: half of what its start costs."""

_END_OF_LOG = 4000  # characters of it that an error quotes
_OURS = re.compile(r"timing_profiles/[\w/]+\.py\\?\", line|unhandled exception")


@dataclass(frozen=True, slots=True)
class Services:
    """The services of workers, on this machine.

    Attributes:
        livekit: The real LiveKit server.
        deepgram: A stand-in.
        llm: A stand-in.
    """

    livekit: LiveKitServer
    deepgram: Deepgram
    llm: Inference

    @property
    def connection(self) -> Connection:
        """Return the connection for a worker without a name and its callers."""
        return self.livekit.connection

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of a process that uses these services."""
        own = environment(self.connection, self.deepgram, self.llm)
        return {**own, "PYTHONPATH": str(ROOT)}


@dataclass(frozen=True, slots=True)
class Worker:
    """A running worker.

    Attributes:
        process: Its main process.
        profiles: Its own folder of profiles, to be edited.
        log_file: Its standard output and standard error.
        services: The services that it uses.
        connection: How to call it.
    """

    process: asyncio.subprocess.Process
    profiles: Path
    log_file: Path
    services: Services
    connection: Connection

    @property
    def deepgram(self) -> Deepgram:
        """Return the stand-in that the worker uses."""
        return self.services.deepgram

    @property
    def llm(self) -> Inference:
        """Return the stand-in that the worker uses."""
        return self.services.llm

    @property
    def log(self) -> str:
        """Return the output of the worker."""
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    @property
    def tracebacks(self) -> list[str]:
        """Return the log records of tracebacks through our code, and of crashed jobs.

        The SDK logs harmless ones of its own, as when it sends events to a caller who has just hung
        up.
        """
        records = [line for line in self.log.splitlines() if "Traceback" in line]
        return [line for line in records if _OURS.search(line)]

    async def logs(self, text: str, seconds: float = 20.0, *, after: int = 0) -> str:
        """Wait until it has printed a text after a number of characters; return what follows them.

        Raises:
            TimeoutError: It has not, within a number of seconds.
        """

        def printed() -> str | None:
            log = self.log[after:]
            return log if text in log else None

        try:
            return await eventually(printed, seconds, text)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log[-_END_OF_LOG:]}") from None


@contextlib.asynccontextmanager
async def services(progress: Progress = silent) -> AsyncGenerator[Services]:
    """Run a LiveKit server and the stand-ins until the block ends.

    Args:
        progress: Gets a line now and then while the server has to be built first.

    Raises:
        LiveKitServerError: There is no server, and none can be built.
    """
    async with (
        LiveKitServer(progress=progress) as livekit,
        Deepgram() as deepgram,
        # Short, as callers listen to the whole answer.
        Inference(reply="Yes.") as llm,
    ):
        yield Services(livekit, deepgram, llm)


@contextlib.asynccontextmanager
async def worker(
    folder: Path,
    *,
    agent: Path = WARM_AGENT,
    mode: str = "start",
    env: Mapping[str, str] | None = None,
    profiles: Path = ROOT / "profiles",
    among: Services | None = None,
    within: Sequence[str] = (),
) -> AsyncGenerator[Worker]:
    """Run a worker until it has registered; end it with the block.

    Args:
        folder: For its profiles and its log.
        agent: The program.
        mode: `start` or `dev`.
        env: More of its environment.
        profiles: The folder that its profiles are copied from.
        among: The services that it uses. By default its own, as workers without a name take each
            other's calls.
        within: A command that becomes the worker, which it gets as its arguments.
    """
    shutil.copytree(profiles, folder / "profiles")
    log_file = folder / "worker.log"
    async with contextlib.AsyncExitStack() as running:
        if among is None:
            among = await running.enter_async_context(services())
        everything = {
            **among.environment,
            "PROFILES_DIR": str(folder / "profiles"),
            **(env or {}),
        }
        process = await running.enter_async_context(
            child(
                [*within, sys.executable, str(agent), mode],
                env=everything,
                cwd=ROOT,
                output=running.enter_context(log_file.open("wb")),
            )
        )
        name = everything.get("LIVEKIT_AGENT_NAME", "")
        connection = replace(among.connection, agent_name=name)
        started = Worker(process, folder / "profiles", log_file, among, connection)
        await started.logs("registered worker", 60)
        yield started
