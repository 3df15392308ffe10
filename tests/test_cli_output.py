"""What every command prints, whoever wrote it: nothing that a terminal or GitHub obeys."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from timing_profiles import cli
from timing_profiles.cli import terminal
from timing_profiles.cli.terminal import Style

ROOT = Path(__file__).parents[1]

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "check": ("text", "json", "github"),
    "list": ("text", "json"),
    "show hostile": ("text", "json", "yaml"),
    "diff default hostile": ("text", "json", "markdown"),
    "explain": ("text", "json", "markdown"),
    "explain stt.engine": ("text", "json", "markdown"),
    "metadata-schema": ("text", "json"),
    "timeline default hostile": ("text", "svg", "json"),
}

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

# What `Style` adds by itself.
COLOURS = re.compile("\x1b\\[(?:0|1|2|36|1;31|1;33)m")


def written_by(stranger: str, schema: Any) -> Any:
    """Return a schema in which each text for people is somebody else's."""
    if isinstance(schema, list):
        return [written_by(stranger, inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    texts = {
        key: stranger if key == "description" else f"Expected {stranger}."
        for key in ("description", "errorMessage")
        if isinstance(schema.get(key), str)
    }
    meanings = {"enumDescriptions": [stranger] * len(schema["enum"])} if "enum" in schema else {}
    return {key: written_by(stranger, inner) for key, inner in schema.items()} | texts | meanings


def lay_out(directory: Path, stranger: str, *, broken: bool) -> None:
    """Write a set whose schema and profiles hold a text at every place that takes one."""
    (directory / "profiles").mkdir()
    shutil.copy(ROOT / "profiles" / "default.yaml", directory / "profiles")
    schema = written_by(stranger, json.loads((ROOT / "schema.json").read_text(encoding="utf-8")))
    (directory / "schema.json").write_text(json.dumps(schema))
    text = json.dumps(stranger)
    profile = f"description: {text}\nstt: {{nova: {{endpointing_ms: 400}}}}\n"
    if broken:
        profile += f"{text}: 1\ntts: {{speed: {text}}}\nextends: {text}\n"
        profile += f"turn_handling: {{turn_detection: {text}}}\nvad: {{sample_rate: 5}}\n"
        name = re.sub("[/\0]", "", stranger)
        (directory / "profiles" / f"{name}x.yaml").write_text("vad: 1\n")
    (directory / "profiles" / "hostile.yaml").write_text(profile)


def printed(command: str, form: str) -> Iterator[str]:
    """Yield what a command prints in a form, on stdout and stderr."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        cli.main([*command.split(), "--format", form])
    yield from (out.getvalue(), err.getvalue())


def obeyed(text: str, form: str) -> list[str]:
    """Return the lines that a terminal or GitHub's runner would obey."""
    own = "::(error|warning) file=" if form == "github" else r"(?!)"
    return [
        line
        for line in COLOURS.sub("", text).split("\n")
        if not line.isprintable()
        or ((line.strip().startswith("::") or "##[" in line) and not re.match(own, line))
    ]


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
    monkeypatch.delenv("PROFILES_DIR", raising=False)
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


def test_outside_of_a_workflow_text_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that begins with `::` is obeyed by GitHub's runner only."""
    lay_out(tmp_path, "::notice::hello", broken=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILES_DIR", raising=False)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    out, _ = printed("explain stt.engine", "text")
    assert out.splitlines()[1] == "::notice::hello"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out, _ = printed("explain stt.engine", "text")
    assert out.splitlines()[1] == r"\x3a:notice::hello"
