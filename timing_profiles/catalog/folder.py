"""Read the bytes of the files of a directory, as one consistent set.

POSIX reads it through one handle, so that the set is consistent if the directory is replaced
meanwhile. Windows has no handles of directories: there, the files are read by their paths.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from timing_profiles.problems import Problem, ProfilesError, strerror

PROFILES_DIR = "PROFILES_DIR"
"""The environment variable that names the directory of profiles."""

DEFAULT_NAME = "profiles"
"""The name of that directory where the environment names none."""

SUFFIX = ".yaml"

MAX_BYTES = 32 * 1024
"""The largest file that is read. A complete profile with comments takes about 12 KiB."""

Contents = Mapping[str, bytes | Problem]
"""The bytes of every profile of a directory by file name, or the reason why there are none."""

_HAS_HANDLES = hasattr(os, "O_DIRECTORY") and os.open in os.supports_dir_fd

# O_NONBLOCK: a FIFO must not block the reader. O_BINARY: Windows changes line ends without it.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)

_NOTHING: Contents = MappingProxyType({})


def profiles_dir() -> Path:
    """Return the directory of profiles: `PROFILES_DIR`, else `profiles` where the process works."""
    return Path(os.environ.get(PROFILES_DIR) or DEFAULT_NAME)


def absolute(profiles_dir: Path) -> Path:
    """Return a directory's absolute path, which ends with its name also where it was `..`."""
    path = profiles_dir.absolute()
    return path.resolve() if path.name == ".." else path


def read(profiles_dir: Path, label: str, before: Contents = _NOTHING) -> Contents:
    """Read the bytes of every profile in a directory, sorted by file name.

    Args:
        profiles_dir: The directory.
        label: The directory as messages show it.
        before: An earlier result; a file with the same bytes keeps the same object.

    Raises:
        ProfilesError: The directory cannot be read.
    """
    try:
        with opened(profiles_dir) as handle:
            names = sorted(
                filter(is_profile, os.listdir(profiles_dir if handle is None else handle))
            )
            found = ((name, _one(profiles_dir, handle, name, label)) for name in names)
            return {name: _same(content, before.get(name)) for name, content in found}
    except OSError as error:
        raise ProfilesError([_unreadable(label, error)]) from None


def read_file(path: Path | str, most: int = MAX_BYTES, directory: int | None = None) -> bytes:
    """Read a regular file; never block on anything else, and never open it where that is known.

    Args:
        path: The file.
        most: How many bytes are of use; of a longer file, one more is read.
        directory: The handle of the directory that holds the file; `path` is then its name.

    Raises:
        OSError: The file cannot be read, or it is not a regular file.
    """
    if directory is None and not stat.S_ISSOCK(mode := os.stat(path).st_mode):
        _check_regular(mode)  # Windows cannot open the others, and gives no reason
    descriptor = os.open(path, _FLAGS, dir_fd=directory)
    try:
        found = os.fstat(descriptor)
        _check_regular(found.st_mode)
        content = b""
        while more := os.read(descriptor, most + 1 - len(content)):
            content += more
            if len(content) == found.st_size:
                break
        return content
    finally:
        os.close(descriptor)


def is_profile(name: str) -> bool:
    """Return whether a file of this name is read; `.yml` is, too, to report it as a mistake."""
    # Editors and git keep files of their own beside ours: `.patient.yaml.swp`, `patient.yaml~`.
    return name.endswith((SUFFIX, ".yml")) and not name.startswith(".")


@contextmanager
def opened(profiles_dir: Path) -> Iterator[int | None]:
    """Open a directory, where the system has handles of directories."""
    if not _HAS_HANDLES:
        yield None
        return
    handle = os.open(profiles_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def _one(profiles_dir: Path, handle: int | None, name: str, label: str) -> bytes | Problem:
    path = profiles_dir / name if handle is None else name
    try:
        return read_file(path, directory=handle)
    except OSError as error:
        return _unreadable(f"{label}/{name}", error)


def _same(content: bytes | Problem, before: bytes | Problem | None) -> bytes | Problem:
    return before if before is not None and before == content else content


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise OSError(0, "is a directory" if stat.S_ISDIR(mode) else "not a regular file")


def _unreadable(file: str, error: OSError) -> Problem:
    return Problem("unreadable", f"cannot be read: {strerror(error)}", file=file)
