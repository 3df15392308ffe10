"""A directory that changes -> whole sets, each read twice with the same result."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from timing_profiles.catalog import catalog, folder, schema_file
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.folder import Contents
from timing_profiles.problems import Problem, ProfilesError, quoted
from timing_profiles.worker import leases, metrics, reload_status
from timing_profiles.worker.events import Events

DEBOUNCE = 0.03
"""Debounce interval, in seconds: from the end of a read to the next one, which must have the same
result before a set is checked."""

OPEN_FOR_WRITING = 3.0
"""Seconds that a set waits for a process that has one of its changed files open for writing."""

STABLE = 1.5
"""Seconds without a change that a set waits for where the kernel does not tell of writers."""

RESCAN = 4.5
"""Seconds after which all files are compared with the active set, for what events miss."""

_SHORTEST_RESCAN = 1.0
_FILES_A_SECOND = 200  # without events; comparing them takes about half a hundredth of a core
_LONGEST_WAIT = 1.0
_RETRY = 1.0
_MOST_CHANGES_LOGGED = 20

_logger = logging.getLogger("timing_profiles")


class _Files(NamedTuple):
    schema: bytes | Problem
    profiles: Contents


class Watcher:
    """Follows a directory of profiles, and keeps the last valid set active.

    Attributes:
        catalog: The active set.
        serving: Since when it is active, and why the directory's present state is not, if so.
    """

    def __init__(
        self,
        profiles_dir: Path,
        first: Catalog,
        publish: Callable[[Catalog], None],
        is_published: Callable[[], bool] = lambda: True,
        published_again: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with a set that is published already.

        Args:
            profiles_dir: The directory.
            first: The set that was loaded from it.
            publish: Publishes a new set; may raise OSError, and is then called again.
            is_published: Whether what was published is still there.
            published_again: Called in the loop after that was not so, and is again.
        """
        self.catalog = first
        self.serving = reload_status.serving(first.revision)
        self._directory = profiles_dir
        self._publish = publish
        self._is_published = is_published
        self._published_again = published_again
        self._events = Events(profiles_dir)
        self._active: _Files | None = None
        self._read_at = self._rescan_at = 0.0
        self._unknown_logged = False

    async def run(self) -> None:
        """Follow the directory until cancelled."""
        try:
            while True:
                await self._step()
        finally:
            self._events.restart()

    async def _step(self) -> None:
        """Wait for an event or the next rescan, then compare."""
        metrics.looked()
        due_in = max(0.0, self._rescan_at - time.monotonic())
        try:
            event = await self._events.wait(min(due_in, _LONGEST_WAIT))
        except Exception:
            _logger.exception("watching failed, next attempt in %g s", _RETRY)
            await asyncio.sleep(_RETRY)
            event = False
        if not self._is_published():
            await self._restore()
        if event or time.monotonic() >= self._rescan_at:
            await self._reload(event=event)
            self._rescan_at = time.monotonic() + self._rescan_in()

    async def _restore(self) -> None:
        """Publish the active set again."""
        try:
            await asyncio.to_thread(self._publish, self.catalog)
        except OSError as error:
            self._active = None  # once it is published again, the error is cleared
            self._keep((_unpublished(error),))
        else:
            self._published_again()
            _logger.warning(
                "published files are missing, published revision %s again", self.catalog.revision
            )

    def _rescan_in(self) -> float:
        if self._events.alive:
            return RESCAN
        return min(RESCAN, max(_SHORTEST_RESCAN, len(self.catalog.files) / _FILES_A_SECOND))

    async def _reload(self, *, event: bool) -> None:
        """Activate what the directory holds; else keep the active set, and try again later."""
        active, self._active = self._active, None
        try:
            files = await self._read()
            if files != active:
                if active and not event:
                    self._events.restart()  # they may be dead
                files = await self._settled(files)
                self._take(await asyncio.to_thread(self._published, files))
            self._active = files
        except ProfilesError as error:
            self._keep(error.problems)
        except OSError as error:
            self._keep((_unpublished(error),))
        except Exception as error:  # noqa: BLE001 - the next state of the directory may be better
            message = f"cannot be reloaded: {type(error).__name__}: {error}"
            self._keep((Problem("reload-failed", message),), error)

    async def _settled(self, files: _Files) -> _Files:
        """Read until two reads have the same result and no process is in the middle of a write."""
        since = time.monotonic()
        while True:
            # Asked before the second read: who closes it in between has written what that finds.
            stable_for = await asyncio.to_thread(self._stable_for, files)
            await asyncio.sleep(self._read_at + DEBOUNCE - time.monotonic())
            again = await self._read()
            if again != files:
                files, since = again, time.monotonic()
            elif time.monotonic() - since >= stable_for:
                return files

    async def _read(self) -> _Files:
        files = await asyncio.to_thread(self._read_all)
        self._read_at = time.monotonic()  # the end: on a busy machine a read takes long
        return files

    def _read_all(self) -> _Files:
        known = {name: entry.content for name, entry in self.catalog.files.items()}
        profiles = folder.read(self._directory, self.catalog.label, known)
        return _Files(schema_file.content(self._directory), profiles)

    def _stable_for(self, files: _Files) -> float:
        """Decide for how many seconds files must stay as they are, by who may be writing them."""
        known = self.catalog.files
        changed = [
            self._directory / name
            for name, content in files.profiles.items()
            if name not in known or content is not known[name].content
        ]
        if not schema_file.is_of(files.schema, self.catalog.schema):
            changed.append(schema_file.active(self._directory))
        found = {leases.is_open_for_writing(path) for path in changed}
        if None in found and not self._unknown_logged:
            self._unknown_logged = True
            _logger.warning(
                "cannot detect writers of files in %s, changes are active %g s later",
                self._directory,
                STABLE,
            )
        return OPEN_FOR_WRITING if True in found else STABLE if None in found else 0.0

    def _published(self, files: _Files) -> Catalog:
        """Make a set of files, and publish it where it is new."""
        schema = schema_file.read(files.schema)
        fresh = catalog.build(files.profiles, schema, self.catalog, self.catalog.label)
        if fresh.revision != self.catalog.revision:
            self._publish(fresh)
        return fresh

    def _keep(self, problems: tuple[Problem, ...], error: Exception | None = None) -> None:
        if problems != self.serving.problems:
            self.serving = self.serving.kept(problems)
            metrics.rejected()
            _logger.error(
                "profiles rejected, revision %s stays active:\n  %s",
                self.catalog.revision,
                reload_status.reasons(problems),
                exc_info=error,
            )

    def _take(self, fresh: Catalog) -> None:
        before, self.catalog = self.catalog, fresh
        failed = bool(self.serving.problems)
        if fresh.revision != before.revision or failed:
            self.serving = reload_status.serving(fresh.revision)
            metrics.activated(fresh.revision)
        if fresh.revision != before.revision:
            changes = _shortened(_changes(before, fresh))
            _logger.info(
                "profiles changed, revision %s -> %s%s", before.revision, fresh.revision, changes
            )
        elif failed:
            _logger.info("profiles valid again, revision %s", fresh.revision)


