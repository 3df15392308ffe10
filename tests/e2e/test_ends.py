"""How a worker and its jobs end: in words, with nothing left behind."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from livekit import api

from sandbox.caller import Dial, Script, call, join
from sandbox.connection import Connection
from sandbox.fixtures import Happened
from sandbox.polling import eventually
from sandbox.records import records, started_processes
from sandbox.worker import NO_CALLS, ROOT, SLOW_AGENT, WARM_AGENT, Worker, services, worker
from tests.e2e.guest import guest

OUTLIVING_AGENT = Path(__file__).with_name("outliving_agent.py")

CALLER_LEFT = "no call: the caller left while the call was set up"


@pytest.fixture(scope="module")
async def slow_worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    """It takes four seconds to set a call up, and waits for a caller for six."""
    folder = tmp_path_factory.mktemp("slow")
    async with worker(folder, agent=SLOW_AGENT, env={"CALLER_TIMEOUT": "6"}) as running:
        yield running


async def test_fault_52_a_job_ends_when_no_caller_comes(
    slow_worker: Worker, happened: Happened
) -> None:
    """After CALLER_TIMEOUT the job shuts down, without a traceback, and its process is gone."""
    async with guest(slow_worker.connection, "nobody-calls", can_publish=False):
        ended = await _ends(slow_worker, "nobody-calls", "no call: no caller came within 6 s")
    happened(f"{ended} after 6 s without a caller")


async def test_fault_52_a_job_ends_when_the_room_closes(
    slow_worker: Worker, happened: Happened
) -> None:
    """A room that is deleted while the caller is waited for ends the job in the same way."""
    async with guest(slow_worker.connection, "closes", can_publish=False):
        await _agent_in(slow_worker.connection, "closes")
        await _delete_room(slow_worker.connection, "closes")
        reason = "no call: the room closed before the caller came"
        ended = await _ends(slow_worker, "closes", reason)
    happened(f"{ended} after the room closed")


async def test_fault_52_job_ends_when_caller_leaves_during_setup(
    slow_worker: Worker, happened: Happened
) -> None:
    """The caller goes between being found and being linked: the job does not stay for ever."""
    async with join(slow_worker.connection, Dial()) as caller:
        room = caller.room.name
        await _logged(slow_worker, room, "call with profile default")
    ended = await _ends(slow_worker, room, CALLER_LEFT)
    async with join(slow_worker.connection, Dial()) as again:
        await again.agent_listens()
    happened(f"{ended} after the caller left; the next caller is listened to")


async def test_job_ends_when_lost_caller_does_not_reconnect(slow_worker: Worker) -> None:
    """It was removed from a room that lives on: the job waits for it, but not for ever."""
    async with (
        join(slow_worker.connection, Dial(observer=True)) as caller,
        _api(slow_worker.connection) as server,
    ):
        room = caller.room.name
        await _logged(slow_worker, room, "call with profile default")
        who = api.RoomParticipantIdentity(room=room, identity="caller")
        await server.room.remove_participant(who)
        await _ends(slow_worker, room, CALLER_LEFT, seconds=40)


async def test_fault_67_a_job_goes_on_after_its_session_was_linked(
    tmp_path: Path, happened: Happened
) -> None:
    """Closed, moved to a leaving participant, or one of two: no departure cancels anything.

    The other one may be the first of the job, without a room.
    """
    async with worker(tmp_path, agent=OUTLIVING_AGENT) as running:
        for profile in ("patient", "brisk", "elderly", "courier"):
            metadata = json.dumps({"profile": profile})
            async with join(running.connection, Dial(metadata=metadata)) as caller:
                await running.logs(f"{profile}: ready")
                async with guest(running.connection, caller.room.name, identity="second"):
                    pass
            await running.logs(f"{profile}: written up")
    assert "no call: the caller left" not in running.log
    assert running.tracebacks == []
    happened("the entrypoint went on: after aclose, set_participant, and beside another session")


async def _ends(running: Worker, room: str, reason: str, seconds: float = 20.0) -> str:
    """Wait until the process of the job is gone, and no traceback was left behind."""
    job = await _logged(running, room, reason, seconds)
    since = time.monotonic()
    await eventually(lambda: not Path(f"/proc/{job}").exists(), 20, f"process {job} is gone")
    assert "Traceback" not in running.log
    return f"process gone {time.monotonic() - since:.1f} s"


async def _logged(running: Worker, room: str, text: str, seconds: float = 20.0) -> int:
    """Wait until the job of a room has logged a text; return the id of its process."""

    def process() -> int | None:
        found = (r["pid"] for r in records(running, text) if r.get("room") == room)
        return next(found, None)

    return await eventually(process, seconds, text)


async def _agent_in(connection: Connection, room: str) -> None:
    async with _api(connection) as server:
        request = api.ListParticipantsRequest(room=room)

        async def is_there() -> bool:
            participants = (await server.room.list_participants(request)).participants
            return any(_is_active_agent(participant) for participant in participants)

        await eventually(is_there, 10, "an agent in the room")


def _is_active_agent(participant: api.ParticipantInfo) -> bool:
    is_agent = participant.kind == api.ParticipantInfo.Kind.AGENT
    return is_agent and participant.state == api.ParticipantInfo.State.ACTIVE


async def _delete_room(connection: Connection, room: str) -> None:
    async with _api(connection) as server:
        await server.room.delete_room(api.DeleteRoomRequest(room=room))


def _api(connection: Connection) -> api.LiveKitAPI:
    return api.LiveKitAPI(connection.url, connection.api_key, connection.api_secret)


async def test_sigterm_ends_worker_and_removes_its_state(tmp_path: Path, temporary: Path) -> None:
    """The folder with the published profiles goes with the worker."""
    env = {"TMPDIR": str(temporary), **NO_CALLS}
    async with worker(tmp_path, env=env) as running:
        (published,) = temporary.glob("timing-profiles-*")
        assert published.stat().st_mode & 0o777 == 0o700
        os.kill(running.process.pid, signal.SIGTERM)
        assert await running.process.wait() == 0
    assert list(temporary.glob("timing-profiles-*")) == []
    assert running.tracebacks == []


@pytest.mark.parametrize("mode", ["start", "dev"])
async def test_worker_with_invalid_profiles_does_not_start(tmp_path: Path, mode: str) -> None:
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
            "  hint: an agent that brings its own parts needs none: attach(server, deepgram=False)",
            (
                "profiles/a.yaml:1:7: vad.min_silence: unknown field; vad takes "
                "min_speech_duration, min_silence_duration, prefix_padding_duration, "
                "activation_threshold, deactivation_threshold"
            ),
            "  hint: did you mean min_silence_duration?",
            'profiles/b.yaml:1:10: extends: unknown profile "patient"; available: a, b, default',
        ],
    )
    assert "failed to connect" not in printed
    assert "Traceback" not in printed


async def test_fault_62_a_worker_without_a_deepgram_key_does_not_start(happened: Happened) -> None:
    """One line names the reason, at once, and the status is 1."""
    begun = time.monotonic()
    status, printed = await _run_agent("start")
    seconds = time.monotonic() - begun
    problem = "DEEPGRAM_API_KEY: is not set; Deepgram takes no call without it"
    hint = "  hint: an agent that brings its own parts needs none: attach(server, deepgram=False)"
    assert (status, _problems(printed)) == (1, [problem, hint])
    assert "Traceback" not in printed
    happened(f"{problem}; status 1 after {seconds:.1f} s, imports included")


async def test_fault_62_worker_waits_for_unreachable_server(
    tmp_path: Path, happened: Happened
) -> None:
    """It logs the failure, retries, and takes calls once the server is there."""
    async with services() as among, contextlib.AsyncExitStack() as running:
        await among.livekit.aclose()
        starting = asyncio.create_task(
            running.enter_async_context(worker(tmp_path, among=among)), name="starting"
        )
        log = tmp_path / "worker.log"
        retried = "failed to connect to livekit, retrying in 2s"
        await eventually(lambda: log.exists() and retried in log.read_text(), 60, retried)
        await among.livekit.start()
        begun = time.monotonic()
        started = await starting
        recovered = time.monotonic() - begun
        async with join(among.connection, Dial()) as caller:
            await caller.agent_listens()
    messages = [record["message"] for record in records(started)]
    tried = [message for message in messages if message.startswith("failed to connect")]
    assert tried[:2] == ["failed to connect to livekit, retrying in 0s", retried]
    assert "Traceback" not in started.log
    happened(f"said {len(tried)} times, at once; registered by itself, and took a call", recovered)


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


async def test_fault_46_49_a_call_goes_on_without_the_published_profiles(
    tmp_path: Path, temporary: Path, happened: Happened
) -> None:
    """Damaged, the directory invalid as well, removed: two steps back, no storm of processes."""
    brisk = Dial(metadata='{"profile": "brisk"}')
    async with worker(tmp_path, env={"TMPDIR": str(temporary)}) as running:
        (published,) = temporary.glob("timing-profiles-*/*.sqlite")
        published.write_bytes(published.read_bytes()[:5000])
        damaged = await _told(running, brisk)
        (running.profiles / "default.yaml").write_text("nonsense: 1\n", encoding="utf-8")
        nothing = await _told(running, brisk)
        made = await call(running.connection, Dial(), Script("Yes please."))
        published.unlink()
        await eventually(published.exists, 20, "the last valid set is published again")
        removed = await _told(running, brisk)
        # Two are kept warm, and each call takes one: all were started, the last ones with nothing
        # but broken files around them.
        due = 2 + 4
        await eventually(lambda: len(started_processes(running)) >= due, 20, "warm processes")
        await asyncio.sleep(1.0)
        started = len(started_processes(running))
    assert (damaged, nothing, removed) == (
        ("brisk", ("profiles-unavailable",)),
        ("default", ("profiles-unavailable", "profile-unknown")),
        ("brisk", ()),
    )
    assert (made.profile, made.problems) == ("default", ("profiles-unavailable",))
    assert made.waits[0] is not None
    assert started == due
    assert "profiles directory unusable" in running.log
    assert running.tracebacks == []
    happened(
        "damaged: brisk from the directory; the directory invalid too: packaged default; "
        f"profiles-unavailable both times; removed: published again; {started} processes for 4 "
        "calls and 2 warm ones"
    )


async def _told(running: Worker, dial: Dial) -> tuple[str, tuple[str, ...]]:
    """Profile and problems of a call whose agent has come and listens."""
    async with join(running.connection, dial) as caller:
        await caller.agent_listens()
        told = caller.result([])
        return told.profile, told.problems
