"""Find the set, the profile or the field that a command line names."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterable
from dataclasses import replace

from timing_profiles.catalog import catalog, folder, location, schema_file
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.field import Field
from timing_profiles.catalog.folder import PROFILES_DIR, SUFFIX
from timing_profiles.cli import UsageError
from timing_profiles.cli.output import print_problems, print_text
from timing_profiles.problems import (
    Problem,
    ProfilesError,
    did_you_mean,
    printable,
    quoted,
    strerror,
    unknown_profile,
)
from timing_profiles.profile import DEFAULT, NAME, Profile


def profiles() -> Catalog:
    """The whole set in the folder of profiles.

    Raises:
        ProfilesError: It is broken, or there is none.
    """
    found = _sound()
    if found.errors:
        raise _broken(found)
    return found


def profiles_with(*names: str) -> Catalog:
    """The profiles of the set that are sound, those that are named among them.

    A line on stderr tells of others that are broken.

    Raises:
        ProfilesError: One that is named is broken, or what it extends; or there is no set.
    """
    found = _sound()
    missing = {DEFAULT, *(name.removesuffix(SUFFIX) for name in names)} - found.layers.keys()
    if DEFAULT in missing or any(f"{name}{SUFFIX}" in found.files for name in missing):
        raise _broken(found)
    _tell_of_errors(found)
    return found


def readable() -> Catalog:
    """The set as far as it can be read: at the least, the schema in force.

    A line on stderr tells of what cannot.

    Raises:
        ProfilesError: The schema in force is broken.
    """
    try:
        found = _sound()
    except ProfilesError as error:
        in_force = schema_file.load(folder.profiles_dir())
        print_problems(error.problems, sys.stderr)
        return catalog.empty(in_force, errors=error.problems)
    _tell_of_errors(found)
    return found


def missing() -> Problem | None:
    """Make the problem of a folder of profiles that is not there; None where there is one."""
    profiles_dir = folder.profiles_dir()
    try:
        profiles_dir.lstat()
    except FileNotFoundError:
        return location.missing(profiles_dir.as_posix(), [profiles_dir.absolute()])
    except OSError:
        return None
    return None


def profile(found: Catalog, name: str) -> Profile:
    """A profile of a set, by its name or its file's.

    Raises:
        UsageError: There is none of that name.
    """
    chosen = found.profile(name.removesuffix(SUFFIX))
    if chosen:
        return chosen
    files = (file.removesuffix(SUFFIX) for file in found.files)
    names = sorted(file for file in files if NAME.fullmatch(file))
    raise UsageError(_with_hint(unknown_profile(name, names), did_you_mean(name, names)))


def _sound() -> Catalog:
    profiles_dir = folder.profiles_dir()
    problem = missing()
    if problem:
        raise ProfilesError([problem])
    try:
        refused = "" if stat.S_ISDIR(profiles_dir.stat().st_mode) else "is not a directory"
    except OSError as error:
        refused = strerror(error)
    if refused:
        hint = f"{PROFILES_DIR} of the environment names the folder of profiles"
        message = f"cannot be read: {refused}"
        file = profiles_dir.as_posix()
        raise ProfilesError([Problem("unreadable", message, file=file, hint=hint)])
    try:
        return catalog.load_valid(profiles_dir)
    except ProfilesError as error:
        raise ProfilesError(_from_here(error.problems)) from None


def _broken(found: Catalog) -> ProfilesError:
    return ProfilesError(_from_here((*found.errors, *found.warnings)))


def _from_here(problems: Iterable[Problem]) -> Iterable[Problem]:
    """Problems that name files as they are reached from here, not by the folder's own name."""
    profiles_dir = folder.profiles_dir()
    label = profiles_dir.absolute().name
    for problem in problems:
        within = problem.file.removeprefix(label)
        is_inside = within != problem.file and within[:1] in {"", "/"}
        yield replace(problem, file=profiles_dir.as_posix() + within) if is_inside else problem


def _tell_of_errors(found: Catalog) -> None:
    count = len(found.errors)
    if count:
        problems = f"{count} problem{'s' if count > 1 else ''}"
        where = printable(folder.profiles_dir().as_posix())
        print_text(f"{where}: {problems} elsewhere; see timing-profiles check", sys.stderr)


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
    problem = found.schema.unknown(path)
    raise UsageError(_with_hint(f"{quoted(path)}: {problem.message}", problem.hint))


def _with_hint(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message
