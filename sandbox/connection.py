"""Where calls go: the environment's LiveKit server, or the one that `make dev` runs."""

import contextlib
import fcntl
import json
import os
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

STATE_FOLDER = Path(".dev")

_STATE_FILE = STATE_FOLDER / "state.json"
_LOCK_FILE = STATE_FOLDER / "lock"
_KEYS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


class ConnectionUnknownError(Exception):
    """No LiveKit server is configured; the text is one line for people."""


class AlreadyRunningError(Exception):
    """Another `make dev` runs in this directory; the text is one line for people."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A LiveKit server with a registered worker.

    Attributes:
        url: as in LIVEKIT_URL.
        api_key: as in LIVEKIT_API_KEY.
        api_secret: as in LIVEKIT_API_SECRET.
        agent_name: as in LIVEKIT_AGENT_NAME; empty when the worker takes every call.
    """

    url: str
    api_key: str
    api_secret: str
    agent_name: str = ""

    def environment(self) -> dict[str, str]:
        """Return the environment variables that a worker reads."""
        values = (self.url, self.api_key, self.api_secret)
        return dict(zip(_KEYS, values, strict=True))


def from_environment() -> Connection | None:
    """Read LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET; None without LIVEKIT_URL.

    Raises:
        ConnectionUnknownError: a key is missing.
    """
    if not os.environ.get(_KEYS[0]):
        return None
    if missing := [key for key in _KEYS if not os.environ.get(key)]:
        raise ConnectionUnknownError(f"{_KEYS[0]} is set, but not {' and '.join(missing)}")
    url, api_key, api_secret = (os.environ[key] for key in _KEYS)
    return Connection(url, api_key, api_secret, os.environ.get("LIVEKIT_AGENT_NAME", ""))


def find() -> Connection:
    """Return the server of the environment, else of the `make dev` in this directory.

    Raises:
        ConnectionUnknownError: neither exists.
    """
    if connection := from_environment() or _published():
        return connection
    raise ConnectionUnknownError(
        "no LiveKit server to call: start `make dev` in another terminal, or set "
        + ", ".join(_KEYS)
    )


@contextlib.contextmanager
def alone() -> Generator[None]:
    """Hold the lock of this directory; the lock of a killed `make dev` is free.

    Raises:
        AlreadyRunningError: another `make dev` holds it.
        OSError: the state directory cannot be written.
    """
    STATE_FOLDER.mkdir(mode=0o700, exist_ok=True)
    with _LOCK_FILE.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the system ends it with the process
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunningError(_running_already(file.read())) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextlib.contextmanager
def published(connection: Connection) -> Generator[None]:
    """Publish a connection for `find` while this process, which holds `alone`, lives."""
    state = {"pid": os.getpid(), "connection": asdict(connection)}
    unfinished = _STATE_FILE.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(state), encoding="utf-8")
    unfinished.replace(_STATE_FILE)
    try:
        yield
    finally:
        _STATE_FILE.unlink(missing_ok=True)


def _published() -> Connection | None:
    state = _state()
    return Connection(**state["connection"]) if state and _is_alive(state["pid"]) else None


def _state() -> dict[str, Any]:
    try:
        state: dict[str, Any] = json.loads(_STATE_FILE.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return state


def _running_already(pid: str) -> str:
    return (
        f"already running in this directory, as process {pid}: call it with `make call`, or end it "
        f"with Ctrl-C in its terminal or `kill -INT {pid}`"
    )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:  # it has ended, or another user's process has its id
        return False
    return True
