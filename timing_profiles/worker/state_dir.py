"""The private folder of a worker; and those that killed workers left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "timing-profiles-"
_OWNER = "worker.pid"


class State:
    """A temporary folder of this worker: mode 0700, with a name that nobody can guess.

    It is locked for as long as the worker lives, however that ends. The lock tells later workers
    that it is in use, and systemd, which removes old files from `/tmp` but passes locked folders
    over.

    Attributes:
        path: The folder.
    """

    def __init__(self) -> None:
        """Make it.

        Raises:
            OSError: There is no place for it.
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
            # The owner is written down once the lock stands: without one, nobody removes a folder.
            (self.path / _OWNER).write_text(f"{os.getpid()}\n", encoding="utf-8")
        return handle

    def remove(self) -> None:
        """Remove the folder with everything in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


def remove_abandoned() -> list[Path]:
    """Remove the folders of this user's workers that were killed.

    A job of such a worker ends with it: the SDK ends a job whose worker no longer answers. One that
    is busy for a moment longer keeps reading the file that it has open.

    Returns:
        The folders that are gone.
    """
    found = sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"))
    return [folder for folder in found if _removed(folder)]


def _removed(folder: Path) -> bool:
    """Remove a folder, unless it is in use, somebody else's, or no worker's at all."""
    try:
        with _opened(folder) as handle:
            if os.fstat(handle).st_uid != os.geteuid():
                return False
            os.stat(_OWNER, dir_fd=handle, follow_symlinks=False)
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    except OSError:
        return False
    return True


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        yield handle
    finally:
        os.close(handle)
