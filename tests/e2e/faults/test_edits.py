"""Edits of real files: bad ones, slow ones, and those that editors make."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.fixtures import Happened
from tests.e2e.faults.followed_folder import FollowedFolder, away, following, until

SYNTAX = "description: Half a sentence\nstt: [nova\n"
SYNTAX_PROBLEM = (
    "profiles/patient.yaml:3:1: invalid YAML: did not find expected ',' or ']'\n"
    "  hint: check the line above, too"
)

MISTAKE = "turn_handling:\n  endpointing:\n    min_delay: 1500\n"
MISTAKE_PROBLEM = (
    "profiles/patient.yaml:3:16: turn_handling.endpointing.min_delay: "
    "1500 is more than the maximum of 10 (s)\n  hint: 1500 ms is 1.5 s: write 1.5"
)


# Bad states


def test_fault_01_04_syntax_error_is_rejected_until_it_is_corrected(
    followed: FollowedFolder, happened: Happened
) -> None:
    """The last valid set stays active, file and line are logged; the next valid set is loaded."""
    first = followed.in_force
    followed.write("patient.yaml", SYNTAX)
    kept = followed.keeps(SYNTAX_PROBLEM)
    followed.write("patient.yaml", away(20))
    happened(f"{kept}; then served", followed.serves())
    assert followed.served() == [first, followed.in_force]


def test_fault_02_03_invalid_value_is_rejected_until_it_is_reverted(
    followed: FollowedFolder, happened: Happened
) -> None:
    """The identical old content has the revision that is in force: nothing new is published."""
    first = followed.in_force
    sound = (followed.folder / "patient.yaml").read_bytes()
    followed.write("patient.yaml", MISTAKE)
    kept = followed.keeps(MISTAKE_PROBLEM)
    followed.write("patient.yaml", sound)
    happened(f"{kept}; then 1 with the same revision", followed.serves())
    last = f"INFO profiles valid again, revision {first}\n"
    until(lambda: followed.log.endswith(last), "the log ends with it", followed)
    assert followed.served() == [first]


def test_fault_05_one_invalid_file_rejects_the_whole_set(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Nineteen good files are not taken without the twentieth, and then all at once."""
    first = followed.in_force
    followed.write("patient.yaml", MISTAKE)  # the first: no state on the way is a good one
    for number in range(19):
        followed.write(f"new-{number}.yaml", away(20))
    kept = followed.keeps(MISTAKE_PROBLEM)
    followed.write("patient.yaml", away(20))
    happened(f"{kept}; then all 20 at once", followed.serves())
    assert followed.served() == [first, followed.in_force]


def test_fault_82_log_of_many_problems_is_bounded(
    followed: FollowedFolder, happened: Happened
) -> None:
    """The log has the first ones, and the number of the others."""
    aside = followed.folder.with_name("aside")
    shutil.copytree(followed.folder, aside)
    for number in range(200):
        lines = "".join(f"unknown-{count}: 1\n" for count in range(20))
        (aside / f"broken-{number}.yaml").write_text(lines, encoding="utf-8")
    followed.folder.rename(followed.folder.with_name("former"))
    aside.rename(followed.folder)
    others = "\n  ... and 3950 more; see `timing-profiles check`\n"
    until(lambda: others in followed.log, "the set is refused", followed)
    assert followed.gauge() == 0
    refusal = followed.log.partition("ERROR ")[2]
    happened(f"4,000 problems: a log line of {len(refusal):,} characters")
    assert len(refusal) < 20_000


# Writes that take their time


def test_fault_06_write_in_place_is_published(followed: FollowedFolder, happened: Happened) -> None:
    """The plainest of edits."""
    followed.write("patient.yaml", away(20))
    happened("served", followed.serves())


@pytest.mark.parametrize("pause", [0.02, 0.1, 0.3, 1.0])
def test_fault_07_partial_write_is_never_published(
    followed: FollowedFolder, happened: Happened, pause: float
) -> None:
    """Each half would be a valid profile."""
    first = followed.in_force
    with (followed.folder / "patient.yaml").open("w", encoding="utf-8") as file:
        file.write("vad: {min_silence_duration: 0.3}\n")
        file.flush()
        time.sleep(pause)
        file.write(away(20))
    happened(f"{pause} s between two halves: published once", followed.serves())
    assert followed.served() == [first, followed.in_force]


def give_away(file: Path) -> None:
    """Make a file another user's, which takes root."""
    command = 'chown 10001 "$0" || sudo --non-interactive chown 10001 "$0"'
    given = subprocess.run(  # noqa: S603 - ours
        ["/bin/sh", "-c", command, str(file)], capture_output=True, check=False
    )
    if given.returncode:
        pytest.skip("only root, or sudo without a password, makes files of other users")


def test_fault_68_partial_write_of_another_users_file_is_never_published(
    folder: Path, happened: Happened
) -> None:
    """The kernel does not report its writers, which is logged once: the set waits longer."""
    profile = folder / "patient.yaml"
    profile.chmod(0o666)
    give_away(profile)
    within = () if os.geteuid() else ("setpriv", "--bounding-set=-lease")
    with following(folder, within=within) as followed:
        first, slowest = followed.in_force, 0.0
        for number, pause in enumerate((0.02, 0.3, 1.0)):
            with profile.open("w", encoding="utf-8") as file:
                file.write("vad: {min_silence_duration: 0.3}\n")
                file.flush()
                time.sleep(pause)
                file.write(away(20 + number))
            slowest = max(slowest, followed.serves())
        happened("up to 1 s between two halves: each published once", slowest)
        assert len(followed.served()) == len({first, *followed.served()}) == 4
        assert followed.log.count("cannot detect writers") == 1


