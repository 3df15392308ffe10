"""Folders that are swapped, replaced, removed or covered as a whole."""

import shutil
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.deliveries import ConfigMap, GitSync, swap_link
from sandbox.fixtures import Happened
from sandbox.repository import Repository
from tests.e2e.faults.followed_folder import PROFILES, FollowedFolder, away, following, until
from tests.e2e.faults.namespaces import enter, namespaces

GONE = "profiles: cannot be read: No such file or directory"
NO_DEFAULT = "profiles/default.yaml: is missing; it sets every field"


# What clusters and git do


def test_fault_13_each_swap_of_a_config_map_is_published(
    tmp_path: Path, happened: Happened
) -> None:
    """Three updates, as the kubelet writes them; the files themselves are links all along."""
    starters = {file.name: file.read_bytes() for file in PROFILES.glob("*.yaml")}
    mounted = ConfigMap(tmp_path / "etc" / "profiles")
    mounted.update(starters)
    with following(mounted.folder) as followed:
        expected, slowest = [followed.in_force], 0.0
        for seconds in (20, 21, 22):
            mounted.update({**starters, "patient.yaml": away(seconds).encode()})
            slowest = max(slowest, followed.serves())
            expected.append(followed.in_force)
        assert followed.served() == expected
    happened("each of 3 updates served", slowest)


def test_fault_14_each_swap_of_git_sync_is_published(tmp_path: Path, happened: Happened) -> None:
    """The directory is reached through a link, which is replaced; the old work tree is removed."""
    repository = Repository.init(tmp_path / "origin")
    repository.add_profiles()
    repository.commit()
    synced = GitSync(tmp_path / "git", repository.folder)
    synced.sync()
    with following(synced.link / "profiles") as followed:
        expected, slowest = [followed.in_force], 0.0
        for seconds in (20, 21, 22):
            repository.write("profiles/patient.yaml", away(seconds))
            repository.commit()
            synced.sync()
            slowest = max(slowest, followed.serves())
            expected.append(followed.in_force)
        assert followed.served() == expected
    happened("each of 3 swaps served", slowest)


@pytest.mark.measured
def test_fault_16_checkout_of_a_thousand_files_is_published(
    tmp_path: Path, happened: Happened
) -> None:
    """With the real git, between two branches in which every one of them differs."""
    repository = Repository.init(tmp_path / "project")
    repository.add_profiles()
    for seconds, branch in ((20, "main"), (21, "other")):
        repository.git("checkout", "--quiet", "-B", branch)
        for number in range(1000):
            repository.write(f"profiles/caller-{number}.yaml", away(seconds))
        repository.commit()
    with following(repository.profiles) as followed:
        repository.git("checkout", "--quiet", "main")
        took = followed.serves()
        reloads = len(followed.served()) - 1
        happened(f"the last state served, {reloads} reloads", took)
        assert reloads <= 2


# Links


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to], ids=["symlink", "hard"])
def test_fault_17_edit_of_a_link_target_is_published(
    followed: FollowedFolder,
    tmp_path: Path,
    happened: Happened,
    link: Callable[[Path, Path], None],
) -> None:
    """No event comes of it; a rescan finds it."""
    elsewhere = tmp_path / "elsewhere" / "linked.yaml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(away(20), encoding="utf-8")
    link(followed.folder / "linked.yaml", elsewhere)
    followed.serves()
    elsewhere.write_text(away(21), encoding="utf-8")
    happened("found", followed.serves())


# The folder itself


def test_fault_18_a_directory_that_is_deleted_and_recreated_is_followed(
    followed: FollowedFolder, happened: Happened
) -> None:
    """The set is kept while it is missing; then its new content and edits are published."""
    shutil.rmtree(followed.folder)
    kept = followed.keeps(GONE)
    shutil.copytree(PROFILES, followed.folder)
    took = followed.serves()
    followed.write("patient.yaml", away(20))
    happened(f"{kept}; then served, and an edit {followed.serves():.2f} s after it", took)


def test_fault_18_a_directory_that_is_recreated_at_once_is_followed(
    followed: FollowedFolder, happened: Happened
) -> None:
    """The file system may give it the number of the folder that has gone."""
    shutil.rmtree(followed.folder)
    shutil.copytree(PROFILES, followed.folder)
    followed.write("patient.yaml", away(20))
    followed.serves()
    followed.write("patient.yaml", away(21))
    happened("served, and so is an edit in it", followed.serves())


