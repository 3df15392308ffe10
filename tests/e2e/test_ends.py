"""How a worker and its jobs end: in words, with nothing left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest
from livekit import api

from sandbox.caller import Dial, Script, call, join
from sandbox.connection import Connection
from tests.e2e.guest import guest
from tests.e2e.worker import ROOT, WARM_AGENT, Worker, worker

SLOW_AGENT = Path(__file__).with_name("slow_agent.py")


async def test_a_job_ends_when_no_caller_comes(tmp_path: Path) -> None:
    """After CALLER_TIMEOUT the job shuts down, without a traceback, and its process is gone."""
    async with (
        worker(tmp_path, env={"CALLER_TIMEOUT": "1.5"}) as running,
        guest(running.connection, "nobody-calls", can_publish=False),
    ):
        await running.logs("no call: no caller came within 1.5 s")
        await running.logs("process exiting")
    assert running.tracebacks == []


async def test_a_job_ends_when_the_room_closes(own_worker: Worker) -> None:
    """A room that is deleted while the caller is waited for ends the job in the same way."""
    async with guest(own_worker.connection, "closes", can_publish=False):
        await own_worker.logs("process initialized")
        await _agent_in(own_worker.connection, "closes")
        await _delete_room(own_worker.connection, "closes")
        await own_worker.logs("no call: the room closed before the caller came")
        await own_worker.logs("process exiting")
    assert own_worker.tracebacks == []


async def test_a_job_ends_when_the_caller_leaves_during_set_up(tmp_path: Path) -> None:
    """The caller goes between being found and being linked: the job does not stay for ever."""
    async with worker(tmp_path, agent=SLOW_AGENT) as running:
        async with join(running.connection, Dial()):
            await running.logs("call with profile default")
        await running.logs("no call: the caller left while the call was set up")
        await running.logs("process exiting")
        again = await call(running.connection, Dial(), Script("Yes please."))
    assert again.waits[0] is not None
    assert running.tracebacks == []


async def _agent_in(connection: Connection, room: str) -> None:
    async with _api(connection) as server:
        request = api.ListParticipantsRequest(room=room)
        for _ in range(200):
            participants = (await server.room.list_participants(request)).participants
            if any(_is_active_agent(participant) for participant in participants):
                return
            await asyncio.sleep(0.05)
    pytest.fail("no agent came")


def _is_active_agent(participant: api.ParticipantInfo) -> bool:
    is_agent = participant.kind == api.ParticipantInfo.Kind.AGENT
    return is_agent and participant.state == api.ParticipantInfo.State.ACTIVE


async def _delete_room(connection: Connection, room: str) -> None:
    async with _api(connection) as server:
        await server.room.delete_room(api.DeleteRoomRequest(room=room))


def _api(connection: Connection) -> api.LiveKitAPI:
    return api.LiveKitAPI(connection.url, connection.api_key, connection.api_secret)


async def test_sigterm_ends_a_worker_and_leaves_nothing(tmp_path: Path) -> None:
    """The folder with the published profiles goes with the worker."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    async with worker(tmp_path, env={"TMPDIR": str(temporary)}) as running:
        (published,) = temporary.glob("timing-profiles-*")
        assert published.stat().st_mode & 0o777 == 0o700
        os.kill(running.process.pid, signal.SIGTERM)
        assert await running.process.wait() == 0
    assert list(temporary.glob("timing-profiles-*")) == []
    assert running.tracebacks == []


@pytest.mark.parametrize("mode", ["start", "dev"])
async def test_a_worker_with_broken_profiles_does_not_start(tmp_path: Path, mode: str) -> None:
    """Every problem is printed, the status is 1, and nothing registers."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    default = (ROOT / "profiles" / "default.yaml").read_text(encoding="utf-8")
    (profiles / "default.yaml").write_text(default, encoding="utf-8")
    (profiles / "a.yaml").write_text("vad: {min_silence: 1}\n", encoding="utf-8")
    (profiles / "b.yaml").write_text("extends: patient\n", encoding="utf-8")
    status, printed = await _run_agent(mode, PROFILES_DIR=str(profiles))
    assert (status, _problems(printed)) == (
        1,
        [
            "DEEPGRAM_API_KEY: is not set; Deepgram takes no call without it",
            (
                "profiles/a.yaml:1:7: vad.min_silence: unknown field; vad takes "
                "min_speech_duration, min_silence_duration, prefix_padding_duration, "
                "activation_threshold, deactivation_threshold"
            ),
            "  hint: did you mean min_silence_duration?",
            'profiles/b.yaml:1:10: extends: there is no profile "patient"; there are b, default',
        ],
    )
    assert "failed to connect" not in printed
    assert "Traceback" not in printed


async def test_a_worker_without_a_deepgram_key_does_not_start() -> None:
    """One line says so, and the status is 1."""
    status, printed = await _run_agent("start")
    problem = "DEEPGRAM_API_KEY: is not set; Deepgram takes no call without it"
    assert (status, _problems(printed)) == (1, [problem])
    assert "Traceback" not in printed


async def _run_agent(mode: str, **env: str) -> tuple[int | None, str]:
    # Nothing listens there: a worker that got so far would print that it cannot connect.
    connection = Connection("ws://127.0.0.1:9", "key", "secret")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(WARM_AGENT),
        mode,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ".", **connection.environment(), **env},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


def _problems(printed: str) -> list[str]:
    """What was printed, but for the log and the notes of LiveKit's command line."""
    lines = printed.splitlines()
    return [line for line in lines if line.startswith(("DEEPGRAM", "profiles/", "  hint"))]


async def test_a_call_goes_on_without_the_published_profiles(tmp_path: Path) -> None:
    """Damaged, then missing: the job reads the folder itself, and says so."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    async with worker(tmp_path, env={"TMPDIR": str(temporary)}) as running:
        (published,) = temporary.glob("timing-profiles-*/*.sqlite")
        brisk = Dial(metadata='{"profile": "brisk"}')
        published.write_bytes(published.read_bytes()[:5000])
        damaged = await call(running.connection, brisk, Script("Yes please."))
        published.unlink()
        missing = await call(running.connection, brisk, Script("Yes please."))
        (running.profiles / "default.yaml").unlink()
        nothing = await call(running.connection, brisk, Script("Yes please."))
    assert [(made.profile, made.problems) for made in (damaged, missing, nothing)] == [
        ("brisk", ("profiles-unavailable",)),
        ("brisk", ("profiles-unavailable",)),
        ("default", ("profiles-unavailable", "profile-unknown")),
    ]
    assert all(made.waits[0] is not None for made in (damaged, missing, nothing))
    assert running.tracebacks == []
