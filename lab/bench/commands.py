"""The command line, in whole processes, beside commands that do about the same."""

import gc
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bench.inputs import PROFILE, PROFILES, ROOT
from lab.bench.table import Row
from lab.bench.timing import in_turns, shown
from timing_profiles.catalog import catalog
from timing_profiles.profile import DEFAULT

_FEW, _SOME, _MANY = 10, 50, 10_000
_CHECK_AT_MOST = 0.5
_SHOW_AT_MOST = 1.4
_FLAT_WITHIN = 1.3
_MEGABYTES = 200
_MORE_THAN_GIT = 0.150  # s

# Runs a command; prints its seconds, and the MB that it held at most.
_WATCH = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
unit = 1 if sys.platform == "darwin" else 1024
print(json.dumps([time.perf_counter() - started, used.ru_maxrss * unit / 1e6]))
sys.exit(os.waitstatus_to_exitcode(status))
"""

# Both change what is measured: another set, and modules that are compiled in each process.
_NOT_OURS = frozenset({"PROFILES_DIR", "PYTHONDONTWRITEBYTECODE"})

_BIN = Path(sys.executable).parent
_OURS = str(_BIN / "timing-profiles")
_THEIRS = str(_BIN / "check-jsonschema")
_GIT = shutil.which("git") or "git"
_EMPTY = (sys.executable, "-c", "import yaml, jsonschema")


@dataclass(frozen=True, slots=True)
class _Run:
    """The duration of a process in seconds, and its peak memory in MB."""

    seconds: float
    megabytes: float


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure `check`, `show` and `diff --git`, and the growth of `check`."""
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        some, many = (_set(Path(folder) / str(count), count) for count in (_SOME, _MANY))
        return [
            _check(some, _SOME, rounds=5 if quick else 30),
            *_check_many(many, rounds=1 if quick else 3),
            _show(some, rounds=5 if quick else 30),
            _growth(Path(folder), rounds=1 if quick else 5),
            _diff(some, rounds=5 if quick else 30),
        ]


def _set(folder: Path, count: int) -> Path:
    """Make a project with a number of profiles, most of them equal."""
    profiles = folder / "profiles"
    profiles.mkdir(parents=True)
    shutil.copy(ROOT / "schema.json", folder)
    shutil.copy(PROFILES / f"{DEFAULT}.yaml", profiles)
    text = (PROFILES / f"{PROFILE}.yaml").read_text(encoding="utf-8")
    for number in range(1, count):
        (profiles / f"{PROFILE}-{number}.yaml").write_text(text, encoding="utf-8")
    return folder


def _check(folder: Path, count: int, *, rounds: int) -> Row:
    ours, theirs = _in_turns((_OURS, "check"), _check_jsonschema(folder), folder, rounds)
    return _check_row(f"check {count} files", ours, theirs)


def _check_many(folder: Path, *, rounds: int) -> Sequence[Row]:
    ours, theirs = _in_turns((_OURS, "check"), _check_jsonschema(folder), folder, rounds)
    memory = Row(
        f"memory of check, {_MANY:,} files",
        f"{ours.megabytes:.0f} MB",
        f"check-jsonschema: {theirs.megabytes:.0f} MB",
        f"{ours.megabytes:.0f} MB",
        f"{_MEGABYTES} MB",
        ours.megabytes <= _MEGABYTES,
    )
    return [_check_row(f"check {_MANY:,} files", ours, theirs), memory]


def _check_jsonschema(folder: Path) -> tuple[str, ...]:
    files = sorted(str(path.relative_to(folder)) for path in folder.glob("profiles/*"))
    return (_THEIRS, "--schemafile", "schema.json", *files)


def _check_row(work: str, ours: _Run, theirs: _Run) -> Row:
    ratio = ours.seconds / theirs.seconds
    return Row(
        work,
        shown(ours.seconds),
        f"check-jsonschema: {shown(theirs.seconds)}",
        f"{ratio:.2f}x",
        f"{_CHECK_AT_MOST:g}x",
        ratio <= _CHECK_AT_MOST,
    )


def _show(folder: Path, *, rounds: int) -> Row:
    ours, empty = _in_turns((_OURS, "show", f"{PROFILE}-1"), _EMPTY, folder, rounds)
    ratio = ours.seconds / empty.seconds
    return Row(
        f"show, {_SOME} profiles",
        shown(ours.seconds),
        f"import yaml, jsonschema: {shown(empty.seconds)}",
        f"{ratio:.2f}x",
        f"{_SHOW_AT_MOST:g}x",
        ratio <= _SHOW_AT_MOST,
    )


def _growth(folder: Path, *, rounds: int) -> Row:
    """Return the cost of one more file, without that of `default` alone."""
    one, few, many = (
        _set(folder / f"growth-{count}", count) / "profiles" for count in (1, _FEW, _MANY)
    )
    gc.disable()  # its pauses are not part of the growth
    alone = in_turns(_loading(one), _loading(few), rounds=20 * rounds, calls=5)
    of_many = in_turns(_loading(many), _loading(one), rounds=rounds, calls=1)
    gc.enable()
    each_of_few = (alone.theirs - alone.ours) / (_FEW - 1)
    each_of_many = (of_many.ours - of_many.theirs) / (_MANY - 1)
    ratio = each_of_many / each_of_few
    return Row(
        f"check, each of {_MANY:,} files",
        shown(each_of_many),
        f"each of {_FEW}: {shown(each_of_few)}",
        f"{ratio:.2f}x",
        f"{_FLAT_WITHIN:g}x",
        ratio <= _FLAT_WITHIN,
    )


def _loading(profiles: Path) -> Callable[[], object]:
    return lambda: catalog.load(profiles)


def _diff(folder: Path, *, rounds: int) -> Row:
    _commit(folder)
    files = sorted(path.name for path in folder.glob("profiles/*"))
    git_show = (_GIT, "show", *(f"HEAD:profiles/{name}" for name in files))
    ours, theirs = _in_turns((_OURS, "diff", "--git", "HEAD"), git_show, folder, rounds)
    more = ours.seconds - theirs.seconds
    return Row(
        f"diff --git, {_SOME} profiles",
        shown(ours.seconds),
        f"git show: {shown(theirs.seconds)}",
        f"+{more * 1000:.0f} ms",
        f"+{_MORE_THAN_GIT * 1000:.0f} ms",
        more <= _MORE_THAN_GIT,
    )


def _commit(folder: Path) -> None:
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
    commit = (*who, "commit", "--quiet", "--message", "profiles")
    for command in (("init", "--quiet", "--initial-branch=main"), ("add", "."), commit):
        _run((_GIT, *command), folder)


def _in_turns(
    ours: Sequence[str], theirs: Sequence[str], folder: Path, rounds: int
) -> tuple[_Run, _Run]:
    """Return the medians of two commands that run alternately, so that load affects both."""
    turns = [(_run(ours, folder), _run(theirs, folder)) for _ in range(rounds + 1)][1:]
    one, other = (_median(side) for side in zip(*turns, strict=True))
    return one, other


def _run(command: Sequence[str], folder: Path) -> _Run:
    # A process starts with its parent's size as the most that it held: the watch is a small one.
    watch = (sys.executable, "-S", "-c", _WATCH, *command)
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
    printed = subprocess.run(watch, cwd=folder, env=environment, check=True, capture_output=True)  # noqa: S603 - our own
    seconds, megabytes = json.loads(printed.stdout)
    return _Run(seconds, megabytes)


def _median(runs: Sequence[_Run]) -> _Run:
    return _Run(
        statistics.median(run.seconds for run in runs),
        statistics.median(run.megabytes for run in runs),
    )
