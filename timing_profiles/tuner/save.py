"""Write a file of a set in one step, in its own directory, and through no link."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from timing_profiles.catalog import folder
from timing_profiles.problems import strerror
from timing_profiles.tuner.draft import Draft

_NEW_MODE = 0o666  # less the umask, as an editor does
_CREATE = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)


class NotSaved(Exception):
    """Nothing was written; the text is one message for people."""


def save(directory: Path, draft: Draft) -> None:
    """Replace a file by its draft, or create it.

    Readers find the former file or the new one, never a part of one. A worker that serves the
    directory reloads it as after any edit.

    Args:
        directory: The directory of the set.
        draft: The file.

    Raises:
        NotSaved: The file is a link, was changed since it was drafted, or cannot be written.
    """
    try:
        with folder.opened(directory) as handle:
            _save(directory, handle, draft)
    except OSError as error:
        raise NotSaved(f"{draft.label} cannot be written: {strerror(error)}") from None


def _save(directory: Path, handle: int | None, draft: Draft) -> None:
    target = _place(directory, handle, draft.name)
    mode = _check(target, handle, draft)
    # Names that begin with a dot are not profiles: see `folder.is_profile`.
    unfinished = _place(directory, handle, f".{draft.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, _CREATE, _NEW_MODE if mode is None else mode, dir_fd=handle)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(draft.after)
            file.flush()
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        _check(target, handle, draft)
        os.replace(unfinished, target, src_dir_fd=handle, dst_dir_fd=handle)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished, dir_fd=handle)
        raise


def _check(target: str, handle: int | None, draft: Draft) -> int | None:
    """Return the mode of the file, None where there is none; raise unless it is as drafted."""
    try:
        found = os.stat(target, dir_fd=handle, follow_symlinks=False)
    except FileNotFoundError:
        if draft.before is not None:
            raise NotSaved(f"{draft.label} was removed meanwhile") from None
        return None
    if stat.S_ISLNK(found.st_mode):
        raise NotSaved(f"{draft.label} is a link: this page does not write through links")
    if not stat.S_ISREG(found.st_mode):
        raise NotSaved(f"{draft.label} is not a regular file")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(target, flags, dir_fd=handle), "rb") as file:
        same = draft.before is not None and file.read(len(draft.before) + 1) == draft.before
    if not same:
        raise NotSaved(f"{draft.label} was changed meanwhile: look at the new text first")
    return stat.S_IMODE(found.st_mode)


def _place(directory: Path, handle: int | None, name: str) -> str:
    return str(directory / name) if handle is None else name
