"""`fit`: what is printed and written, and how it ends."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import recorded
from tests.command_line import CommandLine
from timing_profiles.catalog import catalog

PAUSE = "My number is five five five [1.2] zero one two three."


@pytest.fixture(name="call")
def _call(starters: Path) -> Path:
    """A call of two turns, one with a pause of 1.2 s; two profiles."""
    for file in starters.iterdir():
        if file.stem not in {"default", "patient"}:
            file.unlink()
    return recorded.write(starters.parent / "call.wav", *recorded.sides(PAUSE, "Yes please."))


def test_profile_that_fits_is_written_and_valid(
    call: Path, starters: Path, run: CommandLine
) -> None:
    """With its reasons as comments; it cuts no turn, and answers sooner than `patient`."""
    words = ("--turns-cut", "10%", "--frontier", "frontier.svg", "--format", "json")
    status, out, err = run("fit", "call.wav", *words, "-o", "profiles/ours.yaml")
    assert (status, err) == (0, "")
    found: Any = json.loads(out)
    text = (starters / "ours.yaml").read_text(encoding="utf-8")
    assert found["fitted"]["profile"] == text
    assert found["fitted"]["turns_cut"]["count"] == 0
    assert found["fitted"]["left_out"] is None
    assert "# No estimate for other calls: it takes two recordings.\n" in text
    assert "# 2 turns do not show that at most 10% are cut: 29 turns with 0 cut would.\n" in text
    ours = catalog.load(starters).profile("ours")
    assert ours
    assert {path: ours.values[path] for path in found["fitted"]["settings"]} == found["fitted"][
        "settings"
    ]
    profiles = {one["profile"]: one for one in found["profiles"]}
    assert set(profiles) == {"default", "patient"}
    assert profiles["patient"]["dominated_by"]["mean_wait"] < profiles["patient"]["mean_wait"]
    assert call.with_name("frontier.svg").read_text(encoding="utf-8").startswith("<svg")
    assert run("check", "--strict").status == 0
    message = "timing-profiles: profiles/ours.yaml: exists; fit overwrites no file\n"
    assert run("fit", "call.wav", *words, "-o", "profiles/ours.yaml") == (2, "", message)


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--turns-cut", "5"], '--turns-cut "5": write a share, as in 5%'),
        (
            ["--turns-cut", "5%", "--name", "My Own"],
            'invalid profile name "My Own": use a-z, 0-9 and hyphens',
        ),
        (
            ["--turns-cut", "5%", "--base", "quick"],
            "quick cannot be fitted: turn_handling.turn_detection vad: it has no threshold",
        ),
    ],
)
def test_wrong_command_lines_are_explained(
    words: list[str], message: str, starters: Path, run: CommandLine
) -> None:
    """Before a recording is read."""
    text = "turn_handling: {turn_detection: vad}\n"
    (starters / "quick.yaml").write_text(text, encoding="utf-8")
    assert run("fit", "call.wav", *words) == (2, "", f"timing-profiles: {message}\n")


@pytest.mark.usefixtures("call")
def test_recording_that_cannot_be_read_is_reported(run: CommandLine) -> None:
    """Once, and exit status 1."""
    message = "nowhere.wav: cannot be read: No such file or directory\n"
    assert run("fit", "nowhere.wav", "--turns-cut", "5%") == (1, "", message)


def test_point_whose_words_may_come_late_is_not_chosen(call: Path, run: CommandLine) -> None:
    """With `endpointing_ms` 400, a `min_delay` of 0.3 s or less is unknown to the session."""
    status, out, err = run(
        "fit", str(call), "--turns-cut", "100%", "--base", "patient", "--format", "json"
    )
    assert (status, err) == (0, "")
    found = json.loads(out)["fitted"]
    assert found["settings"]["turn_handling.endpointing.min_delay"] > 0.3
    assert found["turns_cut"]["of"] > 0
