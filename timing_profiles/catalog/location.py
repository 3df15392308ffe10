"""Find the directory of profiles: in the working directory, or beside the entrypoint."""

from __future__ import annotations

import contextlib
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from timing_profiles.catalog import folder
from timing_profiles.problems import Problem, ProfilesError, listed
from timing_profiles.profile import DEFAULT

INIT_HINT = (
    "`timing-profiles init` writes a first set to ./profiles; "
    f"{folder.PROFILES_DIR} names another directory"
)


def find(given: str | Path | None = None, entrypoint: str | None = None) -> Path:
    """Find the directory of profiles, as an absolute path.

    A relative path is looked for from the working directory, then beside the file that the process
    was started with, then beside the entrypoint's file. A working directory that was entered
    through a link keeps that link in the result, so that a swap of the link changes what is found
    there.

    Args:
        given: The directory; `PROFILES_DIR` of the environment, else `profiles`, by default.
        entrypoint: The file of the agent, where another program may have imported it.

    Raises:
        ProfilesError: It does not exist; the message has every path that was tried.
    """
    wanted = Path(given) if given else folder.profiles_dir()
    bases = [*_working_directory(), *_directories_of_programs(entrypoint)]
    places = list(dict.fromkeys(base / wanted for base in bases))
    for place in places:
        if _is_there(place):
            return place
    raise ProfilesError([missing(str(wanted), places, bases)])


def missing(label: str, places: Sequence[Path], bases: Sequence[Path] = ()) -> Problem:
    """Make the problem of a directory of profiles that is not there.

    Args:
        label: The directory as messages show it.
        places: The absolute paths that were looked for.
        bases: Directories that may hold a set under the default name, or below one that does; the
            working directory by default.
    """
    looked_for = listed(map(str, places))
    message = "directory not found" + (f": {looked_for}" if looked_for not in {"", label} else "")
    near = next(_near(bases or list(_working_directory())), None)
    hint = f"{near} has profiles: {folder.PROFILES_DIR} can name it" if near else INIT_HINT
    return Problem("unreadable", message, file=label, hint=hint)


def _directories_of_programs(entrypoint: str | None) -> Iterator[Path]:
    """Yield the directories of this program's files, except installed ones such as pytest."""
    started = getattr(sys.modules.get("__main__"), "__file__", None)
    if started and not _is_installed(started):
        yield _through_link(Path(started)).parent
    if entrypoint:
        yield _through_link(Path(entrypoint)).parent


def _working_directory() -> Iterator[Path]:
    """The working directory by the path that it was entered by; nothing once it was removed."""
    try:
        here = Path.cwd()
    except FileNotFoundError:
        return
    # The kernel resolves links; a shell keeps them in PWD.
    entered = Path(os.environ.get("PWD", ""))
    with contextlib.suppress(OSError):
        if entered.is_absolute() and entered.samefile(here):
            here = entered
    yield here


def _through_link(file: Path) -> Path:
    """Return the absolute path of a file, below the working directory by the path of that."""
    for here in _working_directory():
        real = Path.cwd()
        return here / (file.relative_to(real) if file.is_relative_to(real) else file)
    return file


def _is_installed(file: str) -> bool:
    names = ("scripts", "purelib", "platlib", "stdlib")
    return any(Path(file).is_relative_to(sysconfig.get_path(name)) for name in names)


def _is_there(place: Path) -> bool:
    """Return whether a path exists, also where it cannot be read."""
    try:
        place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _near(bases: Sequence[Path]) -> Iterator[Path]:
    """Yield sets under the default name, in these directories and in those above them."""
    for base in bases:
        for directory in (base, *base.parents):
            found = directory / folder.DEFAULT_NAME
            default = found / f"{DEFAULT}{folder.SUFFIX}"
            if os.path.isfile(default):  # noqa: PTH113 - never raises
                yield found
