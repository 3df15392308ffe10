"""The command line where Python has only what Windows has, and the worker, which needs more."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from sandbox.repository import ROOT, Repository, environment

pytestmark = pytest.mark.behind

BARE = Path(__file__).parent / "bare_system.py"

ENTRY = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]["entry"]

LINES = [
    ENTRY.removeprefix("timing-profiles "),
    "check --strict profiles/brisk.yaml other/profiles",
    "check nowhere profiles schema.json --format json",
    "check profiles --format github",
    "list",
    "show patient",
    "show windows --format yaml",
    "show windows --format json --metadata {",
    "diff brisk windows --format markdown",
    "diff --git HEAD",
    "diff --git HEAD~1 HEAD --format json",
    "diff --git nowhere",
    "explain tts.speed",
    "explain --format markdown",
    "metadata-schema",
    "metadata-schema patient --format text",
    "timeline brisk --format text",
    "completion bash",
    "show nobody",
    "nonsense",
]


def ran(command: list[str], folder: Path) -> tuple[int, bytes, bytes]:
    """How a command ends, and the very bytes that it writes."""
    done = subprocess.run(  # noqa: S603 - the commands of the tests
        command,
        cwd=folder,
        env=environment({"PYTHONIOENCODING": ""}),
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def as_usual(line: str, folder: Path) -> tuple[int, bytes, bytes]:
    """How a line of `timing-profiles` ends here."""
    return ran(["timing-profiles", *line.split()], folder)


def bare(line: str, folder: Path) -> tuple[int, bytes, bytes]:
    """How it ends with only what Windows has."""
    return ran([sys.executable, str(BARE), "cli", *line.split()], folder)


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a changed work tree and a file as Windows writes it; nobody changes it."""
    made = Repository.init(tmp_path_factory.mktemp("windows"))
    made.add_profiles()
    made.commit()
    made.add_profiles("other/profiles")
    made.write(
        "profiles/windows.yaml",
        "description: 'Größe: 漢字'\r\nextends: patient\r\ntts:\r\n  speed: 0.9\r\n",
    )
    made.commit()
    made.write("profiles/patient.yaml", "tts: {speed: 0.8}\n")
    made.write("schema.json", (ROOT / "schema.json").read_bytes())
    return made.folder


@pytest.fixture(scope="module")
def odd_folder(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, with all that may lie in the place of a profile, and a file that is wrong."""
    folder = tmp_path_factory.mktemp("odd") / "repository"
    shutil.copytree(shared_folder, folder)
    profiles = folder / "profiles"
    (profiles / "a.yaml").write_text("extends: nobody\ntts: {speed: 9}\n")
    (profiles / "big.yaml").write_bytes(b"#" * 100_000)
    (profiles / "dangling.yaml").symlink_to("nowhere")
    (profiles / "device.yaml").symlink_to("/dev/zero")
    (profiles / "folder.yaml").mkdir()
    os.mkfifo(profiles / "queue.yaml")
    (profiles / "loop.yaml").symlink_to("loop.yaml")
    (profiles / "memory.yaml").symlink_to("/proc/self/mem")
    (profiles / "empty.yaml").touch()
    (profiles / "line\nbreak.yaml").write_text("text\n")
    (profiles / os.fsdecode(b"caf\xe9.yaml")).write_text("text\n")
    (folder / "file").touch()
    (folder / "loop").symlink_to("loop")
    return folder


@pytest.mark.parametrize("line", LINES)
def test_a_command_writes_the_same_bytes(line: str, shared_folder: Path) -> None:
    """Without a module, a flag or a folder's handle of POSIX, and whatever a console's encoding."""
    assert bare(line, shared_folder) == as_usual(line, shared_folder)


def test_copied_profile_is_valid(shared_folder: Path, tmp_path: Path) -> None:
    """`show --format yaml > copy.yaml`: the file is read as it was written."""
    folder = tmp_path / "copied"
    shutil.copytree(shared_folder, folder)
    (folder / "profiles/copy.yaml").write_bytes(bare("show windows --format yaml", folder)[1])
    assert bare("check", folder) == (0, b"", b"")
    _, differs, _ = bare("diff windows copy", folder)
    assert b"no caller notices a difference" in differs


@pytest.mark.parametrize(
    "line",
    [
        "check",
        "check --format json",
        "check profiles/queue.yaml profiles/device.yaml profiles/default.yaml/x profiles/a.yaml",
        "list",
        "show patient",
        "show a",
        "explain tts.speed",
        "metadata-schema patient",
        "timeline patient",
        "diff --git HEAD",
    ],
)
def test_unreadable_file_has_same_message(line: str, odd_folder: Path) -> None:
    """Nothing blocks, no more than the largest file is read, and each line is the same."""
    assert bare(line, odd_folder) == as_usual(line, odd_folder)


def test_unreadable_directory_has_same_message(odd_folder: Path) -> None:
    """Nothing there, a file, a link in circles, a name that is too long."""
    names = ["nowhere", "file", "loop", "x" * 300]
    line = " ".join(["check", *names, *(f"{name}/a.yaml" for name in names)])
    assert bare(line, odd_folder) == as_usual(line, odd_folder)


def test_worker_names_missing_requirement(starters: Path) -> None:
    """Exit 1 and one message, in place of a traceback about a module of POSIX."""
    server = {
        "LIVEKIT_URL": "ws://127.0.0.1:9",
        "LIVEKIT_API_KEY": "key",
        "LIVEKIT_API_SECRET": "secret",
        "DEEPGRAM_API_KEY": "key",
    }
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, BARE, ROOT / "agent.py", "start"],
        cwd=starters.parent,
        env=environment(server),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        1,
        (
            "the worker needs Linux or macOS\n"
            "  hint: on Windows, run it in WSL or in a container;"
            " the command timing-profiles runs anywhere\n"
        ),
    )
