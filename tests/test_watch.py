"""What is watched beside the profiles. What happens to them is in tests/e2e/faults."""

import asyncio
import contextlib
import errno
import os
import shutil
import time
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.polling import eventually
from timing_profiles.catalog import catalog, folder
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.worker.watch import DEBOUNCE, Watcher

PROFILES = Path(__file__).parents[1] / "profiles"


@pytest.fixture
async def watcher(tmp_path: Path) -> AsyncGenerator[Watcher]:
    """Watches a copy of the starter profiles, and publishes nothing."""
    async with watching(tmp_path, lambda _: None) as found:
        yield found


@contextlib.asynccontextmanager
async def watching(tmp_path: Path, publish: Callable[[Catalog], None]) -> AsyncGenerator[Watcher]:
    """Watch a copy of the starter profiles in `project/profiles`."""
    profiles = shutil.copytree(PROFILES, tmp_path / "project" / "profiles")
    found = Watcher(profiles, catalog.load(profiles), publish)
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


async def test_debounce_interval_begins_at_the_end_of_a_slow_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine a read takes long, and may find half a file at its end."""
    read, reads, until_published = folder.read, [], []

    def slowly(*args: Any) -> Any:
        begun = time.monotonic()
        found = read(*args)
        time.sleep(2 * DEBOUNCE)
        reads.append((begun, time.monotonic()))
        return found

    monkeypatch.setattr(folder, "read", slowly)
    async with watching(tmp_path, lambda _: until_published.append(len(reads))):
        patient = tmp_path / "project" / "profiles" / "patient.yaml"
        patient.write_text("tts: {speed: 0.9}\n", encoding="utf-8")
        await eventually(lambda: until_published, 20, "the edit is published")
    (_, ended), (begun, _) = reads[until_published[0] - 2 : until_published[0]]
    assert begun - ended >= DEBOUNCE
