"""`timing-profiles list`: the profiles of a set, and the wait that each leads to."""

import json
import shutil
from pathlib import Path

from tests.command_line import CommandLine


def test_every_profile_has_a_line(starters: Path, run: CommandLine) -> None:
    """Name, wait, parent, number of fields that it sets, and purpose."""
    for name in ("courier", "dictation", "elderly", "flux-conversation", "phone-menu"):
        (starters / f"{name}.yaml").unlink()
    assert run("list") == (
        0,
        (
            "profile     answers after   extends  sets  description\n"
            "brisk       0.39 to 0.89 s  default  2     Callers in a hurry with short questions."
            " Answers soon and can cut in on a long pause.\n"
            "default     0.39 to 2.59 s           57    Everyday calls."
            " LiveKit's own timing, the same in development and in production.\n"
            "noisy-line  0.39 to 2.59 s  default  2     Callers in the street, in a car or on a"
            " loudspeaker. Noise does not stop the agent.\n"
            "patient     1.59 to 4.09 s  default  3     Callers who pause to think or to look"
            " something up.\n"
        ),
        "",
    )


def test_json_has_the_data_of_the_text(starters: Path, run: CommandLine) -> None:
    """And the origin of the wait."""
    (starters / "bare.yaml").write_text("tts: {speed: 1.2}\n")
    status, out, err = run("list", "--format", "json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert (status, err) == (0, "")
    assert list(rows) == sorted(path.stem for path in starters.iterdir())
    assert rows["default"]["extends"] is None
    assert rows["bare"] == {
        "name": "bare",
        "description": "",
        "extends": "default",
        "sets": 1,
        "wait": {
            "seconds": [0.39, 2.59],
            "formula": "max(0.09 + max((0.3 to 2.5), 0.256, 0.3), 0.025 + deepgram)",
            "unknown": ["deepgram"],
        },
        "identical": [],
    }


def test_profiles_that_end_up_identical_are_named(starters: Path, run: CommandLine) -> None:
    """With any spelling; a policy of its own makes a difference."""
    (starters / "calm.yaml").write_text("description: A copy.\nextends: patient\n")
    shutil.copy(starters / "patient.yaml", starters / "slow.yaml")
    (starters / "usual.yaml").write_text("turn_handling: {endpointing: {max_delay: 2.5}}\n")
    (starters / "locked.yaml").write_text("overrides: {allow: []}\n")
    lines = run("list").out.splitlines()
    rows = json.loads(run("list", "--format", "json").out)
    assert lines[-2:] == [
        "identical for callers: calm, patient, slow",
        "identical for callers: default, usual",
    ]
    assert {row["name"]: row["identical"] for row in rows if row["identical"]} == {
        "calm": ["patient", "slow"],
        "default": ["usual"],
        "patient": ["calm", "slow"],
        "slow": ["calm", "patient"],
        "usual": ["default"],
    }


def test_waits_of_every_kind_are_aligned(starters: Path, run: CommandLine) -> None:
    """A wait without an end, and one that the application decides."""
    for path in starters.iterdir():
        if path.name != "default.yaml":
            path.unlink()
    (starters / "open.yaml").write_text("stt: {nova: {endpointing_ms: 0}}\n")
    (starters / "push-to-talk.yaml").write_text("turn_handling: {turn_detection: manual}\n")
    assert [line[:46].rstrip() for line in run("list").out.splitlines()] == [
        "profile       answers after   extends  sets  d",
        "default       0.39 to 2.59 s           57    E",
        "open          from 0.39 s     default  1",
        "push-to-talk  from 0 s        default  1",
    ]
