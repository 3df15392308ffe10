"""What an orchestrator is told by a real worker."""

import os
import re
import signal
from pathlib import Path

import aiohttp

import timing_profiles
from sandbox.caller import Dial, join
from sandbox.polling import eventually
from sandbox.scrape import free_port
from sandbox.worker import Worker, worker

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


async def test_ready_reports_served_revision_and_refusal(tmp_path: Path) -> None:
    """Ready with the last good set, also after a broken edit; not ready while it ends."""
    port = free_port()
    async with worker(tmp_path, env={"READY_PORT": str(port)}) as running:
        revision = timing_profiles.resolve(profiles_dir=running.profiles).revision
        assert await _answer(port) == (200, f"serving revision {revision} since T\n")
        await _broken_and_mended(running, port, revision)
        async with join(running.connection, Dial()) as caller:
            await caller.agent_listens()
            os.kill(running.process.pid, signal.SIGTERM)
            ending = f"ending: takes no more calls; serving revision {revision} since T\n"
            await _until(port, (503, ending))
        assert await running.process.wait() == 0
    assert running.tracebacks == []


async def _broken_and_mended(running: Worker, port: int, revision: str) -> None:
    brisk = running.profiles / "brisk.yaml"
    sound = brisk.read_bytes()
    brisk.write_bytes(b"tts: {speed: fast}\n")
    refused = (
        f"serving revision {revision} since T, last reload failed at T because\n"
        '  profiles/brisk.yaml:1:14: tts.speed: "fast" is not a number or null (factor)\n'
    )
    await _until(port, (200, refused))
    brisk.write_bytes(sound)
    await _until(port, (200, f"serving revision {revision} since T\n"))


async def _until(port: int, expected: tuple[int, str]) -> None:
    async def is_answered() -> bool:
        return await _answer(port) == expected

    await eventually(is_answered, 20, str(expected))


async def _answer(port: int) -> tuple[int, str]:
    """The status and the words, with T for each moment."""
    url = f"http://127.0.0.1:{port}/ready"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, _TIME.sub("T", await answer.text())
