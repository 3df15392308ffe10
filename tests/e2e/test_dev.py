"""`make dev` and `make call`, as one types them, but for make itself."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.child import child
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference
from sandbox.livekit_server import LiveKitServer
from tests.e2e.worker import ROOT, eventually

READY = "ready: try `make call PROFILE=patient` in another terminal; Ctrl-C ends all of this"

NOBODY = (
    "call: there is nobody to call: start `make dev` in another terminal, or set LIVEKIT_URL, "
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

    async def ends(self) -> int:
        """Wait for its exit status."""
        async with asyncio.timeout(20):
            return await self.process.wait()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder to run it in: whoever runs `make dev` in the real one is not disturbed."""
    shutil.copy(ROOT / "agent.py", tmp_path)
    shutil.copy(ROOT / "schema.json", tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """This process's, without what it says of the services."""
    services = ("LIVEKIT_", "DEEPGRAM_", "PROFILES_DIR", "TIMING_PROFILES_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(services)}
    return {**own, "PYTHONPATH": str(ROOT), **more}


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
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_a_newcomer_can_call_at_once(checkout: Path) -> None:
    """Without any account: `make dev`, `make call PROFILE=patient`, Ctrl-C, and all is gone."""
    async with dev(checkout) as running:
        await running.shows(READY)
        state: dict[str, Any] = json.loads(running.state.read_text())
        assert running.state.stat().st_mode & 0o777 == 0o600
        status, output, progress = await call(checkout, PROFILE="patient", SAY="five five two")
        assert status == 0, progress
        result = json.loads(output)
        os.kill(running.process.pid, signal.SIGINT)
        assert await running.ends() == 0
    assert result["profile"] == "patient"
    assert result["revision"] in running.output
    assert result["problems"] == []
    assert result["cut_in"] is False
    assert 1.5 < result["waits"][0] < 6
    assert result["values"]["stt.nova.endpointing_ms"]["origin"].startswith("profiles/patient.yaml")
    lines = progress.splitlines()
    assert lines[1:3] == ["the agent is listening", "speaking"]
    assert lines[3] == f"answered after {result['waits'][0]:.2f} s"
    assert not running.state.exists()
    assert not await is_open(port_of(state["connection"]["url"]))
    assert "Traceback" not in running.output


async def test_what_the_environment_names_is_used(checkout: Path) -> None:
    """With a server and keys set nothing is started beside the worker, and each line says so."""
    async with (
        LiveKitServer() as livekit,
        Deepgram() as deepgram,
        Inference() as llm,
        dev(
            checkout,
            LIVEKIT_URL=livekit.url,
            LIVEKIT_API_KEY=livekit.api_key,
            LIVEKIT_API_SECRET=livekit.api_secret,
            DEEPGRAM_API_KEY="a key",
            DEEPGRAM_BASE_URL=deepgram.url,
            LIVEKIT_INFERENCE_URL=llm.url,
        ) as running,
    ):
        await running.shows(READY)
        os.kill(running.process.pid, signal.SIGTERM)
        assert await running.ends() == 0
    assert running.output.splitlines()[:4] == [
        f"LiveKit   real      {livekit.url}  (LIVEKIT_URL)",
        f"Deepgram  real      {deepgram.url}  (DEEPGRAM_API_KEY)",
        f"LLM       real      {llm.url}  (LIVEKIT_INFERENCE_URL)",
        "worker    local     agent.py  (its whole log: .dev/worker.log)",
    ]


async def test_broken_profiles_end_it_with_the_workers_status(checkout: Path) -> None:
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


async def test_nothing_outlives_it_when_it_is_killed(checkout: Path) -> None:
    """SIGKILL gives it no chance to clean up, and yet server and worker end."""
    async with dev(checkout) as running:
        await running.shows(READY)
        port = port_of(json.loads(running.state.read_text())["connection"]["url"])
        os.kill(running.process.pid, signal.SIGKILL)
        await running.ends()
        for _ in range(200):
            if not await is_open(port):
                break
            await asyncio.sleep(0.05)
    assert not await is_open(port)
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


async def test_a_call_that_nobody_takes_says_so_in_a_line(tmp_path: Path) -> None:
    """A server without a worker: status 1 after the given time, and what to look at."""
    async with LiveKitServer() as livekit:
        status, output, progress = await call(
            tmp_path,
            LIVEKIT_URL=livekit.url,
            LIVEKIT_API_KEY=livekit.api_key,
            LIVEKIT_API_SECRET=livekit.api_secret,
            WAIT="1",
        )
    assert (status, output) == (1, "")
    _joined, reason = progress.splitlines()
    assert reason == (
        "call: no agent came within 1 s: does the worker run, and has it registered with this "
        "server? One with more load than 0.7 gets no call"
    )
