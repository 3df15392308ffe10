"""The command line as a whole: what can be typed, and how it ends."""

import io
import json
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import recorded
from tests.command_line import CommandLine
from timing_profiles import __version__, cli
from timing_profiles.cli import terminal

COMMANDS = {
    "init": ["init"],
    "check": ["check"],
    "list": ["list"],
    "show": ["show", "brisk"],
    "diff": ["diff", "brisk", "patient"],
    "explain": ["explain", "tts.speed"],
    "metadata-schema": ["metadata-schema"],
    "timeline": ["timeline", "brisk"],
    "rehearse": ["rehearse", "call.wav", "--profile", "brisk"],
    "why": ["why", "call.wav", "--profile", "brisk"],
    "fit": ["fit", "call.wav", "--turns-cut", "60%"],
    "tune": ["tune"],
    "completion": ["completion", "bash"],
}
"""Each command, as it may be typed."""

OF_A_SET = [name for name in COMMANDS if name not in {"init", "check", "completion"}]

THAT_END = [name for name in COMMANDS if name != "tune"]

INIT = (
    "  hint: `timing-profiles init` writes a first set to ./profiles; "
    "PROFILES_DIR names another directory\n"
)
HINT = "  hint: PROFILES_DIR of the environment names the directory of profiles\n"


def test_every_command_is_tested(run: CommandLine) -> None:
    """The tests below run all commands of the help."""
    commands = re.findall(r"^    ([a-z-]+)", run("--help").out, re.MULTILINE)
    assert commands == list(COMMANDS)


@pytest.fixture(name="recording")
def _recording(starters: Path) -> Path:
    """A recorded call beside the starter profiles."""
    return recorded.write(starters.parent / "call.wav", *recorded.sides("Yes, please."))


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("words", [COMMANDS[name] for name in THAT_END], ids=" ".join)
def test_data_goes_to_stdout_alone(words: list[str], run: CommandLine) -> None:
    """Exit 0, and nothing but plain text, as no terminal is there."""
    status, out, err = run(*words)
    assert (status, err) == (0, "")
    assert "\x1b" not in out


@pytest.mark.parametrize("words", [COMMANDS[name] for name in OF_A_SET], ids=" ".join)
def test_fault_81_a_working_directory_that_was_removed_is_one_line(
    words: list[str], starters: Path, run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a deployment has replaced it under a shell."""
    here = starters / "removed"
    here.mkdir()
    monkeypatch.chdir(here)
    here.rmdir()
    reason = "cannot read the working directory: No such file or directory; enter it again"
    assert run(*words) == (2, "", f"timing-profiles: {reason}\n")


def test_fault_94_the_name_of_a_parent_directory_is_shown(
    starters: Path, run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`PROFILES_DIR=..` gives `profiles/brisk.yaml:9`, and the schema is the one beside that."""
    beside = starters.parent / "schema.json"
    beside.write_text("{", encoding="utf-8")
    (starters / "below").mkdir()
    monkeypatch.chdir(starters / "below")
    monkeypatch.setenv("PROFILES_DIR", "..")
    assert run("show", "brisk").status == 1
    beside.unlink()
    shown = json.loads(run("show", "brisk", "--format", "json").out)
    files = {origin.partition(":")[0] for origin in shown["origins"].values()}
    assert files == {"profiles/brisk.yaml", "profiles/default.yaml"}


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize("name", COMMANDS)
def test_every_form_of_every_command_is_printed(name: str, run: CommandLine) -> None:
    """Those that its help names; JSON is JSON, of letters that any locale has."""
    forms = re.search(r"--format \{([a-z,]+)\}", run(name, "--help").out)
    for form in forms.group(1).split(",") if forms else []:
        status, out, err = run(*COMMANDS[name], "--format", form)
        assert (status, err) == (0, ""), form
        if form == "json":
            assert json.loads(out) is not None
            assert out.isascii()


@pytest.mark.parametrize("words", [["--help"], *([name, "--help"] for name in COMMANDS)])
def test_help_ends_with_examples(words: list[str], run: CommandLine) -> None:
    """They are run in tests/e2e."""
    status, out, err = run(*words)
    about, _, examples = out.partition("\nexamples:\n")
    assert (status, err) == (0, "")
    assert about.startswith("usage: timing-profiles")
    assert [line for line in examples.splitlines() if "timing-profiles" not in line] == []
    assert examples


def test_version(run: CommandLine) -> None:
    """That of the package."""
    assert run("--version") == (0, f"timing-profiles {__version__}\n", "")


def test_no_command_at_all_is_a_wrong_command_line(run: CommandLine) -> None:
    """Exit 2, the usage, and the missing argument."""
    assert run() == (
        2,
        "",
        (
            "usage: timing-profiles [-h] [--version] COMMAND ...\n"
            "timing-profiles: error: the following arguments are required: COMMAND\n"
        ),
    )


@pytest.mark.usefixtures("starters")
@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["chec"],
        ["--format", "json", "list"],
        ["check", "--stric"],
        ["check", "--format", "yaml"],
        ["list", "brisk"],
        ["show"],
        ["show", "brisk", "patient"],
        ["show", "brisk", "--metadata"],
        ["explain", "tts", "vad"],
        ["metadata-schema", "brisk", "patient"],
        ["timeline"],
        ["timeline", "brisk", "-o"],
        ["rehearse"],
        ["rehearse", "call.wav", "--caller", "middle"],
        ["why"],
        ["fit", "call.wav"],
        ["why", "call.wav", "--turn", "first"],
        ["completion"],
        ["completion", "tcsh"],
    ],
    ids=" ".join,
)
def test_a_wrong_command_line_ends_with_2(words: list[str], run: CommandLine) -> None:
    """The usage and one line with the mistake, on stderr."""
    status, out, err = run(*words)
    usage, _, message = err.partition("\ntiming-profiles")
    assert (status, out) == (2, "")
    assert usage.startswith("usage: timing-profiles")
    assert message.splitlines()[0].partition(": error: ")[2]


