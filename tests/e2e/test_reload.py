"""Edits while calls run: later calls get them, a running call keeps its own."""

import asyncio
import json
from pathlib import Path

import timing_profiles
from sandbox.caller import Dial, Script, call, join
from tests.e2e.read_back import session_options
from tests.e2e.worker import Worker

YES = Script("Yes please.")
PATIENT = Dial(metadata=json.dumps({"profile": "patient"}))


async def test_an_edit_reaches_the_next_call_and_not_the_running_one(own_worker: Worker) -> None:
    """Three calls: before the edit and still running, after it, and after its repair."""
    profile = own_worker.profiles / "patient.yaml"
    first = _revision(own_worker)
    async with join(own_worker.connection, PATIENT) as running:
        await running.agent_listens()
        _edit(profile, "min_delay: 1.5", "min_delay: 1.0")
        second = _revision(own_worker)
        # Both processes were warm before the edit.
        await own_worker.logs(f"profiles changed, revision {first} -> {second}")
        later = await call(own_worker.connection, PATIENT, YES)
        assert later.revision == second
        assert (await session_options(running))["endpointing"]["min_delay"] == 1.5
        assert running.agent
        assert running.agent.attributes["timing.revision"] == first
    assert "patient: turn_handling.endpointing.min_delay: 1.5 -> 1.0" in own_worker.log


async def test_a_broken_edit_keeps_the_last_good_set_until_it_is_mended(
    own_worker: Worker,
) -> None:
    """The log says where, what was found and what is allowed; calls go on; the repair is seen."""
    profile = own_worker.profiles / "patient.yaml"
    first = _revision(own_worker)
    _edit(profile, "min_delay: 1.5", "min_delay: 1500")
    log = await own_worker.logs(f"the profiles cannot be used, revision {first} stays in force")
    assert (
        "profiles/patient.yaml:12:16: turn_handling.endpointing.min_delay: "
        "1500 is more than the maximum of 10 (s)"
    ) in log
    assert "hint: 1500 ms is 1.5 s: write 1.5" in log
    made = await call(own_worker.connection, PATIENT, YES)
    assert (made.profile, made.revision, made.problems) == ("patient", first, ())
    _edit(profile, "min_delay: 1500", "min_delay: 1.5")
    await own_worker.logs(f"the profiles are sound again, revision {first}")


async def test_a_slow_writer_is_seen_once_and_whole(own_worker: Worker) -> None:
    """Two chunks, half a second apart, each of which would be a sound profile."""
    profile = own_worker.profiles / "patient.yaml"
    first = _revision(own_worker)
    with profile.open("w", encoding="utf-8") as file:
        file.write("vad: {min_silence_duration: 0.3}\n")
        file.flush()
        await asyncio.sleep(0.5)
        file.write("session: {user_away_timeout: 20}\n")
    second = _revision(own_worker)
    log = await own_worker.logs(f"profiles changed, revision {first} -> {second}")
    assert log.count("profiles changed") == 1


async def test_a_folder_that_is_replaced_is_followed(own_worker: Worker) -> None:
    """Removed: the last good set stays. Back with an edit, and edited again: both are seen."""
    folder, aside = own_worker.profiles, own_worker.profiles.with_name("aside")
    first = _revision(own_worker)
    folder.rename(aside)
    await own_worker.logs(f"the profiles cannot be used, revision {first} stays in force")
    _edit(aside / "patient.yaml", "min_delay: 1.5", "min_delay: 1.6")
    aside.rename(folder)
    second = _revision(own_worker)
    await own_worker.logs(f"profiles changed, revision {first} -> {second}")
    _edit(folder / "patient.yaml", "min_delay: 1.6", "min_delay: 1.7")
    await own_worker.logs(f"profiles changed, revision {second} -> {_revision(own_worker)}")


async def test_a_kubernetes_config_map_is_followed(own_worker: Worker) -> None:
    """Its files are links through `..data`, which is swapped for every update."""
    folder = own_worker.profiles
    revisions = [_revision(own_worker)]
    for update, delay in enumerate(("1.6", "1.7", "1.8")):
        _swap(folder, f"..{update}", delay)
        revisions.append(_revision(own_worker))
        await own_worker.logs(f"profiles changed, revision {revisions[-2]} -> {revisions[-1]}")


def _swap(folder: Path, name: str, delay: str) -> None:
    """Put a new generation of files in place as the kubelet does."""
    current = folder / "..data"
    source = current.resolve() if current.is_symlink() else folder
    fresh = folder / name
    fresh.mkdir()
    for file in source.glob("*.yaml"):
        text = file.read_text(encoding="utf-8")
        if file.name == "patient.yaml":
            lines = text.splitlines(keepends=True)
            text = "".join(
                f"    min_delay: {delay}\n" if "min_delay" in line else line for line in lines
            )
        (fresh / file.name).write_text(text, encoding="utf-8")
    link = folder / "..data_tmp"
    link.symlink_to(name)
    link.rename(current)
    for file in fresh.glob("*.yaml"):
        if not (folder / file.name).is_symlink():
            (folder / file.name).unlink()
            (folder / file.name).symlink_to(f"..data/{file.name}")


def _revision(worker: Worker) -> str:
    return timing_profiles.resolve(profiles_dir=worker.profiles).revision


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
