"""Events that do not come, cannot come, or make their reader raise."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from sandbox.fixtures import Happened
from tests.e2e.faults.followed_folder import (
    NO_EVENTS,
    PROFILES,
    FollowedFolder,
    away,
    following,
    until,
)
from tests.e2e.faults.namespaces import enter, namespaces

INSTANCES = "/proc/sys/user/max_inotify_instances"
LIMITS = [INSTANCES, "/proc/sys/user/max_inotify_watches"]

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")


# Events that are lost


def test_fault_21_a_stopped_process_with_an_overflowing_queue_converges(
    followed: FollowedFolder, happened: Happened
) -> None:
    """More events than the kernel keeps; the edits after them have none."""
    os.kill(followed.process.pid, signal.SIGSTOP)
    one, other = followed.folder / ".one", followed.folder / ".other"
    one.touch()
    events = int(QUEUE.read_text())
    for _ in range(events // 4 + 1):  # a rename makes two events at least, and these do not merge
        one.rename(other)
        other.rename(one)
    followed.write("patient.yaml", away(20))
    shutil.copy(followed.folder / "patient.yaml", followed.folder / "new.yaml")
    os.kill(followed.process.pid, signal.SIGCONT)
    took = followed.serves()
    followed.write("patient.yaml", away(21))
    happened(f"served, after more than {events} events", took)
    followed.serves()


# No events


@pytest.mark.parametrize("limit", LIMITS, ids=["instances", "watches"])
def test_fault_22_worker_rescans_where_inotify_limits_prevent_events(
    folder: Path, happened: Happened, limit: str
) -> None:
    """It is logged once and shown in a metric, until there are events again."""
    with following(folder, within=namespaces(f"echo 0 > {limit}")) as followed:
        until(lambda: NO_EVENTS in followed.log, "no events is said", followed)
        assert followed.metric("watching_events") == 0
        followed.write("patient.yaml", away(20))
        took = followed.serves()
        assert followed.metric("watching_events") == 0
        assert followed.log.count(NO_EVENTS) == 1
        enter(followed.process, f"echo 100 > {limit}")
        until(lambda: followed.metric("watching_events") == 1, "events come again", followed)
        followed.write("patient.yaml", away(21))
        followed.serves()
    happened("served from a rescan, and said; then events again", took)


@pytest.mark.parametrize("limit", LIMITS, ids=["instances", "watches"])
def test_fault_23_worker_rescans_after_reaching_inotify_limits(
    folder: Path, tmp_path: Path, happened: Happened, limit: str
) -> None:
    """Another folder comes in the place of the first one, and cannot be watched."""
    with following(folder, within=namespaces()) as followed:
        until(lambda: followed.metric("watching_events") == 1, "events come", followed)
        enter(followed.process, f"echo 0 > {limit}")
        shutil.copytree(folder, tmp_path / "fresh")
        folder.rename(tmp_path / "old")
        (tmp_path / "fresh").rename(folder)
        until(lambda: NO_EVENTS in followed.log, "no events is said", followed)
        followed.write("patient.yaml", away(20))
        happened("found by a rescan, and said", followed.serves())
        assert followed.metric("watching_events") == 0
        assert followed.log.count(NO_EVENTS) == 1


def test_fault_26_edits_without_events_are_found_by_their_content(
    folder: Path, happened: Happened
) -> None:
    """The size and the time stay as they were."""
    with following(folder, within=namespaces(f"echo 0 > {INSTANCES}")) as followed:
        profile, slowest = folder / "patient.yaml", 0.0
        for seconds in (20, 21, 22):
            profile.write_text(away(seconds), encoding="utf-8")
            os.utime(profile, (1_764_000_000, 1_764_000_000))
            slowest = max(slowest, followed.serves())
        assert len(followed.served()) == 4
    happened("3 edits of one size and time: each served", slowest)


# Events whose reader raises


def odd_name(folder: Path) -> Path:
    """A file whose name is not UTF-8: watchfiles raises at its events."""
    return Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt"))


@pytest.mark.parametrize("where", ["beside", "above"])
def test_fault_24_non_utf8_filename_keeps_watcher_alive(
    followed: FollowedFolder, happened: Happened, where: str
) -> None:
    """A file that is not a profile, in the folder or beside it, appears and disappears."""
    folder = followed.folder if where == "beside" else followed.folder.parent
    odd_name(folder).touch()
    followed.write("patient.yaml", away(20))
    slowest = followed.serves()
    odd_name(folder).unlink()
    followed.write("patient.yaml", away(21))
    happened("served", max(slowest, followed.serves()))
    assert len(followed.served()) == 3


def test_fault_24_profile_with_a_non_utf8_filename_is_rejected(
    followed: FollowedFolder, happened: Happened
) -> None:
    """It is named in plain letters."""
    odd = odd_name(followed.folder).with_suffix(".yaml")
    odd.write_text(away(20), encoding="utf-8")
    kept = followed.keeps(
        'profiles/caf\\udce9.yaml: invalid profile name "caf\\udce9": use a-z, 0-9 and hyphens\n'
        "  hint: at most 63 characters, no hyphen at either end"
    )
    odd.unlink()
    happened(f"{kept}; then 1", followed.serves())


def test_fault_25_a_watcher_that_raises_again_and_again_is_restarted(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Names that are not UTF-8 come and go for 2 s; then an edit is seen, and events come."""
    odd = odd_name(followed.folder)
    for _ in range(40):
        odd.touch()
        time.sleep(0.025)
        odd.unlink()
        time.sleep(0.025)
    followed.write("patient.yaml", away(20))
    took = followed.serves()
    restarts = followed.metric("watcher_restarts_total")
    assert restarts
    assert restarts <= 20, "there is no pause between restarts"
    happened(f"restarted {restarts:g} times in 2 s; then served", took)
    until(lambda: followed.metric("watching_events") == 1, "events come again", followed)


# Where the folder lies


@pytest.mark.parametrize("above", [".git", ".venv", "node_modules", "__pycache__", ".hidden"])
def test_fault_34_any_name_of_a_parent_directory_is_accepted(
    tmp_path: Path, happened: Happened, above: str
) -> None:
    """The default filter of watchfiles passes over everything below such a name."""
    folder = shutil.copytree(PROFILES, tmp_path / above / "project" / "profiles")
    with following(folder) as followed:
        followed.write("patient.yaml", away(20))
        happened(f"below {above}/: served", followed.serves())
