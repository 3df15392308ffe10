"""What changes in a folder of profiles, as the file system tells it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# Documented as "Rust backend direct usage": `awatch` looks at one pace only.
from watchfiles._rust_notify import RustNotify

from timing_profiles.catalog import folder, schema_file
from timing_profiles.worker import metrics

_logger = logging.getLogger("timing_profiles")

# Seconds between two looks at the queue; a change is told at the second look after it. Each look
# wakes the process: with few of them an idle worker takes under a thousandth of a core. Who edits
# saves again soon: for a minute it looks more often, and while a change is followed all the time.
_IDLE = 0.13
_EDITED = 0.04
_FOLLOWING = 0.005

_EDITED_FOR = 60.0

_BURST = 0.4
_COOKIE_WITHIN = 2.0
_FOLDER_RETRY = 1.0
_LONGEST_RETRY = 60.0


@dataclass(frozen=True, slots=True)
class Changed:
    """What may have changed; false where nothing has.

    Attributes:
        names: Files of the folder.
        everything: Any file may have.
    """

    names: frozenset[str] = frozenset()
    everything: bool = False

    def __bool__(self) -> bool:
        """Whether anything may have changed."""
        return self.everything or bool(self.names)

    def __or__(self, other: Changed) -> Changed:
        """Both of them."""
        return Changed(self.names | other.names, self.everything or other.everything)


NOTHING = Changed()
EVERYTHING = Changed(everything=True)


class Events:
    """The events of a folder, and of the one above, where `schema.json` lies.

    Where there are no events it says so once, and tries again after 1 s to 60 s.

    Attributes:
        alive: Whether there are events.
    """

    def __init__(self, profiles_dir: Path, cookies: Path) -> None:
        """Nothing is watched yet.

        Args:
            profiles_dir: The folder.
            cookies: A folder of our own; see `until_now`.
        """
        self.alive = False
        self._folder = profiles_dir.absolute()
        self._at = self._above = ""
        self._cookies = Path(os.path.realpath(cookies))
        self._numbers = itertools.count(1)
        self._cookie = self._cookies / "0"
        self._notify: RustNotify | None = None
        self._identity: tuple[int, int] | None = None
        self._stop = threading.Event()
        self._said = ""
        self._retry_in = _FOLDER_RETRY
        self._retry_at = 0.0
        self._edited_at = -_EDITED_FOR

    async def next(self, seconds: float) -> Changed:
        """What changed, as soon as something has; nothing after so many seconds."""
        identity = self.identity()
        if identity is None:
            self._end()
            await asyncio.sleep(min(seconds, _FOLDER_RETRY))
            return NOTHING
        if identity != self._identity or (not self.alive and time.monotonic() > self._retry_at):
            # Another folder stands in its place, and sends no event to the watch of the former.
            self._begin(identity)
            return EVERYTHING
        if not self._notify:
            await asyncio.sleep(seconds)
            return NOTHING
        edited = time.monotonic() - self._edited_at < _EDITED_FOR
        found = await self._paths(self._notify, _EDITED if edited else _IDLE, seconds)
        changed = self._meaning(found)
        if changed:
            self._edited_at = time.monotonic()
        return changed

    async def until_now(self, otherwise: float) -> Changed:
        """What has changed until this moment and was not told before.

        Events come in their order: a file is renamed in a folder of our own, and what happened
        before it has been told once the event of this cookie comes. (The way is Watchman's:
        https://facebook.github.io/watchman/docs/cookies.)

        Args:
            otherwise: Seconds to wait where there are no events; everything may have changed.
        """
        if not (self._notify and self._drop_cookie()):
            await asyncio.sleep(otherwise)
            return EVERYTHING
        seen, deadline = NOTHING, time.monotonic() + _COOKIE_WITHIN
        while self._notify and time.monotonic() < deadline:
            paths = await self._paths(self._notify, _FOLLOWING, _COOKIE_WITHIN)
            seen |= self._meaning(paths)
            if str(self._cookie) in paths:
                return seen
        if self._notify:
            self._failed(TimeoutError(f"an event did not come within {_COOKIE_WITHIN:g} s"))
        return EVERYTHING

    def watches(self) -> bool:
        """Whether the folder is still the one whose events come."""
        return self.alive and self.identity() == self._identity

    def identity(self) -> tuple[int, int] | None:
        """Which folder it is; None where there is none."""
        try:
            found = self._folder.stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """Watch no more."""
        self._stop.set()
        self._end()

    def _begin(self, identity: tuple[int, int]) -> None:
        self._end()
        self._identity = identity
        # Some systems tell of the real path, whatever the path that is watched.
        self._at, self._above = map(os.path.realpath, (self._folder, self._folder.parent))
        paths = [self._at, self._above, str(self._cookies)]
        try:
            self._cookies.mkdir(exist_ok=True)
            self._cookie.touch()
            self._notify = RustNotify(paths, False, False, 0, False, False)  # noqa: FBT003
        except (OSError, RuntimeError) as error:
            self._failed(error)
        else:
            self.alive = True
            metrics.events(alive=True)

    def _end(self) -> None:
        # Not closed: a thread may still be in it.
        self._notify, self._identity, self.alive = None, None, False
        metrics.events(alive=False)

    def _failed(self, error: Exception) -> None:
        # Without a free inotify instance, watchfiles raises an error of its own: no OSError.
        identity = self._identity
        self._end()
        self._identity = identity
        self._retry_at = time.monotonic() + self._retry_in
        self._retry_in = min(2 * self._retry_in, _LONGEST_RETRY)
        metrics.events_failed()
        if str(error) != self._said:
            self._said = str(error)
            _logger.warning("no events, the profiles are read again every few seconds: %s", error)

    def _drop_cookie(self) -> bool:
        fresh = self._cookies / str(next(self._numbers))
        try:
            self._cookie.rename(fresh)
        except OSError:
            return False
        self._cookie = fresh
        return True

    async def _paths(self, notify: RustNotify, step: float, seconds: float) -> frozenset[str]:
        burst, wait = (max(1, int(1000 * span)) for span in (_BURST, seconds))
        try:
            found = await asyncio.to_thread(notify.watch, burst, int(1000 * step), wait, self._stop)
        except (OSError, RuntimeError) as error:
            self._failed(error)
            return frozenset()
        self._retry_in = _FOLDER_RETRY
        return frozenset(path for _, path in found) if isinstance(found, set) else frozenset()

    def _meaning(self, paths: Iterable[str]) -> Changed:
        names: set[str] = set()
        for path in paths:
            above, name = os.path.split(path)
            if above == self._at and folder.is_profile(name):
                names.add(name)
            elif self._leads_to_profiles(path, above, name):
                return EVERYTHING
        return Changed(frozenset(names))

    def _leads_to_profiles(self, path: str, above: str, name: str) -> bool:
        """Whether files are reached by way of it: the folder, a link in it such as `..data`."""
        if above == self._at:
            return Path(path).is_symlink() or Path(path).is_dir()
        ours = {self._folder.name, schema_file.FILE_NAME}
        return path == self._at or (above == self._above and name in ours)
