"""A folder that changes -> whole sets that have come to rest."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from timing_profiles.catalog import catalog, folder, schema_file
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.folder import Contents
from timing_profiles.problems import Problem, ProfilesError, quoted
from timing_profiles.worker import metrics
from timing_profiles.worker.events import EVERYTHING, NOTHING, Changed, Events
from timing_profiles.worker.reload_status import serving
from timing_profiles.worker.rescan import Rescan

SETTLE = 0.03
"""Seconds between two reads that must be alike before a set is believed."""

OPEN_FOR_WRITING = 3.0
"""Seconds that a file which somebody has open for writing may hold a set up."""

_RETRY = 1.0
_MOST_CHANGES_LOGGED = 20

_logger = logging.getLogger("timing_profiles")


class Watcher:
    """Follows a folder of profiles, and keeps the last good set in force.

    Attributes:
        catalog: The set in force.
        serving: Since when it is, and why the folder's present state is not, where it is not.
    """

    def __init__(
        self,
        profiles_dir: Path,
        first: Catalog,
        publish: Callable[[Catalog], None],
        cookies: Path,
    ) -> None:
        """Begin with a set that is published already.

        Args:
            profiles_dir: The folder.
            first: The set that was loaded from it.
            publish: Puts a new set in force; may raise OSError, and is then asked again.
            cookies: A folder of our own, which may be made; see `Events`.
        """
        self.catalog = first
        self.serving = serving(first.revision)
        self._folder = profiles_dir
        self._label = first.label
        self._publish = publish
        self._behind = NOTHING
        self._contents: Contents = {name: entry.content for name, entry in first.entries.items()}
        self._events = Events(profiles_dir, cookies)
        self._rescan = Rescan(profiles_dir, self._label)
        self._failed = False

    async def run(self) -> None:
        """Follow the folder until cancelled."""
        try:
            while True:
                try:
                    changed = await self._change()
                except Exception:
                    _logger.exception("the folder of profiles could not be watched")
                    await asyncio.sleep(_RETRY)
                    changed = EVERYTHING
                await self._reload(changed)
        finally:
            self._events.close()

    async def _change(self) -> Changed:
        """What may have changed since the last time, as soon as anything may have."""
        while True:
            metrics.looked()
            # First, for events may come without a pause.
            if self._rescan.due_in() <= 0:
                missed = await self._missed()
                if missed or (self._failed and self._rescan.ended):
                    return missed
            found = await self._events.next(max(0.0, self._rescan.due_in()))
            if found:
                return found

    async def _missed(self) -> Changed:
        """What contents tell: what events have not told yet, or never will."""
        alive = self._events.alive
        found = await asyncio.to_thread(self._rescan.differing, self._contents, alive)
        if not found:
            return NOTHING
        told = await self._events.until_now(SETTLE)
        # Where no event tells of one file, none may tell of others: files behind a link, say.
        return told if found.names <= told.names and not found.everything else EVERYTHING

    async def _reload(self, changed: Changed) -> None:
        self._failed = False
        try:
            self._contents = await self._settled(changed)
            self._take(await self._fresh(self._contents))
        except ProfilesError as error:
            self._failed = True  # what could not be read may be there again, with no event
            self._keep(error.problems)
        except OSError as error:
            self._failed = True
            self._keep((Problem("unpublished", f"cannot be published: {error}"),))
        except Exception as error:  # noqa: BLE001 - the next state of the folder may be better
            self._failed = True
            what = f"{type(error).__name__}: {error}"
            self._keep((Problem("reload-failed", f"cannot be reloaded: {what}"),), error)

    async def _fresh(self, files: Contents) -> Catalog:
        """A set of these files, published where it is new."""
        before = self.catalog.schema
        in_force = await asyncio.to_thread(schema_file.load, self._folder, before)
        only = None if self._behind.everything else self._behind.names
        fresh = await asyncio.to_thread(
            catalog.build, files, in_force, self.catalog, self._label, only
        )
        if fresh.revision != self.catalog.revision:
            await asyncio.to_thread(self._publish, fresh)
        return fresh

    async def _settled(self, changed: Changed) -> Contents:
        """The folder's contents once two reads are alike and nobody is in the middle of a write.

        Of a file that changes between the two, an event tells: only what changed is read.
        """
        changed = self._seen(changed)
        found, since = await self._read(changed), time.monotonic()
        while True:
            changed = self._seen(changed | await self._events.until_now(SETTLE))
            # Asked before the second read: who ends in between has written what it sees.
            written = await self._is_being_written(changed, found)
            again = await self._read(changed)
            if not _alike(found, again, changed):
                found, since = again, time.monotonic()
            elif not written or time.monotonic() - since > OPEN_FOR_WRITING:
                self._behind |= changed
                return found
            await asyncio.sleep(SETTLE)

    def _seen(self, changed: Changed) -> Changed:
        # An event of a folder that was replaced says nothing of the one in its place.
        return changed if self._events.watches() else EVERYTHING

    async def _read(self, changed: Changed) -> Contents:
        only = None if changed.everything else changed.names
        return await asyncio.to_thread(folder.read, self._folder, self._label, self._contents, only)

    async def _is_being_written(self, changed: Changed, files: Contents) -> bool:
        names = files if changed.everything else changed.names
        return await asyncio.to_thread(_any_being_written, self._folder, names)

    def _keep(self, problems: tuple[Problem, ...], error: Exception | None = None) -> None:
        if problems != self.serving.problems:
            self.serving = self.serving.kept(problems)
            metrics.kept()
            _logger.error(
                "the profiles cannot be used, revision %s stays in force:\n  %s",
                self.catalog.revision,
                "\n  ".join(str(problem) for problem in problems),
                exc_info=error,
            )

    def _take(self, fresh: Catalog) -> None:
        before, self.catalog, self._behind = self.catalog, fresh, NOTHING
        mended = bool(self.serving.problems)
        if fresh.revision != before.revision or mended:
            self.serving = serving(fresh.revision)
            metrics.in_force(fresh.revision)
        if fresh.revision != before.revision:
            _logger.info("%s", _report(before, fresh))
        elif mended:
            _logger.info("the profiles are sound again, revision %s", fresh.revision)


def _alike(one: Contents, other: Contents, changed: Changed) -> bool:
    """Whether two reads of what changed found the same."""
    if changed.everything:
        return one == other
    return all(one.get(name) == other.get(name) for name in changed.names)


def _report(before: Catalog, after: Catalog) -> str:
    """What changed, a line each."""
    lines = list(_changes(before, after))
    rest = len(lines) - _MOST_CHANGES_LOGGED
    more = [f"... and {rest} more"] if rest > 0 else []
    head = f"profiles changed, revision {before.revision} -> {after.revision}"
    return "\n  ".join([head, *lines[:_MOST_CHANGES_LOGGED], *more])


def _changes(before: Catalog, after: Catalog) -> Iterable[str]:
    for name in sorted(after.changed):
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


def _any_being_written(profiles_dir: Path, names: Collection[str]) -> bool:
    return any(_is_being_written(profiles_dir / name) for name in names)


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
