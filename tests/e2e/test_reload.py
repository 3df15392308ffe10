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


async def test_fault_47_48_an_edit_reaches_the_next_call_and_not_the_running_one(
    own_worker: Worker, happened: Happened
) -> None:
    """Two calls: before the edit and still running; after it, in a process from before it."""
    profile = own_worker.profiles / "patient.yaml"
    first = _revision(own_worker)
    async with join(own_worker.connection, PATIENT) as running:
        await running.agent_listens()
        await eventually(lambda: len(started_processes(own_worker)) == 3, 20, "a warm process more")
        warm = set(started_processes(own_worker))
        _edit(profile, "min_delay: 1.5", "min_delay: 1.0")
        second = _revision(own_worker)
        await own_worker.logs(f"profiles changed, revision {first} -> {second}")
        later = await call(own_worker.connection, PATIENT, YES)
        assert later.revision == second
        assert (await session_options(running))["endpointing"]["min_delay"] == 1.5
        assert running.agent
        assert running.agent.attributes["timing.revision"] == first
    calls = records(own_worker, "call with profile patient")
    assert [record["timing_revision"] for record in calls] == [first, second]
    assert {record["pid"] for record in calls} <= warm
    assert "patient: turn_handling.endpointing.min_delay: 1.5 -> 1.0" in own_worker.log
    happened(f"the call keeps {first}; the next one, in a process from before, has {second}")


async def test_invalid_edit_keeps_last_good_set_until_fixed(
    own_worker: Worker,
) -> None:
    """The log says where, what was found and what is allowed; calls go on; the repair is seen."""
    profile = own_worker.profiles / "patient.yaml"
    first = _revision(own_worker)
    _edit(profile, "min_delay: 1.5", "min_delay: 1500")
    log = await own_worker.logs(f"profiles rejected, revision {first} stays active")
    assert (
        "profiles/patient.yaml:12:16: turn_handling.endpointing.min_delay: "
        "1500 is more than the maximum of 10 (s)"
    ) in log
    assert "hint: 1500 ms is 1.5 s: write 1.5" in log
    made = await call(own_worker.connection, PATIENT, YES)
    assert (made.profile, made.revision, made.problems) == ("patient", first, ())
    _edit(profile, "min_delay: 1500", "min_delay: 1.5")
    await own_worker.logs(f"profiles valid again, revision {first}")


def _revision(worker: Worker) -> str:
    return timing_profiles.resolve(profiles_dir=worker.profiles).revision


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
