"""Follow the files of a set while a page is open, and send each change to the page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from timing_profiles.tuner import overview
from timing_profiles.tuner.profile_set import ProfileSet
from timing_profiles.worker.events import Events
from timing_profiles.worker.watch import DEBOUNCE

Tell = Callable[[dict[str, Any]], None]

_LONGEST_WAIT = 60.0  # seconds; where the system sends no events, files are compared this often


class Follower:
    """Watches a directory from the first listener to the last."""

    def __init__(self, profiles: ProfileSet) -> None:
        """Watch nothing yet."""
        self._profiles = profiles
        self._listeners: set[Tell] = set()
        self._watching: asyncio.Task[None] | None = None

    async def add(self, tell: Tell) -> None:
        """Tell a listener of the present state, and from now on of each change."""
        tell(await self._now())
        self._listeners.add(tell)
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    def remove(self, tell: Tell) -> None:
        """Stop telling a listener."""
        self._listeners.discard(tell)
        if not self._listeners and self._watching:
            self._watching.cancel()
            self._watching = None

    async def _watch(self) -> None:
        events = Events(self._profiles.directory)
        told: dict[str, Any] = {}
        try:
            while True:
                await events.wait(_LONGEST_WAIT)  # the first time it begins, and returns at once
                now = await self._settled()
                if now != told:
                    told = now
                    for tell in [*self._listeners]:
                        tell(now)
        finally:
            events.restart()

    async def _settled(self) -> dict[str, Any]:
        """Return the state of the set, the same in two reads: an editor may be writing."""
        now = await self._now()
        while True:
            await asyncio.sleep(DEBOUNCE)
            again = await self._now()
            if again == now:
                return now
            now = again

    async def _now(self) -> dict[str, Any]:
        await asyncio.to_thread(self._profiles.read)
        problems = overview.as_json(self._profiles.problems)
        return {"type": "set", "revision": self._profiles.catalog.revision, "problems": problems}
