"""A set of profiles as a commit had it: with the real git, in scratch repositories."""

import json
import os
import shutil
import tracemalloc
from pathlib import Path

import pytest

from sandbox.fixtures import Happened
from sandbox.repository import ISOLATED, ROOT, Repository, run
from timing_profiles.authoring import git
from timing_profiles.authoring.git import GitError
from timing_profiles.catalog import catalog, folder, schema_file
from timing_profiles.problems import ProfilesError, quoted

pytestmark = pytest.mark.behind

PATIENT = "description: Waits.\nturn_handling:\n  endpointing: {min_delay: 1.5, max_delay: 4.0}\n"
MIN_DELAY = "turn_handling.endpointing.min_delay"

# What a receiving repository runs: it says what the commit holds that is being pushed.
PRE_RECEIVE = f"""#!/usr/bin/env python
import sys
from pathlib import Path

sys.path.insert(0, {str(ROOT)!r})
from timing_profiles.authoring import git

_, new, _ = sys.stdin.readline().split()
print(*git.catalog_at(new, Path("profiles")).names())
"""


@pytest.fixture(autouse=True)
def isolated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Git as the library runs it knows nothing of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in ISOLATED.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def empty(tmp_path: Path) -> Repository:
    """A repository with one commit, before there were any profiles."""
    made = Repository.init(tmp_path / "repository")
    made.commit()
    return made


@pytest.fixture
def repository(empty: Repository) -> Repository:
    """A repository with the starter profiles."""
    empty.add_profiles()
    empty.commit()
    return empty


def problems_at(revision: str, profiles_dir: Path) -> list[str]:
    with pytest.raises(ProfilesError) as caught:
        git.catalog_at(revision, profiles_dir)
    return [str(problem) for problem in caught.value.problems]


def error_at(revision: str, profiles_dir: Path) -> str:
    with pytest.raises(GitError) as caught:
        git.contents(revision, profiles_dir)
    return str(caught.value)


def test_commit_has_the_revision_of_its_directory(repository: Repository) -> None:
    """The same bytes under the same names, and so the same revision, as on the disk."""
    assert git.contents("main", repository.profiles) == git.Committed(
        "main:profiles", folder.read(repository.profiles, "profiles"), "main:schema.json", None
    )
    at_commit = git.catalog_at("main", repository.profiles)
    assert at_commit.revision == catalog.load(repository.profiles).revision


def test_commit_has_no_later_changes(repository: Repository) -> None:
    """Edited, new and staged files of the work tree are left out."""
    repository.write("profiles/patient.yaml", PATIENT.replace("1.5", "2.5"))
    repository.write("profiles/new.yaml", PATIENT)
    repository.git("add", "--all")
    repository.write("profiles/newer.yaml", PATIENT)
    found = git.catalog_at("HEAD", repository.profiles)
    patient = found.profile("patient")
    assert not {"new", "newer"} & set(found.names())
    assert patient
    assert patient.values[MIN_DELAY] == 1.5


def test_only_profiles_are_read(repository: Repository) -> None:
    """Files that are ignored in the directory are ignored in a commit, too."""
    for name in ("README.md", ".patient.yaml.swp", ".hidden.yaml", "patient.yaml~", "notes.yml"):
        repository.write(f"profiles/{name}", PATIENT)
    repository.commit()
    found = git.contents("HEAD", repository.profiles).files
    assert found == folder.read(repository.profiles, "profiles")
    assert set(found) == {*(path.name for path in (ROOT / "profiles").iterdir()), "notes.yml"}


def test_a_commit_before_the_profiles_is_an_empty_set(repository: Repository) -> None:
    """So that all that came since is new."""
    found = git.catalog_at("HEAD~1", repository.profiles)
    assert (found.names(), found.warnings) == ([], ())


def test_removed_directory_can_be_read_from_history(repository: Repository) -> None:
    """The removed profiles are compared with an empty set."""
    shutil.rmtree(repository.profiles)
    repository.commit()
    found = git.catalog_at("HEAD~1", repository.profiles)
    assert "patient" in found.names()
    assert git.catalog_at("HEAD", repository.profiles).names() == []


