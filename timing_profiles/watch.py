"""A folder that changes -> whole sets that have come to rest."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import math
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterable
from pathlib import Path

import watchfiles

from timing_profiles import catalog, folder, metrics, schema_file
from timing_profiles.catalog import Catalog
from timing_profiles.folder import Contents
from timing_profiles.problems import Problem, ProfilesError, quoted

RESCAN = 5.0
"""Seconds until contents are compared even if no event came: links, network file systems."""

SETTLE = 0.03
"""Seconds between two reads that must be alike before a set is believed."""

OPEN_FOR_WRITING = 3.0
"""Seconds that a file which somebody has open for writing may hold a set up."""

_RETRY = 1.0
_STEP_MS = 20
_MOST_CHANGES_LOGGED = 20

_logger = logging.getLogger("timing_profiles")


class Watcher:
    """Follows a folder of profiles, and keeps the last good set in force.

    Attributes:
        catalog: The set in force.
        problems: Why the folder's present state is not in force; empty where it is.
    """

    def __init__(
        self, profiles_dir: Path, first: Catalog, publish: Callable[[Catalog], None]
    ) -> None:
        """Begin with a set that is published already.

        Args:
            profiles_dir: The folder.
            first: The set that was loaded from it.
            publish: Puts a new set in force; may raise OSError, and is then asked again.
        """
        self.catalog = first
        self.problems: tuple[Problem, ...] = ()
        self._folder = profiles_dir
        self._label = profiles_dir.absolute().name
        self._publish = publish
        self._rested: Contents | None = None

    async def run(self) -> None:
        """Follow the folder until cancelled."""
        async for _ in _ticks(self._folder):
            try:
                metrics.looked()
                self._take(await self._fresh())
            except ProfilesError as error:
                self._keep(error.problems)
            except OSError as error:
                self._keep((Problem("unpublished", f"cannot be published: {error}"),))
            except Exception:
                _logger.exception("the profiles could not be reloaded")

    async def _fresh(self) -> Catalog:
        """The folder's present state, published where it is new."""
        files = await self._settled()
        before = self.catalog.schema
        in_force = await asyncio.to_thread(schema_file.load, self._folder, before)
        fresh = await asyncio.to_thread(catalog.build, files, in_force, self.catalog, self._label)
        if fresh.revision != self.catalog.revision:
            await asyncio.to_thread(self._publish, fresh)
        return fresh

    async def _settled(self) -> Contents:
        """The folder's contents once two reads are alike and nobody is in the middle of a write."""
        seen, since = self._rested, -math.inf
        while True:
            found = await asyncio.to_thread(folder.read, self._folder, self._label)
            now = time.monotonic()
            if found != seen:
                seen, since = found, now
            elif now - since > OPEN_FOR_WRITING or not await self._is_being_written(found):
                self._rested = found
                return found
            await asyncio.sleep(SETTLE)

    async def _is_being_written(self, files: Contents) -> bool:
        return await asyncio.to_thread(_any_being_written, self._folder, files)

    def _keep(self, problems: tuple[Problem, ...]) -> None:
        if problems != self.problems:
            metrics.kept()
            _logger.error(
                "the profiles cannot be used, revision %s stays in force:\n  %s",
                self.catalog.revision,
                "\n  ".join(str(problem) for problem in problems),
            )
        self.problems = problems

    def _take(self, fresh: Catalog) -> None:
        before, self.catalog = self.catalog, fresh
        mended, self.problems = bool(self.problems), ()
        if fresh.revision != before.revision or mended:
            metrics.in_force(fresh.revision)
        if fresh.revision != before.revision:
            _logger.info("%s", _report(before, fresh))
        elif mended:
            _logger.info("the profiles are sound again, revision %s", fresh.revision)


def _report(before: Catalog, after: Catalog) -> str:
    """What changed, a line each."""
    lines = list(_changes(before, after))
    rest = len(lines) - _MOST_CHANGES_LOGGED
    more = [f"... and {rest} more"] if rest > 0 else []
    head = f"profiles changed, revision {before.revision} -> {after.revision}"
    return "\n  ".join([head, *lines[:_MOST_CHANGES_LOGGED], *more])


def _changes(before: Catalog, after: Catalog) -> Iterable[str]:
    for name in sorted({*before.layers, *after.layers}):
        if name not in after.layers:
            yield f"{name}: removed"
        elif name not in before.layers:
            yield f"{name}: new"
        else:
            yield from _layer_changes(name, before, after)
    if before.schema.text != after.schema.text:
        yield "schema.json changed"


def _layer_changes(name: str, before: Catalog, after: Catalog) -> Iterable[str]:
    old, new = before.layers[name].sets, after.layers[name].sets
    for path in after.schema.fields:
        if old.get(path) != new.get(path) or (path in old) != (path in new):
            was = quoted(old[path]) if path in old else "inherited"
            now = quoted(new[path]) if path in new else "inherited"
            yield f"{name}: {path}: {was} -> {now}"
    for what in ("extends", "allow"):
        if getattr(before.layers[name], what) != getattr(after.layers[name], what):
            yield f"{name}: {what} changed"


async def _ticks(profiles_dir: Path) -> AsyncIterator[None]:
    """One tick for each burst of events, and one at least every `RESCAN` seconds."""
    said = ""
    while True:
        yield None
        watched = _identity(profiles_dir)
        try:
            async for _ in _events(profiles_dir):
                yield None
                if _identity(profiles_dir) != watched:
                    break  # another folder stands in its place, and sends no event to this watch
        except FileNotFoundError:
            await asyncio.sleep(_RETRY)  # that the folder is gone is said where it is read
        except (OSError, RuntimeError) as error:
            # Without a free inotify instance, watchfiles raises an error of its own: no OSError.
            if str(error) != said:
                said = str(error)
                _logger.warning("no events, the profiles are read again each second: %s", said)
            await asyncio.sleep(_RETRY)


def _events(profiles_dir: Path) -> AsyncIterator[object]:
    # The folder above, too: `schema.json` lies there, and the folder itself may be replaced.
    return watchfiles.awatch(
        profiles_dir,
        profiles_dir.absolute().parent,
        watch_filter=None,
        step=_STEP_MS,
        rust_timeout=int(RESCAN * 1000),
        yield_on_timeout=True,
        recursive=False,
    )


def _identity(profiles_dir: Path) -> tuple[int, int] | None:
    try:
        found = profiles_dir.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _any_being_written(profiles_dir: Path, files: Contents) -> bool:
    return any(_is_being_written(profiles_dir / name) for name in files)


def _is_being_written(path: Path) -> bool:
    """Whether a process has a file open for writing, where the system can tell.

    Linux grants a read lease only on a file that nobody has open for writing.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # A writer who comes while the lease stands makes the kernel send a signal: SIGIO ends a
        # process, SIGURG is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except (OSError, AttributeError):
        return False
    finally:
        os.close(descriptor)
    return False
