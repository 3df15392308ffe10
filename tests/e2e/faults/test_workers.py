"""Workers with a fault of their own: a handler that raises, more load than LiveKit allows."""

import json
import time
from pathlib import Path

import pytest

from sandbox.caller import Dial, NotAnsweredError, join
from sandbox.deepgram import Deepgram
from sandbox.fixtures import Happened
from sandbox.inference import Inference
from sandbox.livekit_server import LiveKitServer
from sandbox.scrape import free_port, until
from sandbox.worker import ROOT, Services, Worker, worker
from timing_profiles.resolution import without_a_room

GAUGE = "timing_profiles_last_reload_successful"

RAISING_AGENT = Path(__file__).with_name("raising_agent.py")
BUSY_AGENT = Path(__file__).with_name("busy_agent.py")

KNOWN = "LiveKit knows of the load"
"""What it logs after its load has been told."""


async def revision_of_a_call(running: Worker) -> str:
    """The revision that a call gets."""
    async with join(running.connection, Dial()) as caller:
        await caller.agent_listens()
        return caller.result([]).revision


async def test_fault_44_the_loop_survives_a_handler_that_raises(
    tmp_path: Path, happened: Happened
) -> None:
    """The active set stays after any exception, and the next valid state is loaded."""
    port = free_port()
    env = {"METRICS_PORT": str(port)}
    async with worker(tmp_path, agent=RAISING_AGENT, env=env) as running:
        first = without_a_room.resolve(profiles_dir=running.profiles).revision
        odd = running.profiles / "odd.yaml"
        odd.write_text("tts: {speed: 0.9}\n", encoding="utf-8")
        await running.logs(f"profiles rejected, revision {first} stays active")
        await until(port, GAUGE, 0)
        assert "cannot be reloaded: ZeroDivisionError: odd" in running.log
        assert await revision_of_a_call(running) == first
        odd.unlink()
        (running.profiles / "good.yaml").write_text("tts: {speed: 0.8}\n", encoding="utf-8")
        begun = time.monotonic()
        second = without_a_room.resolve(profiles_dir=running.profiles).revision
        await running.logs(f"profiles changed, revision {first} -> {second}")
        recovered = time.monotonic() - begun
        await until(port, GAUGE, 1)
        assert await revision_of_a_call(running) == second
        assert running.process.returncode is None
    happened(f"kept {first}, gauge 0; then served {second}", recovered)


class ByDefault(LiveKitServer):
    """A LiveKit server whose threshold of a worker's load is its own default, until it is ours."""

    by_default = True

    def _config(self, port: int, media_port: int) -> str:
        config = json.loads(super()._config(port, media_port))
        if self.by_default:
            del config["agents"]
        return json.dumps(config)


async def test_fault_64_a_loaded_worker_is_held_back_by_livekits_default(
    tmp_path: Path, happened: Happened
) -> None:
    """Above 0.7 a LiveKit server gives it no call, and the caller is told why; ours here does."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert "`AgentServer(load_threshold=...)`" in page
    assert "`agents.target_load`" in page
    async with (
        ByDefault() as livekit,
        Deepgram() as deepgram,
        Inference() as llm,
        worker(
            tmp_path, agent=BUSY_AGENT, mode="dev", among=Services(livekit, deepgram, llm)
        ) as running,
    ):
        await running.logs(KNOWN)
        with pytest.raises(
            NotAnsweredError, match=r"a worker with a load above 0\.7 gets no calls$"
        ):
            await _called(running, 4.0)
        await livekit.aclose()
        livekit.by_default = False
        known = len(running.log)
        await livekit.start()
        log = await running.logs("registered worker", after=known)
        # The second time, as the first may count from before it registered.
        for _ in range(2):
            known += len(log)
            log = await running.logs(KNOWN, after=known)
        await _called(running, 30.0)
    happened("load 0.95: no call at LiveKit's default of 0.7, and words why; answered at ours")


async def _called(running: Worker, patience: float) -> None:
    """Call a worker, and be listened to."""
    async with join(running.connection, Dial(patience=patience)) as caller:
        await caller.agent_listens()
