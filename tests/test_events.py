"""Events of a real directory: when files may have changed."""

import asyncio
import os
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from timing_profiles.worker.events import Events

SOON = 5.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with one profile."""
    made = tmp_path / "profiles"
    made.mkdir()
    (made / "a.yaml").write_text("")
    return made


@pytest.fixture
async def begun(folder: Path) -> AsyncGenerator[Events]:
    """Its events, once it is watched."""
    events = Events(folder)
    assert not events.alive
    assert await events.wait(SOON)
    assert events.alive
    yield events
    events.restart()


async def changed(events: Events) -> bool:
    """Whether files may have changed; later looks at the same change are passed over."""
    seen = await events.wait(SOON)
    while await events.wait(0.2):
        pass
    return seen


async def test_each_change_of_a_file_is_reported(begun: Events, folder: Path) -> None:
    """A file is written, put in place of another, or removed."""
    (folder / "a.yaml").write_text("b")
    assert await changed(begun)
    (folder / "a.yaml").rename(folder / "b.yaml")
    assert await changed(begun)
    (folder / "b.yaml").unlink()
    assert await changed(begun)


async def test_files_beside_the_directory_are_ignored(begun: Events, folder: Path) -> None:
    """All but `schema.json`."""
    (folder.parent / "notes.txt").write_text("")
    assert not await begun.wait(0.3)
    (folder.parent / "schema.json").write_text("")
    assert await begun.wait(SOON)


async def test_a_swapped_link_in_the_directory_is_reported(begun: Events, folder: Path) -> None:
    """As a ConfigMap has it."""
    (folder / "..data").symlink_to("nowhere")
    assert await begun.wait(SOON)


@pytest.mark.parametrize("wait", [0.0, 0.3])
async def test_a_replaced_directory_is_watched(begun: Events, folder: Path, wait: float) -> None:
    """Renamed or removed: events of the one in its place arrive, whatever its inode number is."""
    (folder / "a.yaml").unlink()
    folder.rmdir()
    await asyncio.sleep(wait)
    folder.mkdir()
    assert await changed(begun)
    (folder / "a.yaml").write_text("")
    assert await changed(begun)
    folder.rename(folder.with_name("aside"))
    await asyncio.sleep(wait)
    folder.mkdir()
    assert await changed(begun)
    (folder / "a.yaml").write_text("")
    assert await changed(begun)


async def test_a_removed_directory_is_waited_for(begun: Events, folder: Path) -> None:
    """There are no events of it until it is back."""
    (folder / "a.yaml").unlink()
    folder.rmdir()
    while await begun.wait(0.1):
        pass
    assert not begun.alive
    folder.mkdir()
    assert await begun.wait(SOON)
    assert begun.alive


async def test_non_utf8_filename_keeps_events_alive(begun: Events, folder: Path) -> None:
    """Watchfiles raises at such a name; the watch is begun again."""
    with os.fdopen(os.open(bytes(folder) + b"/\xff.yaml", os.O_CREAT | os.O_WRONLY), "w"):
        pass
    assert await begun.wait(SOON)
    assert not begun.alive
    while not begun.alive:
        await begun.wait(0.1)
    (folder / "a.yaml").write_text("c")
    assert await changed(begun)
