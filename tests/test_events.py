"""Events of a real folder: which files they name, and that none is told too late."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from timing_profiles.worker.events import EVERYTHING, NOTHING, Changed, Events

SOON = 5.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one profile."""
    made = tmp_path / "profiles"
    made.mkdir()
    (made / "a.yaml").write_text("")
    return made


@pytest.fixture
def events(folder: Path, tmp_path: Path) -> Generator[Events]:
    """Its events."""
    found = Events(folder, tmp_path / "state")
    yield found
    found.close()


async def test_everything_may_have_changed_before_the_first_event(events: Events) -> None:
    """Nobody watched until then."""
    assert await events.next(SOON) == EVERYTHING
    assert events.alive


async def test_a_changed_file_is_named(events: Events, folder: Path) -> None:
    """Whether it was written, removed, or put in place of another."""
    await events.next(SOON)
    (folder / "a.yaml").write_text("b")
    assert await events.next(SOON) == Changed(frozenset({"a.yaml"}))
    (folder / "a.yaml").rename(folder / "b.yaml")
    assert await events.next(SOON) == Changed(frozenset({"a.yaml", "b.yaml"}))
    (folder / "b.yaml").unlink()
    assert await events.next(SOON) == Changed(frozenset({"b.yaml"}))


async def test_files_of_others_are_nothing(events: Events, folder: Path) -> None:
    """Editors' own files in the folder, and whatever lies beside it."""
    await events.next(SOON)
    (folder / ".a.yaml.swp").write_text("")
    (folder / "a.yaml~").write_text("")
    (folder.parent / "notes.txt").write_text("")
    assert await events.next(0.3) == NOTHING


@pytest.mark.parametrize("name", ["profiles/..data", "schema.json", "profiles"])
async def test_what_leads_to_files_may_change_all_of_them(
    events: Events, folder: Path, name: str
) -> None:
    """A link in the folder, the schema beside it, the folder itself."""
    await events.next(SOON)
    if name == "profiles":
        folder.rename(folder.with_name("aside"))
        folder.mkdir()
    else:
        folder.parent.joinpath(name).symlink_to(folder)
    assert await events.next(SOON) == EVERYTHING


async def test_what_happened_before_is_told_now(events: Events, folder: Path) -> None:
    """However many events there are; what was told is not told again."""
    await events.next(SOON)
    for number in range(500):
        (folder / f"{number}.yaml").write_text("")
    assert await events.until_now(SOON) == Changed(frozenset(f"{n}.yaml" for n in range(500)))
    assert await events.until_now(SOON) == NOTHING


async def test_without_a_folder_for_cookies_everything_may_have_changed(
    events: Events, tmp_path: Path
) -> None:
    """Somebody tidied up the temporary folder."""
    await events.next(SOON)
    for cookie in (tmp_path / "state").iterdir():
        cookie.unlink()
    assert await events.until_now(0) == EVERYTHING


async def test_a_folder_that_is_gone_is_waited_for(events: Events, folder: Path) -> None:
    """Nothing comes of it until it is back."""
    await events.next(SOON)
    (folder / "a.yaml").unlink()
    folder.rmdir()
    while await events.next(0.01):
        pass
    assert not events.alive
    folder.mkdir()
    assert await events.next(SOON) == EVERYTHING
    assert events.alive


async def test_a_name_that_is_no_text_ends_no_watch(events: Events, folder: Path) -> None:
    """Watchfiles raises at such a name; events are asked for anew."""
    await events.next(SOON)
    with os.fdopen(os.open(bytes(folder) + b"/\xff.yaml", os.O_CREAT | os.O_WRONLY), "w"):
        pass
    found = [await events.next(1.0) for _ in range(4)]
    assert EVERYTHING in found
    (folder / "a.yaml").write_text("c")
    assert await events.next(SOON) == Changed(frozenset({"a.yaml"}))
