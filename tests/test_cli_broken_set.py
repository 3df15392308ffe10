"""Commands about a set in which a file is broken: what is sound is shown, the rest is told."""

import json
from pathlib import Path

import pytest

from tests.command_line import CommandLine

SPEED = "tts.speed"

OTHERS = "profiles: 2 problems in other profiles; run timing-profiles check\n"

OF_SOUND_PROFILES = [
    "show patient",
    "show patient --format yaml",
    "show patient.yaml --metadata {} --format json",
    "diff brisk patient",
    "diff brisk patient --format json",
    "timeline brisk patient",
    "metadata-schema patient",
    "metadata-schema patient --format text",
]
"""Commands that name profiles, all of them sound."""


@pytest.fixture
def folder(starters: Path) -> Path:
    """The starter profiles, one file that is broken by itself, and one by a rule."""
    (starters / "slow.yaml").write_text("tts: {speed: 0.8}\nvad: {nothing: 1}\n")
    (starters / "slower.yaml").write_text("turn_handling: {endpointing: {min_delay: 9.0}}\n")
    return starters


def without_revision(out: str) -> str:
    """What is printed, but for the revision, which only a whole set has."""
    lines = out.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith('  "revision"')]
    return "".join(line.partition(", revision ")[0].rstrip() + "\n" for line in kept)


@pytest.mark.parametrize("line", OF_SOUND_PROFILES)
def test_valid_profile_is_shown_while_others_are_invalid(
    line: str, folder: Path, run: CommandLine
) -> None:
    """As beside valid ones, with exit 0; a line on stderr names the others."""
    broken = run(*line.split())
    for name in ("slow", "slower"):
        (folder / f"{name}.yaml").unlink()
    sound = run(*line.split())
    assert (sound.status, sound.err) == (0, "")
    assert (broken.status, broken.err) == (0, OTHERS)
    assert without_revision(broken.out) == without_revision(sound.out)


@pytest.mark.usefixtures("folder")
def test_a_broken_set_has_no_revision(run: CommandLine) -> None:
    """No call gets it: text is silent of a revision, and JSON has an empty one."""
    assert run("show", "patient").out.startswith("patient\nCallers who pause")
    assert json.loads(run("show", "patient", "--format", "json").out)["revision"] == ""


@pytest.mark.parametrize(
    "words",
    [
        ["show", "slow"],
        ["show", "slower"],
        ["show", "child"],
        ["show", "patient", "--metadata", '{"profile": "slow"}'],
        ["diff", "patient", "slow"],
        ["timeline", "brisk", "slower"],
        ["metadata-schema", "child"],
        ["list"],
        ["metadata-schema"],
    ],
    ids=" ".join,
)
def test_commands_that_need_a_broken_profile_are_refused(
    words: list[str], folder: Path, run: CommandLine
) -> None:
    """So are profiles that extend one, and commands on the whole set: exit 1, and all problems."""
    (folder / "child.yaml").write_text("extends: slow\n")
    assert run(*words) == (1, "", run("check").out)


def test_everything_extends_a_broken_default(folder: Path, run: CommandLine) -> None:
    """No profile is valid then, and none without any default."""
    default = folder / "default.yaml"
    default.write_text(default.read_text().replace("engine: nova", "engine: nvoa"))
    assert run("show", "patient") == (1, "", run("check").out)
    default.unlink()
    assert run("show", "patient") == (1, "", run("check").out)


@pytest.mark.usefixtures("folder")
def test_an_unknown_profile_is_answered_with_all_names(run: CommandLine) -> None:
    """Broken ones are there, too: the name may be one of theirs, mistyped."""
    message = (
        'unknown profile "slowr"; available: brisk, courier, default, dictation, elderly,'
        " flux-conversation, noisy-line, patient, phone-menu, slow, slower; did you mean slower?\n"
    )
    assert run("show", "slowr") == (2, "", f"{OTHERS}timing-profiles: {message}")


def test_problems_name_files_by_the_given_path(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    """While origins name them by the folder's own name."""
    monkeypatch.setenv("PROFILES_DIR", str(folder))
    shown = run("show", "patient")
    assert shown.err == f"{folder}: 2 problems in other profiles; run timing-profiles check\n"
    assert "   speed  null  profiles/default.yaml:124\n" in shown.out
    assert run("show", "slow").err.startswith(f"{folder}/slow.yaml:2:7: vad.nothing: unknown")


@pytest.mark.usefixtures("folder")
def test_a_field_is_explained_while_files_are_broken(run: CommandLine) -> None:
    """A file that is broken elsewhere is among those that set it; its policy is not known."""
    status, out, err = run("explain", SPEED, "--format", "json")
    explained = json.loads(out)
    assert (status, err) == (0, OTHERS)
    assert (explained["default"], explained["minimum"], explained["maximum"]) == (None, 0.7, 1.5)
    assert {"profile": "slow", "value": 0.8, "origin": "profiles/slow.yaml:1"} in explained[
        "set_by"
    ]
    assert "slow" not in explained["open_in"]
    assert "patient" in explained["open_in"]
    text = run("explain", SPEED).out
    assert "metadata may set   brisk, courier, default, dictation" in text
    assert "slow: 0.8  (profiles/slow.yaml:1)\n" in text


def test_a_value_that_is_not_valid_sets_no_field(folder: Path, run: CommandLine) -> None:
    """Of a field that is wrong in default.yaml, the default is not known, and none is shown."""
    default = folder / "default.yaml"
    default.write_text(default.read_text().replace("  speed: null", "  speed: 9"))
    for words in (["explain", SPEED], ["explain", SPEED, "--format", "markdown"]):
        status, out, err = run(*words)
        assert (status, err) == (
            0,
            "profiles: 3 problems in other profiles; run timing-profiles check\n",
        )
        shown = [line for line in out.splitlines() if line.lstrip("- ").startswith("default")]
        assert shown == []
        assert [line for line in out.splitlines() if "metadata" in line and "never" in line] == []
    assert "slow: 0.8  (profiles/slow.yaml:1)\n" in run("explain", SPEED).out


def test_a_field_is_explained_without_any_profiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: CommandLine
) -> None:
    """By the schema alone, before there is a folder; the missing folder is reported."""
    monkeypatch.chdir(tmp_path)
    status, out, err = run("explain", SPEED)
    assert (status, out.splitlines()[0]) == (0, SPEED)
    assert "\nbounds             0.7 to 1.5\n" in out
    assert err == (
        f"profiles: directory not found: {tmp_path}/profiles\n"
        "  hint: `timing-profiles init` writes a first set to ./profiles; "
        "PROFILES_DIR names another directory\n"
    )


def test_broken_schema_explains_no_field(folder: Path, run: CommandLine) -> None:
    """Exit 1: an explanation needs the schema alone."""
    (folder.parent / "schema.json").write_text("[")
    assert run("explain", SPEED) == (1, "", "schema.json:1:2: invalid JSON: Expecting value\n")