def _unpublished(error: OSError) -> Problem:
    return Problem("unpublished", f"cannot be published: {error}")


def _shortened(changes: Iterable[str]) -> str:
    """List changes, each on a line of its own."""
    lines = list(changes)
    more = len(lines) - _MOST_CHANGES_LOGGED
    if more > 0:
        lines[_MOST_CHANGES_LOGGED:] = [f"... and {more} more"]
    return "".join(f"\n  {line}" for line in lines)


def _changes(before: Catalog, after: Catalog) -> Iterable[str]:
    for name in sorted(before.layers.keys() | after.layers.keys()):
        if name not in after.layers:
            yield f"{name}: removed"
        elif name not in before.layers:
            yield f"{name}: new"
        elif after.layers[name] is not before.layers[name]:
            yield from _layer_changes(name, before, after)
    if before.schema.text != after.schema.text:
        yield "schema.json changed"


def _layer_changes(name: str, before: Catalog, after: Catalog) -> Iterable[str]:
    old, new = before.layers[name].sets, after.layers[name].sets
    for path in after.schema.fields:
        if old.get(path) != new.get(path) or (path in old) != (path in new):
            before_and_after = (
                quoted(sets[path]) if path in sets else "inherited" for sets in (old, new)
            )
            yield f"{name}: {path}: {' -> '.join(before_and_after)}"
    for key in ("extends", "allow"):
        if getattr(before.layers[name], key) != getattr(after.layers[name], key):
            yield f"{name}: {key} changed"
