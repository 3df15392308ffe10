"""A set of profiles as a commit had it, read with git.

Two processes for a set, however many files it has: one finds the repository, one reads every
object. Neither runs hooks, filters or a pager, connects to anything, or asks a person for anything.

The repository is the one whose `.git` is the nearest above the directory, and no other: git would
also take a directory of checked-in files for a bare repository, and obey the configuration in it.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from timing_profiles.catalog import catalog, schema_file
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.folder import MAX_BYTES, Contents, is_profile
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, ProfilesError, did_you_mean, quoted, strerror

# A hook's git tells its children where *its* repository lies; ours is the one with the profiles.
# What is said of objects stays: a commit that is being received lies in a quarantine of its own.
_OF_A_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"})

# A partial clone would fetch what it lacks, with the commands that its configuration names. Before
# 2.39.4 git does not know GIT_NO_LAZY_FETCH; it then connects by no protocol.
_QUIETLY = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "GCM_INTERACTIVE": "never",
}

# Options of each command, so that no configuration names a program to run.
_GUARDED = (
    "--no-pager",
    "-c",
    "safe.bareRepository=explicit",
    "-c",
    "core.fsmonitor=false",
    "-c",
    f"core.hooksPath={os.devnull}",
)

# The modes of git's trees, https://git-scm.com/docs/git-fast-import#_filemodify
_LINK, _SUBMODULE = b"120000", b"160000"

# What `git cat-file --batch --follow-symlinks` answers: an object, or why a link leads to none.
_FOUND = re.compile(rb"([0-9a-f]{40,}) (blob|tree|commit) ([0-9]+)\n")
_ASTRAY = re.compile(rb"(symlink|dangling|loop|notdir) ([0-9]+)\n")
_CHUNK = 1 << 16

# Why a path of a commit has no bytes, by what git found there.
_NO_FILE = {
    "tree": "is a directory",
    "missing": "git does not have its content",
    "symlink": "is a link out of the repository",
    "dangling": "is a link to nowhere",
    "loop": "is a link that leads to itself",
    "notdir": "is a link through a file",
}


class GitError(Exception):
    """Git cannot say what a commit had; the text is one line for people."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A folder of profiles as a commit had it.

    Attributes:
        label: The folder as it is shown to people, such as `main:profiles`.
        files: The bytes of every profile, by file name; empty where there was no such folder.
        schema_label: The schema as it is shown to people, such as `main:schema.json`.
        schema: The bytes of the `schema.json` beside the folder; None where there was none.
    """

    label: str
    files: Contents
    schema_label: str
    schema: bytes | None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a folder of profiles lies.

    Attributes:
        top: The top of its work tree; of a bare repository, its own directory.
        options: Options of git that name the repository, so that git does not look for one.
        folder: Its path from the top; empty for the top itself.
        schema: The path of the `schema.json` beside it; empty where that is not in the repository.
    """

    top: Path
    options: tuple[str, ...]
    folder: str
    schema: str

    @property
    def inside(self) -> str:
        """What stands before the name of a file in the folder."""
        return f"{self.folder}/" if self.folder else ""


@dataclass(frozen=True, slots=True)
class _Object:
    """What git found under a name.

    Attributes:
        name: Its hexadecimal digits; empty where nothing was found.
        kind: `blob`, `tree`, `commit`, or why nothing was found: a key of `_NO_FILE`.
        content: Its first bytes, as many as were asked for.
    """

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a folder had under one name."""

    name: str
    mode: bytes
    object_name: str


def catalog_at(revision: str, profiles_dir: Path, label: str = "") -> Catalog:
    """Read and check a folder of profiles as a commit had it.

    Args:
        revision: The commit, as git takes it: `main`, `HEAD~3`, `v1.2`.
        profiles_dir: The folder, which need not exist any more. The `schema.json` that the commit
            had beside it is in force, else the packaged one.
        label: The folder as it is shown to people; `main:profiles` where it is not given.

    Returns:
        The set; one without any profile where the commit did not have the folder.

    Raises:
        GitError: There is no git, no repository, or no such commit.
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    found = contents(revision, profiles_dir, label)
    schema = _schema(found)
    if not found.files:
        return catalog.empty(schema, found.label)
    return catalog.build(found.files, schema, None, found.label)


