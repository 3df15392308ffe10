"""What events miss - links, network file systems - is found by comparing contents."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from pathlib import Path

from timing_profiles.catalog import folder
from timing_profiles.catalog.folder import Contents
from timing_profiles.problems import ProfilesError
from timing_profiles.worker.events import EVERYTHING, Changed

ROUND = 5.0
"""Seconds in which every file is compared once."""

_SHORTEST_ROUND = 1.0
_FILES_A_SECOND = 200  # of a core, comparing them takes about half a hundredth
_SLICE = 500  # files; between two slices an event is seen


class Rescan:
    """Compares a folder with what was read of it, a slice at a time."""

    def __init__(self, profiles_dir: Path, label: str) -> None:
        """The first slice is due after a pause.

        Args:
            profiles_dir: The folder.
            label: The folder as it is shown to people.
        """
        self._folder = profiles_dir
        self._label = label
        self._left: list[str] = []
        self._due = time.monotonic() + _SHORTEST_ROUND

    @property
    def ended(self) -> bool:
        """Whether the next slice is the first one of a round."""
        return not self._left

    def due_in(self) -> float:
        """Seconds until the next slice is due."""
        return self._due - time.monotonic()

    def differing(self, known: Contents, events: bool) -> Changed:  # noqa: FBT001 - by `to_thread`
        """What in the next slice of the folder is not as it is known.

        Args:
            known: What was read of the folder.
            events: Whether events come, too. Where none do, small folders are compared more often.
        """
        spent = len(known) / _FILES_A_SECOND
        seconds = ROUND if events else min(ROUND, max(_SHORTEST_ROUND, spent))
        self._due = time.monotonic() + seconds / max(1, math.ceil(len(known) / _SLICE))
        try:
            return Changed(frozenset(self._differing(known)))
        except ProfilesError:
            self._left = []
            return EVERYTHING

    def _differing(self, known: Contents) -> Iterable[str]:
        if not self._left:
            self._left = folder.names(self._folder, self._label)
            astray = known.keys() ^ set(self._left)
            if astray:
                self._left = []
                return astray
        slice_, self._left = self._left[:_SLICE], self._left[_SLICE:]
        fresh = folder.read(self._folder, self._label, known, slice_)
        return [name for name in slice_ if fresh.get(name) is not known.get(name)]