def test_a_problem_names_the_revision_and_the_place(repository: Repository) -> None:
    """As `git show` takes it, with line and column; all of them at once."""
    repository.write("profiles/patient.yaml", "stt:\n  nova: {endpointing_ms: 99999}\n")
    repository.write("profiles/quick.yaml", "extends: patien\n")
    repository.commit()
    repository.write("profiles/patient.yaml", PATIENT)
    repository.commit()
    assert problems_at("HEAD~1", repository.profiles) == [
        (
            "HEAD~1:profiles/patient.yaml:2:26: stt.nova.endpointing_ms: "
            "99999 is more than the maximum of 10000 (ms)"
        ),
        (
            'HEAD~1:profiles/quick.yaml:1:10: extends: unknown profile "patien"; available: '
            "brisk, courier, default, dictation, elderly, flux-conversation, noisy-line, "
            "patient, phone-menu, quick\n  hint: did you mean patient?"
        ),
    ]


def test_label_of_a_set_is_configurable(repository: Repository) -> None:
    """A command may show it under another name."""
    found = git.catalog_at("HEAD", repository.profiles, "before")
    assert found.layers["patient"].origins[MIN_DELAY].startswith("before/patient.yaml:")


def test_the_schema_of_the_commit_is_in_force(repository: Repository) -> None:
    """A bound that was tightened later does not reach back."""
    tightened = json.loads((ROOT / "schema.json").read_text())
    nova = tightened["properties"]["stt"]["properties"]["nova"]["properties"]
    nova["endpointing_ms"]["maximum"] = 500
    repository.write("profiles/slow.yaml", "stt: {nova: {endpointing_ms: 600}}\n")
    repository.commit()
    repository.write("schema.json", json.dumps(tightened))
    repository.commit()
    before = git.catalog_at("HEAD~1", repository.profiles)
    assert before.schema.text == schema_file.packaged("schema.json").read_text()
    assert problems_at("HEAD", repository.profiles) == [
        (
            "HEAD:profiles/slow.yaml:1:30: stt.nova.endpointing_ms: "
            "600 is more than the maximum of 500 (ms)"
        )
    ]


def test_unchanged_schema_is_not_checked_again(repository: Repository) -> None:
    """Both sides of a comparison share it."""
    current = catalog.load(repository.profiles)
    assert git.catalog_at("HEAD", repository.profiles).schema is current.schema


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("{", "HEAD:schema.json:1:2: invalid JSON: Expecting prop", id="no-json"),
        pytest.param("{}", "HEAD:schema.json: a section must have `addi", id="no-schema"),
        pytest.param(b"\xff", "HEAD:schema.json: cannot be read: 'utf-8' codec", id="no-utf-8"),
        pytest.param(
            b" " * 2**24 + b"{}", "HEAD:schema.json: the file is larger than 1048576 b", id="large"
        ),
    ],
)
def test_a_broken_schema_of_the_commit_is_a_problem(
    repository: Repository, content: str | bytes, problem: str
) -> None:
    """It names the revision like those of the profiles."""
    repository.write("schema.json", content)
    repository.commit()
    (found,) = problems_at("HEAD", repository.profiles)
    assert found.startswith(problem)


def test_a_schema_that_is_a_link_to_nowhere_is_a_problem(repository: Repository) -> None:
    """It does not bring the packaged one into force, as on the disk."""
    (repository.folder / "schema.json").symlink_to("nowhere.json")
    repository.commit()
    assert problems_at("HEAD", repository.profiles) == [
        "HEAD:schema.json: cannot be read: is a link to a path that does not exist"
    ]