@pytest.mark.usefixtures("starters")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", ""], "timing-profiles check: error: argument PATH: is empty\n"),
        (["rehearse", ""], "timing-profiles rehearse: error: argument RECORDING: is empty\n"),
        (["explain", ""], 'timing-profiles: "": unknown field; a profile takes stt, vad, '),
        (["metadata-schema", ""], 'timing-profiles: unknown profile ""; available: brisk, '),
        (["tune", "--profile", ""], 'timing-profiles: unknown profile ""; available: brisk, '),
    ],
    ids=lambda found: found[0] if isinstance(found, list) else "",
)
def test_an_empty_word_is_not_the_default(words: list[str], message: str, run: CommandLine) -> None:
    """It stands for a variable of a shell that is not set."""
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert message in err


@pytest.mark.parametrize("word", ["\x1b[31m", "a\nb", "\udcff", "\u202e"], ids=ascii)
def test_hostile_words_are_printed_in_plain_letters(word: str, run: CommandLine) -> None:
    """Nothing that is typed, or comes out of a file into a script, drives the terminal."""
    for words in ([word], ["list", word], ["check", "--format", word], ["check", f"--{word}"]):
        status, out, err = run(*words)
        assert (status, out) == (2, "")
        assert [line for line in err.splitlines() if not line.isprintable()] == []


def test_a_wall_of_words_is_cut(run: CommandLine) -> None:
    """The length of the message does not grow with the input."""
    assert len(run("list", "x" * 100_000).err) < 1000


