"""Reloads of real files; what editors, git and clusters do to them."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from timing_profiles import catalog
from timing_profiles.catalog import Catalog
from timing_profiles.watch import Watcher

PROFILES = Path(__file__).parents[1] / "profiles"


class Followed:
    """A folder that is watched.

    Attributes:
        folder: The folder.
        watcher: What watches it.
        published: Every set that was published, the first one included.
        failing: Whether publishing fails, as with a full disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        first = catalog.load(folder)
        self.published = [first]
        self.failing = False
        self.watcher = Watcher(folder, first, self._publish, folder.parent / "cookies")

    def _publish(self, fresh: Catalog) -> None:
        if self.failing:
            raise OSError(28, "No space left on device")
        self.published.append(fresh)

    def write(self, name: str, text: str) -> None:
        """Write a profile as a careless editor does: in place."""
        (self.folder / name).write_text(text, encoding="utf-8")

    async def sets(self, name: str, field: str) -> object:
        """Wait for the next publication; what a profile sets a field to."""
        before = len(self.published)
        await until(lambda: len(self.published) > before)
        return self.published[-1].layers[name].sets[field]


async def until(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    """Poll until something holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is looked at knows no events
            await asyncio.sleep(0.01)


@pytest.fixture
async def followed(tmp_path: Path) -> AsyncGenerator[Followed]:
    """A copy of the starter profiles, watched."""
    folder = tmp_path / ".venv" / "profiles"  # default filters ignore everything below such a name
    shutil.copytree(PROFILES, folder)
    found = Followed(folder)
    running = asyncio.create_task(found.watcher.run())
    try:
        yield found
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


AWAY = "session.user_away_timeout"


def away(seconds: int) -> str:
    """A profile that sets one field."""
    return f"session: {{user_away_timeout: {seconds}}}\n"


async def test_a_save_in_place_is_published(followed: Followed) -> None:
    """The plainest of edits."""
    waiting = asyncio.create_task(followed.sets("patient", AWAY))
    await asyncio.sleep(0)
    followed.write("patient.yaml", away(20))
    assert await waiting == 20


async def test_a_rename_over_the_file_is_published(followed: Followed) -> None:
    """Editors write aside and rename; their temporary files are no profiles."""
    waiting = asyncio.create_task(followed.sets("patient", AWAY))
    await asyncio.sleep(0)
    aside = followed.folder / ".patient.yaml.tmp"
    aside.write_text(away(21), encoding="utf-8")
    aside.rename(followed.folder / "patient.yaml")
    assert await waiting == 21


async def test_two_edits_end_with_the_last_one(followed: Followed) -> None:
    """Also within one second, and with the same size."""
    for seconds in range(20, 40):
        followed.write("patient.yaml", away(seconds))
    await until(lambda: followed.watcher.catalog.layers["patient"].sets.get(AWAY) == 39)
    assert followed.watcher.catalog.layers["patient"].sets == {AWAY: 39}


async def test_a_link_to_a_file_elsewhere_is_followed_by_the_rescan(followed: Followed) -> None:
    """No event comes of an edit behind a link."""
    elsewhere = followed.folder.parent / "elsewhere" / "linked.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(away(22), encoding="utf-8")
    (followed.folder / "linked.yaml").symlink_to(elsewhere)
    await until(lambda: "linked" in followed.watcher.catalog.layers)
    elsewhere.write_text(away(23), encoding="utf-8")
    await until(lambda: followed.watcher.catalog.layers["linked"].sets.get(AWAY) == 23)


async def test_a_removed_default_keeps_the_last_good_set(
    followed: Followed, caplog: pytest.LogCaptureFixture
) -> None:
    """And it is followed again once default is back."""
    first = followed.watcher.catalog.revision
    default = followed.folder / "default.yaml"
    default.rename(followed.folder / "aside")
    await until(lambda: bool(followed.watcher.serving.problems))
    assert [str(problem) for problem in followed.watcher.serving.problems] == [
        "profiles/default.yaml: is missing; it sets every field"
    ]
    with caplog.at_level(logging.INFO, "timing_profiles"):
        (followed.folder / "aside").rename(default)
        await until(lambda: not followed.watcher.serving.problems)
    assert followed.watcher.catalog.revision == first
    assert [record.getMessage() for record in caplog.records] == [
        (
            f"the profiles cannot be used, revision {first} stays in force:\n"
            "  profiles/default.yaml: is missing; it sets every field"
        ),
        f"the profiles are sound again, revision {first}",
    ]


async def test_a_full_disk_keeps_the_last_good_set_and_is_tried_again(followed: Followed) -> None:
    """What could not be published is published as soon as it can be."""
    followed.failing = True
    followed.write("patient.yaml", away(24))
    await until(lambda: bool(followed.watcher.serving.problems))
    assert [str(problem) for problem in followed.watcher.serving.problems] == [
        "cannot be published: [Errno 28] No space left on device"
    ]
    assert len(followed.published) == 1
    followed.failing = False
    await until(lambda: len(followed.published) == 2)
    assert followed.published[-1].layers["patient"].sets == {AWAY: 24}


async def test_the_schema_beside_the_folder_is_watched(followed: Followed) -> None:
    """A tightened bound is in force at once, and breaks a set that lies outside."""
    schema = (PROFILES.parent / "schema.json").read_text(encoding="utf-8")
    tightened = schema.replace('"maximum": 1.5', '"maximum": 1.0').replace(
        '"minimum": 0.7', '"minimum": 0.95'
    )
    assert tightened != schema
    (followed.folder.parent / "schema.json").write_text(tightened, encoding="utf-8")
    await until(lambda: bool(followed.watcher.serving.problems))
    assert [str(problem) for problem in followed.watcher.serving.problems] == [
        "profiles/elderly.yaml:19:10: tts.speed: 0.9 is less than the minimum of 0.95 (factor)"
    ]


async def test_a_mixed_set_is_never_published(followed: Followed) -> None:
    """Two files that belong together are swapped 50 times; every published set is of one piece."""
    for generation in range(20, 70):
        for name in ("patient.yaml", "brisk.yaml"):
            aside = followed.folder / f".{name}"
            aside.write_text(away(generation), encoding="utf-8")
            aside.rename(followed.folder / name)
        await asyncio.sleep(0.01)
    await until(lambda: followed.watcher.catalog.layers["patient"].sets.get(AWAY) == 69)
    for found in followed.published[1:]:
        assert found.layers["patient"].sets.get(AWAY) == found.layers["brisk"].sets[AWAY]