def contents(revision: str, profiles_dir: Path, label: str = "") -> Committed:
    """The bytes of every profile of a folder as a commit had it, and of the schema beside it.

    Args:
        revision: The commit, as git takes it.
        profiles_dir: The folder, which need not exist any more.
        label: The folder as it is shown to people; `main:profiles` where it is not given.

    Raises:
        GitError: There is no git, no repository, or no such commit.
        ProfilesError: What the commit had in their place is no folder, or no file.
    """
    if not revision or not revision.isprintable():
        raise GitError(f"{quoted(revision)} is no revision")
    try:
        place = _place(profiles_dir)
        with _opened(place) as objects:
            return _contents(revision, place, objects, label)
    except OSError as error:
        raise GitError(f"{profiles_dir.as_posix()}: {strerror(error)}") from None


def _schema(found: Committed) -> Schema:
    content = found.schema
    if content is None:
        content = schema_file.packaged(schema_file.FILE_NAME).read_bytes()
    return schema_file.read(content, found.schema_label)


def _contents(revision: str, place: _Place, objects: _Objects, label: str) -> Committed:
    commit = objects.find(f"{revision}^{{commit}}", most=0)
    if commit.kind != "commit":
        raise GitError(_unknown(revision, place))
    label = label or f"{revision}:{place.folder or '.'}"
    files = {
        entry.name: _content(objects, entry, f"{commit.name}:{place.inside}", label)
        for entry in _profiles(objects.find(f"{commit.name}:{place.folder}"), label)
    }
    schema_label = f"{revision}:{place.schema}"
    schema = _schema_content(objects.find(f"{commit.name}:{place.schema}"), schema_label)
    return Committed(label, files, schema_label, schema)


def _place(profiles_dir: Path) -> _Place:
    folder = Path(os.path.abspath(profiles_dir))  # noqa: PTH100 - a link stays a link, `..` goes
    if "\n" in str(folder):
        raise GitError(f"{quoted(folder.as_posix())}: git is asked for no path with a line break")
    if (folder / ".git").exists():
        # What lies beside the top of a repository is not in it.
        return _Place(*_repository(folder), "", "")
    existing = next(path for path in folder.parents if path.is_dir())
    real = existing.resolve()
    top, options = _repository(real)
    path = PurePosixPath(real.relative_to(top).as_posix(), folder.relative_to(existing).as_posix())
    return _Place(top, options, str(path), str(path.parent / schema_file.FILE_NAME))


def _repository(directory: Path) -> tuple[Path, tuple[str, ...]]:
    """Find the repository around a directory: the top of its work tree, and options that name it.

    Git never checks `.git` out: who can only add files to a repository cannot bring one.
    """
    around = (directory, *directory.parents)
    top = next((path for path in around if (path / ".git").exists()), None)
    if top:
        # Git refuses the repository of somebody else where it is not named, and so only here.
        found = os.fsdecode(_git(top, (), "rev-parse", "--absolute-git-dir", "--show-cdup"))
        git_dir, up, _ = found.rsplit("\n", 2)  # up: the nearest `.git` may be no repository
        top = (top / up).resolve()
        return top, (f"--git-dir={git_dir}", f"--work-tree={top}")
    # A bare repository that runs a hook names itself.
    bare = Path(os.environ.get("GIT_DIR") or os.devnull).resolve()
    if bare in around:
        return bare, (f"--git-dir={bare}",)
    raise GitError(
        f"{directory.as_posix()}: not a git repository (or any of the parent directories): .git"
    )


def _unknown(revision: str, place: _Place) -> str:
    first, dots, last = revision.partition("..")
    if dots:
        ends = f"{first or 'HEAD'} {last.removeprefix('.') or 'HEAD'}"
        return f"{revision} is a range, not a commit; name its two ends: {ends}"
    message = f"there is no commit {quoted(revision)}"
    hint = _near(revision, place)
    if (
        not hint
        and _git(place.top, place.options, "rev-parse", "--is-shallow-repository") == b"true\n"
    ):
        hint = "this clone is shallow: `git fetch --unshallow`, or `fetch-depth: 0` in a workflow"
    return f"{message}; {hint}" if hint else message


def _near(revision: str, place: _Place) -> str:
    known = _git(place.top, place.options, "for-each-ref", "--format=%(refname:short)")
    names = known.decode("utf-8", "replace").split()
    remote = [name for name in names if name.endswith(f"/{revision}")]
    return did_you_mean(remote[0] if remote else revision, names)


def _profiles(folder: _Object, label: str) -> Iterator[_Entry]:
    if folder.kind == "missing":
        return
    if folder.kind != "tree":
        raise ProfilesError([_unreadable(label, _NO_FILE.get(folder.kind, "is not a directory"))])
    # A tree is `mode name NUL id` again and again, https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    length = len(folder.name) // 2
    for entry in re.finditer(rb"([0-7]+) ([^\0]+)\0(.{%d})" % length, folder.content, re.DOTALL):
        mode, name, object_name = entry.groups()
        if is_profile(os.fsdecode(name)):
            yield _Entry(os.fsdecode(name), mode, object_name.hex())


