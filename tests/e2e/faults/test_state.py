"""The folders of workers: in use by the living, removed after the dead."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.worker import ROOT
from timing_profiles.worker.state_dir import State, remove_abandoned

# A worker, as far as its folder goes; beside it runs a program that it has started.
WORKER = """
import subprocess, time
from timing_profiles.worker.state_dir import State

state = State()
(state.path / "published").write_text("a set")
subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
print(state.path, flush=True)
time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, of this process too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def killed(temporary: Path) -> Iterator[Path]:
    """The folder of a worker that was killed; what it had started runs on."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", WORKER]
    with subprocess.Popen(  # noqa: S603 - it is this test's own
        command, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        assert remove_abandoned() == []
        process.kill()
        process.wait()
        yield folder
        os.killpg(process.pid, signal.SIGKILL)


def test_state_directory_is_private_and_removed_with_its_worker(temporary: Path) -> None:
    """Mode 0700, a name of its own, gone after `remove`."""
    one, other = State(), State()
    assert one.path != other.path
    assert one.path.parent == temporary
    assert one.path.stat().st_mode & 0o777 == 0o700
    one.remove()
    other.remove()
    assert list(temporary.iterdir()) == []


def test_state_directory_of_a_killed_worker_is_removed(killed: Path, temporary: Path) -> None:
    """Once; that of a living one stays, and who reads a file in it reads on."""
    living = State()
    with (killed / "published").open(encoding="utf-8") as reader:
        assert remove_abandoned() == [killed]
        assert reader.read() == "a set"
    assert remove_abandoned() == []
    assert list(temporary.glob("timing-profiles-*")) == [living.path]
    living.remove()


def test_state_directory_of_another_user_is_kept(
    killed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where this user could remove it."""
    monkeypatch.setattr(os, "geteuid", lambda: killed.stat().st_uid + 1)
    assert remove_abandoned() == []
    assert killed.exists()


def test_directory_with_a_similar_name_is_kept(killed: Path, temporary: Path) -> None:
    """A link to one, a folder without an owner, a file."""
    away = killed.rename(temporary / "away")
    killed.symlink_to(away)
    (temporary / "timing-profiles-empty").mkdir()
    (temporary / "timing-profiles-file").touch()
    assert remove_abandoned() == []
    assert (killed / "published").exists()


def test_concurrent_cleanups_do_not_conflict(killed: Path) -> None:
    """One of them removes the folder, the others leave it to that one."""
    with ThreadPoolExecutor(8) as threads:
        removed = threads.map(lambda _: remove_abandoned(), range(8))
    assert [folder for each in removed for folder in each] == [killed]
    assert not killed.exists()
