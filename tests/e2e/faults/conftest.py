"""A folder that is followed, for one test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.faults.followed_folder import PROFILES, FollowedFolder, following


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the starter profiles, in a folder with nothing else."""
    return shutil.copytree(PROFILES, tmp_path / "project" / "profiles")


@pytest.fixture
def followed(folder: Path) -> Iterator[FollowedFolder]:
    """That copy, followed."""
    with following(folder) as found:
        yield found
