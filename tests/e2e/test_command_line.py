"""`timing-profiles` as a process: its examples, without the SDK, as any user, in a shell."""

import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from sandbox.repository import ROOT, Repository, run
from tests.e2e.shell import typed
from timing_profiles import __version__

pytestmark = pytest.mark.behind

COMMANDS = [
    "init",
    "check",
    "list",
    "show",
    "diff",
    "explain",
    "metadata-schema",
    "timeline",
    "completion",
]
OF_RECORDINGS = ["rehearse", "why", "fit"]  # these need the SDK
OF_CALLS = ["tune"]  # likewise, and a LiveKit server

NAMES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))


@pytest.fixture
def folder(starters: Path) -> Path:
    """A folder with the starter profiles in `profiles`."""
    return starters.parent


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_every_example_of_the_help_runs(name: str, repository: Repository) -> None:
    """As it stands there, in a shell."""
    repository.add_profiles("other/profiles")
    text = run(["timing-profiles", *name.split(), "--help"], repository.folder).stdout
    examples = text.partition("\nexamples:\n")[2].splitlines()
    assert examples
    for line in examples:
        status, _, errors = typed(line, repository.folder)
        assert (status, errors) == (0, ""), line


def test_the_package_runs_as_a_module(folder: Path) -> None:
    """Where the command is not on PATH."""
    ran = run([sys.executable, "-m", "timing_profiles.cli", "--version"], folder)
    assert (ran.returncode, ran.stdout) == (0, f"timing-profiles {__version__}\n")


WITHOUT_THE_SDK = """
import sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"livekit", "watchfiles", "numpy"}:
            raise ImportError(f"{name} is not installed here")

sys.meta_path.insert(0, Refused())
from timing_profiles import cli
sys.exit(max(cli.main(words.split()) for words in sys.argv[1:]))
"""


