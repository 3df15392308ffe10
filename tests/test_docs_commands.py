"""What the pages tell people to type is there, and prints what they show."""

import json
import re
import shlex
from pathlib import Path

import pytest

import timing_profiles
from sandbox.fixtures import is_foreign
from tests import shown
from tests.markdown import BLOCKS, PAGES, ROOT, Block, commands, of_sort, prose
from timing_profiles import cli

ADOPTING = (ROOT / "docs" / "adopting.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"[A-Z_]+", MAKEFILE.partition("CALL := ")[2].partition("\n\n")[0]))

# LiveKit's own command line, and the message that each command sends.
LK = {
    "sip inbound create": "livekit.CreateSIPInboundTrunkRequest",
    "sip dispatch create": "livekit.CreateSIPDispatchRuleRequest",
    "sip participant create": "livekit.CreateSIPParticipantRequest",
    "dispatch create": "",
}


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The profiles of a project of its own, in which the test runs."""
    shown.project(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "profiles"


@pytest.mark.parametrize("block", of_sort("console"), ids=str)
def test_commands_print_the_shown_output(
    block: Block, profiles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`timing-profiles` runs; of `make` and `lk` the names must be right."""
    for command, output in commands(block):
        program, *words = shlex.split(command, comments=True)
        printed = ""
        match program.removeprefix(".venv/bin/"):
            case "timing-profiles":
                printed = run(words, capsys)
            case "make":
                check_make(words, profiles)
            case "pip":
                assert words[0] == "install", command
            case "lk":
                assert any(" ".join(words).startswith(known) for known in LK), command
            case _:
                pytest.fail(f"{block}: no test knows the command {program}")
        assert output in ("", printed), f"{block}: {command}"


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What `timing-profiles` prints; what goes to a file is written there."""
    if "--git" in words:
        return ""  # git is a process: tests/e2e
    if {"rehearse", "why", "fit"} & {*words}:
        return ""  # it needs recordings: tests/test_cli_rehearse.py
    *arguments, target = words if ">" in words else [*words, ">", ""]
    assert cli.main(arguments[:-1]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    if not target:
        return printed.out
    Path(target).write_text(printed.out, encoding="utf-8")
    return ""


def check_make(words: list[str], profiles: Path) -> None:
    """The target exists, and a call is given what it takes."""
    target, *settings = words
    given = dict(setting.split("=", 1) for setting in settings)
    assert target in TARGETS
    assert set(given) <= (VARIABLES if target == "call" else {"ARGS", "PYTHON"})
    names = given["PROFILE"].split(",") if "PROFILE" in given else []
    assert [name for name in names if not (profiles / f"{name}.yaml").exists()] == []
    found = timing_profiles.resolve(
        given.get("METADATA"),
        attributes=json.loads(given.get("ATTRIBUTES", "{}")),
        profiles_dir=profiles,
    )
    assert found.problems == ()


def test_variables_of_a_call_are_set_by_tests_alone() -> None:
    """Those of the shell that runs the tests would change their calls."""
    assert "PROFILE" in VARIABLES
    assert [name for name in VARIABLES if not is_foreign(name)] == []


@pytest.mark.parametrize("page", PAGES)
def test_commands_within_a_sentence_exist(page: str, profiles: Path) -> None:
    """As in: `make help`, `timing-profiles show NAME`."""
    for program, rest in re.findall(r"`(make|timing-profiles) ([^`]+)`", prose(page)):
        words = shlex.split(rest)
        if program == "make":
            check_make(words, profiles)
        else:
            assert cli.main([words[0], "--help"]) == 0


def test_output_for_programs_has_the_documented_keys(
    profiles: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of them, and no others."""
    (profiles / "doubtful.yaml").write_text("turn_handling: {endpointing: {alpha: 0.5}}\n")
    table = re.findall(r"^\| `timing-profiles ([^`]+)` \|.*\|(.*)\|$", ADOPTING, re.MULTILINE)
    assert len(table) == len(["check", "list", "show", "diff", "diff --git", "explain"])
    for words, keys in table:
        if "--git" not in words:  # git is a process: tests/e2e
            found = json.loads(run([*words.split(), "--format", "json"], capsys))
            first = found[0] if isinstance(found, list) else found
            assert set(first) == set(re.findall(r"`(\w+)`", keys)), words


def test_each_message_has_the_command_that_sends_it() -> None:
    """On a page, the messages and LiveKit's commands for them come in the same order."""
    for page in PAGES:
        on_page = [block for block in BLOCKS if block.page == page]
        messages = [block.mark for block in on_page if block.mark.startswith("livekit.")]
        typed = [
            LK[" ".join(command.split()[1:-1])]
            for block in on_page
            if block.language == "console"
            for command, _ in commands(block)
            if command.startswith("lk sip ")
        ]
        assert messages == typed


def test_phone_call_has_the_documented_profile() -> None:
    """The first of the two calls has `elderly`, the second `brisk`."""
    calls = [
        dict(word.split("=", 1) for word in shlex.split(command)[2:])
        for block in of_sort("console")
        if block.page == "docs/phone.md"
        for command, _ in commands(block)
        if command.startswith("make call")
    ]
    resolved = [
        timing_profiles.resolve(
            call.get("METADATA"),
            attributes=json.loads(call["ATTRIBUTES"]),
            profiles_dir=ROOT / "profiles",
        ).profile
        for call in calls
    ]
    said = re.search(r"The first call has `(\w+)`, the second `(\w+)`", prose("docs/phone.md"))
    assert said
    assert resolved == [*said.groups()]