def test_fault_78_a_recreated_directory_with_the_same_inode_is_watched(
    followed: FollowedFolder, happened: Happened
) -> None:
    """As on ext4. An edit in it is seen by its event, not by the next rescan."""
    seconds, inodes = [], []
    for timeout in (20, 21, 22):
        inodes.append(followed.folder.stat().st_ino)
        shutil.rmtree(followed.folder)
        shutil.copytree(PROFILES, followed.folder)
        followed.serves()
        until(lambda: followed.metric("watching_events") == 1, "events arrive", followed)
        followed.write("patient.yaml", away(timeout))
        seconds.append(followed.serves())
    inodes.append(followed.folder.stat().st_ino)
    same = len(inodes) - len(set(inodes))
    happened(f"{same} of 3 with the same inode: each edit in it served", max(seconds))
    assert statistics.median(seconds) < 1.5


def test_fault_19_directory_that_is_replaced_by_rename_is_followed(
    followed: FollowedFolder, tmp_path: Path, happened: Happened
) -> None:
    """Its content is published at once, and a later edit; changes of the old one are not."""
    fresh, old = tmp_path / "fresh", tmp_path / "old"
    shutil.copytree(followed.folder, fresh)
    (fresh / "patient.yaml").write_text(away(20), encoding="utf-8")
    followed.folder.rename(old)
    fresh.rename(followed.folder)
    took = followed.serves()
    (old / "patient.yaml").write_text(away(21), encoding="utf-8")
    followed.write("patient.yaml", away(22))
    later = followed.serves()
    happened(f"served; an edit in it {later:.2f} s after it", took)
    assert len(followed.served()) == 3


def test_fault_81_a_working_directory_that_is_removed_and_made_again_is_followed(
    folder: Path, happened: Happened
) -> None:
    """The path of the profiles is relative to it. Kept while it is gone."""
    project = folder.parent
    with following(folder, start=project) as followed:
        shutil.rmtree(project)
        kept = followed.keeps(GONE)
        shutil.copytree(PROFILES, folder)
        took = followed.serves()
        followed.write("patient.yaml", away(20))
        happened(f"{kept}; then served, and an edit {followed.serves():.2f} s after it", took)


def test_fault_81_a_link_to_the_working_directory_that_is_swapped_is_followed(
    tmp_path: Path, happened: Happened
) -> None:
    """Each release has a directory of its own, with a schema; a worker was started in the link."""
    releases, current = tmp_path / "releases", tmp_path / "current"
    schema = (PROFILES.parent / "schema.json").read_text(encoding="utf-8")
    for number in (1, 2):
        shutil.copytree(PROFILES, releases / f"{number}" / "profiles")
    (releases / "2" / "profiles" / "patient.yaml").write_text(away(20), encoding="utf-8")
    tightened = schema.replace('"maximum": 1.5', '"maximum": 1.4')
    (releases / "2" / "schema.json").write_text(tightened, encoding="utf-8")
    current.symlink_to("releases/1")
    with following(current / "profiles", start=current) as followed:
        swap_link(current, "releases/2", aside=tmp_path / "aside")
        took = followed.serves()
        shutil.rmtree(releases / "1")
        followed.write("patient.yaml", away(21))
        happened(f"served, and an edit {followed.serves():.2f} s after it", took)
        assert followed.gauge() == 1


def test_fault_20_mount_over_the_directory_is_followed(folder: Path, happened: Happened) -> None:
    """Empty, it keeps the last good set; with profiles it is followed; gone, the folder is back."""
    with following(folder, within=namespaces()) as followed:
        first = followed.in_force
        enter(followed.process, f"mount -t tmpfs none {folder}")
        kept = followed.keeps(NO_DEFAULT)
        shutil.copytree(PROFILES, followed.inside(folder), dirs_exist_ok=True)
        followed.serves()
        followed.write("patient.yaml", away(20))
        followed.serves()
        enter(followed.process, f"umount {folder}")
        took = followed.serves()
        assert followed.in_force == first
        followed.write("patient.yaml", away(21))
        followed.serves()
    happened(f"{kept}; profiles in the mount served; then the folder below", took)
