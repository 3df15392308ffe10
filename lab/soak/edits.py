"""A profile that is edited without a pause, to a state with a number each time."""

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Generator
from pathlib import Path

import timing_profiles
from lab.soak.beside import beside
from timing_profiles.resolution.settings import Settings

PROFILE = "edited"

EVERY = 0.05
"""Seconds from one edit to the next."""

DELAYS = (0.6, 1.0, 1.4)
"""Seconds of `min_delay`, one after the other: a wait tells which of them was active."""

_FIRST_AWAY = 15.0  # seconds; a number of the edit that no wait depends on
_AWAY_STEP = 0.001


class Edits:
    """Edits of one profile, numbered from 0.

    Attributes:
        written: When each began to be put in place (`time.time()`), by its number.
    """

    def __init__(self, profiles: Path, aside: Path) -> None:
        self._profiles = profiles
        self._aside = aside
        self.written: list[float] = []
        self._write()

    @contextlib.contextmanager
    def going_on(self) -> Generator[None]:
        """Edit for as long as the block runs."""
        with beside(self._edit):
            yield

    def settings(self, number: int, metadata: str) -> Settings:
        """Return the settings of a call with this request while an edit is active."""
        (self._aside / f"{PROFILE}.yaml").write_text(_text(number), encoding="utf-8")
        return timing_profiles.resolve(metadata, profiles_dir=self._aside)

    def _edit(self, ended: threading.Event) -> None:
        due = time.monotonic()
        while not ended.wait(max(due - time.monotonic(), 0.0)):
            self._write()
            due += EVERY

    def _write(self) -> None:
        """Write like editors: beside the file, then rename, so that each state is complete."""
        beside = self._profiles / f".{PROFILE}.yaml.new"
        beside.write_text(_text(len(self.written)), encoding="utf-8")
        at = time.time()
        beside.replace(self._profiles / f"{PROFILE}.yaml")
        self.written.append(at)


def number(user_away_timeout: float) -> int:
    """Return the number of the edit that is active in a session, from its reports."""
    return round((user_away_timeout - _FIRST_AWAY) / _AWAY_STEP)


@contextlib.contextmanager
def copies(profiles: Path, count: int) -> Generator[list[Path]]:
    """Copy a directory, until the block ends."""
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        yield [shutil.copytree(profiles, Path(folder, str(n), "profiles")) for n in range(count)]


def _text(number: int) -> str:
    away = round(_FIRST_AWAY + number * _AWAY_STEP, 3)
    return f"""\
turn_handling:
  turn_detection: vad
  endpointing: {{min_delay: {DELAYS[number % len(DELAYS)]}, max_delay: 3.0}}
session: {{user_away_timeout: {away}}}
"""
