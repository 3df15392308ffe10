"""Where `make call` finds the `make dev` of its folder, and that there is one of them."""

import os
from pathlib import Path

import pytest

from sandbox import connection
from sandbox.connection import AlreadyRunningError, Connection, ConnectionUnknownError

HERE = Connection("ws://127.0.0.1:7880", "a key", "a secret", "an agent")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which nothing runs."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_call_finds_make_dev_of_its_directory() -> None:
    """And none afterwards."""
    with connection.alone(), connection.published(HERE):
        assert connection.find() == HERE
    with pytest.raises(ConnectionUnknownError, match="no LiveKit server to call"):
        connection.find()


def test_fault_94_second_make_dev_is_refused_without_side_effects() -> None:
    """The message names the process of the first one."""
    pid = os.getpid()
    with connection.alone(), connection.published(HERE):
        with pytest.raises(AlreadyRunningError) as refused, connection.alone():
            pass
        assert connection.find() == HERE
    assert str(refused.value) == (
        f"already running in this directory, as process {pid}: call it with `make call`, or end it "
        f"with Ctrl-C in its terminal or `kill -INT {pid}`"
    )


def test_state_of_killed_make_dev_is_ignored(folder: Path) -> None:
    """Its files are there; the system has taken its lock away."""
    (folder / ".dev").mkdir()
    (folder / ".dev" / "lock").write_text(f"{os.getppid()}")
    (folder / ".dev" / "state.json").write_text('{"pid": 1, "connection": {}}')
    with connection.alone(), connection.published(HERE):
        assert connection.find() == HERE
        assert (folder / ".dev" / "lock").read_text() == f"{os.getpid()}"
