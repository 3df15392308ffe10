"""`make dev` and `make call`, as one types them, but for make itself."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.child import child
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually
from sandbox.worker import ROOT

READY = "ready: try `make call PROFILE=patient` in another terminal; Ctrl-C ends all of this"

PAGE = re.compile(r"^page +local +(\S+)  \(log: .dev/page.log\)$", re.MULTILINE)
TUNE = "tune by ear: open the address of the page in a browser, and talk"

# The environment is the one of the real checkout, and stands as it is.
MAKE_DEV = ["make", "--file", str(ROOT / "Makefile"), "--old-file", ".venv/.ready", "dev"]

# Nothing answers: whatever is sent to it fails.
PROXY = "http://127.0.0.1:9"

NOBODY = (
    "call: no LiveKit server to call: start `make dev` in another terminal, or set LIVEKIT_URL, "
    "LIVEKIT_API_KEY, LIVEKIT_API_SECRET\n"
)


@dataclass(frozen=True, slots=True)
class Dev:
    """A running `make dev`."""

    process: asyncio.subprocess.Process
    folder: Path

    @property
    def output(self) -> str:
        """What is on its terminal."""
        return (self.folder / "terminal").read_text()

    @property
    def state(self) -> Path:
        """Where it says how to call."""
        return self.folder / ".dev" / "state.json"

    async def shows(self, text: str) -> None:
        """Wait until it has printed something."""
        await eventually(lambda: text in self.output, 60, text)

    async def ends(self, seconds: float = 20) -> int:
        """Wait for its exit status."""
        return await asyncio.wait_for(self.process.wait(), seconds)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder to run it in: whoever runs `make dev` in the real one is not disturbed."""
    return made_checkout(tmp_path)


def made_checkout(folder: Path) -> Path:
    """Put into a folder what it needs to run there."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "agent.py", folder)
    shutil.copy(ROOT / "schema.json", folder)
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    return folder


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's, with the checkout on the path."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


@contextlib.asynccontextmanager
async def dev(folder: Path, **more: str) -> AsyncGenerator[Dev]:
    """`make dev` in a folder."""
    command = [sys.executable, "-m", "sandbox.dev"]
    with (folder / "terminal").open("wb") as terminal:
        async with child(command, env=environment(more), cwd=folder, output=terminal) as process:
            yield Dev(process, folder)


async def call(folder: Path, **variables: str) -> tuple[int, str, str]:
    """`make call` in a folder: status, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.caller"),
        env=environment(variables),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, progress = await process.communicate()
    return process.returncode or 0, output.decode(), progress.decode()


def port_of(url: str) -> int:
    """The number behind the last colon."""
    return int(url.rpartition(":")[2])


async def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:  # refused; or reset by a server that is about to end
        return False
    writer.close()
    return True


async def test_new_user_can_call_at_once(checkout: Path) -> None:
    """Without any account: `make dev`, `make call PROFILE=patient`, Ctrl-C, and all is gone.

    SIGINT goes to what make runs alone: nothing is wrong with a recipe that was interrupted.
    """
    async with made(checkout) as running:
        await running.shows(READY)
        state: dict[str, Any] = json.loads(running.state.read_text())
        assert running.state.stat().st_mode & 0o777 == 0o600
        status, output, progress = await call(checkout, PROFILE="patient", SAY="five five two")
        assert status == 0, progress
        result = json.loads(output)
        await running.shows(TUNE)
        address = urlsplit(PAGE.findall(running.output)[0])
        assert await is_open(address.port or 0)
        os.kill(state["pid"], signal.SIGINT)
        assert await running.ends() == 0
        await assert_ended(running)
    assert result["profile"] == "patient"
    assert result["revision"] in running.output
    assert result["problems"] == []
    assert result["cut_in"] is False
    assert 1.5 < result["waits"][0] < 6
    assert result["values"]["stt.nova.endpointing_ms"]["origin"].startswith("profiles/patient.yaml")
    lines = progress.splitlines()
    assert lines[1:3] == ["the agent is listening", "speaking"]
    assert lines[3] == f"answered after {result['waits'][0]:.2f} s"
    assert not await is_open(port_of(state["connection"]["url"]))
    assert not await is_open(address.port or 0)
    assert "Traceback" not in running.output + (checkout / ".dev" / "page.log").read_text()


async def test_interrupt_leaves_no_process_behind(tmp_path: Path) -> None:
    """SIGINT to make alone, and to what it runs as well, as Ctrl-C does.

    Both run at the same time, each in a folder of its own, where a second one is refused.
    """
    folders = [made_checkout(tmp_path / name) for name in ("make", "both")]
    async with contextlib.AsyncExitStack() as stack:
        everyone = [await stack.enter_async_context(made(folder)) for folder in folders]
        await asyncio.gather(*(running.shows(READY) for running in everyone))
        first = everyone[0]
        first_pid = json.loads(first.state.read_text())["pid"]
        refused = (
            f"make dev: already running in this directory, as process {first_pid}: call it with "
            f"`make call`, or end it with Ctrl-C in its terminal or `kill -INT {first_pid}`\n"
        )
        assert await second(folders[0]) == (1, refused)
        assert first.state.exists()
        os.kill(first.process.pid, signal.SIGINT)
        os.killpg(everyone[1].process.pid, signal.SIGINT)
        # Make ends by the signal that it got.
        ended = await asyncio.gather(*(running.ends() for running in everyone))
        assert ended == [-signal.SIGINT] * 2
        for running in everyone:
            await assert_ended(running)


