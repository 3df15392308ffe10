"""A folder of profiles -> the bytes of its files, as one whole set."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from timing_profiles.problems import Problem, ProfilesError

PROFILES_DIR = "PROFILES_DIR"
"""The environment variable that names the folder of profiles."""

SUFFIX = ".yaml"

MAX_BYTES = 32 * 1024
"""The largest file that is read. A complete profile with comments takes about 12 KiB."""

Contents = Mapping[str, bytes | Problem]
"""The bytes of every profile of a folder, by file name; or why there are none."""


def profiles_dir() -> Path:
    """The folder of profiles: `PROFILES_DIR`, else `profiles` in the current folder."""
    return Path(os.environ.get(PROFILES_DIR) or "profiles")


def read(profiles_dir: Path, label: str) -> Contents:
    """The bytes of every profile in a folder, read through one handle of the folder.

    The handle keeps the set whole where the folder is swapped while it is read.

    Args:
        profiles_dir: The folder.
        label: The folder as it is shown to people.

    Raises:
        ProfilesError: The folder cannot be read.
    """
    try:
        handle = os.open(profiles_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise ProfilesError([_unreadable(label, error)]) from None
    try:
        names = sorted(name for name in os.listdir(handle) if is_profile(name))
        return {name: _read_one(handle, name, label) for name in names}
    finally:
        os.close(handle)


def is_profile(name: str) -> bool:
    """Whether a file of this name is read: one in `.yml` too, for it is a mistake to report."""
    # Editors and git keep files of their own beside ours: `.patient.yaml.swp`, `patient.yaml~`.
    return name.endswith((SUFFIX, ".yml")) and not name.startswith(".")


def shown(name: str) -> str:
    """A file name for people: it may not be UTF-8, and may hold control characters."""
    plain = name.isascii() and name.isprintable()
    return name if plain else name.encode("unicode_escape").decode()


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
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is a folder" if stat.S_ISDIR(mode) else "it is no regular file")
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(MAX_BYTES + 1)


def _unreadable(file: str, error: OSError) -> Problem:
    return Problem("unreadable", f"cannot be read: {error.strerror}", file=file)
