"""The hook for other repositories, run by the real pre-commit."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.repository import ROOT, Repository, run

pytestmark = pytest.mark.behind

MANIFEST = ROOT / ".pre-commit-hooks.yaml"

# What is needed to build the package. It is copied, so that the work tree is tested as it is.
PACKAGE = ("pyproject.toml", "README.md", "LICENSE", "schema.json", MANIFEST.name)

# For pip, which takes this as `--no-compile`. What the hook imports is compiled when it runs.
NOT_COMPILED = {"PIP_NO_COMPILE": "no"}

TOO_MUCH = "stt:\n  nova: {endpointing_ms: 99999}\n"
TOO_MUCH_LINE = (
    "profiles/patient.yaml:2:26: stt.nova.endpointing_ms: "
    "99999 is more than the maximum of 10000 (ms)"
)


@pytest.fixture(scope="session")
def pre_commit_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where pre-commit installs the hook, once for all tests: twenty seconds, 400 MB."""
    home = tmp_path_factory.mktemp("pre-commit")
    yield home
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """This project as others find it."""
    made = Repository.init(tmp_path_factory.mktemp("published"))
    for name in PACKAGE:
        shutil.copy(ROOT / name, made.folder)
    for folder in ("timing_profiles", "profiles"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, made.folder / folder, ignore=ignored)
    made.commit()
    return made


class User:
    """A repository that uses the hook."""

    def __init__(
        self, repository: Repository, published: Repository, more: Mapping[str, str]
    ) -> None:
        """Begin without a configuration, and with more variables of the environment."""
        self.repository = repository
        self._published = published
        self._more = more

    def configure(self, **hook: Any) -> None:
        """Use the hook, and install it into git."""
        repo = {
            "repo": str(self._published.folder),
            "rev": self._published.git("rev-parse", "HEAD").strip(),
            "hooks": [{"id": "timing-profiles", **hook}],
        }
        self.repository.write(".pre-commit-config.yaml", json.dumps({"repos": [repo]}))
        self.repository.commit("Use pre-commit")
        status, output = self.run("pre-commit", "install")
        assert status == 0, output

    def commit(self, message: str) -> tuple[int, str]:
        """Commit the whole work tree as a person does: status, and what is on the terminal."""
        self.repository.git("add", "--all")
        return self.run("git", "commit", "--message", message)

    def run(self, *command: str) -> tuple[int, str]:
        """A command in the repository: status, and what is on the terminal."""
        ran = run(command, self.repository.folder, self._more)
        return ran.returncode, ran.stdout + ran.stderr

    @property
    def last_message(self) -> str:
        """The subject of the newest commit."""
        return self.repository.git("log", "-1", "--format=%s").strip()


@pytest.fixture
def user(
    tmp_path: Path, published: Repository, pre_commit_home: Path, proxies: Mapping[str, str]
) -> User:
    """A repository with the starter profiles, which do not yet use the hook."""
    repository = Repository.init(tmp_path / "user")
    repository.add_profiles()
    more = {"PRE_COMMIT_HOME": str(pre_commit_home), **NOT_COMPILED, **proxies}
    return User(repository, published, more)


def test_manifest_is_valid() -> None:
    """By pre-commit's own judgement."""
    ran = run(["pre-commit", "validate-manifest", str(MANIFEST)], ROOT)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_valid_profiles_pass(user: User) -> None:
    """In a run over all files, as continuous integration does it."""
    user.configure()
    status, output = user.run("pre-commit", "run", "--all-files")
    assert status == 0, output
    assert re.search(r"^timing profiles\.+Passed$", output, re.MULTILINE)


def test_a_commit_that_breaks_a_profile_is_refused(user: User) -> None:
    """With the line that is at fault; once it is repaired, the commit is made."""
    user.configure()
    user.repository.write("profiles/patient.yaml", TOO_MUCH)
    status, output = user.commit("Break it")
    assert status == 1
    assert TOO_MUCH_LINE in output.splitlines()
    assert user.last_message == "Use pre-commit"
    user.repository.write("profiles/patient.yaml", TOO_MUCH.replace("99999", "400"))
    status, output = user.commit("Repair it")
    assert status == 0, output
    assert user.last_message == "Repair it"


def test_an_edit_that_breaks_another_profile_is_refused(user: User) -> None:
    """The set is checked as a whole, not only the files that are committed."""
    user.repository.write("profiles/slow.yaml", "turn_handling: {endpointing: {min_delay: 2.0}}\n")
    user.configure()
    default = user.repository.profiles / "default.yaml"
    default.write_text(default.read_text().replace("max_delay: 2.5", "max_delay: 1.0"))
    status, output = user.commit("Answer sooner")
    assert status == 1
    assert (
        "profiles/slow.yaml:1:42: turn_handling.endpointing.min_delay: "
        "min_delay 2.0 is more than max_delay 1.0 (s)"
    ) in output.splitlines()


def test_a_deletion_that_breaks_another_profile_is_refused(user: User) -> None:
    """Pre-commit names no deleted files to a hook; the hook runs for every commit."""
    user.repository.write("profiles/slow.yaml", "extends: patient\n")
    user.configure()
    user.repository.git("rm", "--quiet", "profiles/patient.yaml")
    status, output = user.commit("Remove it")
    assert status == 1
    assert 'profiles/slow.yaml:1:10: extends: unknown profile "patient"; ' in output


def test_the_folders_to_check_can_be_named(user: User) -> None:
    """For profiles that lie elsewhere, or in several places."""
    user.repository.add_profiles("services/voice/profiles")
    user.configure(args=["profiles", "services/voice/profiles"])
    user.repository.write("services/voice/profiles/patient.yaml", TOO_MUCH)
    status, output = user.commit("Break it")
    assert status == 1
    assert f"services/voice/{TOO_MUCH_LINE}" in output.splitlines()


def test_hook_can_be_limited_to_profiles(user: User) -> None:
    """With `always_run: false`, by its own pattern of files."""
    user.repository.write("profiles/patient.yaml", TOO_MUCH)
    user.configure(always_run=False)
    user.repository.write("notes.txt", "Nothing of profiles.\n")
    status, output = user.commit("Take a note")
    assert status == 0, output
    assert re.search(r"^timing profiles\.+\(no files to check\)Skipped$", output, re.MULTILINE)
    user.repository.write("profiles/brisk.yaml", "description: Quick.\n")
    status, output = user.commit("Change a profile")
    assert status == 1
    assert TOO_MUCH_LINE in output.splitlines()


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("profiles/patient.yaml", True),
        ("services/voice/profiles/patient.yml", True),
        ("schema.json", True),
        ("services/voice/schema.json", True),
        ("profiles/notes/patient.yaml", False),
        ("my-profiles/patient.yaml", False),
        ("profiles/README.md", False),
        ("my-schema.json", False),
    ],
)
def test_hook_runs_for_files_of_profiles(path: str, *, is_one: bool) -> None:
    """In any folder of that name, and the schema beside it."""
    (hook,) = yaml.safe_load(MANIFEST.read_text())
    assert bool(re.search(hook["files"], path)) is is_one