@pytest.mark.parametrize(
    "shown", ["services/voice/profiles", "./services/../services/voice/profiles/"]
)
def test_the_folder_may_lie_anywhere_in_the_repository(
    empty: Repository, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named from where the command runs, or from the root of the disk."""
    empty.add_profiles("services/voice/profiles")
    empty.write("services/voice/schema.json", (ROOT / "schema.json").read_bytes())
    empty.write("services/profiles/other.yaml", PATIENT)
    empty.commit()
    monkeypatch.chdir(empty.folder)
    found = git.contents("main", Path(shown))
    assert found == git.contents("main", Path(shown).absolute())
    assert (found.label, found.schema_label) == (
        "main:services/voice/profiles",
        "main:services/voice/schema.json",
    )
    assert found.files == folder.read(Path(shown), "profiles")
    assert found.schema == (ROOT / "schema.json").read_bytes()


def test_the_folder_may_be_the_one_that_the_command_runs_in(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`PROFILES_DIR=.` means the same folder."""
    monkeypatch.chdir(repository.profiles)
    assert git.contents("main", Path()).label == "main:profiles"
    assert "patient" in git.catalog_at("main", Path()).names()


def test_directory_may_be_its_own_repository(tmp_path: Path) -> None:
    """Files beside it are not in that repository, and so the packaged schema is active."""
    made = Repository.init(tmp_path / "profiles")
    shutil.copytree(ROOT / "profiles", made.folder, dirs_exist_ok=True)
    made.commit()
    made.write("patient.yaml", "sst: {}\n")
    made.commit()
    assert "patient" in git.catalog_at("HEAD~1", made.folder).names()
    (problem,) = problems_at("HEAD", made.folder)
    assert problem.startswith("HEAD:./patient.yaml:1:1: ")


def test_the_folder_may_be_a_link_within_the_repository(empty: Repository) -> None:
    """It is followed as the commit had it, not as it is today."""
    empty.add_profiles("timing/v1")
    (empty.folder / "profiles").symlink_to("timing/v1")
    empty.commit()
    empty.write("timing/v2/default.yaml", (ROOT / "profiles" / "default.yaml").read_bytes())
    empty.profiles.unlink()
    empty.profiles.symlink_to("timing/v2")
    empty.commit()
    assert "patient" in git.catalog_at("HEAD~1", empty.profiles).names()
    assert git.catalog_at("HEAD", empty.profiles).names() == ["default"]


def test_the_work_tree_may_be_a_linked_one(repository: Repository, tmp_path: Path) -> None:
    """`git worktree add`: its HEAD is its own."""
    linked = Repository(tmp_path / "linked")
    repository.git("worktree", "add", "--quiet", "-b", "topic", linked.folder)
    linked.write("profiles/new.yaml", PATIENT)
    linked.commit()
    assert "new" in git.catalog_at("HEAD", linked.profiles).names()
    assert "new" not in git.catalog_at("HEAD", repository.profiles).names()


def test_environment_of_a_hook_does_not_change_the_repository(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repository is the one with the profiles, despite git's variables for its children."""
    elsewhere = Repository.init(tmp_path / "elsewhere")
    elsewhere.commit()
    monkeypatch.setenv("GIT_DIR", str(elsewhere.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(elsewhere.folder))
    monkeypatch.setenv("GIT_INDEX_FILE", str(elsewhere.folder / ".git" / "index"))
    assert "patient" in git.catalog_at("HEAD", repository.profiles).names()


def test_commit_can_be_read_while_being_received(repository: Repository, tmp_path: Path) -> None:
    """In a bare repository, before the push is accepted: a server can refuse broken profiles."""
    bare = Repository.init(tmp_path / "bare.git", "--bare")
    hook = bare.folder / "hooks" / "pre-receive"
    hook.write_text(PRE_RECEIVE)
    hook.chmod(0o755)
    pushed = run(["git", "push", str(bare.folder), "main"], repository.folder)
    names = " ".join(catalog.load(repository.profiles).names())
    assert pushed.returncode == 0, pushed.stderr
    assert f"remote: {names}" in [line.rstrip() for line in pushed.stderr.splitlines()]


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        pytest.param("", 'invalid revision ""', id="empty"),
        pytest.param("HEAD\nHEAD", r'invalid revision "HEAD\nHEAD"', id="line-break"),
        pytest.param("HEAD\0", r'invalid revision "HEAD\u0000"', id="nul"),
        pytest.param("\udcff", r'invalid revision "\udcff"', id="not-utf-8"),
        pytest.param("--help", 'unknown commit "--help"', id="option"),
        pytest.param("-x", 'unknown commit "-x"', id="short-option"),
        pytest.param("profiles", 'unknown commit "profiles"', id="file"),
        pytest.param("HEAD:profiles", 'unknown commit "HEAD:profiles"', id="folder-of-commit"),
        pytest.param("HEAD^{tree}", 'unknown commit "HEAD^{tree}"', id="tree"),
        pytest.param("symlink 4", 'unknown commit "symlink 4"', id="like-an-answer"),
        pytest.param("HEAD~9", 'unknown commit "HEAD~9"', id="before-the-first"),
        pytest.param("mian", 'unknown commit "mian"; did you mean main?', id="near-miss"),
        pytest.param(
            "v1..main",
            "v1..main is a range, not a commit; name its two ends: v1 main",
            id="range",
        ),
        pytest.param(
            "main...",
            "main... is a range, not a commit; name its two ends: main HEAD",
            id="range-from-the-merge-base",
        ),
    ],
)
def test_invalid_commit_prints_one_line(
    repository: Repository, revision: str, message: str
) -> None:
    """It is never an option to git, and the message is ours."""
    assert error_at(revision, repository.profiles) == message


def test_a_branch_that_only_the_remote_has_is_named(repository: Repository, tmp_path: Path) -> None:
    """A fresh clone has `origin/topic`, but no `topic`."""
    repository.git("branch", "topic")
    repository.git("clone", "--quiet", repository.folder, tmp_path / "clone")
    clone = Repository(tmp_path / "clone")
    assert error_at("topic", clone.profiles) == (
        'unknown commit "topic"; did you mean origin/topic?'
    )


def test_shallow_clone_message_names_fetch_command(repository: Repository, tmp_path: Path) -> None:
    """As the one that a workflow works on by default."""
    url = f"file://{repository.folder}"
    repository.git("clone", "--quiet", "--depth=1", url, tmp_path / "clone")
    clone = Repository(tmp_path / "clone")
    assert "patient" in git.catalog_at("HEAD", clone.profiles).names()
    assert error_at("HEAD^1", clone.profiles) == (
        'unknown commit "HEAD^1"; '
        "this clone is shallow: `git fetch --unshallow`, or `fetch-depth: 0` in a workflow"
    )


def test_partial_clone_message_names_fetch_command(repository: Repository, tmp_path: Path) -> None:
    """Git would run a configured program to fetch the objects; that is left to the user."""
    repository.write("profiles/patient.yaml", PATIENT)
    repository.commit()
    repository.git("config", "uploadpack.allowFilter", "true")
    url = f"file://{repository.folder}"
    repository.git("clone", "--quiet", "--filter=blob:none", url, tmp_path / "clone")
    clone = Repository(tmp_path / "clone")
    assert "patient" in git.catalog_at("HEAD", clone.profiles).names()
    message = error_at("HEAD~1", clone.profiles)
    assert message.startswith("git: could not fetch ")
    assert message.endswith(
        "; this clone is partial: `git fetch --refetch --no-filter` completes it"
    )
    clone.git("fetch", "--refetch", "--no-filter", "--quiet")
    assert "patient" in git.catalog_at("HEAD~1", clone.profiles).names()


@pytest.mark.parametrize("inside", [False, True], ids=["from-the-top", "from-inside"])
@pytest.mark.parametrize("attributes", ["promisor", "remote"])
def test_fault_65_checked_in_files_run_no_command(
    empty: Repository,
    monkeypatch: pytest.MonkeyPatch,
    happened: Happened,
    *,
    inside: bool,
    attributes: str,
) -> None:
    """Files that look like a bare repository, which lacks an object and names how to fetch it."""
    empty.add_profiles("config/profiles")
    empty.commit()
    fetching = {
        "promisor": '[remote "origin"]\nurl = .\npromisor = true\n',
        "remote": '[extensions]\npartialClone = origin\n[remote "origin"]\nurl = .\n',
    }
    command = f"touch {empty.folder / 'ran'}; false"
    empty.write(
        "config/config",
        "[core]\nrepositoryformatversion = 1\nbare = true\n"
        f'fsmonitor = "{command}"\n{fetching[attributes]}uploadpack = "{command}"\n',
    )
    empty.write("config/HEAD", "ref: refs/heads/main\n")
    empty.write("config/objects/.keep", "")
    empty.write("config/refs/heads/main", f"{'1' * 40}\n")
    empty.commit()
    monkeypatch.chdir(empty.folder / "config" if inside else empty.folder)
    folder_given = Path("profiles" if inside else "config/profiles")
    assert git.contents("main", folder_given).label == "main:config/profiles"
    assert "patient" in git.catalog_at("HEAD", folder_given).names()
    assert not (empty.folder / "ran").exists()
    happened("read from the repository around them; no command ran")


def test_fault_65_a_repository_is_the_one_with_a_git_directory(
    empty: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bare one counts only where the environment names it, as git does for a hook."""
    empty.add_profiles()
    empty.commit()
    empty.git("clone", "--quiet", "--bare", empty.folder, tmp_path / "bare")
    profiles = tmp_path / "bare" / "profiles"
    assert error_at("main", profiles) == (
        f"{profiles.parent}: not a git repository (or any of the parent directories): .git"
    )
    monkeypatch.setenv("GIT_DIR", str(profiles.parent))
    assert "patient" in git.catalog_at("main", profiles).names()


def test_an_empty_git_directory_is_passed_over(repository: Repository) -> None:
    """As git does it: the repository is the next one above."""
    (repository.folder / "services" / ".git").mkdir(parents=True)
    repository.add_profiles("services/profiles")
    repository.commit()
    found = git.contents("main", repository.folder / "services" / "profiles")
    assert found.label == "main:services/profiles"


def test_directory_outside_a_repository_prints_one_line(tmp_path: Path) -> None:
    """There is nothing to compare with."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    assert error_at("HEAD", tmp_path / "profiles") == (
        f"{tmp_path}: not a git repository (or any of the parent directories): .git"
    )


def test_repository_without_commits_prints_one_line(tmp_path: Path) -> None:
    """HEAD exists, but is nothing yet."""
    made = Repository.init(tmp_path)
    assert error_at("HEAD", made.profiles) == 'unknown commit "HEAD"'


def test_repository_of_another_user_prints_one_line(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container with another user than the owner; the line has git's reason."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert error_at("HEAD", repository.profiles) == (
        f"{repository.folder}: detected dubious ownership in repository at "
        f"'{repository.folder}'; `git config --global --add safe.directory ...` trusts it"
    )


def test_missing_git_prints_one_line(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing program causes no traceback."""
    monkeypatch.setenv("PATH", "")
    assert error_at("HEAD", repository.profiles) == "git is not installed"


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ('echo "fatal: out of memory" >&2; exit 128', "git: out of memory"),
        ("echo out of memory >&2; exit 1", r'git: failed: "out of memory\n"'),
        (f"echo {'a' * 40} commit 999; exit 1", "git: ended within an answer"),
    ],
)
def test_killed_git_prints_one_line(
    repository: Repository,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answers: str,
    message: str,
) -> None:
    """With its own reason, where it gives one."""
    (tmp_path / "bin").mkdir()
    git = tmp_path / "bin" / "git"
    git.write_text(f'#!/bin/sh\ncase "$*" in *rev-parse*) pwd; exec echo; esac\n{answers}\n')
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}{os.pathsep}{os.environ['PATH']}")
    assert error_at("HEAD", repository.profiles) == message


def test_directory_with_line_break_prints_one_line(repository: Repository) -> None:
    """Git is asked line by line."""
    named = repository.folder / "a\nb" / "profiles"
    named.mkdir(parents=True)
    assert error_at("HEAD", named) == (
        f"{quoted(str(named))}: paths with a line break are not supported"
    )


def test_too_long_path_prints_one_line(repository: Repository) -> None:
    """The system's own message is enough."""
    assert error_at("HEAD", repository.folder / ("x" * 5000)) == (
        f"{repository.folder}/{'x' * 5000}: File name too long"
    )


def test_a_file_in_place_of_the_folder_is_a_problem(empty: Repository) -> None:
    """Such a commit has no profiles, and not because there were none yet."""
    empty.write("profiles", "a file\n")
    empty.commit()
    assert problems_at("HEAD", empty.profiles) == [
        "HEAD:profiles: cannot be read: is not a directory"
    ]


def test_links_are_followed_within_the_commit(repository: Repository) -> None:
    """Files outside are not in history; each link without content has a reason."""
    links = {
        "linked": "patient.yaml",
        "outside": "../../../elsewhere.yaml",
        "absolute": "/etc/hostname",
        "nowhere": "nothing.yaml",
        "circle": "circle.yaml",
        "through": "patient.yaml/inner",
        "to-a-folder": "../profiles",
    }
    for name, target in links.items():
        (repository.profiles / f"{name}.yaml").symlink_to(target)
    repository.commit()
    found = git.contents("HEAD", repository.profiles).files
    assert found["linked.yaml"] == (ROOT / "profiles" / "patient.yaml").read_bytes()
    assert [str(found[f"{name}.yaml"]) for name in links if name != "linked"] == [
        f"HEAD:profiles/{name}.yaml: cannot be read: is a {reason}"
        for name, reason in {
            "outside": "link to a path outside of the repository",
            "absolute": "link to a path outside of the repository",
            "nowhere": "link to a path that does not exist",
            "circle": "link to itself",
            "through": "link through a file",
            "to-a-folder": "directory",
        }.items()
    ]


def test_folders_and_submodules_named_like_profiles_are_problems(
    repository: Repository, tmp_path: Path
) -> None:
    """They look like profiles, but are not read."""
    module = Repository.init(tmp_path / "module")
    module.commit()
    repository.write("profiles/folder.yaml/inner.yaml", PATIENT)
    options = ("-c", "protocol.file.allow=always")
    repository.git(*options, "submodule", "--quiet", "add", module.folder, "profiles/module.yaml")
    repository.commit()
    assert problems_at("HEAD", repository.profiles) == [
        "HEAD:profiles/folder.yaml: cannot be read: is a directory",
        "HEAD:profiles/module.yaml: cannot be read: is a submodule",
    ]


def test_oversized_file_is_not_loaded(repository: Repository) -> None:
    """Its size is asked for first; the problem is the one that the disk's file has."""
    repository.write("profiles/large.yaml", b"# x\n" * 2_500_000)
    repository.commit()
    tracemalloc.start()
    try:
        (problem,) = problems_at("HEAD", repository.profiles)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert problem == (
        "HEAD:profiles/large.yaml:1:1: the file is larger than 32768 bytes, the limit of a profile"
    )
    assert most < 5_000_000


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"\xff.yaml", r"\udcff.yaml"),
        (b"a\nb.yaml", r"a\nb.yaml"),
        (b'"quoted".yaml', '"quoted".yaml'),
        (b"two words.yaml", "two words.yaml"),
        ("grün.yaml".encode(), "grün.yaml"),
    ],
)
def test_any_file_name_is_read_and_shown(repository: Repository, name: bytes, shown: str) -> None:
    """As by the check of the disk, which reports an invalid name."""
    (repository.profiles / os.fsdecode(name)).write_text(PATIENT)
    repository.commit()
    (problem,) = problems_at("HEAD", repository.profiles)
    assert problem.startswith(f"HEAD:profiles/{shown}: ")
    with pytest.raises(ProfilesError) as on_disk:
        catalog.load(repository.profiles)
    assert problem == f"HEAD:{on_disk.value}"