def _content(objects: _Objects, entry: _Entry, folder: str, label: str) -> bytes | Problem:
    # Git is asked line by line; a name with a line break is none for a profile anyway.
    is_followed = entry.mode == _LINK and "\n" not in entry.name
    name = f"{folder}{entry.name}" if is_followed else entry.object_name
    found = objects.find(name, most=MAX_BYTES + 1)
    if found.kind == "blob":
        return found.content
    reason = "is a submodule" if entry.mode == _SUBMODULE else _NO_FILE[found.kind]
    return _unreadable(f"{label}/{entry.name}", reason)


def _schema_content(schema: _Object, label: str) -> bytes | None:
    if schema.kind in {"missing", "tree"}:
        return None
    if schema.kind != "blob":
        message = f"cannot be read: {_NO_FILE[schema.kind]}"
        raise ProfilesError([Problem("schema", message, file=label)])
    return schema.content


def _unreadable(file: str, reason: str) -> Problem:
    return Problem("unreadable", f"cannot be read: {reason}", file=file)


class _Objects:
    """The objects of a repository, by the names that git takes."""

    def __init__(self, questions: IO[bytes], answers: IO[bytes], errors: IO[bytes]) -> None:
        self._questions = questions
        self._answers = answers
        self._errors = errors

    def find(self, name: str, most: int | None = None) -> _Object:
        """What git finds under a name, links within the commit followed.

        Args:
            name: The name, on one line.
            most: The number of bytes to keep of its content; all by default.
        """
        with suppress(OSError):  # git has ended; what it wrote says why
            self._questions.write(os.fsencode(name) + b"\n")
        line = self._answers.readline()
        if not line:
            self._errors.seek(0)
            raise GitError(f"git: {_reason(self._errors.read())}")
        found, astray = _FOUND.fullmatch(line), _ASTRAY.fullmatch(line)
        if found:
            content = self._read(int(found[3]), most)
            return _Object(found[1].decode(), found[2].decode(), content)
        if astray:
            self._read(int(astray[2]), 0)
        return _Object("", astray[1].decode() if astray else "missing", b"")

    def _read(self, size: int, most: int | None) -> bytes:
        kept = self._answers.read(size if most is None else min(size, most))
        left = size - len(kept) + len(b"\n")
        while left:
            passed_over = self._answers.read(min(left, _CHUNK))
            if not passed_over:
                raise GitError("git: ended in the middle of an answer")
            left -= len(passed_over)
        return kept


@contextmanager
def _opened(place: _Place) -> Iterator[_Objects]:
    command = _command(*place.options, "cat-file", "--batch", "--follow-symlinks")
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(  # noqa: S603 - what users type reaches it as a line, not as an option
            command,
            bufsize=0,  # each question is sent at once
            cwd=place.top,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,  # no terminal, so that no ssh asks there
        ) as process,
    ):
        answers = io.BufferedReader(cast("io.RawIOBase", process.stdout))
        yield _Objects(cast("IO[bytes]", process.stdin), answers, errors)


def _git(directory: Path, options: tuple[str, ...], *arguments: str) -> bytes:
    """What a git command writes that is run in a directory."""
    ran = subprocess.run(  # noqa: S603 - git; nothing that users type is among the arguments
        _command(*options, *arguments),
        cwd=directory,
        env=_environment(),
        capture_output=True,
        check=False,
    )
    if ran.returncode:
        raise GitError(f"{directory.as_posix()}: {_reason(ran.stderr)}")
    return ran.stdout


def _command(*arguments: str) -> list[str]:
    executable = shutil.which("git")
    if not executable:
        raise GitError("git is not installed")
    if not Path(executable).is_absolute():  # Windows looks there first; a repository may bring it
        raise GitError(f"git is not run from the current folder: {Path(executable).as_posix()}")
    return [executable, *_GUARDED, *arguments]


def _environment() -> dict[str, str]:
    return {name: it for name, it in os.environ.items() if name not in _OF_A_HOOK} | _QUIETLY


def _reason(written: bytes) -> str:
    errors = written.decode("utf-8", "replace")
    said = re.search(r"^(?:fatal|error): (.*)", errors, re.MULTILINE)
    reason = said[1] if said else f"it ended with {quoted(errors)}"
    if "dubious ownership" in reason:
        return f"{reason}; `git config --global --add safe.directory ...` trusts it"
    if "promisor remote" in reason:
        return f"{reason}; this clone is partial: `git fetch --refetch --no-filter` completes it"
    return reason
