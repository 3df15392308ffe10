"""Rehearsals in several processes, and of commits."""

import json
from pathlib import Path

from sandbox.repository import Repository, run
from tests import recorded
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal.rehearse import rehearse

SILENCE = "turn_handling: {{turn_detection: vad, endpointing: {{min_delay: {}}}}}\n"


def test_commits_are_compared_on_the_same_turns(repository: Repository) -> None:
    """Newly cut turns, saved ones, and the moves of the waits; `--git` rehearses a commit."""
    pause = "My number is five five five [1.2] zero one two three."
    recorded.write(repository.folder / "call.wav", *recorded.sides(pause, "Yes please."))
    repository.write("profiles/slow.yaml", SILENCE.format(2.0))
    repository.commit("Wait")
    repository.write("profiles/slow.yaml", SILENCE.format(0.6))
    command = ["timing-profiles", "rehearse", "call.wav", "--format", "json"]
    ran = run([*command, "--against", "HEAD", "--gate", "newly_cut<=0"], repository.folder)
    assert (ran.returncode, ran.stderr) == (1, "")
    found = json.loads(ran.stdout)
    assert [one["profile"] for one in found["profiles"]] == ["slow"]
    (slow,) = found["against"]["profiles"]
    assert [one["start"] < one["cut_at"] < one["end"] for one in slow["newly_cut"]] == [True]
    assert slow["saved"] == []
    assert slow["cuts_by_chance"] == 1.0
    assert (slow["waits"]["longer"], slow["waits"]["shorter"]) == (0, 2)
    assert abs(slow["waits"]["median_move"] + 1.4) < 0.05
    assert found["gates"] == [{"gate": "newly_cut<=0", "result": "fails", "needed": None}]
    ran = run([*command, "--git", "HEAD", "--profile", "slow"], repository.folder)
    (slow,) = json.loads(ran.stdout)["profiles"]
    assert slow["turns_cut"]["count"] == 0


def test_edit_that_no_caller_notices_needs_no_turn(repository: Repository) -> None:
    """It says so, and the gate holds."""
    recorded.write(repository.folder / "call.wav", *recorded.sides("Yes please."))
    command = ["timing-profiles", "rehearse", "call.wav", "--against", "HEAD"]
    ran = run([*command, "--gate", "newly_cut<=0"], repository.folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("against HEAD\nno caller notices a difference\n")


def test_two_processes_find_the_same(starters: Path) -> None:
    """As one, to the last digit, with the turn detector."""
    sides = recorded.sides("My number is five five five [1.2] zero one two three.", "Yes please.")
    call = recorded.write(starters.parent / "call.wav", *sides)
    profiles = catalog.load(starters)
    values = {name: profiles.profile(name) for name in ("brisk", "patient")}
    known = {name: one.values for name, one in values.items() if one}
    results = [
        rehearse([call], known, failed=lambda *_: None, processes=count).to_json("", [])
        for count in (1, 2)
    ]
    assert results[0] == results[1]
