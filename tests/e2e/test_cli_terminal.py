"""`timing-profiles` at a terminal and in a pipe: width, colour, and how it ends."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.repository import ROOT, environment, run
from tests.e2e.pseudo_terminal import at_terminal, plain
from tests.e2e.shell import BUFFERED, typed

NAMES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))

COMMANDS = ["check", "list", "show", "diff", "explain", "metadata-schema", "timeline", "completion"]

LINES = [
    "list",
    "show patient",
    "diff default dictation",
    "explain",
    "explain turn_handling.turn_detection",
    "metadata-schema --format text",
    "timeline brisk patient",
    "show nobody",
    "explain stt.nova.endpoint",
]

WIDTHS = [
    *((f"show {name}", 80) for name in NAMES),
    *((f"{name} --help".strip(), 80) for name in ["", *COMMANDS]),
    *((f"timeline {name}", 80) for name in NAMES[:2]),
    *((line, columns) for line in LINES for columns in (80, 120)),
]

COLOURED = ["show patient", "list", "diff brisk patient", "explain tts"]

# One process for many commands: each argument is a command, whose status ends its output.
EACH = """
import sys
from timing_profiles import cli
for line in sys.argv[1:]:
    print(f"\\x1e{cli.main(line.split())}\\x1e", end="", flush=True)
