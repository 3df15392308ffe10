"""`check`: report the problems of profiles."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from timing_profiles.catalog import catalog, folder, schema_file
from timing_profiles.catalog.folder import SUFFIX
from timing_profiles.catalog.inheritance import CYCLE
from timing_profiles.cli import chosen
from timing_profiles.cli.output import print_annotations, print_json, print_problems, print_text
from timing_profiles.problems import Problem, ProfilesError, in_order, listed, printable, strerror

SetProblems = Callable[[Path], Sequence[Problem]]


def run(paths: Sequence[str], form: str, *, strict: bool, add_missing: bool) -> int:
    """Print the problems of directories, each a set, and of files within the set of theirs.

    Args:
        paths: The directories and files; the directory of profiles by default.
        form: `text`, `json` or `github`.
        strict: Whether warnings are problems.
        add_missing: Whether to add the fields first that a newer release requires.

    Returns:
        1 if there is a problem, else 0.

    Raises:
        ProfilesError: A file that lacks fields cannot be changed.
    """
    named = [Path(path) for path in paths] or [folder.profiles_dir()]
    if add_missing:
        _add_missing(dict.fromkeys(path if path.is_dir() else path.parent for path in named))
    set_problems = cache(problems_of_set)  # several files may be in one directory
    unreadable = None if paths else chosen.unreadable()
    found = in_order(
        [unreadable]
        if unreadable
        else (problem for path in named for problem in _problems(path, set_problems))
    )
    if form == "json":
        print_json([problem.to_json() for problem in found])
    elif form == "github":
        print_annotations(found)
    else:
        print_problems(found, sys.stdout)
        if sys.stderr.isatty():
            _summary(found, named)
    return int(any(strict or problem.severity == "error" for problem in found))


def _add_missing(directories: Iterable[Path]) -> None:
    from timing_profiles.authoring import upgrade

    for directory in directories:
        for added in upgrade.add_missing(directory):
            print_text(
                f"{printable(added.file.as_posix())}: added {listed(added.fields)}", sys.stderr
            )


def _problems(path: Path, set_problems: SetProblems) -> Iterable[Problem]:
    """Return the problems of a directory, or of one file within its directory's set."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return [Problem("unreadable", f"cannot be read: {strerror(error)}", file=path.as_posix())]
    if stat.S_ISDIR(mode):
        return set_problems(path)
    if not stat.S_ISREG(mode):
        return [Problem("unreadable", "cannot be read: not a regular file", file=path.as_posix())]
    if path.name == schema_file.FILE_NAME:
        return _schema_problems(path)
    if not folder.is_profile(path.name):
        message = f"the name must end in {SUFFIX} and not begin with a dot"
        return [Problem("name", message, file=path.as_posix())]
    return _file_problems(path, set_problems)


def _file_problems(path: Path, set_problems: SetProblems) -> Iterator[Problem]:
    label = path.parent.as_posix()
    for problem in set_problems(path.parent):
        if problem.file == f"{label}/{path.name}":
            yield replace(problem, file=path.as_posix())
        elif problem.file == label or problem.code in {"schema", "default-missing"}:
            yield problem
        elif problem.message.startswith(CYCLE):
            yield from [problem] if path.stem in problem.message.split() else ()


def problems_of_set(profiles_dir: Path) -> Sequence[Problem]:
    """Return the problems of a directory, with file paths relative to the working directory."""
    try:
        return catalog.load(profiles_dir, label=profiles_dir.as_posix()).warnings
    except ProfilesError as error:
        beside = Path(os.path.normpath(profiles_dir / ".." / schema_file.FILE_NAME))
        return [
            replace(problem, file=beside.as_posix()) if problem.code == "schema" else problem
            for problem in error.problems
        ]


def _schema_problems(path: Path) -> Iterable[Problem]:
    try:
        schema_file.load(path.absolute().parent / "profiles")
    except ProfilesError as error:
        return [replace(problem, file=path.as_posix()) for problem in error.problems]
    return ()


def _summary(found: Sequence[Problem], paths: Sequence[Path]) -> None:
    """Print the number of problems."""
    counts = Counter(problem.severity for problem in found)
    parts = [f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items()]
    where = listed((printable(path.as_posix()) for path in paths), most=3)
    print_text(f"{where}: {' and '.join(parts) or 'no problems'}", sys.stderr)
