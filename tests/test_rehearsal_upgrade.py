"""The same turns under two releases of the SDK: how they are asked for, and what differs."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

import timing_profiles
from tests import recorded
from timing_profiles.rehearsal import other_sdk, rehearse, upgrade
from timing_profiles.rehearsal.other_sdk import Judged, Judgement, Placed
from timing_profiles.rehearsal.result import ProfileResult
from timing_profiles.rehearsal.workers import Workers

PROFILES = ("brisk", "patient")


@pytest.fixture(name="call", scope="module")
def _call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    caller, other = recorded.sides("I would like [1.2] a pizza.", "Yes please.")
    return recorded.write(tmp_path_factory.mktemp("calls") / "call.wav", caller, other)


@pytest.fixture(name="results", scope="module")
def _results(call: Path) -> list[ProfileResult]:
    values = {
        name: timing_profiles.resolve({"profile": name}, profiles_dir=Path("profiles")).values
        for name in PROFILES
    }
    failed: list[str] = []
    found = rehearse.rehearse(
        [call], values, failed=lambda _, reason: failed.append(reason), processes=1
    )
    assert failed == []
    return [*found.profiles]


def judgements(results: list[ProfileResult]) -> dict[str, list[Judgement]]:
    """Return what is compared of results."""
    return {
        one.profile: [other_sdk.judgement(turn.outcome) for turn in one.turns] for one in results
    }


def test_program_decides_as_this_process(
    call: Path,
    results: list[ProfileResult],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It reads turns and settings from stdin, and prints each judgement; here by the same SDK."""
    monkeypatch.setattr(other_sdk, "Workers", lambda: Workers(1))
    placed = rehearse.each_turn([call], other_sdk.start_of, failed=lambda *_: None, processes=1)
    turns = [Placed(str(call), start, turn) for _, turn, start in placed.turns]
    request = other_sdk.to_request(turns, "left", {one.profile: one.values for one in results})
    monkeypatch.setattr("sys.stdin", io.StringIO(request))
    other_sdk.main()
    answer = other_sdk.of_answer(capsys.readouterr().out)
    assert answer.versions == other_sdk.versions()
    assert answer.profiles == judgements(results)


def test_releases_that_decide_alike_have_no_difference(results: list[ProfileResult]) -> None:
    """The sum names both, and counts profiles times turns."""
    same = other_sdk.here(judgements(results))
    found = upgrade.compare(results, same, replace(same, versions={"livekit-agents": "1.8.0"}))
    assert [*found.lines()][1:] == ["0 of 4 decisions differ"]
    assert next(found.lines()).endswith(" against livekit-agents 1.8.0")
    assert found.to_json()["differences"] == []


def test_each_difference_is_a_turn_with_both_decisions(results: list[ProfileResult]) -> None:
    """A cut, a wait that moved by more than a frame, a turn without a decision."""
    before = {
        "brisk": [Judgement(2.5, 0.4, "max_delay"), Judgement(None, 0.4, "min_delay")],
        "patient": [Judgement(None, 1.6, "min_delay"), Judgement(None, 1.6, "min_delay")],
    }
    after = {
        "brisk": [Judgement(None, 0.45, "min_delay"), Judgement(None, None, None)],
        "patient": [Judgement(None, 1.65, "min_delay"), Judgement(None, 1.7, "min_delay")],
    }
    found = upgrade.compare(results, Judged({"sdk": "1"}, before), Judged({"sdk": "2"}, after))
    (first, last) = (one.turn.speech for one in results[0].turns)
    where = [f"call.wav {one.start:.1f} to {one.end:.1f} s" for one in (first, last)]
    assert [*found.lines()] == [
        "sdk 1 against sdk 2",
        "3 of 4 decisions differ",
        f"  brisk  {where[0]}  cut at 2.5 s, answered after 0.40 s -> answered after 0.45 s",
        f"  brisk  {where[1]}  answered after 0.40 s -> no decision",
        f"  patient  {where[1]}  answered after 1.60 s -> answered after 1.70 s",
    ]
    shown = found.to_json()
    assert (shown["decisions"], shown["installed"], shown["other"]) == (
        4,
        {"sdk": "1"},
        {"sdk": "2"},
    )
    assert shown["differences"][0] == {
        "profile": "brisk",
        "recording": "call.wav",
        "start": round(first.start, 3),
        "end": round(first.end, 3),
        "before": {"cut_at": 2.5, "wait": 0.4, "decided_by": "max_delay"},
        "after": {"cut_at": None, "wait": 0.45, "decided_by": "min_delay"},
    }