@pytest.mark.parametrize("name", sorted({*OF_A_SET, "check"} - {"explain"}))
def test_no_folder_is_a_problem_of_the_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    """Exit 1, and how the folder is chosen; a file is no set for `check`, either."""
    monkeypatch.chdir(tmp_path)
    for folder, reason in [
        ("file.yaml", "is not a directory"),
        ("dangling", "No such file or directory"),
        ("loop", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
    ]:
        Path("file.yaml").touch()
        Path("loop").unlink(missing_ok=True)
        Path("loop").symlink_to("loop")
        Path("dangling").unlink(missing_ok=True)
        Path("dangling").symlink_to("nowhere")
        monkeypatch.setenv("PROFILES_DIR", folder)
        status, out, err = run(*COMMANDS[name])
        assert (status, out + err) == (1, f"{folder}: cannot be read: {reason}\n{HINT}")
        assert bool(out) is (name == "check")


@pytest.mark.parametrize("name", sorted({*OF_A_SET, "check"} - {"explain"}))
def test_missing_folder_is_reported_with_its_path_and_a_remedy(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    """Exit 1; `check` prints it with the other problems, on stdout."""
    monkeypatch.chdir(tmp_path)
    for folder, where in [("profiles", f": {tmp_path}/profiles"), (f"{tmp_path}/profiles", "")]:
        monkeypatch.setenv("PROFILES_DIR", folder)
        status, out, err = run(*COMMANDS[name])
        assert (status, out + err) == (1, f"{folder}: directory not found{where}\n{INIT}")
        assert bool(out) is (name == "check")


def test_an_origin_names_the_folder_as_the_log_of_a_call_does(
    starters: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    """By its own name, wherever it lies."""
    monkeypatch.setenv("PROFILES_DIR", str(starters))
    assert "  default: null  (profiles/default.yaml:124)\n" in run(*COMMANDS["explain"]).out
    monkeypatch.setenv("PROFILES_DIR", "./profiles/")
    assert "   speed  null  profiles/default.yaml:124\n" in run(*COMMANDS["show"]).out


def test_a_problem_names_the_file_as_the_environment_does(
    starters: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    """So that an editor finds it from where the person is."""
    (starters / "broken.yaml").write_text("x: 1\n", encoding="utf-8")
    monkeypatch.setenv("PROFILES_DIR", str(starters))
    assert run("list").err.startswith(f"{starters}/broken.yaml:1:1: x: unknown field; ")


@pytest.mark.usefixtures("starters")
def test_a_picture_that_cannot_be_written_is_a_wrong_command_line(run: CommandLine) -> None:
    """One line has the reason."""
    assert run("timeline", "brisk", "-o", "nowhere/turn.svg") == (
        2,
        "",
        "timing-profiles: nowhere/turn.svg: cannot be written: No such file or directory\n",
    )


def test_letters_that_a_terminal_lacks_are_escaped(
    starters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A description may be in any language, a locale of one alone."""
    (starters / "ruhig.yaml").write_text("description: 'Für Ältere: ruhig.'\n", encoding="utf-8")
    for encoding, shown in [("ascii", r"F\xfcr \xc4ltere: ruhig."), ("utf-8", None)]:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        assert cli.main(["list"]) == 0
        stream.flush()
        out = stream.buffer.getvalue().decode(encoding)
        assert (shown or "Für Ältere: ruhig.") in out


def test_files_and_pipes_of_windows_get_utf_8_and_line_feeds(
    starters: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any code page: redirected output is the same on every system."""
    (starters / "ruhig.yaml").write_text("description: 'Für Ältere: 安静.'\n", encoding="utf-8")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252", newline="\r\n")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(terminal, "WINDOWS", True)
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    assert cli.main(["list"]) == 0
    stream.flush()
    out = stream.buffer.getvalue()
    assert "Für Ältere: 安静.\n".encode() in out
    assert b"\r" not in out


WORDS = st.one_of(
    st.sampled_from(
        [
            *(word for words in COMMANDS.values() for word in words),
            *("--format", "json", "text", "yaml", "markdown", "github", "svg", "--strict"),
            *("--metadata", "{}", '{"profile": "brisk"}', "-h", "--", "-", "profiles", "vad"),
        ]
    ),
    # Without a slash, what is written by `timeline -o` stays here.
    st.text(st.characters(exclude_characters="/\0", exclude_categories=()), max_size=20),
)


@given(st.lists(WORDS, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("starters")
def test_any_arguments_end_with_a_documented_status(words: list[str]) -> None:
    """Any arguments lead to exit status 0, 1 or 2."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert cli.main(words) in {0, 1, 2}, words


DEFAULT = (Path(__file__).parents[1] / "profiles" / "default.yaml").read_bytes()


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.tuples(st.integers(0, len(DEFAULT)), st.binary(max_size=9), st.integers(0, 30)).map(
            lambda edit: DEFAULT[: edit[0]] + edit[1] + DEFAULT[edit[0] + edit[2] :]
        ),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_file_content_ends_with_a_documented_status(starters: Path, content: bytes) -> None:
    """With any files in the folder, each command ends with 0 or 1."""
    (starters / "default.yaml").write_bytes(content)
    for name in ("check", "show", "explain", "metadata-schema"):
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            assert cli.main(COMMANDS[name]) in {0, 1}