def test_a_link_with_a_line_break_in_its_name_is_a_problem(repository: Repository) -> None:
    """No name that is asked for can look like two."""
    (repository.profiles / "a\nHEAD.yaml").symlink_to("patient.yaml")
    repository.commit()
    found = problems_at("HEAD", repository.profiles)
    assert all(problem.startswith(r"HEAD:profiles/a\nHEAD.yaml") for problem in found)


def test_line_endings_of_checkout_do_not_differ(repository: Repository, tmp_path: Path) -> None:
    """Where git writes CRLF into the work tree, the values are those of the commit."""
    options = ("-c", "core.autocrlf=true")
    repository.git(*options, "clone", "--quiet", repository.folder, tmp_path / "clone")
    clone = Repository(tmp_path / "clone")
    assert b"\r\n" in (clone.profiles / "patient.yaml").read_bytes()
    on_disk = catalog.load(clone.profiles)
    committed = git.catalog_at("HEAD", clone.profiles)
    assert on_disk.names() == committed.names()
    for name in on_disk.names():
        was, now = committed.profile(name), on_disk.profile(name)
        assert was
        assert now
        assert was.values == now.values


def test_lfs_pointer_is_named(repository: Repository) -> None:
    """The profile itself is not in the commit."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    repository.write("profiles/patient.yaml", pointer)
    repository.commit()
    assert problems_at("HEAD", repository.profiles) == [
        (
            "HEAD:profiles/patient.yaml:1:1: "
            "the file is a Git LFS pointer; `git lfs pull` fetches the profile itself"
        )
    ]


def test_missing_git_object_is_a_problem(repository: Repository) -> None:
    """A damaged repository names the file."""
    name = repository.git("rev-parse", "HEAD:profiles/patient.yaml").strip()
    (repository.folder / ".git" / "objects" / name[:2] / name[2:]).unlink()
    assert problems_at("HEAD", repository.profiles) == [
        "HEAD:profiles/patient.yaml: cannot be read: its content is not in this repository"
    ]


def test_no_program_of_the_repository_is_run(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No pager, text conversion, filter, hook or monitor, with any configuration."""
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path / "ran"}\ncat\n')
    program.chmod(0o755)
    repository.write(".gitattributes", "*.yaml diff=own filter=own\n")
    repository.commit()
    for key in (
        "core.pager",
        "pager.ls-tree",
        "pager.cat-file",
        "diff.own.textconv",
        "filter.own.smudge",
        "core.fsmonitor",
        "core.askPass",
    ):
        repository.git("config", key, str(program))
    repository.git("config", "core.hooksPath", str(tmp_path))
    for variable in ("GIT_PAGER", "PAGER", "GIT_EXTERNAL_DIFF", "GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(variable, str(program))
    assert "patient" in git.catalog_at("HEAD", repository.profiles).names()
    assert not (tmp_path / "ran").exists()


def test_the_number_of_processes_does_not_grow_with_the_files(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more profile costs no process."""

    def processes(revision: str) -> int:
        trace = tmp_path / f"trace-{revision}"
        monkeypatch.setenv("GIT_TRACE", str(trace))
        git.catalog_at(revision, repository.profiles)
        return trace.read_text().count("trace: built-in: git ")

    for number in range(50):
        repository.write(f"profiles/more-{number}.yaml", PATIENT)
    repository.commit()
    assert processes("HEAD~1") == processes("HEAD") <= 6


def test_sha_256_repository_is_supported(tmp_path: Path) -> None:
    """Git's other object format has longer names."""
    made = Repository.init(tmp_path, "--object-format=sha256")
    made.add_profiles()
    made.commit()
    assert "patient" in git.catalog_at("HEAD", made.profiles).names()


def test_errors_are_in_english_in_any_locale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git translates its own messages; ours quote them."""
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("LANGUAGE", "de")
    assert "not a git repository" in error_at("HEAD", tmp_path / "profiles")
