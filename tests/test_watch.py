"""What is watched beside the profiles. What happens to them is in tests/e2e/faults."""

import asyncio
import contextlib
import errno
import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from sandbox.polling import eventually
from timing_profiles.catalog import catalog
from timing_profiles.worker.watch import Watcher

PROFILES = Path(__file__).parents[1] / "profiles"


@pytest.fixture
async def watcher(tmp_path: Path) -> AsyncGenerator[Watcher]:
    """Watches a copy of the starter profiles, and publishes nothing."""
    folder = tmp_path / "project" / "profiles"
    shutil.copytree(PROFILES, folder)
    found = Watcher(folder, catalog.load(folder), lambda _: None)
    running = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


async def test_the_schema_beside_the_folder_is_watched(watcher: Watcher, tmp_path: Path) -> None:
    """A tightened bound is in force at once, and breaks a set that lies outside."""
    before = watcher.catalog.revision
    schema = (PROFILES.parent / "schema.json").read_text(encoding="utf-8")
    tightened = schema.replace('"maximum": 1.5', '"maximum": 1.0')
    assert tightened != schema
    beside = tmp_path / "project" / "schema.json"
    beside.write_text(tightened, encoding="utf-8")
    await eventually(lambda: watcher.catalog.revision != before, 20, "a revision")
    beside.write_text(tightened.replace('"minimum": 0.7', '"minimum": 0.95'), encoding="utf-8")
    await eventually(lambda: watcher.serving.problems, 20, "a problem")
    assert [str(problem) for problem in watcher.serving.problems] == [
        "profiles/elderly.yaml:26:10: tts.speed: 0.9 is less than the minimum of 0.95 (factor)"
    ]


async def test_folder_that_was_unreadable_for_a_moment_is_read_again(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No event reports the return of a network file system: it is read again all the same."""
    listing = os.listdir

    def failing(_: int) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "listdir", failing)
    await eventually(lambda: watcher.serving.problems, 20, "a problem")
    assert [str(problem) for problem in watcher.serving.problems] == [
        "profiles: cannot be read: Input/output error"
    ]
    monkeypatch.setattr(os, "listdir", listing)
    await eventually(lambda: not watcher.serving.problems, 20, "no problem")