"""


def each(lines: list[str]) -> list[str]:
    """A process that runs these commands."""
    return [sys.executable, "-c", EACH, *lines]


def parted(output: str) -> list[tuple[int, str]]:
    """The status and the output of each command of that process."""
    texts = output.split("\x1e")
    return [(int(status), text) for text, status in zip(texts[::2], texts[1::2], strict=False)]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Mapping[tuple[str, int], tuple[int, str]]:
    """How each command of `WIDTHS` ends, and what is on its terminal then."""
    folder = tmp_path_factory.mktemp("terminals")
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for columns in (80, 120):
        lines = [line for line, width in WIDTHS if width == columns]
        with at_terminal(each(lines), folder, columns) as terminal:
            ends = parted(terminal.read())
            assert terminal.process.wait() == 0
        keys = [(line, columns) for line in lines]
        found |= dict(zip(keys, ends, strict=True))
    return found


@pytest.fixture
def folder(starters: Path) -> Path:
    """A folder with the starter profiles in `profiles`."""
    return starters.parent


@pytest.mark.parametrize(("line", "columns"), WIDTHS)
def test_no_line_is_wider_than_the_terminal(
    line: str, columns: int, shown: Mapping[tuple[str, int], tuple[int, str]]
) -> None:
    """An aligned table that wraps is none."""
    status, text = shown[line, columns]
    assert status in {0, 2}
    lines = plain(text).splitlines()
    assert lines
    assert [line for line in lines if len(line) > columns] == []


def test_problems_are_wrapped_and_counted(folder: Path) -> None:
    """A terminal gets a summary, too; a pipe gets the problems alone, a line each."""
    (folder / "profiles/a.yaml").write_text(
        "vad: {nothing: 1}\nturn_handling: {endpointing: {min_delay: 1200}}\n"
    )
    (folder / "profiles/b.yaml").write_text("turn_handling: {endpointing: {alpha: 0.5}}\n")
    with at_terminal(["timing-profiles", "check"], folder) as terminal:
        seen = terminal.read()
        assert terminal.process.wait() == 1
    assert plain(seen).splitlines() == [
        "profiles/a.yaml:1:7: vad.nothing: unknown field; vad takes min_speech_duration,",
        "    min_silence_duration, prefix_padding_duration, activation_threshold,",
        "    deactivation_threshold",
        "profiles/a.yaml:2:42: turn_handling.endpointing.min_delay: 1200 is more than the",
        "    maximum of 10 (s)",
        "  hint: 1200 ms is 1.2 s: write 1.2",
        "profiles/b.yaml:1:31: warning: turn_handling.endpointing.alpha: has no effect:",
        "    endpointing.mode is fixed",
        "profiles: 2 errors and 1 warning",
    ]
    assert "\x1b[1;31mprofiles/a.yaml:1:7\x1b[0m: vad.nothing" in seen
    assert "\x1b[1;33mprofiles/b.yaml:1:31\x1b[0m: warning" in seen
    status, out, errors = typed("timing-profiles check", folder)
    assert (status, len(out.splitlines()), errors) == (1, 4, "")
    assert "\x1b" not in out


def test_clean_check_prints_confirmation_on_terminal(folder: Path) -> None:
    """Silence would leave a doubt; a script gets silence."""
    with at_terminal(["timing-profiles", "check"], folder) as terminal:
        assert terminal.read() == "profiles: no problems\n"
    assert typed("timing-profiles check", folder) == (0, "", "")


@pytest.mark.parametrize(
    ("more", "is_coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
        ({"NO_COLOR": ""}, True),
    ],
)
def test_colour_depends_on_terminal_and_environment(
    more: dict[str, str], is_coloured: object, folder: Path
) -> None:
    """On a terminal, and nowhere else."""
    with at_terminal(each(COLOURED), folder, more=more) as terminal:
        on_terminal = parted(terminal.read())
    piped = parted(run(each(COLOURED), folder, more).stdout)
    assert [("\x1b[" in text) for _, text in on_terminal] == [is_coloured] * len(COLOURED)
    assert [(status, "\x1b" in text) for status, text in piped] == [(0, False)] * len(COLOURED)


def test_columns_of_the_environment_win_over_the_terminal(folder: Path) -> None:
    """As in other programs."""
    command = ["timing-profiles", "explain", "tts.speed"]
    with at_terminal(command, folder, 120, {"COLUMNS": "50"}) as terminal:
        assert max(map(len, plain(terminal.read()).splitlines())) <= 50


def test_ctrl_c_exits_without_traceback(folder: Path) -> None:
    """The exit status is the one that a shell expects after an interruption."""
    command = ["timing-profiles", "explain", "--format", "json"]
    with at_terminal(command, folder) as terminal:
        # More is printed than the terminal holds: the command waits there until it is read.
        seen = terminal.read_some()
        terminal.type("\x03")
        seen += terminal.read()
        assert terminal.process.wait() == 130
    assert seen.startswith("[")
    assert "Traceback" not in seen


def test_closed_pipe_exits_without_traceback(folder: Path) -> None:
    """The status is that of any program whose reader has left."""
    for number in range(400):
        (folder / f"profiles/p{number}.yaml").write_text("tts: {speed: 1.0}\n")
    with subprocess.Popen(
        ["timing-profiles", "list", "--format", "json"],  # noqa: S607 - the one of `environment`
        cwd=folder,
        env=environment(BUFFERED),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "[\n"
        process.stdout.close()  # more is to come than a pipe holds
        assert (process.stderr.read(), process.wait()) == ("", 141)


@pytest.mark.parametrize("line", ["list", "show brisk", "explain", "--help", "completion zsh"])
def test_head_reads_first_line(line: str, folder: Path) -> None:
    """`| head -1`, and a reader that reads nothing."""
    status, out, errors = typed(f"timing-profiles {line} | head -1", folder)
    assert (status in {0, 141}, len(out.splitlines()), errors) == (True, 1, "")
    status, out, errors = typed(f"timing-profiles {line} | (exec <&-; sleep 0.3)", folder)
    assert (status in {0, 141}, out, errors) == (True, "", "")


@pytest.mark.parametrize("line", ["check", "list", "--help", "show brisk --format yaml"])
def test_closed_stream_discards_output(line: str, folder: Path) -> None:
    """As some supervisors start programs."""
    assert typed(f"timing-profiles {line} >&-", folder) == (0, "", "")
    assert typed(f"timing-profiles {line} 2>&-", folder)[0] == 0


def test_closed_streams_keep_the_status(folder: Path) -> None:
    """Of a wrong command line, too."""
    assert typed("timing-profiles show nobody >&- 2>&-", folder) == (2, "", "")


@pytest.mark.parametrize("line", ["list", "--help", "explain --format json"])
def test_full_disk_prints_one_line(line: str, folder: Path) -> None:
    """Incomplete output must not look like success."""
    assert typed(f"timing-profiles {line} > /dev/full", folder) == (
        1,
        "",
        "timing-profiles: cannot write: No space left on device\n",
    )
