"""A folder of profiles -> the bytes of its files, as one whole set.

POSIX reads it through one handle, so that the set is whole where the folder is swapped meanwhile.
Windows knows no handle of a folder; there, the files are read by their paths.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from timing_profiles.problems import Problem, ProfilesError, strerror

PROFILES_DIR = "PROFILES_DIR"
"""The environment variable that names the folder of profiles."""

DEFAULT_NAME = "profiles"
"""The name of that folder where the environment names none."""

SUFFIX = ".yaml"

MAX_BYTES = 32 * 1024
"""The largest file that is read. A complete profile with comments takes about 12 KiB."""

Contents = Mapping[str, bytes | Problem]
"""The bytes of every profile of a folder, by file name; or why there are none."""

_HAS_HANDLES = hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd

_NOTHING: Contents = MappingProxyType({})


def profiles_dir() -> Path:
    """The folder of profiles: `PROFILES_DIR`, else `profiles` in the current folder."""
    return Path(os.environ.get(PROFILES_DIR) or DEFAULT_NAME)


def read(
    profiles_dir: Path,
    label: str,
    before: Contents = _NOTHING,
    only: Collection[str] | None = None,
) -> Contents:
    """The bytes of every profile in a folder.

    Args:
        profiles_dir: The folder.
        label: The folder as it is shown to people.
        before: What was read earlier; bytes that are still the same stay the same object.
        only: The names of the files that may have changed, come or gone since then. All others
            are taken from `before`.

    Raises:
        ProfilesError: The folder cannot be read.
    """
    with _opened(profiles_dir, label) as opened:
        if only is None:
            present = _names(opened, label)
            return {name: _again(before, opened, name, label) for name in present}
        fresh = {name: _again(before, opened, name, label) for name in only}
        gone = [name for name in fresh if not _is_there(opened, name, fresh)]
    files = {**before, **fresh}
    for name in gone:
        del files[name]
    return files


def names(profiles_dir: Path, label: str) -> list[str]:
    """The names of a folder's profiles, sorted.

    Raises:
        ProfilesError: The folder cannot be read.
    """
    with _opened(profiles_dir, label) as opened:
        return _names(opened, label)


def is_profile(name: str) -> bool:
    """Whether a file of this name is read: one in `.yml` too, for it is a mistake to report."""
    # Editors and git keep files of their own beside ours: `.patient.yaml.swp`, `patient.yaml~`.
    return name.endswith((SUFFIX, ".yml")) and not name.startswith(".")


def shown(name: str) -> str:
    """A file name for people: it may not be UTF-8, and may hold control characters."""
    plain = name.isascii() and name.isprintable()
    return name if plain else name.encode("unicode_escape").decode()


class _Folder(Protocol):
    """An open folder. Each method raises OSError where the system refuses."""

    def names(self) -> list[str]:
        """The names of all that is in it."""

    def content(self, name: str) -> bytes:
        """The bytes of a file, one more than the most that is read; nothing else is opened."""

    def is_there(self, name: str) -> bool:
        """Whether there is anything of this name."""


@contextmanager
def _opened(profiles_dir: Path, label: str) -> Iterator[_Folder]:
    if not _HAS_HANDLES:
        yield _ByPath(profiles_dir)
        return
    try:
        handle = os.open(profiles_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ProfilesError([_unreadable(label, error)]) from None
    try:
        yield _ByHandle(handle)
    finally:
        os.close(handle)


def _names(opened: _Folder, label: str) -> list[str]:
    try:
        found = opened.names()
    except OSError as error:  # a network file system that is gone, say
        raise ProfilesError([_unreadable(label, error)]) from None
    return sorted(name for name in found if is_profile(name))


def _is_there(opened: _Folder, name: str, fresh: Contents) -> bool:
    return isinstance(fresh[name], bytes) or opened.is_there(name)


def _again(before: Contents, opened: _Folder, name: str, label: str) -> bytes | Problem:
    found, known = _read_one(opened, name, label), before.get(name)
    return found if known is None or found != known else known


def _read_one(opened: _Folder, name: str, label: str) -> bytes | Problem:
    try:
        return opened.content(name)
    except OSError as error:
        return _unreadable(f"{label}/{shown(name)}", error)


class _ByHandle:
    def __init__(self, handle: int) -> None:
        self._handle = handle

    def names(self) -> list[str]:
        return os.listdir(self._handle)

    def content(self, name: str) -> bytes:
        # O_NONBLOCK: a FIFO must not hold the reload up.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=self._handle)
        try:
            return _content(descriptor)
        finally:
            os.close(descriptor)

    def is_there(self, name: str) -> bool:
        try:
            os.lstat(name, dir_fd=self._handle)
        except OSError:
            return False
        return True


class _ByPath:
    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return os.listdir(self._path)

    def content(self, name: str) -> bytes:
        path = self._path / name
        mode = path.stat().st_mode
        if not stat.S_ISSOCK(mode):  # the system refuses to open a socket
            _check_regular(mode)
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)

    def is_there(self, name: str) -> bool:
        return os.path.lexists(self._path / name)


def _content(descriptor: int) -> bytes:
    found = os.fstat(descriptor)
    _check_regular(found.st_mode)
    content = b""
    while len(content) <= MAX_BYTES:
        more = os.read(descriptor, MAX_BYTES + 1 - len(content))
        content += more
        if not more or len(content) == found.st_size:
            break
    return content


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is a folder" if stat.S_ISDIR(mode) else "it is no regular file")


def _unreadable(file: str, error: OSError) -> Problem:
    return Problem("unreadable", f"cannot be read: {strerror(error)}", file=file)
