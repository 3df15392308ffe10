"""Edits while calls run: later calls get them, a running call keeps its own."""

import json
from pathlib import Path

import timing_profiles
from sandbox.caller import Dial, Script, call, join
from sandbox.fixtures import Happened
from sandbox.polling import eventually
from sandbox.records import records, started_processes
from sandbox.worker import Worker
from tests.e2e.read_back import session_options

YES = Script("Yes please.")
PATIENT = Dial(metadata=json.dumps({"profile": "patient"}))

KEPT_WARM = 2
"""Processes that the worker keeps ready for calls."""


async def test_fault_47_48_an_edit_reaches_the_next_call_and_not_the_running_one(
    edited_worker: Worker, happened: Happened
) -> None:
    """Two calls: before the edit and still running; after it, in a process from before it."""
    worker = edited_worker
    profile = worker.profiles / "patient.yaml"
    first, known = _revision(worker), len(worker.log)
    async with join(worker.connection, PATIENT) as running:
        await running.agent_listens()
        await eventually(lambda: len(_idle(worker)) == KEPT_WARM, 20, "a warm process more")
        warm = _idle(worker)
        _edit(profile, "min_delay: 1.5", "min_delay: 1.0")
        second = _revision(worker)
        await worker.logs(f"profiles changed, revision {first} -> {second}", after=known)
        later = await call(worker.connection, PATIENT, YES, to_the_end=False)
        assert later.revision == second
        assert (await session_options(running))["endpointing"]["min_delay"] == 1.5
        assert running.agent
        assert running.agent.attributes["timing.revision"] == first
    earlier, next_one = records(worker, "call with profile patient")[-2:]
    assert (earlier["timing_revision"], next_one["timing_revision"]) == (first, second)
    assert next_one["pid"] in warm
    assert "patient: turn_handling.endpointing.min_delay: 1.5 -> 1.0" in worker.log[known:]
    happened(f"the call keeps {first}; the next one, in a process from before, has {second}")


async def test_invalid_edit_keeps_last_good_set_until_fixed(edited_worker: Worker) -> None:
    """The log has place, value and what is allowed; calls continue; the repair is loaded."""
    worker = edited_worker
    profile = worker.profiles / "patient.yaml"
    first, known = _revision(worker), len(worker.log)
    _edit(profile, "min_delay: 1.5", "min_delay: 1500")
    log = await worker.logs(f"profiles rejected, revision {first} stays active", after=known)
    assert (
        "profiles/patient.yaml:12:16: turn_handling.endpointing.min_delay: "
        "1500 is more than the maximum of 10 (s)"
    ) in log
    assert "hint: 1500 ms is 1.5 s: write 1.5" in log
    made = await call(worker.connection, PATIENT, YES, to_the_end=False)
    assert (made.profile, made.revision, made.problems) == ("patient", first, ())
    _edit(profile, "min_delay: 1500", "min_delay: 1.5")
    await worker.logs(f"profiles valid again, revision {first}", after=known)


def _idle(worker: Worker) -> set[int]:
    """The processes that wait for a call."""
    taken = {record["pid"] for record in records(worker, "call with")}
    waiting = {*started_processes(worker)} - taken
    return {process for process in waiting if Path(f"/proc/{process}").exists()}


def _revision(worker: Worker) -> str:
    return timing_profiles.resolve(profiles_dir=worker.profiles).revision


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
