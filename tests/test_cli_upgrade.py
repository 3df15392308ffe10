"""`timing-profiles check --add-missing`: a set of an older release gets the fields of this one."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import ROOT, CommandLine
from timing_profiles.catalog.schema import Schema
from timing_profiles.catalog.schema_file import HOW_TO_ADD

TEXT = (ROOT / "schema.json").read_text(encoding="utf-8")
ADDED = [path for path in Schema(TEXT).fields if path.startswith(("stt.assemblyai.", "realtime."))]
LISTED = ", ".join(ADDED)


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a set from before two sections, and bounds of its own."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    schema: dict[str, Any] = json.loads(TEXT)
    sections = schema["properties"]
    del sections["realtime"], sections["stt"]["properties"]["assemblyai"]
    sections["session"]["properties"]["user_away_timeout"]["maximum"] = 60
    (tmp_path / "schema.json").write_text(json.dumps(schema, indent=4), encoding="utf-8")
    default = tmp_path / "profiles" / "default.yaml"
    text = default.read_text(encoding="utf-8")
    for begin, end in (("  # assemblyai", "# inference"), ("# The agent's own", "# deepgram.TTS")):
        text = text[: text.index(begin)] + text[text.index(end) :]
    allowed = ("    - realtime.", "    - stt.assemblyai")
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith(allowed)]
    default.write_text("".join(lines), encoding="utf-8")
    return tmp_path


def test_check_of_an_older_set_says_what_to_do(older: Path, run: CommandLine) -> None:
    """Once for each file, in one line; the schema comes first, without which no file is read."""
    assert run("check").out.count(f"  hint: {HOW_TO_ADD}\n") == 1
    (older / "schema.json").unlink()
    status, out, _ = run("check")
    assert (status, out.count("\n  hint: ")) == (1, 1)
    assert out.splitlines()[:2] == [
        f"profiles/default.yaml: {min(ADDED)}: default sets every field",
        f"  hint: {HOW_TO_ADD}",
    ]


def test_init_keeps_the_files_of_an_older_release(older: Path, run: CommandLine) -> None:
    """They are not taken for another project's."""
    before = (older / "schema.json").read_bytes()
    status, out, err = run("init")
    assert (status, "kept schema.json (exists)" in out) == (1, True)
    assert HOW_TO_ADD in err
    assert (older / "schema.json").read_bytes() == before


def test_missing_fields_are_added_to_both_files(older: Path, run: CommandLine) -> None:
    """With the values of this release; bounds, comments and all lines stay; then it is clean."""
    files = [older / "schema.json", older / "profiles" / "default.yaml"]
    before = [file.read_text(encoding="utf-8") for file in files]
    status, out, err = run("check", "--add-missing")
    assert (status, out) == (0, "")
    assert err == f"schema.json: added {LISTED}\nprofiles/default.yaml: added {LISTED}\n"
    after = [file.read_text(encoding="utf-8") for file in files]
    for old, new in zip(before, after, strict=True):
        lines = {line.rstrip(",") for line in new.splitlines()}
        assert {line.rstrip(",") for line in old.splitlines()} <= lines
    schema = json.loads(after[0])
    assert schema["properties"]["session"]["properties"]["user_away_timeout"]["maximum"] == 60
    assert schema["properties"]["realtime"] == json.loads(TEXT)["properties"]["realtime"]
    assert list(schema["properties"]["stt"]["properties"])[-1] == "assemblyai"
    shown = json.loads(run("show", "default", "--format", "json").out)["values"]
    packaged = {path: shown[path] for path in ADDED}
    assert set(packaged.values()) == {"auto"}
    assert run("check", "--add-missing") == (0, "", "")
    assert [file.read_text(encoding="utf-8") for file in files] == after


def test_each_path_is_upgraded_once(older: Path, run: CommandLine) -> None:
    """A file stands for its directory; one without a schema of its own gets its fields, too."""
    (older / "schema.json").unlink()
    paths = ("profiles", "profiles/patient.yaml")
    assert run("check", "--add-missing", *paths) == (
        0,
        "",
        f"profiles/default.yaml: added {LISTED}\n",
    )


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("profiles/default.yaml", "realtime: null\n", ": cannot be changed: realtime is not a"),
        ("profiles/default.yaml", "a: [\n", ": cannot be changed: invalid YAML: "),
        ("schema.json", "{", ":1:2: invalid JSON: "),
        ("schema.json", '{"additionalProperties": false}', ": realtime.eagerness: missing"),
    ],
)
def test_file_that_cannot_be_changed_stays(
    older: Path, run: CommandLine, file: str, text: str, message: str
) -> None:
    """Exit 1, with the file and the reason."""
    (older / "schema.json").unlink()
    (older / file).write_text(text)
    status, out, err = run("check", "--add-missing")
    assert (status, out) == (1, "")
    assert err.startswith(file + message)
    assert (older / file).read_text() == text