@pytest.mark.parametrize("pause", [0.02, 0.3, 1.0])
@pytest.mark.parametrize("stays_open", [True, False], ids=["open", "closed"])
def test_fault_08_an_emptied_file_is_never_published(
    followed: FollowedFolder, happened: Happened, pause: float, *, stays_open: bool
) -> None:
    """Whether the file is held open until it is written, or emptied and closed first."""
    first = followed.in_force
    profile = followed.folder / "patient.yaml"
    with profile.open("w", encoding="utf-8") as file:
        if stays_open:
            time.sleep(pause)
            file.write(away(20))
    if not stays_open:
        time.sleep(pause)
        profile.write_text(away(20), encoding="utf-8")
    happened(f"{pause} s empty: published once", followed.serves())
    assert followed.served() == [first, followed.in_force]


def test_fault_09_a_slow_writer_is_published_once(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Twenty bytes every 20 ms, for 2 s."""
    first = followed.in_force
    text = away(20) + "# nineteen letters\n" * 98
    with (followed.folder / "patient.yaml").open("wb", buffering=0) as file:
        for begin in range(0, len(text), 20):
            file.write(text[begin : begin + 20].encode())
            time.sleep(0.02)
    happened(f"{len(text) // 20} writes: published once", followed.serves())
    assert followed.served() == [first, followed.in_force]


# Saves of editors


def vim(profile: Path, text: str) -> None:
    """Vim with `backup`: a probe, the old file set aside, a new one; the swap file all along."""
    swap = profile.with_name(f".{profile.name}.swp")
    swap.write_bytes(b"b0VIM 9.1")
    probe = profile.with_name("4913")
    os.close(os.open(probe, os.O_CREAT | os.O_WRONLY | os.O_EXCL))
    probe.unlink()
    profile.rename(f"{profile}~")
    write(profile, text)
    swap.unlink()


def vim_in_place(profile: Path, text: str) -> None:
    """Vim with `backupcopy=yes` or `nowritebackup`: the file itself is truncated."""
    swap = profile.with_name(f".{profile.name}.swp")
    swap.write_bytes(b"b0VIM 9.1")
    shutil.copyfile(profile, f"{profile}~")
    write(profile, text)
    swap.unlink()


def emacs(profile: Path, text: str) -> None:
    """Emacs: a lock that is a broken link, an auto-save, the old file set aside, a new one."""
    lock = profile.with_name(f".#{profile.name}")
    lock.symlink_to("ada@host.4242:1764000000")
    saved = profile.with_name(f"#{profile.name}#")
    write(saved, text[:-5])
    profile.rename(f"{profile}~")
    write(profile, text)
    saved.unlink()
    lock.unlink()


def sed(profile: Path, text: str) -> None:
    """The real one: a file `sedXXXXXX`, renamed."""
    subprocess.run(["sed", "-i", f"1c\\{text.strip()}\n2,$d", str(profile)], check=True)  # noqa: S603, S607


def jetbrains(profile: Path, text: str) -> None:
    """With `safe write`: a new file aside, the old one set aside, the new one put in its place."""
    fresh = Path(f"{profile}___jb_tmp___")
    write(fresh, text)
    old = profile.rename(f"{profile}___jb_old___")
    fresh.rename(profile)
    old.unlink()


def write(path: Path, text: str) -> None:
    """Create or truncate, write, and have it on the disk, as editors do."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


@pytest.mark.parametrize("save", [vim, vim_in_place, emacs, sed, jetbrains])
def test_fault_12_save_of_an_editor_is_published(
    followed: FollowedFolder, happened: Happened, save: Callable[[Path, str], None]
) -> None:
    """Three saves in sequence; an editor's own files beside it are not profiles."""
    slowest = 0.0
    for seconds in (20, 21, 22):
        save(followed.folder / "patient.yaml", away(seconds))
        slowest = max(slowest, followed.serves())
    happened(f"{save.__name__}: each of 3 saves served", slowest)
    for temporary in ("~", ".swp", "4913", "#", "sed", "___jb", ": new"):
        assert temporary not in followed.log


# Many edits


def test_fault_11_last_of_a_hundred_renames_is_published(
    followed: FollowedFolder, happened: Happened
) -> None:
    """A file is written aside and renamed over the profile, 100 times."""
    for seconds in range(100, 200):
        aside = followed.folder / ".patient.yaml.tmp"
        aside.write_text(away(seconds), encoding="utf-8")
        aside.rename(followed.folder / "patient.yaml")
    took = followed.serves()
    happened(f"the last one served, after {len(followed.served()) - 1} reloads", took)


def test_fault_27_both_edits_within_one_second_are_published(
    followed: FollowedFolder, happened: Happened
) -> None:
    """Of the same size, and the second one as soon as the first is in force."""
    first, profile = followed.in_force, followed.folder / "patient.yaml"
    seconds: list[int] = []
    while len(set(seconds)) != 1:  # until both fall within one second
        seconds = []
        for text in (away(20), away(21)):
            followed.write("patient.yaml", text)
            seconds.append(int(profile.stat().st_mtime))
            took = followed.serves()
    happened("both served", took)
    one, other = followed.served()[-2:]
    assert len({first, one, other}) == 3


def test_fault_27_edit_that_keeps_size_and_time_is_published(
    followed: FollowedFolder, happened: Happened
) -> None:
    """As `rsync --times` or a restored backup leaves it."""
    profile = followed.folder / "patient.yaml"
    followed.write("patient.yaml", away(20))
    followed.serves()
    before = profile.stat()
    followed.write("patient.yaml", away(21))
    os.utime(profile, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = profile.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    happened("served", followed.serves())
