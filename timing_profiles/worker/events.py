"""File system events: when the files of a directory of profiles may have changed."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path

from watchfiles import Change, awatch

from timing_profiles.catalog import folder, schema_file
from timing_profiles.worker import metrics

_Changes = AsyncGenerator[set[tuple[Change, str]], None]
_Paths = asyncio.Future[set[tuple[Change, str]]]

_logger = logging.getLogger("timing_profiles")

# Seconds between two looks at the queue of events; a change is reported at the second look after
# it. Each look wakes the process: this many take about a thousandth of a core.
_STEP = 0.04

_LONGEST_BURST = 0.4
_FIRST_RETRY = 1.0
_LONGEST_RETRY = 60.0


class Events:
    """The events of a directory of profiles, and of the one above, where `schema.json` lies.

    Where there are none, it logs that once, and tries again after 1 s to 60 s.

    Attributes:
        alive: Whether there are events.
    """

    def __init__(self, profiles_dir: Path) -> None:
        """Watch nothing before the first `wait`.

        Args:
            profiles_dir: The directory.
        """
        self.alive = False
        self._directory = folder.absolute(profiles_dir)
        self._at = self._link = self._schema = ""
        self._identity: tuple[int, int] | None = None
        self._changes: _Changes | None = None
        self._next: _Paths | None = None
        self._logged = ""
        self._retry_in = _FIRST_RETRY
        self._retry_at = 0.0

    async def wait(self, seconds: float) -> bool:
        """Return True as soon as files may have changed, else False after so many seconds."""
        identity = self._current_identity()
        if identity != self._identity:
            # The events of a directory that was replaced are not those of the new one.
            self.restart()
            self._identity, self._retry_at = identity, 0.0
        if self._changes:
            following = self._following(self._changes)
            done, _ = await asyncio.wait({following}, timeout=seconds)
            return bool(done) and self._took(following)
        if identity is None or time.monotonic() < self._retry_at:
            await asyncio.sleep(seconds)
            return False
        await self._begin()
        return True

    def restart(self) -> None:
        """End the watch; the next `wait` begins another one."""
        if self._next:
            self._next.cancel()
        self._changes = self._next = None
        self.alive = False
        metrics.events(alive=False)

    async def _begin(self) -> None:
        # Some systems report the real path, whatever the path that is watched.
        self._at, above = map(os.path.realpath, (self._directory, self._directory.parent))
        self._link, self._schema = (
            os.path.join(above, name)  # noqa: PTH118 - compared with text
            for name in (self._directory.name, schema_file.FILE_NAME)
        )
        self._changes = awatch(
            *(self._at, above),
            watch_filter=self._concerns,
            debounce=int(1000 * _LONGEST_BURST),
            step=int(1000 * _STEP),
            rust_timeout=0,
            recursive=False,
            force_polling=False,
            ignore_permission_denied=False,
        )
        following = self._following(self._changes)
        await asyncio.sleep(0)  # in its first step `awatch` begins to watch, or fails
        if following.done():
            self._took(following)
        else:
            self.alive = True
            metrics.events(alive=True)

    def _following(self, changes: _Changes) -> _Paths:
        if not self._next:
            self._next = asyncio.ensure_future(anext(changes))
            # Its error may come after the watch was ended, and is then of no interest.
            self._next.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._next

    def _took(self, found: _Paths) -> bool:
        self._next = None
        try:
            paths = {path for _, path in found.result()}
        except Exception as error:  # noqa: BLE001 - watchfiles raises errors of several kinds
            self._failed(error)
            return True
        self._retry_in = _FIRST_RETRY
        if paths & {self._at, self._link}:
            # Another directory may be in its place, also where it has the number of the former.
            self.restart()
        return True

    def _failed(self, error: Exception) -> None:
        self.restart()
        self._retry_at = time.monotonic() + self._retry_in
        self._retry_in = min(2 * self._retry_in, _LONGEST_RETRY)
        metrics.events_failed()
        reason = str(next(iter(getattr(error, "exceptions", ())), error))
        if reason != self._logged:
            self._logged = reason
            _logger.warning(
                "no file system events, comparing contents every few seconds: %s", reason
            )

    def _concerns(self, _: Change, path: str) -> bool:
        directory = os.path.dirname(path)  # noqa: PTH120 - for each event
        return self._at in {path, directory} or path in {self._link, self._schema}

    def _current_identity(self) -> tuple[int, int] | None:
        """Identify the directory that has the path now; None where there is none."""
        try:
            found = self._directory.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino
