"""Read a set of profiles from a commit, with git.

A set takes two processes, however many files it has: one finds the repository, one reads every
object. Neither runs hooks, filters or a pager, uses the network, or prompts.

The repository is the one with the nearest `.git` above the directory, and no other: git would also
accept a directory of checked-in files as a bare repository, and apply the configuration in it.
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
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, cast

from timing_profiles.catalog import catalog, schema_file
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.folder import MAX_BYTES, Contents, is_profile
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, ProfilesError, did_you_mean, quoted, strerror

# Git sets these for its hooks, about the repository of the hook; ours is the one with the profiles.
# The variables about objects stay: a commit that is being received is in a quarantine directory.
_OF_A_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR"})

# A partial clone would fetch missing objects, with commands from its configuration. Git before
# 2.39.4 does not know GIT_NO_LAZY_FETCH: there, no protocol is allowed.
_QUIETLY = {
    "LC_ALL": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "GCM_INTERACTIVE": "never",
}

# Options of each command, so that no configuration runs a program.
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

# Answers of `git cat-file --batch --follow-symlinks`: an object, or why a link has no target.
_FOUND = re.compile(rb"([0-9a-f]{40,}) (blob|tree|commit) ([0-9]+)\n")
_ASTRAY = re.compile(rb"(symlink|dangling|loop|notdir) ([0-9]+)\n")
_CHUNK = 1 << 16

# Why a path of a commit has no bytes, by the kind of object that git found.
_NO_FILE = {
    "tree": "is a directory",
    "missing": "its content is not in this repository",
    "symlink": "is a link to a path outside of the repository",
    "dangling": "is a link to a path that does not exist",
    "loop": "is a link to itself",
    "notdir": "is a link through a file",
}


class GitError(Exception):
    """A commit cannot be read; the text is one line for people."""


class Committed(NamedTuple):
    """A directory of profiles in a commit.

    Attributes:
        label: The directory as messages show it, such as `main:profiles`.
        files: The bytes of every profile, by file name; empty without such a directory.
        schema_label: The schema as messages show it, such as `main:schema.json`.
        schema: The bytes of the `schema.json` beside it; None where there is none.
    """

    label: str
    files: Contents
    schema_label: str
    schema: bytes | None


class _Place(NamedTuple):
    """The place of a directory of profiles.

    Attributes:
        top: The top of the work tree, or the directory of a bare repository.
        options: Options of git that name the repository.
        folder: The path of the directory from the top; empty for the top itself.
        schema: The path of the `schema.json` beside it; empty where that is outside.
    """

    top: Path
    options: tuple[str, ...]
    folder: str
    schema: str

    @property
    def inside(self) -> str:
        """Return the prefix of a file name in the directory."""
        return f"{self.folder}/" if self.folder else ""


class _Object(NamedTuple):
    """An object of git, or why there is none.

    Attributes:
        name: Its hexadecimal digits; empty where nothing was found.
        kind: `blob`, `tree`, `commit`, or why nothing was found: a key of `_NO_FILE`.
        content: Its first bytes, as many as were requested.
    """

    name: str
    kind: str
    content: bytes


class _Entry(NamedTuple):
    """An entry of a tree."""

    name: str
    mode: bytes
    object_name: str


def catalog_at(
    revision: str, profiles_dir: Path, label: str = "", before: Catalog | None = None
) -> Catalog:
    """Read and check a directory of profiles in a commit.

    Args:
        revision: The commit, as git takes it: `main`, `HEAD~3`, `v1.2`.
        profiles_dir: The directory, which need not exist any more. The `schema.json` beside it in
            the commit is active, else the packaged one.
        label: The directory as messages show it; such as `main:profiles` by default.
        before: A catalog to build on: a file with the same bytes is not parsed again.

    Returns:
        The set; one without any profile where the commit does not have the directory.

    Raises:
        GitError: There is no git, no repository, or no such commit.
        ProfilesError: Something is wrong; carries every problem of every file.
    """
    found = contents(revision, profiles_dir, label)
    schema = _schema(found)
    if not found.files:
        return catalog.empty(schema, found.label)
    return catalog.build(found.files, schema, before, found.label)


def contents(revision: str, profiles_dir: Path, label: str = "") -> Committed:
    """Read the bytes of every profile of a directory in a commit, and of the schema beside it.

    Args:
        revision: The commit, as git takes it.
        profiles_dir: The directory, which need not exist any more.
        label: The directory as messages show it; such as `main:profiles` by default.

    Raises:
        GitError: There is no git, no repository, or no such commit.
        ProfilesError: The path of the directory or of the schema has another type.
    """
    if not revision or not revision.isprintable():
        raise GitError(f"invalid revision {quoted(revision)}")
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
    found = objects.find(f"{commit.name}:{place.schema}", most=schema_file.MAX_BYTES + 1)
    schema = _schema_content(found, schema_label)
    return Committed(label, files, schema_label, schema)


def _place(profiles_dir: Path) -> _Place:
    folder = Path(os.path.abspath(profiles_dir))  # noqa: PTH100 - a link stays a link, `..` goes
    if "\n" in str(folder):
        raise GitError(f"{quoted(folder.as_posix())}: paths with a line break are not supported")
    if (folder / ".git").exists():
        # The directory above the top is not in the repository.
        return _Place(*_repository(folder), "", "")
    existing = next(path for path in folder.parents if path.is_dir())
    real = existing.resolve()
    top, options = _repository(real)
    path = PurePosixPath(real.relative_to(top).as_posix(), folder.relative_to(existing).as_posix())
    return _Place(top, options, str(path), str(path.parent / schema_file.FILE_NAME))


def _repository(directory: Path) -> tuple[Path, tuple[str, ...]]:
    """Find the repository around a directory: the top of its work tree, and options that name it.

    Git never checks out a `.git`, so that files of a repository cannot contain another one.
    """
    around = (directory, *directory.parents)
    top = next((path for path in around if (path / ".git").exists()), None)
    if top:
        # Only here, without its name, git refuses the repository of another user.
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
    message = f"unknown commit {quoted(revision)}"
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
    # A request is one line; a name with a line break is not valid for a profile anyway.
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
    """The objects of a repository, by their names."""

    def __init__(self, questions: IO[bytes], answers: IO[bytes], errors: IO[bytes]) -> None:
        self._questions = questions
        self._answers = answers
        self._errors = errors

    def find(self, name: str, most: int | None = None) -> _Object:
        """Find an object; links within the commit are followed.

        Args:
            name: The name, on one line.
            most: The number of bytes of its content to return; all by default.
        """
        with suppress(OSError):  # git has ended; stderr has the reason
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
                raise GitError("git: ended within an answer")
            left -= len(passed_over)
        return kept


@contextmanager
def _opened(place: _Place) -> Iterator[_Objects]:
    command = _command(*place.options, "cat-file", "--batch", "--follow-symlinks")
    with (
        _temporary_file() as errors,
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


def _temporary_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise GitError(f"TMPDIR: cannot write temporary files: {error.strerror}") from None


def _git(directory: Path, options: tuple[str, ...], *arguments: str) -> bytes:
    """Run a git command in a directory; return its stdout."""
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
        raise GitError(f"git of the current directory is not run: {Path(executable).as_posix()}")
    return [executable, *_GUARDED, *arguments]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK} | _QUIETLY


def _reason(written: bytes) -> str:
    errors = written.decode("utf-8", "replace")
    found = re.search(r"^(?:fatal|error): (.*)", errors, re.MULTILINE)
    reason = found[1] if found else f"failed: {quoted(errors)}"
    if "dubious ownership" in reason:
        return f"{reason}; `git config --global --add safe.directory ...` trusts it"
    if "promisor remote" in reason:
        return f"{reason}; this clone is partial: `git fetch --refetch --no-filter` completes it"
    return reason
