"""`timing-profiles diff` of two profiles: what changes for callers. Of commits: tests/e2e."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command_line import CommandLine
from tests.inert_markdown import hostile, parsed
from timing_profiles.authoring import comparison
from timing_profiles.authoring.bounds import ChangedBound
from timing_profiles.authoring.comparison import Change, Comparison
from timing_profiles.catalog import catalog, schema_file
from timing_profiles.cli import diff_markdown
from timing_profiles.turns.wait import Wait

SCHEMA = schema_file.load(Path(__file__).parents[1] / "profiles")
MAX_DELAY = "turn_handling.endpointing.max_delay"
WRONG = "timing-profiles: diff takes two profiles, or --git and one or two commits\n"


@pytest.mark.usefixtures("starters")
def test_text_has_two_columns(run: CommandLine) -> None:
    """The wait comes first, because it is what callers notice."""
    assert run("diff", "default", "brisk") == (
        0,
        (
            "                                       default         brisk\n"
            "  answers after                        0.39 to 2.59 s  0.39 to 0.89 s\n"
            "  turn_handling.endpointing.max_delay  2.5 s           0.8 s\n"
        ),
        "",
    )


@pytest.mark.usefixtures("starters")
def test_json_has_the_shape_that_programs_build_on(run: CommandLine) -> None:
    """Values as the files have them, without units."""
    status, out, err = run("diff", "default", "brisk", "--format", "json")
    assert (status, json.loads(out), err) == (
        0,
        {
            "a": "default",
            "b": "brisk",
            "changes": [{"field": MAX_DELAY, "a": 2.5, "b": 0.8}],
            "wait": {
                "a": {
                    "seconds": [0.39, 2.59],
                    "formula": "max(0.09 + max((0.3 to 2.5), 0.256, 0.3), 0.025 + deepgram)",
                    "unknown": ["deepgram"],
                },
                "b": {
                    "seconds": [0.39, 0.89],
                    "formula": "max(0.09 + max((0.3 to 0.8), 0.256, 0.3), 0.025 + deepgram)",
                    "unknown": ["deepgram"],
                },
            },
        },
        "",
    )


@pytest.mark.usefixtures("starters")
def test_markdown_is_a_table(run: CommandLine) -> None:
    """For a comment on a pull request."""
    assert run("diff", "default", "brisk", "--format", "markdown") == (
        0,
        (
            "|  | `default` | `brisk` |\n"
            "| --- | --- | --- |\n"
            "| answers after | 0.39 to 2.59 s | 0.39 to 0.89 s |\n"
            "| `turn_handling.endpointing.max_delay` | `2.5 s` | `0.8 s` |\n"
        ),
        "",
    )


def test_profiles_without_a_difference_are_reported_as_equal(
    starters: Path, run: CommandLine
) -> None:
    """In words, where a table of nothing would leave a doubt."""
    (starters / "copy.yaml").write_text("extends: brisk\n")
    assert run("diff", "brisk", "copy") == (
        0,
        (
            "                 brisk           copy\n"
            "  answers after  0.39 to 0.89 s  0.39 to 0.89 s\n"
            "  no caller notices a difference\n"
        ),
        "",
    )
    assert run("diff", "brisk", "copy", "--format", "markdown") == (
        0,
        (
            "|  | `brisk` | `copy` |\n"
            "| --- | --- | --- |\n"
            "| answers after | 0.39 to 0.89 s | 0.39 to 0.89 s |\n"
            "\n"
            "No caller notices a difference.\n"
        ),
        "",
    )
    assert json.loads(run("diff", "brisk", "copy", "--format", "json").out)["changes"] == []


def test_policy_is_shown_by_its_additional_fields(starters: Path, run: CommandLine) -> None:
    """Two long lists side by side would hide it."""
    (starters / "open.yaml").write_text("overrides: {allow: [tts.speed, vad, stt.nova.model]}\n")
    (starters / "shut.yaml").write_text("overrides: {allow: [tts.speed]}\n")
    assert run("diff", "open", "shut").out.splitlines()[-1] == (
        "  overrides.allow  also stt.nova.model, vad"
    )
    assert run("diff", "shut", "open", "--format", "markdown").out.splitlines()[-1] == (
        "| `overrides.allow` |  | `also stt.nova.model, vad` |"
    )
    assert json.loads(run("diff", "open", "shut", "--format", "json").out)["changes"] == [
        {
            "field": "overrides.allow",
            "a": ["stt.nova.model", "tts.speed", "vad"],
            "b": ["tts.speed"],
        }
    ]


@pytest.mark.usefixtures("starters")
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["brisk"],
        ["brisk", "patient", "elderly"],
        ["brisk", "patient", "--git", "main"],
        ["--git", "main", "HEAD", "HEAD~1"],
        ["--git", "main", "--", "brisk"],
    ],
    ids=" ".join,
)
def test_anything_but_two_sides_is_a_wrong_command_line(words: list[str], run: CommandLine) -> None:
    """Exit 2, and the accepted arguments."""
    assert run("diff", *words) == (2, "", WRONG)


@pytest.mark.usefixtures("starters")
def test_unknown_name_gets_a_hint(run: CommandLine) -> None:
    """On either side."""
    expected = (
        'timing-profiles: unknown profile "patint"; available: brisk, courier, default,'
        " dictation, elderly, flux-conversation, noisy-line, patient, phone-menu;"
        " did you mean patient?\n"
    )
    assert run("diff", "patint", "brisk") == (2, "", expected)
    assert run("diff", "brisk", "patint") == (2, "", expected)


def test_cells_of_a_table_are_escaped(starters: Path) -> None:
    """A bar would end the cell, a backtick the code; neither can."""
    found = catalog.load(starters)
    changes = (Change("stt.flux.language_hint", ["a|b"], "`x` | y"), Change("tts.speed", None, 1.2))
    waits = Wait((0.5, 0.5), ""), Wait((0.0, None), "")
    assert diff_markdown.two(found.schema, ("a", "b"), changes, waits) == (
        "|  | `a` | `b` |\n"
        "| --- | --- | --- |\n"
        "| answers after | 0.5 s | from 0 s |\n"
        "| `stt.flux.language_hint` | `[\"a\\|b\"]` | `'x' \\| y` |\n"
        "| `tts.speed` | `null` | `1.2` |\n"
    )


hostile_name = hostile.filter(bool)
hostile_change = st.builds(Change, hostile_name, hostile | st.lists(hostile), hostile | st.none())

WAITS = Wait((0.5, 0.5), ""), Wait((0.5, 2.5), "")


@given(changes=st.lists(hostile_change, max_size=3), names=st.tuples(hostile_name, hostile_name))
def test_fault_77_text_of_a_pull_request_is_inert(
    changes: list[Change], names: tuple[str, str]
) -> None:
    """Whatever is in names and values, a comment has the blocks of a plain one, and our words."""
    plain = [Change("stt.engine", "a", "b") for _ in changes]
    blocks, text = parsed(diff_markdown.two(SCHEMA, names, changes, WAITS))
    same, words = parsed(diff_markdown.two(SCHEMA, ("a", "b"), plain, WAITS))
    assert blocks == same
    assert text <= words

    found = [compared(names[0], changes)], [bound(*names)]
    blocks, text = parsed(diff_markdown.sets(SCHEMA, names, *found))
    same, words = parsed(
        diff_markdown.sets(SCHEMA, ("a", "b"), [compared("x", plain)], [bound("x", "y")])
    )
    assert blocks == same
    assert text <= words


def bound(one: str, other: str) -> ChangedBound:
    return ChangedBound(one, {other: one}, {"pattern": other}, callers=True, unit=other)


def compared(profile: str, changes: list[Change]) -> Comparison:
    return Comparison(profile, "changed", tuple(changes), *WAITS)


def test_edit_of_default_shows_every_affected_profile(
    starters: Path,
) -> None:
    """Equal changes are grouped; where the field has no effect, callers notice nothing."""
    before = catalog.load(starters)
    text = (starters / "default.yaml").read_text()
    (starters / "default.yaml").write_text(text.replace("max_delay: 2.5", "max_delay: 2.0"))
    (starters / "phone-menu.yaml").unlink()
    (starters / "fresh.yaml").write_text("tts: {speed: 1.2}\n")
    after = catalog.load(starters)
    sides = ("main", diff_markdown.WORK_TREE)
    found = comparison.of_sets(before, after)
    assert diff_markdown.sets(after.schema, sides, found) == (
        "### What changes for callers from `main` to the work tree\n"
        "\n"
        "| profile |  | answers after, `main` | the work tree |\n"
        "| --- | --- | --- | --- |\n"
        "| `default` | changed | 0.39 to 2.59 s | **0.39 to 2.09 s** |\n"
        "| `fresh` | added |  | **0.39 to 2.09 s** |\n"
        "| `noisy-line` | changed | 0.39 to 2.59 s | **0.39 to 2.09 s** |\n"
        "| `phone-menu` | removed | 2.09 to 5.09 s |  |\n"
        "\n"
        "`default`, `noisy-line`\n"
        "\n"
        "| field | `main` | the work tree |\n"
        "| --- | --- | --- |\n"
        "| `turn_handling.endpointing.max_delay` | `2.5 s` | `2.0 s` |\n"
    )


def test_sets_without_a_difference_are_reported_as_equal(starters: Path) -> None:
    """A comment without a change is still a comment."""
    found = catalog.load(starters)
    assert diff_markdown.sets(found.schema, ("main", "HEAD"), []) == (
        "No caller notices a difference between `main` and `HEAD`.\n"
    )
