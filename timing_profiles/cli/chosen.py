"""Load the set, and find the profile or the field that a command line names."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterable
from dataclasses import replace

from timing_profiles.catalog import catalog, folder, schema_file
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


def profiles(before: Catalog | None = None) -> Catalog:
    """Load the whole set.

    Args:
        before: A catalog to build on: a file with the same bytes is not parsed again.

    Raises:
        ProfilesError: It is invalid or missing.
    """
    found = _load_valid(before)
    if found.errors:
        raise _invalid(found)
    return found


def profiles_with(*names: str) -> Catalog:
    """Load the valid profiles of the set, with some that must be valid.

    Where others are invalid, a line on stderr has the number of problems.

    Raises:
        ProfilesError: A named profile is invalid, or one that it extends; or the set is missing.
    """
    found = _load_valid()
    missing = {DEFAULT, *(name.removesuffix(SUFFIX) for name in names)} - found.layers.keys()
    if DEFAULT in missing or any(f"{name}{SUFFIX}" in found.files for name in missing):
        raise _invalid(found)
    _print_error_count(found)
    return found


def readable() -> Catalog:
    """Load the valid part of the set: at least the active schema.

    Problems are printed to stderr.

    Raises:
        ProfilesError: The active schema is invalid.
    """
    try:
        found = _load_valid()
    except ProfilesError as error:
        schema = schema_file.load(folder.profiles_dir())
        print_problems(error.problems, sys.stderr)
        return catalog.empty(schema, errors=error.problems)
    _print_error_count(found)
    return found


def unreadable() -> Problem | None:
    """Return why the directory of profiles cannot be read; None where it is a directory."""
    profiles_dir = folder.profiles_dir()
    try:
        if stat.S_ISDIR(profiles_dir.stat().st_mode):
            return None
        reason = "is not a directory"
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not profiles_dir.is_symlink():
            from timing_profiles.catalog import location

            return location.missing(profiles_dir.as_posix(), [profiles_dir.absolute()])
        reason = strerror(error)
    hint = f"{PROFILES_DIR} of the environment names the directory of profiles"
    message = f"cannot be read: {reason}"
    return Problem("unreadable", message, file=profiles_dir.as_posix(), hint=hint)


def profile(found: Catalog, name: str) -> Profile:
    """Return a profile of a set by its name, or by the name of its file.

    Raises:
        UsageError: No profile has that name.
    """
    chosen = found.profile(name.removesuffix(SUFFIX))
    if chosen:
        return chosen
    files = (file.removesuffix(SUFFIX) for file in found.files)
    names = sorted(file for file in files if NAME.fullmatch(file))
    raise UsageError(_with_hint(unknown_profile(name, names), did_you_mean(name, names)))


def _load_valid(before: Catalog | None = None) -> Catalog:
    problem = unreadable()
    if problem:
        raise ProfilesError([problem])
    try:
        return catalog.load_valid(folder.profiles_dir(), before=before)
    except ProfilesError as error:
        raise ProfilesError(_from_here(error.problems)) from None


def _invalid(found: Catalog) -> ProfilesError:
    return ProfilesError(_from_here((*found.errors, *found.warnings)))


def _from_here(problems: Iterable[Problem]) -> Iterable[Problem]:
    """Yield problems with file paths relative to the working directory."""
    profiles_dir = folder.profiles_dir()
    label = folder.absolute(profiles_dir).name
    for problem in problems:
        within = problem.file.removeprefix(label)
        is_inside = within != problem.file and within[:1] in {"", "/"}
        yield replace(problem, file=profiles_dir.as_posix() + within) if is_inside else problem


def _print_error_count(found: Catalog) -> None:
    count = len(found.errors)
    if count:
        problems = f"{count} problem{'s' if count > 1 else ''}"
        where = printable(folder.profiles_dir().as_posix())
        print_text(f"{where}: {problems} in other profiles; run timing-profiles check", sys.stderr)


def field(found: Catalog, path: str) -> Field:
    """Return a field by its dotted path.

    Raises:
        UsageError: No field has that path.
    """
    chosen = found.schema.fields.get(path)
    if chosen:
        return chosen
    problem = found.schema.unknown_path(path)
    raise UsageError(_with_hint(f"{quoted(path)}: {problem.message}", problem.hint))


def _with_hint(message: str, hint: str) -> str:
    return f"{message}; {hint}" if hint else message