async def assert_ended(running: Dev) -> None:
    """It said that it ends, and left nothing."""
    assert running.output.endswith("\n\nending all that was started\n")
    assert not running.state.exists()
    await eventually(lambda: not _runs_in(running.folder), 5, "every process has ended")


@contextlib.asynccontextmanager
async def made(folder: Path) -> AsyncGenerator[Dev]:
    """`make dev` in a folder, by make."""
    (folder / ".venv").symlink_to(ROOT / ".venv")
    with (folder / "terminal").open("wb") as terminal:
        async with child(MAKE_DEV, env=environment({}), cwd=folder, output=terminal) as process:
            yield Dev(process, folder)


async def second(folder: Path) -> tuple[int, str]:
    """How another `make dev` in the same folder ends, and what it prints."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox.dev"),
        env=environment({}),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_taken_port_is_named(tmp_path: Path) -> None:
    """It ends with the worker's status, and one line says which variable names the port."""
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]

        async def tried(variable: str) -> tuple[int, str]:
            async with dev(made_checkout(tmp_path / variable), **{variable: str(port)}) as running:
                status = await running.ends(60)
                return status, running.output.splitlines()[-1]

        variables = ("METRICS_PORT", "READY_PORT")
        ended = await asyncio.gather(*map(tried, variables))
    assert ended == [
        (1, f"{variable}: cannot listen at {port}: Address already in use")
        for variable in variables
    ]


async def test_services_of_environment_are_used(checkout: Path) -> None:
    """With a server and keys set nothing is started beside the worker, and each line shows that.

    A proxy cannot reach a server on this machine.
    """
    async with (
        LiveKitServer() as livekit,
        Deepgram() as deepgram,
        Inference() as llm,
        dev(
            checkout,
            **livekit.connection.environment(),
            DEEPGRAM_API_KEY="a key",
            DEEPGRAM_BASE_URL=deepgram.url,
            LIVEKIT_INFERENCE_URL=llm.url,
            HTTP_PROXY=PROXY,
            https_proxy=PROXY,
        ) as running,
    ):
        await running.shows(READY)
        os.kill(running.process.pid, signal.SIGTERM)
        assert await running.ends() == 0
    assert running.output.splitlines()[:5] == [
        "proxy     not used  HTTP_PROXY, https_proxy  (LiveKit is on this machine)",
        f"LiveKit   real      {livekit.url}  (LIVEKIT_URL)",
        f"Deepgram  real      {deepgram.url}  (DEEPGRAM_API_KEY)",
        f"LLM       real      {llm.url}  (LIVEKIT_INFERENCE_URL)",
        "worker    local     agent.py  (full log: .dev/worker.log)",
    ]


async def test_invalid_profiles_exit_with_worker_status(checkout: Path) -> None:
    """The problem is the last thing on the terminal; nothing stays behind."""
    profile = checkout / "profiles" / "patient.yaml"
    profile.write_text("stt:\n  nova: {endpointing_ms: 99999}\n")
    async with dev(checkout) as running:
        assert await running.ends() == 1
    assert running.output.splitlines()[-1] == (
        "profiles/patient.yaml:2:26: stt.nova.endpointing_ms: "
        "99999 is more than the maximum of 10000 (ms)"
    )
    assert "Traceback" not in running.output
    assert not running.state.exists()


async def test_sigkill_leaves_no_process_behind(checkout: Path) -> None:
    """SIGKILL gives it no chance to clean up, and yet server and worker end."""
    async with dev(checkout) as running:
        await running.shows(READY)
        port = port_of(json.loads(running.state.read_text())["connection"]["url"])
        os.kill(running.process.pid, signal.SIGKILL)
        await running.ends()

        async def is_closed() -> bool:
            return not await is_open(port)

        await eventually(is_closed, 10, "the end of the server")
    await eventually(lambda: not _runs_in(checkout), 15, "the end of the worker")
    assert await call(checkout) == (1, "", NOBODY)


def _runs_in(folder: Path) -> list[str]:
    """The processes whose folder it is, where the system tells."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == folder:
                found.append(process.name)
    return found


async def test_unanswered_call_prints_one_line(tmp_path: Path) -> None:
    """A server without a worker: status 1 after the given time, and what to look at.

    The server is on this machine, and is called without the proxy.
    """
    async with LiveKitServer() as livekit:
        status, output, progress = await call(
            tmp_path,
            **livekit.connection.environment(),
            WAIT="1",
            HTTP_PROXY=PROXY,
        )
    assert (status, output) == (1, "")
    _joined, reason = progress.splitlines()
    assert reason == (
        "call: no agent joined within 1 s: check that the worker runs and is registered with this "
        "server; a worker with a load above 0.7 gets no calls"
    )
