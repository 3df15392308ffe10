"""The same turns under two releases of the SDK: how they are asked for, and what differs."""

import io
from dataclasses import replace
from pathlib import Path

import pytest

import timing_profiles
from tests import recorded, words
from timing_profiles.rehearsal import other_sdk, recording, rehearse, upgrade
from timing_profiles.rehearsal.line import Line, Noise
from timing_profiles.rehearsal.other_sdk import Judged, Judgement, Placed
from timing_profiles.rehearsal.rehearse import Conditions
from timing_profiles.rehearsal.result import ProfileResult
from timing_profiles.rehearsal.workers import Workers
from timing_profiles.turns.fields import DETECTION, Values

PROFILES = ("brisk", "patient")


@pytest.fixture(name="call", scope="module")
def _call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    caller, other = recorded.sides("I would like [1.2] a pizza.", "Yes please.")
    return recorded.write(tmp_path_factory.mktemp("calls") / "call.wav", caller, other)


@pytest.fixture(name="values", scope="module")
def _values() -> dict[str, Values]:
    return {
        name: timing_profiles.resolve({"profile": name}, profiles_dir=Path("profiles")).values
        for name in PROFILES
    }


@pytest.fixture(name="results", scope="module")
def _results(call: Path, values: dict[str, Values]) -> list[ProfileResult]:
    return judged(call, values, Conditions())


def judged(call: Path, values: dict[str, Values], conditions: Conditions) -> list[ProfileResult]:
    """Return the results of a rehearsal that succeeds."""
    failed: list[str] = []
    found = rehearse.rehearse(
        [call],
        values,
        conditions=conditions,
        failed=lambda _, reason: failed.append(reason),
        processes=1,
    )
    assert failed == []
    return [*found.profiles]


def judgements(results: list[ProfileResult]) -> dict[str, list[Judgement]]:
    """Return what is compared of results."""
    return {
        one.profile: [other_sdk.judgement(turn.outcome) for turn in one.turns] for one in results
    }


@pytest.mark.parametrize("form", ["plain", "nova", "flux"])
def test_program_decides_as_this_process(
    form: str,
    call: Path,
    values: dict[str, Values],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It reads turns and settings from stdin, and prints each judgement; here by the same SDK.

    Words, noise and a telephone are part of what it reads.
    """
    monkeypatch.setattr(other_sdk, "Workers", lambda: Workers(1))
    conditions = Conditions()
    if form != "plain":
        caller = bytes(recording.read(call, "left").caller)
        said = words.spoken(caller) if form == "nova" else words.of_flux(caller)
        file = words.write(call.with_name(f"{form}.json"), said)
        line = Line(Noise("crowded-room", 15), is_telephone=True)
        conditions = Conditions(words={call: file}, stt_delay=0.4, line=line)
        engine = {"stt.engine": form, DETECTION: "stt"}
        values = {**values, "by-words": {**values["patient"], **engine}}
    results = judged(call, values, conditions)
    assert [one.unknown for one in results] == [None] * len(values)
    placed = rehearse.each_turn(
        [call], other_sdk.place_of, conditions=conditions, failed=lambda *_: None, processes=1
    )
    turns = [Placed(str(call), turn, *place) for _, turn, place in placed.turns]
    monkeypatch.setattr("sys.stdin", io.StringIO(other_sdk.to_request(turns, conditions, values)))
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
