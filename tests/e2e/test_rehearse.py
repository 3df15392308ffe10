"""Rehearsals in several processes, and of commits."""

import contextlib
import json
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.repository import Repository, run
from tests import recorded, words
from timing_profiles import cli
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal import recording, rehearse
from timing_profiles.rehearsal.line import Line, Noise
from timing_profiles.rehearsal.rehearse import Conditions
from timing_profiles.turns.fields import DETECTION

pytestmark = pytest.mark.behind

ROOT = Path(__file__).parents[2]
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
    """The result states it, and the gate holds."""
    recorded.write(repository.folder / "call.wav", *recorded.sides("Yes please."))
    command = ["timing-profiles", "rehearse", "call.wav", "--against", "HEAD"]
    ran = run([*command, "--gate", "newly_cut<=0"], repository.folder)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("against HEAD\nno caller notices a difference\n")


def test_two_processes_find_the_same(starters: Path) -> None:
    """As one, to the last digit, with the turn detector, words, noise and a telephone."""
    sides = recorded.sides("My number is five five five [1.2] zero one two three.", "Yes please.")
    call = recorded.write(starters.parent / "call.wav", *sides)
    said = words.write(starters.parent / "call.json", words.spoken(sides[0]))
    profiles = catalog.load(starters)
    values = {name: profiles.profile(name) for name in ("brisk", "patient")}
    known = {name: one.values for name, one in values.items() if one}
    known["nova"] = {**known["brisk"], DETECTION: "stt"}
    line = Line(Noise("office-ambience", 20), is_telephone=True)
    for conditions in (Conditions(), Conditions(words={call: said}, line=line)):
        results = [
            rehearse.rehearse(
                [call], known, conditions=conditions, failed=lambda *_: None, processes=count
            ).to_json("", [])
            for count in (1, 2)
        ]
        assert results[0] == results[1]
        unknown = [one["profile"] for one in results[0]["profiles"] if one["unknown"]]
        assert unknown == ([] if conditions.words else ["nova"])


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_directory_that_cannot_be_read_is_reported(starters: Path) -> None:
    """The others are judged, whether it is named or lies below one that is."""
    call = recorded.write(starters.parent / "call.wav", *recorded.sides("Yes please."))
    with tempfile.TemporaryDirectory() as folder:  # whose parents everybody may read
        secret = Path(folder, "secret")
        (secret / "below").mkdir(parents=True)
        shutil.copy(call, folder)
        shutil.copy(call, secret)
        Path(folder).chmod(0o755)
        secret.chmod(0)
        failed: list[tuple[Path, str]] = []

        def note(path: Path, reason: str) -> None:
            failed.append((path, reason))

        with not_as_root():
            assert recording.files(Path(folder), note) == [Path(folder, "call.wav")]
            assert recording.files(secret, note) == []
            (inside,) = recording.files(secret / "below", note)
            found = rehearse.label(inside)
        secret.chmod(0o755)
    denied = "cannot be read: Permission denied"
    assert failed == [(secret, denied), (secret, denied)]
    assert isinstance(found, str)
    assert found.endswith(denied)


@contextlib.contextmanager
def not_as_root() -> Iterator[None]:
    """Let root have the permissions of somebody else."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    yield
    if is_root:
        os.seteuid(0)


def test_examples_of_help_run(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of `rehearse`, `why` and `fit`, with the calls that they name."""
    monkeypatch.chdir(repository.folder)
    (repository.folder / "calls").mkdir()
    for name, count in (("order", 3), ("booking", 1)):
        caller, other = recorded.sides(*["Where is my order?"] * count)
        recorded.write(repository.folder / "calls" / f"{name}.wav", caller, other)
        words.write(repository.folder / "calls" / f"{name}.json", words.of_flux(caller))
    recorded.write(repository.folder / "call.wav", other, caller)
    repository.commit("Calls")
    ran = 0
    for command in ("rehearse", "why", "fit"):
        for example in examples(command):
            status = cli.main(example)
            assert status == (3 if "turns_cut<=5%" in example else 0), example
            ran += 1
    assert ran >= 10
    assert (repository.folder / "rehearsal.html").is_file()
    assert (repository.folder / "frontier.svg").is_file()
    assert (repository.folder / "profiles" / "ours.yaml").is_file()


def examples(command: str) -> list[list[str]]:
    """Return the examples in the help of a command, without the name of the program."""
    shown = run(["timing-profiles", command, "--help"], ROOT).stdout
    lines = shown.partition("examples:\n")[2].splitlines()
    found = [shlex.split(line, comments=True) for line in lines if line.strip()]
    assert all(line[:2] == ["timing-profiles", command] for line in found)
    return [line[1:] for line in found]
