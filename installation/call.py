"""A project of its own, as `timing-profiles init` makes it, up to a call that is answered."""

import asyncio
import contextlib
from pathlib import Path

from installation.command import StepError, environment, last_lines, output
from installation.environments import Environment
from sandbox import worker_environment
from sandbox.caller import Dial, NotAnsweredError, Script, call
from sandbox.child import child
from sandbox.connection import Connection
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually

_REGISTERED = 60.0  # seconds until the worker must be; it imports without compiled files
_CALL = Dial(metadata='{"profile": "brisk"}')
_SENTENCE = Script("I would like a table for two.")


async def answered(made: Environment, folder: Path) -> float:
    """Make the project, start the agent that `init` prints, and call it.

    Args:
        made: Where the package is installed.
        folder: For the project; empty.

    Returns:
        The seconds that the caller waited for the answer.

    Raises:
        StepError: A check has failed.
    """
    command = made.bin / "timing-profiles"
    _, _, agent = (await output([command, "init"], folder)).partition("numbered here:\n\n")
    (folder / "agent.py").write_text(agent, encoding="utf-8")
    if found := await output([command, "check", "--strict"], folder):
        raise StepError(f"a project of `init` is not clean:\n{found}")
    async with contextlib.AsyncExitStack() as running:
        livekit = await running.enter_async_context(LiveKitServer())
        deepgram = await running.enter_async_context(Deepgram())
        llm = await running.enter_async_context(Inference())
        log = folder / "worker.log"
        worker = await running.enter_async_context(
            child(
                [str(made.bin / "python"), "agent.py", "dev"],
                env=environment(worker_environment.environment(livekit.connection, deepgram, llm)),
                cwd=folder,
                output=running.enter_context(log.open("wb")),
            )
        )
        await _registered(worker, log)
        return await _call(livekit.connection, log)


async def _registered(worker: asyncio.subprocess.Process, log: Path) -> None:
    def is_registered() -> bool:
        if worker.returncode is not None:
            raise StepError(f"the agent exited with status {worker.returncode}")
        return "registered worker" in _read(log)

    try:
        await eventually(is_registered, _REGISTERED, "the agent registers")
    except (StepError, TimeoutError) as error:
        raise StepError(f"{error}\n{last_lines(_read(log))}") from None


async def _call(connection: Connection, log: Path) -> float:
    try:
        result = await call(connection, _CALL, _SENTENCE)
    except NotAnsweredError as error:
        raise StepError(f"not answered: {error}\n{last_lines(_read(log))}") from None
    wait = result.waits[0]
    if (result.profile, result.problems) != ("brisk", ()) or wait is None:
        found = f"profile {result.profile!r}, problems {result.problems}, wait {wait}"
        raise StepError(f"answered with other settings: {found}\n{last_lines(_read(log))}")
    if "Traceback" in _read(log):
        raise StepError(f"answered, with a traceback\n{last_lines(_read(log))}")
    return wait


def _read(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")
