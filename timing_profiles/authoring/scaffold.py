"""Plan the files that `init` writes into a repository; write all of them, or none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from timing_profiles.authoring import pre_commit_config
from timing_profiles.catalog import schema_file
from timing_profiles.catalog.folder import DEFAULT_NAME
from timing_profiles.problems import Problem, ProfilesError

SETTINGS = """\
{
  "yaml.schemas": {
    "./schema.json": "profiles/*.yaml"
  }
}
"""

EXTENSIONS = """\
{
  "recommendations": ["redhat.vscode-yaml"]
}
"""

CHECK = "timing-profiles check"

Action = Literal["wrote", "kept", "extended", "absent"]


@dataclass(frozen=True, slots=True)
class Step:
    """The change of one file.

    Attributes:
        file: Its path in the repository.
        action: `wrote` where it did not exist, `kept` where it did, `extended` where lines are
            added to it, `absent` where it would be outside of the repository.
        content: Its new bytes; empty where nothing is written.
        before: Its old bytes, where it is extended.
        to_add: Lines that a person has to add to it.
    """

    file: Path
    action: Action
    content: bytes = b""
    before: bytes = b""
    to_add: str = ""


def plan(directory: Path) -> list[Step]:
    """Plan the missing files of a repository.

    Args:
        directory: The repository; it need not exist.

    Raises:
        ProfilesError: A path has another type; carries all such problems.
    """
    files = {
        **{
            Path(DEFAULT_NAME, starter.name): starter.read_bytes()
            for starter in schema_file.starters()
        },
        Path(schema_file.FILE_NAME): schema_file.packaged(schema_file.FILE_NAME).read_bytes(),
        Path(".vscode", "settings.json"): SETTINGS.encode(),
        Path(".vscode", "extensions.json"): EXTENSIONS.encode(),
    }
    obstacles = [*_obstacles(directory, [*files, Path(pre_commit_config.FILE_NAME)])]
    problems = obstacles or [*_foreign_schema(directory)]
    if problems:
        raise ProfilesError(problems)
    steps = [_step(directory, file, content) for file, content in files.items()]
    return [*steps, _hook_step(directory)]


def write(directory: Path, steps: Sequence[Step]) -> None:
    """Write what was planned: all files, or none.

    Raises:
        ProfilesError: A file cannot be written; nothing has changed.
    """
    changes = [step for step in steps if step.content]
    with ExitStack() as undo:
        for missing in _missing_directories(directory, changes):
            with _writing(missing):
                missing.mkdir()
            undo.callback(_remove_directory, missing)
        if changes:
            _write(directory, changes, undo)
        undo.pop_all()


def _write(directory: Path, changes: Sequence[Step], undo: ExitStack) -> None:
    with ExitStack() as staging:
        with _writing(directory):
            prefix = ".timing-profiles-init-"
            aside = Path(staging.enter_context(TemporaryDirectory(prefix=prefix, dir=directory)))
        for number, step in enumerate(changes):
            with _writing(directory / step.file):
                (aside / str(number)).write_bytes(step.content)
        for number, step in enumerate(changes):
            target = directory / step.file
            with _writing(target):
                if step.action == "extended":
                    if target.read_bytes() != step.before:
                        raise OSError(0, "changed while init was running")
                    shutil.copymode(target, aside / str(number))
                    (aside / str(number)).replace(target)
                    undo.callback(target.write_bytes, step.before)
                else:
                    _put(aside / str(number), target)
                    undo.callback(target.unlink)


def _put(source: Path, target: Path) -> None:
    """Move a file to a path that does not exist."""
    try:
        os.link(source, target)  # refuses to replace a file, which a rename does on POSIX
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(target):
            raise
        source.rename(target)


def _step(directory: Path, file: Path, content: bytes) -> Step:
    target = directory / file
    if not os.path.lexists(target):
        return Step(file, "wrote", content)
    if file.name == "settings.json":
        # It may contain comments: it is neither parsed nor rewritten.
        return _kept(target, file, ('"./schema.json"', '"profiles/*.yaml"'), SETTINGS)
    if file.name == "extensions.json":
        return _kept(target, file, ("redhat.vscode-yaml",), EXTENSIONS)
    return Step(file, "kept")


def _kept(target: Path, file: Path, words: Sequence[str], lines: str) -> Step:
    text = _text(target) or ""
    return Step(file, "kept", to_add="" if all(word in text for word in words) else lines)


def _hook_step(directory: Path) -> Step:
    """Plan the hook: pre-commit reads the configuration at the top of the work tree."""
    top = _top_of_work_tree(directory)
    below = Path(os.path.abspath(directory)).relative_to(top)  # noqa: PTH100 - links stay
    is_top = below == Path()
    entry = CHECK if is_top else f"{CHECK} {(below / DEFAULT_NAME).as_posix()}"
    file = Path(*[".."] * len(below.parts), pre_commit_config.FILE_NAME)
    target = directory / file
    if not os.path.lexists(target):
        content = pre_commit_config.new(entry)
        # Nothing is written outside of the directory.
        is_ours = Step(file, "wrote", content.encode())
        return is_ours if is_top else Step(file, "absent", to_add=content)
    text = _text(target)
    if text is None:  # it cannot be read
        return Step(file, "kept", to_add=pre_commit_config.hook(entry))
    if pre_commit_config.has_hook(text):
        return Step(file, "kept")
    may_change = is_top and not target.is_symlink()
    extended = pre_commit_config.with_hook(text, entry) if may_change else None
    if extended is None:
        return Step(file, "kept", to_add=pre_commit_config.to_add(text, entry))
    return Step(file, "extended", extended.encode(), text.encode())


def _top_of_work_tree(directory: Path) -> Path:
    """Return the nearest directory above that has a `.git`, else the directory itself."""
    here = Path(os.path.abspath(directory))  # noqa: PTH100 - links stay
    for parent in (here, *here.parents):
        if os.path.lexists(parent / ".git"):
            return parent
    return here


def _text(file: Path) -> str | None:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _obstacles(directory: Path, files: Iterable[Path]) -> Iterator[Problem]:
    """Yield the paths to be written that exist with another type."""
    for parent in sorted({file.parent for file in files} - {Path()}):
        place = directory / parent
        if not os.path.lexists(place):
            continue
        if place.is_symlink():
            hint = f"run `timing-profiles init` in its target: {_real(place).parent}"
            message = "is a link; init does not write through links"
            yield _problem(place, message, hint if place.is_dir() else "")
        elif not place.is_dir():
            yield _problem(place, "is not a directory")
    for file in files:
        place = directory / file
        # A broken link is reported, and a pipe is not read.
        if os.path.lexists(place) and not os.path.isfile(place):  # noqa: PTH113 - never raises
            yield _problem(place, "is not a regular file")


def _foreign_schema(directory: Path) -> Iterator[Problem]:
    """Yield a problem where an existing `schema.json` cannot be the schema of profiles."""
    place = directory / schema_file.FILE_NAME
    if not place.exists():
        return
    try:
        schema_file.load(directory / DEFAULT_NAME)
    except ProfilesError as error:
        if any(problem.hint == schema_file.HOW_TO_ADD for problem in error.problems):
            return  # that of an older release, which is kept, and reported by the check
        first = error.problems[0]
        reason = ": ".join(part for part in (first.path, first.message) if part)
        hint = "use another directory: `timing-profiles init DIR`"
        yield _problem(place, f"exists and is not a schema of profiles: {reason}", hint)


def _missing_directories(directory: Path, changes: Sequence[Step]) -> list[Path]:
    """Return the directories to create, the outermost first."""
    missing: list[Path] = []
    for place in (directory, *(directory / step.file.parent for step in changes)):
        above = [place, *place.parents]
        missing += reversed([path for path in above if not os.path.lexists(path)])
    return list(dict.fromkeys(missing))


def _remove_directory(path: Path) -> None:
    with suppress(OSError):  # another program may have put something into it
        path.rmdir()


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"cannot be written: {error.strerror}; nothing has been changed"
        raise ProfilesError([_problem(place, message)]) from None


def _problem(place: Path, message: str, hint: str = "") -> Problem:
    return Problem("init", message, file=str(place), hint=hint)


def _real(place: Path) -> Path:
    return Path(os.path.realpath(place))
