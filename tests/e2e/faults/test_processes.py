"""Processes that are killed, ended and starved: what it costs callers, and what is left behind."""

import asyncio
import contextlib
import itertools
import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import closing
from pathlib import Path

import pytest
from async_timeout import timeout

import timing_profiles
from sandbox.caller import Caller, Dial, Script, call, join
from sandbox.connection import Connection
from sandbox.fixtures import Happened
from sandbox.polling import eventually
from sandbox.worker import (
    NO_CALLS,
    ROOT,
    SLOW_AGENT,
    Services,
    Worker,
    services,
    worker,
)
from tests.e2e.read_back import session_options
from tests.e2e.running_call import waited
from timing_profiles.handoff.snapshot import Snapshot

YES = Script("Yes please.")
(SENTENCE,) = YES.turns()
BRISK = Dial(metadata='{"profile": "brisk"}')

MIN_DELAY = "turn_handling.endpointing.min_delay"
DELAYS = (0.21, 0.22, 0.23, 0.24)

KILLS = 3

# A file system of the worker's own at TMPDIR, as small as its first argument says.
SMALL_DISK = 'mount -t tmpfs -o size="$1" tmpfs "$TMPDIR" && shift && exec "$@"'


@pytest.fixture(scope="module")
async def around() -> AsyncGenerator[Services]:
    """A LiveKit server and the stand-ins, for the workers of this file one after the other."""
    async with services() as running:
        yield running


