"""A worker that dies while it publishes, or has no room to."""

import contextlib
import os
import shutil
import signal
import statistics
import time
from pathlib import Path

import pytest

from sandbox.fixtures import Happened
from tests.e2e.faults.followed_folder import (
    PATIENCE,
    FollowedFolder,
    away,
    following,
    lies,
    published,
    until,
)
from tests.e2e.faults.namespaces import namespaces

REST = 2.0
"""Seconds without an edit."""

# Seconds from when the new file is begun.
MOMENTS = [0.0, 0.0005, 0.001, 0.002, 0.004]


def test_fault_45_a_kill_while_publishing_leaves_a_whole_set(
    folder: Path, happened: Happened
) -> None:
    """The old one or the new one, to its last profile; the next worker serves the new one."""
    found = []
    for number, moment in enumerate(MOMENTS):
        with following(folder) as followed:
            old = followed.published()
            assert old == followed.lies()
            followed.write("patient.yaml", "nonsense: 1\n")  # until all others are there
            for copy in range(50):  # so that publishing takes a while
                followed.write(f"copy-{copy}.yaml", away(20 + number))
            before = state(followed)
            followed.write("patient.yaml", away(20 + number))
            until_publishing(followed, before)
            time.sleep(moment)
            os.kill(followed.process.pid, signal.SIGKILL)
            followed.process.wait()
            new = lies(folder)
            left = published(followed.published_file)
            assert left in (old, new)
            found.append("new" if left == new else "old")
    happened(f"{found.count('old')} times the old set was left, {found.count('new')} times the new")


def state(followed: FollowedFolder) -> set[tuple[str, int]]:
    """The published file, and what is beside it while the next one is made."""
    beside = followed.published_file.parent
    with contextlib.suppress(FileNotFoundError):  # renamed in this very moment
        return {(file.name, file.stat().st_ino) for file in beside.glob("profiles.*")}
    return set()


def until_publishing(followed: FollowedFolder, before: set[tuple[str, int]]) -> None:
    """Wait, without a pause, until another file is there."""
    deadline = time.monotonic() + PATIENCE
    while state(followed) == before:
        assert time.monotonic() < deadline, "nothing is published"


@pytest.mark.parametrize("for_the_old_one", [False, True], ids=["none", "too-little"])
def test_fault_45_a_full_disk_keeps_the_last_good_set(
    folder: Path, tmp_path: Path, happened: Happened, *, for_the_old_one: bool
) -> None:
    """No space, or only that of the old set; once there is more, the edit is published."""
    small = tmp_path / "small"
    small.mkdir()
    within = namespaces(f"mount -t tmpfs -o size=512k none {small}")
    with following(folder, within=within, env={"TMPDIR": str(small)}) as followed:
        file = followed.published_file
        room = followed.inside(file).stat().st_size if for_the_old_one else 0
        filler = followed.inside(small) / "filler"
        fill(filler, room)
        for copy in range(100):
            followed.write(f"copy-{copy}.yaml", away(20))
        aside = file.with_suffix(".new")
        kept = followed.keeps(f"cannot be published: {aside}: database or disk is full")
        filler.unlink()
        happened(f"{room} bytes: {kept}; then served", followed.serves())


def test_fault_87_a_removed_state_directory_is_made_again(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Calls get the last valid set, also while the directory of profiles holds a broken one."""
    state, first = followed.published_file.parent, followed.published()
    # At once, or a set that is published meanwhile is in the way.
    shutil.rmtree(state.rename(state.with_name("removed")))
    begun = time.monotonic()
    until(followed.published_file.exists, "the set is published again", followed)
    took = time.monotonic() - begun
    assert followed.published() == first
    assert state.stat().st_mode & 0o777 == 0o700
    for _ in range(2):
        until((state / "calls").is_socket, "calls are counted again", followed)
        (state / "calls").unlink()
    until((state / "calls").is_socket, "calls are counted again", followed)
    followed.write("patient.yaml", "nonsense: 1\n")
    until(lambda: followed.gauge() == 0, "the edit is refused", followed)
    followed.published_file.unlink()
    until(followed.published_file.exists, "the set is published again", followed)
    assert followed.published() == first
    followed.write("patient.yaml", away(20))
    followed.serves()
    happened("published again, twice; then an edit is served", took)


def test_fault_87_a_state_directory_that_cannot_be_reached_is_waited_for(
    folder: Path, tmp_path: Path, happened: Happened
) -> None:
    """Where the path leads nowhere for a while, the worker follows the profiles afterwards."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    with following(folder, env={"TMPDIR": str(link)}) as followed:
        first = followed.published()
        link.unlink()
        link.symlink_to("x" * 300)  # no name may be that long: an error other than "not found"
        until(lambda: followed.gauge() == 0, "the worker has noticed", followed)
        link.unlink()
        link.symlink_to(real)
        until(lambda: followed.gauge() == 1, "the set is published", followed)
        assert followed.published() == first
        followed.write("patient.yaml", away(20))
        followed.serves()
    happened("an edit is served afterwards")


def test_fault_88_the_first_save_after_a_rest_is_published_at_once(
    folder: Path, happened: Happened
) -> None:
    """Among 1,000 profiles, by its event: a person's save is nearly always the first one."""
    for number in range(990):
        (folder / f"caller-{number}.yaml").write_text(away(20), encoding="utf-8")
    seconds = []
    with following(folder) as followed:
        until(lambda: followed.metric("watching_events") == 1, "events arrive", followed)
        for timeout in (21, 22, 23):
            time.sleep(REST)
            followed.write("patient.yaml", away(timeout))
            seconds.append(followed.serves())
    happened(f"3 saves after {REST:g} s of rest each", statistics.median(seconds))
    assert statistics.median(seconds) < 1.0


def fill(filler: Path, room: int) -> None:
    """Write a file until nothing more can be written, but for some room."""
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(1 << 20))
    os.truncate(filler, filler.stat().st_size - room)
