"""A folder of profiles -> the bytes of its files, as one whole set."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from timing_profiles.problems import Problem, ProfilesError

PROFILES_DIR = "PROFILES_DIR"
"""The environment variable that names the folder of profiles."""

SUFFIX = ".yaml"

MAX_BYTES = 32 * 1024
"""The largest file that is read. A complete profile with comments takes about 12 KiB."""

Contents = Mapping[str, bytes | Problem]
"""The bytes of every profile of a folder, by file name; or why there are none."""

_NOTHING: Contents = MappingProxyType({})


def profiles_dir() -> Path:
    """The folder of profiles: `PROFILES_DIR`, else `profiles` in the current folder."""
    return Path(os.environ.get(PROFILES_DIR) or "profiles")


def read(
    profiles_dir: Path,
    label: str,
    before: Contents = _NOTHING,
    only: Collection[str] | None = None,
) -> Contents:
    """The bytes of every profile in a folder, read through one handle of the folder.

    The handle keeps the set whole where the folder is swapped while it is read.

    Args:
        profiles_dir: The folder.
        label: The folder as it is shown to people.
        before: What was read earlier; bytes that are still the same stay the same object.
        only: The names of the files that may have changed, come or gone since then. All others
            are taken from `before`.

    Raises:
        ProfilesError: The folder cannot be read.
    """
    with _opened(profiles_dir, label) as handle:
        if only is None:
            present = _names(handle, label)
            return {name: _again(before, handle, name, label) for name in present}
        fresh = {name: _again(before, handle, name, label) for name in only}
        gone = [name for name in fresh if not _is_there(handle, name, fresh)]
    files = {**before, **fresh}
    for name in gone:
        del files[name]
    return files


def names(profiles_dir: Path, label: str) -> list[str]:
    """The names of a folder's profiles, sorted.

    Raises:
        ProfilesError: The folder cannot be read.
    """
    with _opened(profiles_dir, label) as handle:
        return _names(handle, label)


def is_profile(name: str) -> bool:
    """Whether a file of this name is read: one in `.yml` too, for it is a mistake to report."""
    # Editors and git keep files of their own beside ours: `.patient.yaml.swp`, `patient.yaml~`.
    return name.endswith((SUFFIX, ".yml")) and not name.startswith(".")


def shown(name: str) -> str:
    """A file name for people: it may not be UTF-8, and may hold control characters."""
    plain = name.isascii() and name.isprintable()
    return name if plain else name.encode("unicode_escape").decode()


@contextmanager
def _opened(profiles_dir: Path, label: str) -> Iterator[int]:
    try:
        handle = os.open(profiles_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ProfilesError([_unreadable(label, error)]) from None
    try:
        yield handle
    finally:
        os.close(handle)


def _names(handle: int, label: str) -> list[str]:
    try:
        found = os.listdir(handle)
    except OSError as error:  # a network file system that is gone, say
        raise ProfilesError([_unreadable(label, error)]) from None
    return sorted(name for name in found if is_profile(name))


def _is_there(handle: int, name: str, fresh: Contents) -> bool:
    if isinstance(fresh[name], bytes):
        return True
    try:
        os.lstat(name, dir_fd=handle)
    except OSError:
        return False
    return True


def _again(before: Contents, handle: int, name: str, label: str) -> bytes | Problem:
    found, known = _read_one(handle, name, label), before.get(name)
    return found if known is None or found != known else known


def _read_one(handle: int, name: str, label: str) -> bytes | Problem:
    try:
        # O_NONBLOCK: a FIFO must not hold the reload up.
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK, dir_fd=handle)
        try:
            return _content(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        return _unreadable(f"{label}/{shown(name)}", error)


def _content(descriptor: int) -> bytes:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(
            0, "it is a folder" if stat.S_ISDIR(found.st_mode) else "it is no regular file"
        )
    content = b""
    while len(content) <= MAX_BYTES:
        more = os.read(descriptor, MAX_BYTES + 1 - len(content))
        content += more
        if not more or len(content) == found.st_size:
            break
    return content


def _unreadable(file: str, error: OSError) -> Problem:
    return Problem("unreadable", f"cannot be read: {error.strerror}", file=file)