@pytest.fixture(scope="module")
async def lasting(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    """A worker, with services of its own, that outlives what happens to its jobs and services."""
    async with worker(tmp_path_factory.mktemp("lasting")) as running:
        yield running


async def test_killed_job_does_not_affect_other_calls(lasting: Worker, happened: Happened) -> None:
    """SIGKILL to one of two jobs: the other call is answered, and so is the next one."""
    async with calling(lasting) as killed, calling(lasting) as other:
        os.kill(job_of(lasting, killed), signal.SIGKILL)
        answered = await other.say(SENTENCE)
        await assert_served(lasting.connection, revision(lasting.profiles))
    await lasting.logs("process exited with non-zero exit code -9")
    assert lasting.process.returncode is None
    assert lasting.tracebacks == []
    assert answered.wait is not None
    happened(f"the other call answered after {answered.wait:.2f} s, the next one served")


async def test_fault_45_the_main_process_killed_while_it_publishes(
    tmp_path: Path, temporary: Path, around: Services, happened: Happened
) -> None:
    """Three times: a whole set is left each time, and harms none of the workers that come after."""
    profiles = shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    delays = {revision_with(profiles, delay): delay for delay in DELAYS}
    env = {"TMPDIR": str(temporary), "PROFILES_DIR": str(profiles)}
    unfinished = 0
    for kill in range(KILLS):
        before = states(temporary)
        folder = tmp_path / f"killed-{kill}"
        async with worker(folder, among=around, env={**env, **NO_CALLS}) as running:
            (state,) = set(states(temporary)) - set(before)
            usual = files(state)
            with editing(profiles):
                await running.logs("profiles changed")
                await asyncio.to_thread(a_write if kill % 2 else some_time, state)
                os.kill(running.process.pid, signal.SIGKILL)
        unfinished += len(files(state) - usual)
        with closing(Snapshot(state / "profiles.sqlite")) as left:
            brisk = left.profile("brisk")
            assert brisk
            assert brisk.values[MIN_DELAY] == delays[left.revision]
            assert left.names() == sorted(file.stem for file in profiles.glob("*.yaml"))
    abandoned = set(states(temporary))
    async with worker(tmp_path / "next", among=around, env=env) as following:
        await assert_served(around.connection, revision(profiles))
        assert following.tracebacks == []
    assert abandoned
    assert states(temporary) == []
    happened(f"killed {KILLS} times: whole sets left, {unfinished} files unfinished; next served")


async def test_jobs_end_with_a_killed_main_process(
    tmp_path: Path, around: Services, happened: Happened
) -> None:
    """The SDK ends them: no process is left that would need its published file."""
    async with worker(tmp_path, among=around) as running, calling(running) as caller:
        job = job_of(running, caller)
        os.kill(running.process.pid, signal.SIGKILL)
        killed = time.monotonic()
        await eventually(lambda: not runs(job), 5, "its job ends with it")
        took = time.monotonic() - killed
    happened(f"the job of a call ended {took:.2f} s later")


async def test_worker_reconnects_to_a_killed_livekit_server(
    lasting: Worker, happened: Happened
) -> None:
    """SIGKILL during a call: after a restart the call continues, and the worker serves the next."""
    livekit = lasting.services.livekit
    async with calling(lasting) as caller:
        before = registrations(lasting)
        await livekit.aclose()
        await lasting.logs("failed to connect to livekit, retrying")
        await livekit.start()
        back = time.monotonic()
        await eventually(lambda: registrations(lasting) > before, 20, "it registers again")
        recovered = time.monotonic() - back
        await assert_served(lasting.connection, revision(lasting.profiles))
        await caller.agent_listens()
        answered = await caller.say(SENTENCE)
        assert answered.wait is not None
        assert attributes(caller) == ("brisk", revision(lasting.profiles))
        assert lasting.tracebacks == []
    happened("registered again, the next call served, the old one went on", recovered=recovered)


async def test_job_that_reconnects_after_its_caller_follows_the_caller(lasting: Worker) -> None:
    """LiveKit was killed. A caller who is there before the job is heard, and is followed."""
    async with calling(lasting) as caller:
        before = registrations(lasting)
        await back_before_its_job(lasting, caller)
        await eventually(lambda: registrations(lasting) > before, 20, "it registers again")


async def test_a_job_that_is_back_in_its_set_up_follows_its_caller(
    tmp_path: Path, around: Services
) -> None:
    """Likewise where the session had not started when LiveKit was killed."""
    async with (
        worker(tmp_path, agent=SLOW_AGENT, among=around) as running,
        join(running.connection, BRISK) as caller,
    ):
        await running.logs("call with profile brisk")
        await back_before_its_job(running, caller)


async def back_before_its_job(running: Worker, caller: Caller) -> None:
    """Kill LiveKit, and let the caller reconnect before the job does; then see it followed."""
    livekit, back = running.services.livekit, asyncio.Event()
    caller.room.on("reconnected", back.set)
    with stopped(job_of(running, caller)):
        await livekit.aclose()
        await livekit.start()
        async with timeout(20):
            await back.wait()
    await caller.agent_listens()
    answered = await caller.say(SENTENCE)
    assert answered.wait is not None
    await caller.room.local_participant.set_metadata('{"profile": "patient"}')
    await running.logs("call continues with profile patient")
    announced = ("patient", revision(running.profiles))
    await eventually(lambda: attributes(caller) == announced, 10, "the room is told")
    assert running.tracebacks == []


async def test_deepgram_gone_for_two_seconds_does_not_end_a_call(
    lasting: Worker, happened: Happened
) -> None:
    """It disconnects in the middle of a call and refuses connections; later speech is heard."""
    deepgram = lasting.deepgram
    async with calling(lasting) as caller:
        assert (await caller.say(SENTENCE)).wait is not None
        await deepgram.aclose()
        await asyncio.sleep(2)  # that long is the fault
        before = len(deepgram.requests)
        await deepgram.start()
        back = time.monotonic()
        await eventually(
            lambda: any(r.audio for r in deepgram.requests[before:]), 10, "it hears again"
        )
        recovered = time.monotonic() - back
        await caller.agent_listens()
        answered = await caller.say(SENTENCE)
        assert answered.wait is not None
        assert attributes(caller) == ("brisk", revision(lasting.profiles))
        assert lasting.tracebacks == []
    happened(f"the call went on, and was answered after {answered.wait:.2f} s", recovered=recovered)


async def test_fault_55_sigterm_during_a_reload_lets_calls_end(
    tmp_path: Path, temporary: Path, around: Services, happened: Happened
) -> None:
    """A call keeps its timing and is answered to its end; then the worker ends, leaving nothing."""
    env = {"TMPDIR": str(temporary)}
    async with worker(tmp_path, among=around, env=env) as running:
        first = revision(running.profiles)
        async with calling(running) as caller:
            began_with = await session_options(caller)
            with editing(running.profiles):
                await running.logs("profiles changed")
                os.kill(running.process.pid, signal.SIGTERM)
                await running.logs("draining worker")
                for _ in range(2):
                    await waited(caller)
                assert attributes(caller) == ("brisk", first)
                assert await session_options(caller) == began_with
                assert running.process.returncode is None
        hung_up = time.monotonic()
        status = await eventually(lambda: ended(running), 20, "the worker ends")
        took = time.monotonic() - hung_up
        assert (status, running.tracebacks) == ("status 0", [])
    assert states(temporary) == []
    happened(f"the call kept {first}, then {status} after {took:.1f} s, nothing left")


async def test_fault_85_sighup_ends_a_worker_as_sigterm_does(
    tmp_path: Path, temporary: Path, around: Services, happened: Happened
) -> None:
    """A closed terminal leaves nothing behind."""
    env = {"TMPDIR": str(temporary), **NO_CALLS}
    async with worker(tmp_path, among=around, env=env) as running:
        assert states(temporary) != []
        os.kill(running.process.pid, signal.SIGHUP)
        status = await eventually(lambda: ended(running), 20, "the worker ends")
        assert (status, running.tracebacks) == ("status 0", [])
    assert states(temporary) == []
    happened(f"{status}, nothing left")


async def test_fault_45_full_disk_does_not_affect_calls(
    tmp_path: Path, temporary: Path, around: Services, happened: Happened
) -> None:
    """Calls continue with the last valid revision; once there is space, the edit is active."""
    disk = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", SMALL_DISK, "sh", "1m")
    env = {"TMPDIR": str(temporary)}
    async with worker(tmp_path, among=around, env=env, within=disk) as running:
        first = revision(running.profiles)
        filling = filled(running, temporary)
        second = revision_with(running.profiles, DELAYS[0])
        await running.logs(f"profiles rejected, revision {first} stays active")
        assert "cannot be published: " in running.log
        await assert_served(around.connection, first)
        filling.unlink()
        freed = time.monotonic()
        await running.logs(f"profiles changed, revision {first} -> {second}")
        recovered = time.monotonic() - freed
        await assert_served(around.connection, second)
        assert running.tracebacks == []
    happened(f"kept {first}, served; then {second}", recovered=recovered)


async def test_two_workers_started_at_once_do_not_conflict(
    tmp_path: Path, temporary: Path, around: Services, happened: Happened
) -> None:
    """Each has a private directory with an unguessable name, and serves its own profiles."""
    async with contextlib.AsyncExitStack() as workers:

        async def start(name: str, delay: float) -> str:
            source = shutil.copytree(ROOT / "profiles", tmp_path / f"{name}-source")
            expected = revision_with(source, delay)
            env = {"TMPDIR": str(temporary), "LIVEKIT_AGENT_NAME": name}
            await workers.enter_async_context(
                worker(tmp_path / name, among=around, env=env, profiles=source)
            )
            return expected

        async def serve(name: str, expected: str) -> None:
            await assert_served(named(around, name), expected)

        expected = await asyncio.gather(start("one", DELAYS[0]), start("other", DELAYS[1]))
        found = states(temporary)
        assert [state.stat().st_mode & 0o777 for state in found] == [0o700] * 2
        names = [state.name for state in found]
        await asyncio.gather(serve("one", expected[0]), serve("other", expected[1]))
    assert states(temporary) == []
    guessable = {"timing-profiles-", *map(str, range(10))}
    assert not {name.removeprefix("timing-profiles-") for name in names} & guessable
    happened(f"{names[0]} and {names[1]}, both 0700 and gone afterwards")


@contextlib.asynccontextmanager
async def calling(running: Worker) -> AsyncGenerator[Caller]:
    """A call whose agent listens."""
    async with join(running.connection, BRISK) as caller:
        await caller.agent_listens()
        yield caller


@contextlib.contextmanager
def editing(profiles: Path) -> Generator[None]:
    """Edits of `brisk`, each a whole set, for as long as the block runs."""
    ended = threading.Event()

    def edit() -> None:
        for delay in itertools.cycle(DELAYS):
            set_delay(profiles, delay)
            if ended.wait(0.1):
                return

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        yield
    finally:
        ended.set()
        editor.join()


def set_delay(profiles: Path, delay: float) -> None:
    """Save `brisk` with another delay, as editors do it: beside the file, then in its place."""
    aside = profiles / ".brisk.yaml.new"
    text = f"turn_handling: {{endpointing: {{min_delay: {delay}, max_delay: 0.8}}}}\n"
    aside.write_text(text, encoding="utf-8")
    aside.rename(profiles / "brisk.yaml")


def revision_with(profiles: Path, delay: float) -> str:
    """The revision of a folder once `brisk` has that delay."""
    set_delay(profiles, delay)
    return revision(profiles)


def revision(profiles: Path) -> str:
    """The revision of a folder as it is."""
    return timing_profiles.resolve(profiles_dir=profiles).revision


def states(temporary: Path) -> list[Path]:
    """The state folders of workers."""
    return sorted(temporary.glob("timing-profiles-*"))


def files(state: Path) -> set[str]:
    """What is in a state folder."""
    return {file.name for file in state.iterdir()}


def some_time(_state: Path) -> None:
    """Return at random, within a few reloads."""
    time.sleep(random.uniform(0.0, 0.5))  # noqa: S311 - no secret


def a_write(state: Path) -> None:
    """Return while a set is being written, as far as that is quick enough; or after two seconds."""
    usual, deadline = files(state), time.monotonic() + 2
    while files(state) <= usual and time.monotonic() < deadline:
        pass


def filled(running: Worker, temporary: Path) -> Path:
    """Fill the file system that the worker alone sees there; returns the file that takes it up."""
    filling = Path(f"/proc/{running.process.pid}/root{temporary}/filling")
    with pytest.raises(OSError, match="No space left on device"):
        filling.write_bytes(b"0" * 2_000_000)
    return filling


def job_of(running: Worker, caller: Caller) -> int:
    """The id of the process in which a caller's agent runs."""
    lines = [json.loads(line) for line in running.log.splitlines() if '"call with' in line]
    return next(int(line["pid"]) for line in lines if line["room"] == caller.room.name)


@contextlib.contextmanager
def stopped(pid: int) -> Generator[None]:
    """A process that does nothing while the block runs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def runs(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def registrations(running: Worker) -> int:
    """How often the worker has registered."""
    return running.log.count('"registered worker"')


def ended(running: Worker) -> str | None:
    """How the worker has ended, once it has."""
    status = running.process.returncode
    return None if status is None else f"status {status}"


def attributes(caller: Caller) -> tuple[str | None, str | None]:
    """The profile and the revision that the agent announces; none just after a reconnect."""
    assert caller.agent
    announced = caller.agent.attributes
    return announced.get("timing.profile"), announced.get("timing.revision")


def named(around: Services, agent: str) -> Connection:
    """The LiveKit server, for the calls of one agent."""
    at = around.connection
    return Connection(at.url, at.api_key, at.api_secret, agent)


async def assert_served(connection: Connection, revision: str) -> None:
    """A call is answered, with the profile that it asks for of this revision."""
    made = await call(connection, BRISK, YES, to_the_end=False)
    assert (made.profile, made.revision, made.problems) == ("brisk", revision, ())
    assert made.waits[0] is not None
