"""The state directory of a worker, and the stale ones of killed workers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from timing_profiles.problems import Problem

_PREFIX = "timing-profiles-"
_OWNER = "worker.pid"
_PARENT = "TMPDIR"


class State:
    """A temporary directory of this worker, with mode 0700 and an unguessable name.

    It is locked until the worker ends, however it ends. Other workers do not remove a locked
    directory, and neither does systemd, which removes old files from `/tmp`.

    Attributes:
        path: The directory.
    """

    def __init__(self) -> None:
        """Make the directory.

        Raises:
            OSError: It cannot be made.
        """
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._handle = self._lock()

    def restore(self) -> None:
        """Make the directory again where it was removed.

        Raises:
            OSError: It cannot be made, or another one has its path.
        """
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(self.path.lstat(), os.fstat(self._handle)):
                return
        self.path.mkdir(mode=0o700)
        former, self._handle = self._handle, self._lock()
        os.close(former)

    def _lock(self) -> int:
        # Closed in every program that the worker starts: the lock ends with the worker itself.
        handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        with contextlib.suppress(OSError):  # not every file system has locks
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Written once it is locked: a directory without this file is never removed.
            (self.path / _OWNER).write_text(f"{os.getpid()}\n", encoding="utf-8")
        return handle

    def remove(self) -> None:
        """Remove the directory with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


def problems() -> Iterator[Problem]:
    """Yield why there can be no state directory: none for temporary files is writable."""
    try:
        tempfile.gettempdir()
    except OSError as error:
        yield Problem("environment", f"cannot write temporary files: {error.strerror}", _PARENT)


def remove_abandoned() -> list[Path]:
    """Remove the state directories of this user's workers that were killed.

    A job of such a worker ends with it: the SDK ends a job whose worker no longer answers. One that
    is busy for a moment longer keeps reading the file that it has open.

    Returns:
        The removed directories.
    """
    found = sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"))
    return [directory for directory in found if _removed(directory)]


def _removed(directory: Path) -> bool:
    """Remove a directory, unless it is in use, of another user, or not of a worker."""
    try:
        with _opened(directory) as handle:
            if os.fstat(handle).st_uid != os.geteuid():
                return False
            os.stat(_OWNER, dir_fd=handle, follow_symlinks=False)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory)
    except OSError:
        return False
    return True


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield handle
    finally:
        os.close(handle)
