"""A worker's main process with many profiles: an edit, a checkout, and idling."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.bench.inputs import PROFILES, ROOT, many_profiles, one_of_many
from lab.bench.stage import LIMIT
from lab.bench.table import Row
from lab.bench.timing import shown
from sandbox.polling import eventually

_MANY = 10_000
_CHANGED = 1_000

_EDIT_AT_MOST = 2.0  # seconds
_RELOADS_AT_MOST = 2
_SETTLED_WITHIN = 1.0  # seconds
_IDLE_AT_MOST = 0.3  # percent of a core
_NO_EVENTS_AT_MOST = 1.0

_IDLE_AFTER = 7.0  # seconds after which a start has done all it does, a first comparison included

# The limit of a user namespace of its own.
_NO_EVENTS = (
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    *('echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"', "sh"),
)


@dataclass(frozen=True, slots=True)
class _Publisher:
    """A process with a publisher.

    Attributes:
        asked: Its standard input.
        answers: Its standard output.
        profiles: What it watches.
        published: Where it publishes.
    """

    asked: asyncio.StreamWriter
    answers: asyncio.StreamReader
    profiles: Path
    published: Path

    async def so_far(self) -> dict[str, float]:
        """Return its CPU time in seconds, and its reloads."""
        self.asked.write(b"\n")
        found: dict[str, float] = json.loads(await self.answers.readline())
        return found

    async def busy(self, seconds: float) -> float:
        """Return the share of a core that it takes while idle."""
        before = (await self.so_far())["cpu"]
        started = time.monotonic()
        await asyncio.sleep(seconds)
        return ((await self.so_far())["cpu"] - before) / (time.monotonic() - started)

    async def edit(self, number: int) -> None:
        """Save one profile, and wait until it is published."""
        before = self.published.stat()
        edited = self.profiles / "edited.yaml"
        aside = edited.with_suffix(".aside")
        aside.write_text(one_of_many(number), encoding="utf-8")
        aside.replace(edited)
        await eventually(
            lambda: self.published.stat().st_ino != before.st_ino, LIMIT, "the edit is published"
        )


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure edits, a checkout, and idle time."""
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        return asyncio.run(_rows(Path(folder), quick=quick))


async def _rows(folder: Path, *, quick: bool) -> Sequence[Row]:
    seconds = 10 if quick else 60
    return [
        await _edits(folder / "edits", edits=10 if quick else 50),
        *await _checkouts(folder / "checkouts", checkouts=1 if quick else 5),
        await _idle(folder / "idle", "an idle worker, the starter profiles", seconds),
        await _idle_without_events(folder / "no-events", seconds),
    ]


async def _edits(folder: Path, *, edits: int) -> Row:
    """Return the longest time from an edit until it is published, in seconds."""
    async with _publisher(many_profiles(folder, _MANY)) as publisher:
        await asyncio.sleep(_IDLE_AFTER)
        seconds = max([await _edit(publisher, edit) for edit in range(edits)])
    work, within = f"an edit, {_MANY:,} profiles -> published", shown(_EDIT_AT_MOST)
    return Row(work, shown(seconds), "", shown(seconds), within, seconds <= _EDIT_AT_MOST)


async def _edit(publisher: _Publisher, number: int) -> float:
    started = time.monotonic()
    await publisher.edit(number)
    seconds = time.monotonic() - started
    await asyncio.sleep(0.1)  # the log of the reload, and what is freed
    return seconds


async def _checkouts(folder: Path, *, checkouts: int) -> Sequence[Row]:
    """Git changes many files, back and forth between two commits."""
    profiles = many_profiles(folder, _CHANGED)
    _git(folder, "init", "--quiet", "--initial-branch=before")
    _commit(folder)
    _git(folder, "checkout", "--quiet", "-b", "after")
    for path in profiles.glob("profile-*.yaml"):
        path.write_text(one_of_many(1), encoding="utf-8")
    _commit(folder)
    async with _publisher(profiles) as publisher:
        await asyncio.sleep(_IDLE_AFTER)
        branches = ("before", "after") * checkouts
        found = [await _checkout(publisher, folder, branch) for branch in branches]
    seconds, reloads = max(seconds for seconds, _ in found), max(reloads for _, reloads in found)
    work = f"git checkout of {_CHANGED:,} files"
    within = shown(_SETTLED_WITHIN)
    few = reloads <= _RELOADS_AT_MOST
    return [
        Row(f"{work}: reloads, at worst", f"{reloads:g}", "", f"{reloads:g}", "2", few),
        Row(f"{work} -> published", shown(seconds), "", shown(seconds), within, seconds <= 1),
    ]


async def _checkout(publisher: _Publisher, folder: Path, branch: str) -> tuple[float, float]:
    """Return the seconds from its end until all was published, and the number of reloads."""
    before = (await publisher.so_far())["reloads"]
    await asyncio.to_thread(_git, folder, "checkout", "--quiet", branch)
    ended = time.time()
    await asyncio.sleep(3)
    reloads = (await publisher.so_far())["reloads"] - before
    return publisher.published.stat().st_mtime - ended, reloads


async def _idle(folder: Path, work: str, seconds: float) -> Row:
    shutil.copytree(PROFILES, folder / "profiles")
    async with _publisher(folder / "profiles") as publisher:
        return await _idling(publisher, work, seconds, _IDLE_AT_MOST)


async def _idle_without_events(folder: Path, seconds: float) -> Row:
    work = f"the same without events, {_CHANGED:,} profiles"
    async with _publisher(many_profiles(folder, _CHANGED), _NO_EVENTS) as publisher:
        return await _idling(publisher, work, seconds, _NO_EVENTS_AT_MOST)


async def _idling(publisher: _Publisher, work: str, seconds: float, at_most: float) -> Row:
    await asyncio.sleep(_IDLE_AFTER)
    percent = 100 * await publisher.busy(seconds)
    result = f"{percent:.2f}%"
    return Row(work, result, "a core", result, f"{at_most:g}%", percent <= at_most)


@contextlib.asynccontextmanager
async def _publisher(profiles: Path, around: Sequence[str] = ()) -> AsyncGenerator[_Publisher]:
    """A process that watches a folder until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(*around, sys.executable, "-m", "lab.bench.publisher_process", str(profiles)),
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(profiles.parent)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    if not process.stdin or not process.stdout:
        raise TypeError(process)
    try:
        published = (await process.stdout.readline()).decode().strip()
        yield _Publisher(process.stdin, process.stdout, profiles, Path(published))
    finally:
        process.stdin.close()
        await process.wait()


def _commit(folder: Path) -> None:
    who = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
    _git(folder, "add", "profiles")
    _git(folder, *who, "commit", "--quiet", "--message", "profiles")


def _git(folder: Path, *arguments: str) -> None:
    command = (shutil.which("git") or "git", *arguments)
    subprocess.run(command, cwd=folder, check=True, capture_output=True)  # noqa: S603 - our own