def test_every_command_runs_without_the_sdk(repository: Repository) -> None:
    """Whoever edits profiles, and the runner of a pull request, need no LiveKit."""
    lines = [
        "init",
        "check",
        "list",
        "show patient",
        "show patient --format yaml",
        "diff brisk patient",
        "diff --git HEAD~1 HEAD",
        "explain",
        "metadata-schema",
        "timeline brisk",
        "completion bash",
    ]
    assert {line.split()[0] for line in lines} == {*COMMANDS}
    ran = run([sys.executable, "-c", WITHOUT_THE_SDK, *lines], repository.folder)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "absent"),
    [
        ("rehearse call.wav", "numpy"),
        ("why call.wav", "numpy"),
        ("fit call.wav --turns-cut 5%", "numpy"),
        ("tune", "livekit"),
    ],
)
def test_a_command_that_needs_the_sdk_says_so(
    line: str, absent: str, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line, without a traceback."""
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.setenv(name, "ws://127.0.0.1:9")
    ran = run([sys.executable, "-c", WITHOUT_THE_SDK, line], repository.folder)
    reason = f"this command needs livekit-agents and what comes with it: {absent} is not installed"
    remedy = "install timing-profiles with its dependencies"
    message = f"timing-profiles: {reason} here; {remedy}\n"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", message)


PRINT_LOADED = """
import sys
from timing_profiles import cli
status = cli.main(sys.argv[1].split())
print(*sorted(sys.modules.keys() & {*sys.argv[2:]}), file=sys.stderr)
sys.exit(status)
"""

# Slow to load, and only for a mistake, a worker or recordings.
RARELY_USED = (
    *("asyncio", "difflib", "livekit", "numpy", "sqlite3", "sysconfig", "watchfiles"),
    *("timing_profiles.authoring", "timing_profiles.handoff", "timing_profiles.worker"),
)


@pytest.mark.parametrize(
    ("line", "unused"),
    [
        ("show patient", RARELY_USED),
        ("check", (*RARELY_USED, "hashlib")),
        ("list", (*RARELY_USED, "hashlib")),
        ("diff --git HEAD", ("asyncio", "hashlib", "livekit", "timing_profiles.resolution")),
    ],
)
def test_command_loads_no_module_that_only_others_use(
    line: str, unused: tuple[str, ...], repository: Repository
) -> None:
    """A command starts as fast as what it does allows."""
    assert all(map(find_spec, unused))
    ran = run([sys.executable, "-c", PRINT_LOADED, line, *unused], repository.folder)
    assert (ran.returncode, ran.stderr) == (0, "\n")


# Root reads everything by two capabilities; without them it is a user like any other.
AS_ANY_USER = (
    "import ctypes, os, sys; [ctypes.CDLL(None).prctl(24, drop, 0, 0, 0) for drop in (1, 2)];"
    " os.execvp(sys.argv[1], sys.argv[1:])"
)


def as_any_user(line: str, folder: Path) -> tuple[int, str, str]:
    """How a command ends that may not read everything, and what it prints."""
    command = [sys.executable, "-c", AS_ANY_USER, "timing-profiles", *line.split()]
    ran = run(command, folder)
    return ran.returncode, ran.stdout, ran.stderr


@pytest.fixture
def closed(folder: Path) -> Iterator[Path]:
    """A folder whose modes are put back at the end."""
    yield folder
    for path in (folder / "profiles", folder / "profiles" / "brisk.yaml"):
        path.chmod(0o700)


def test_unreadable_file_is_named(closed: Path) -> None:
    """Within its set, and alone."""
    (closed / "profiles/brisk.yaml").chmod(0)
    expected = "profiles/brisk.yaml: cannot be read: Permission denied\n"
    assert as_any_user("check", closed) == (1, expected, "")
    assert as_any_user("check profiles/brisk.yaml", closed) == (1, expected, "")
    assert as_any_user("list", closed) == (1, "", expected)


@pytest.mark.parametrize("mode", [0o000, 0o300])
def test_unreadable_directory_is_named(mode: int, closed: Path) -> None:
    """Neither listed nor entered, or not listed."""
    (closed / "profiles").chmod(mode)
    assert as_any_user("check", closed) == (
        1,
        "profiles: cannot be read: Permission denied\n",
        "",
    )
    status, out, errors = as_any_user("list", closed)
    assert (status, out) == (1, "")
    assert errors.startswith("profiles: cannot be read: Permission denied\n")


def test_directory_without_execute_permission_is_named(closed: Path) -> None:
    """Its entries may not even be examined."""
    (closed / "profiles").chmod(0)
    assert as_any_user("check profiles/brisk.yaml", closed) == (
        1,
        "profiles/brisk.yaml: cannot be read: Permission denied\n",
        "",
    )


COMPLETE = """
eval "$(timing-profiles completion bash)"
read -r -a COMP_WORDS <<< "$COMP_LINE"
[[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_POINT=${#COMP_LINE} COMP_TYPE=9
function_of() { complete -p timing-profiles | sed 's/.*-F \\([^ ]*\\) .*/\\1/'; }
"$(function_of)" timing-profiles
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completions(line: str, folder: Path) -> list[str]:
    """What bash offers at the end of a line."""
    ran = run(["bash", "--norc", "-c", COMPLETE], folder, {"COMP_LINE": line})
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    return sorted(word.strip() for word in ran.stdout.split())


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("timing-profiles ", ["--help", "--version", "-h", *COMMANDS, *OF_RECORDINGS, *OF_CALLS]),
        ("timing-profiles ex", ["explain"]),
        ("timing-profiles show ", ["--format", "--help", "--metadata", "-h", *NAMES]),
        ("timing-profiles diff brisk pa", ["patient"]),
        ("timing-profiles timeline brisk el", ["elderly"]),
        ("timing-profiles metadata-schema no", ["noisy-line"]),
        ("timing-profiles explain tts", ["tts", "tts.speed"]),
        (
            "timing-profiles explain turn_handling.endpointing.m",
            [f"turn_handling.endpointing.{name}" for name in ("max_delay", "min_delay", "mode")],
        ),
        ("timing-profiles show brisk --format ", ["json", "text", "yaml"]),
        ("timing-profiles check --st", ["--strict"]),
        ("timing-profiles completion ", ["--help", "-h", "bash", "fish", "zsh"]),
        ("timing-profiles show nothing-like-it", []),
    ],
)
def test_bash_completes(line: str, expected: list[str], folder: Path) -> None:
    """Commands, options and their values, profiles and fields."""
    assert completions(line, folder) == sorted(expected)


def test_invalid_set_completes_valid_names_silently(folder: Path) -> None:
    """A message would land in the middle of the line that is being typed."""
    (folder / "profiles/brisk.yaml").write_text("[")
    assert completions("timing-profiles diff pa", folder) == ["patient"]
    assert completions("timing-profiles diff br", folder) == []
    assert completions("timing-profiles explain tts.s", folder) == ["tts.speed"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_code_for_this_command(shell: str, folder: Path) -> None:
    """What the other two make of it, they must say: they need not be here."""
    status, out, errors = typed(f"timing-profiles completion {shell}", folder)
    assert (status, errors) == (0, "")
    assert "timing-profiles" in out
