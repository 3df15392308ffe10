"""The `schema.json` beside the profiles: edits without an event, and what blocks a reader."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.fixtures import Happened
from tests.e2e.faults.followed_folder import ROOT, FollowedFolder, following
from tests.odd_files import make_device

SCHEMA = (ROOT / "schema.json").read_text(encoding="utf-8")
MOST = 1024 * 1024


def test_fault_71_edit_of_the_schema_without_an_event_is_found(
    folder: Path, tmp_path: Path, happened: Happened
) -> None:
    """The schema is a link, and its target changes: a rescan finds it, as with profiles."""
    elsewhere = tmp_path / "elsewhere" / "schema.json"
    elsewhere.parent.mkdir()
    elsewhere.write_text(SCHEMA, encoding="utf-8")
    (folder.parent / "schema.json").symlink_to(elsewhere)
    with following(folder) as followed:
        slowest = 0.0
        for maximum in ("1.45", "1.4"):
            elsewhere.write_text(
                SCHEMA.replace('"maximum": 1.5', f'"maximum": {maximum}'), encoding="utf-8"
            )
            slowest = max(slowest, followed.serves())
        assert len(followed.served()) == 3
    happened("found by a rescan, twice", slowest)


def link_to_fifo(path: Path) -> None:
    """A link to a pipe with a name, that no process writes to."""
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def sparse_file(path: Path) -> None:
    """A file of 1 TB that takes no room."""
    path.touch()
    os.truncate(path, 1 << 40)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (link_to_fifo, "cannot be read: not a regular file"),
        (make_device, "cannot be read: not a regular file"),
        (sparse_file, f"the file is larger than {MOST} bytes, the most that is read"),
    ],
)
def test_fault_70_schema_that_is_not_a_regular_file_does_not_block(
    followed: FollowedFolder, happened: Happened, make: Callable[[Path], None], reason: str
) -> None:
    """It keeps the set; once it is away, the packaged schema is active again."""
    beside = followed.folder.parent / "schema.json"
    make(beside)
    kept = followed.keeps(f"schema.json: {reason}")
    beside.unlink()
    happened(f"{make.__name__.replace('_', ' ')}: {kept}; then 1", followed.serves())
