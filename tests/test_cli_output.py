"""What every command prints, whoever wrote it: nothing that a terminal or GitHub obeys."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sandbox.hostile_set import COMMANDS, lay_out, obeyed, printed
from timing_profiles.cli import terminal
from timing_profiles.cli.terminal import Style

PARTS = (
    *("\x1b]0;title\x07", "\x1b[31m", "\x9b2J", "\n", "\r\n", "\u2028", "\u202e", "\u2066", "\t"),
    *(
        "::error::",
        "##[error]",
        "::",
        " ",
        "|",
        "`",
        "<b>",
        "# ",
        "größe",
        "安静",
        "\\",
        "%0A",
        '"',
    ),
)
HOSTILE = st.permutations(PARTS).map("".join)


@pytest.mark.parametrize("broken", [False, True], ids=["valid", "broken"])
@pytest.mark.parametrize("look", [Style(), Style(colour=True, width=60)], ids=["pipe", "terminal"])
@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(stranger=HOSTILE)
def test_fault_76_nothing_that_is_printed_is_obeyed(
    look: Style,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    stranger: str,
    *,
    broken: bool,
) -> None:
    """In every form of every command, on a terminal and in a workflow; JSON has the true text."""
    directory = tmp_path_factory.mktemp("set")
    lay_out(directory, stranger, broken=broken)
    monkeypatch.chdir(directory)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(terminal, "style", lambda _: look)
    found = {
        f"{command} --format {form}": [
            line for text in printed(command, form) for line in obeyed(text, form)
        ]
        for command, forms in COMMANDS.items()
        for form in forms
    }
    assert {command: lines for command, lines in found.items() if lines} == {}
    if not broken:
        out, _ = printed("list", "json")
        assert {row["name"]: row["description"] for row in json.loads(out)}["hostile"] == stranger


def test_text_is_unchanged_outside_a_workflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only GitHub's runner obeys a line that begins with `::`."""
    lay_out(tmp_path, "::notice::hello", broken=False)
    monkeypatch.chdir(tmp_path)
    out, _ = printed("explain stt.engine", "text")
    assert out.splitlines()[1] == "::notice::hello"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out, _ = printed("explain stt.engine", "text")
    assert out.splitlines()[1] == r"\x3a:notice::hello"
