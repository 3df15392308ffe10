"""What a command line names: a set, a profile, a field."""

from __future__ import annotations

import stat

from timing_profiles import catalog, folder
from timing_profiles.catalog import Catalog
from timing_profiles.cli.terminal import printable
from timing_profiles.cli.usage import UsageError
from timing_profiles.field import Field
from timing_profiles.folder import PROFILES_DIR, SUFFIX
from timing_profiles.problems import Problem, ProfilesError, did_you_mean, listed, quoted
from timing_profiles.profile import DEFAULT, Profile

LONGEST_PATH = 4096
"""Characters of a path that are shown: as many as Linux takes."""


def profiles(before: Catalog | None = None) -> Catalog:
    """The set in the folder of profiles.

    Args:
        before: Another catalog: files with the same bytes are not read anew.

    Raises:
        ProfilesError: It is broken, or there is none.
    """
    profiles_dir = folder.profiles_dir()
    file = printable(str(profiles_dir), LONGEST_PATH)
    try:
        reason = "" if stat.S_ISDIR(profiles_dir.stat().st_mode) else "it is no folder"
    except OSError as error:
        reason = error.strerror or ""
    if reason:
        hint = f"{PROFILES_DIR} of the environment names the folder of profiles"
        message = f"cannot be read: {reason}"
        raise ProfilesError([Problem("unreadable", message, file=file, hint=hint)])
    try:
        return catalog.load(profiles_dir, before)
    except ProfilesError:
        # Said anew, so that the problems name files as they are reached from here.
        return catalog.load(profiles_dir, label=file)


def profile(found: Catalog, name: str) -> Profile:
    """A profile of a set, by its name or its file's.

    Raises:
        UsageError: There is none of that name.
    """
    chosen = found.profile(name.removesuffix(SUFFIX))
    if chosen:
        return chosen
    names = found.names()
    message = f"there is no profile {quoted(name)}; there are {listed(names)}"
    raise UsageError(_with_hint(message, did_you_mean(name, names)))


def default(found: Catalog) -> Profile:
    """The profile that every other one extends."""
    return profile(found, DEFAULT)


def field(found: Catalog, path: str) -> Field:
    """A field, by its dotted path.

    Raises:
        UsageError: There is none.
    """
    chosen = found.schema.fields.get(path)
    if chosen:
        return chosen
    message, hint = found.schema.unknown(path)
    raise UsageError(_with_hint(f"{quoted(path)}: {message}", hint))


def _with_hint(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message
