"""What a command line names: a set, a profile, a field."""

from __future__ import annotations

from timing_profiles import catalog, folder
from timing_profiles.catalog import Catalog
from timing_profiles.field import Field
from timing_profiles.folder import PROFILES_DIR, SUFFIX
from timing_profiles.problems import Problem, ProfilesError, did_you_mean, listed, quoted
from timing_profiles.profile import DEFAULT, Profile


class UsageError(Exception):
    """The command line asks for what is not there; the text says what is."""


def profiles() -> Catalog:
    """The set in the folder of profiles.

    Raises:
        ProfilesError: It is broken, or there is none.
    """
    profiles_dir = folder.profiles_dir()
    if not profiles_dir.is_dir():
        what = "it is no folder" if profiles_dir.exists() else "there is no such folder"
        hint = f"{PROFILES_DIR} of the environment names the folder of profiles"
        problem = Problem("unreadable", f"cannot be read: {what}", "", str(profiles_dir), hint=hint)
        raise ProfilesError([problem])
    return catalog.load(profiles_dir)


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
    raise UsageError(_with_hint(f"{path}: {message}", hint))


def _with_hint(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message
