"""Files that cannot be read, are missing, or are something else than a profile."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sandbox.fixtures import Happened
from tests.e2e.faults.followed_folder import ROOT, FollowedFolder, away, following
from tests.e2e.faults.namespaces import namespaces
from tests.odd_files import make_dangling, make_device, make_fifo, make_folder, make_loop

CASES = ROOT / "tests" / "cases" / "invalid"

# Root reads what nobody may read; without these capabilities, it does not.
AS_ANYBODY = "setpriv", "--bounding-set=-dac_override,-dac_read_search"


def as_anybody() -> Sequence[str]:
    """A command that runs another one as anybody."""
    return (*namespaces(), *AS_ANYBODY)


# In the place of a profile


def make_unreadable(path: Path) -> None:
    """A file of mode 000."""
    path.write_text(away(20), encoding="utf-8")
    path.chmod(0)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (make_unreadable, "Permission denied"),
        (make_fifo, "not a regular file"),
        (make_device, "not a regular file"),
        (make_loop, "Too many levels of symbolic links"),
        (make_dangling, "No such file or directory"),
        (make_folder, "is a directory"),
    ],
)
def test_fault_28_unreadable_file_is_rejected(
    folder: Path, happened: Happened, make: Callable[[Path], None], reason: str
) -> None:
    """As a new profile, and in the place of one; it blocks nothing."""
    with following(folder, within=as_anybody()) as followed:
        odd, patient, aside = (folder / name for name in ("odd.yaml", "patient.yaml", ".aside"))
        make(odd)
        followed.keeps(f"profiles/odd.yaml: cannot be read: {reason}")
        remove(odd)
        followed.serves()
        patient.rename(aside)
        make(patient)
        kept = followed.keeps(f"profiles/patient.yaml: cannot be read: {reason}")
        remove(patient)
        aside.rename(patient)
        happened(f"{make.__name__.removeprefix('make_')}: {kept}; then 1", followed.serves())


def remove(path: Path) -> None:
    """Remove a file, or an empty folder."""
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink()


def test_fault_28_profile_that_becomes_readable_is_published(
    folder: Path, happened: Happened
) -> None:
    """`chmod 000`, and back."""
    with following(folder, within=as_anybody()) as followed:
        patient = folder / "patient.yaml"
        patient.chmod(0)
        kept = followed.keeps("profiles/patient.yaml: cannot be read: Permission denied")
        patient.chmod(0o644)
        happened(f"chmod 000: {kept}; then 1", followed.serves())


def test_fault_29_unreadable_subdirectory_is_ignored(folder: Path, happened: Happened) -> None:
    """From the start, and while running: folders in the folder are never read."""
    locked = folder / "archive"
    locked.mkdir(mode=0)
    with following(folder, within=as_anybody()) as followed:
        (folder / "drafts").mkdir(mode=0)
        followed.write("patient.yaml", away(20))
        took = followed.serves()
        locked.chmod(0o755)
        (locked / "patient.yaml").write_text("nonsense", encoding="utf-8")
        locked.chmod(0)
        followed.write("patient.yaml", away(21))
        happened("passed over; edits beside it served", max(took, followed.serves()))
        assert "ERROR" not in followed.log


# Missing


def test_fault_30_a_removed_profile_that_others_extend_keeps_the_set(
    followed: FollowedFolder, happened: Happened
) -> None:
    """The profile that extends it is reported with its line; once it is back, all is as before."""
    followed.write("base.yaml", away(20))
    followed.write("heir.yaml", "description: More\nextends: base\n")
    followed.serves()
    aside = followed.folder / ".base.yaml"
    (followed.folder / "base.yaml").rename(aside)
    kept = followed.keeps(
        'profiles/heir.yaml:2:10: extends: unknown profile "base"; available: brisk, courier, '
        "default, dictation, elderly, flux-conversation, heir, noisy-line, patient, phone-menu"
    )
    aside.rename(followed.folder / "base.yaml")
    happened(f"{kept}; then 1", followed.serves())
    assert followed.served()[-1] == followed.in_force


def test_fault_30_a_removed_default_keeps_the_set(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Calls still get the default that was there."""
    aside = followed.folder / ".default.yaml"
    (followed.folder / "default.yaml").rename(aside)
    kept = followed.keeps("profiles/default.yaml: is missing; it sets every field")
    aside.rename(followed.folder / "default.yaml")
    happened(f"{kept}; then 1", followed.serves())
    assert followed.served() == [followed.in_force]


# Something else


@pytest.mark.parametrize("case", ["empty-file", "web-page", "lfs-pointer", "conflict-markers"])
def test_fault_31_invalid_file_is_rejected_and_named(
    followed: FollowedFolder, happened: Happened, case: str
) -> None:
    """The message names the kind of file, and is the only one about it."""
    first = followed.in_force
    shutil.copy(CASES / case / "profiles" / "patient.yaml", followed.folder)
    message = (CASES / case / "expected.txt").read_text(encoding="utf-8").strip()
    kept = followed.keeps(message)
    followed.write("patient.yaml", away(20))
    happened(f"{case}: {kept}; then served", followed.serves())
    assert followed.served() == [first, followed.in_force]
