"""What the scripted caller says, measures and reports, without a room."""

import json
import wave
from pathlib import Path

import numpy as np
import pytest

import timing_profiles
from sandbox.caller import Call, Dial, Script, Turn, parse_say
from sandbox.caller.report import as_text, report, resolved
from sandbox.caller.sound import SAMPLE_RATE, Track, audible, write_wav
from timing_profiles.rehearsal.interval import Interval

PROFILES = Path(__file__).parents[1] / "profiles"


def tone(seconds: float) -> bytes:
    """A sound that is audible from its first frame to its last."""
    samples = np.sin(np.arange(round(seconds * SAMPLE_RATE)) / 10) * 8000
    return samples.astype("<i2").tobytes()


def silence(seconds: float) -> bytes:
    """Nothing to hear."""
    return bytes(2 * round(seconds * SAMPLE_RATE))


def turn(parts: list[tuple[float, float]], sounds: list[tuple[float, float]]) -> Turn:
    """A turn by the times of what was said and heard."""
    return Turn(tuple(Interval(*part) for part in parts), tuple(Interval(*at) for at in sounds))


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("five five two", ["five five two"]),
        ("My number is ... [1.5] five two", ["My number is ...", 1.5, "five two"]),
        ("one[2]two [ 0.25 ] three", ["one", 2.0, "two", 0.25, "three"]),
        ("[1] late", [1.0, "late"]),
        ("a [note] of mine", ["a [note] of mine"]),
        ("", []),
    ],
)
def test_a_number_in_brackets_is_a_pause(text: str, items: list[str | float]) -> None:
    """All other text is spoken."""
    assert parse_say(text) == items


def test_script_has_turns_of_speech_without_surrounding_silence() -> None:
    """A bar ends a turn; a pause has its exact length, since speech is cut to its audible part."""
    first, second = Script("Hello. | One [0.7] two.").turns()
    assert [isinstance(item, bytes) for item in first] == [True]
    assert [isinstance(item, bytes) for item in second] == [True, False, True]
    assert second[1] == 0.7
    for item in [*first, *second[::2]]:
        assert isinstance(item, bytes)
        assert audible(item) == item


def test_turn_without_words_is_refused() -> None:
    """It would have no end to measure from."""
    with pytest.raises(ValueError, match=r"^'\[1\]' contains no words$"):
        Script("Hello. | [1]").turns()


def test_audible_cuts_to_whole_frames_with_sound() -> None:
    """Silence goes at both ends, not in the middle."""
    inside = tone(0.1) + silence(0.2) + tone(0.1)
    assert audible(silence(0.3) + inside + silence(0.5)) == inside
    assert audible(silence(1)) == b""


def test_wait_counts_from_the_speech_before_the_answer() -> None:
    """That is the whole turn or, when the agent cuts in, the part before the cut."""
    assert turn([(0, 1), (2.5, 3)], [(3.75, 5)]).wait == pytest.approx(0.75)
    assert turn([(0, 1), (2.5, 3)], [(1.6, 2), (3.75, 5)]).wait == pytest.approx(0.6)
    assert turn([(0, 1)], []).wait is None


@pytest.mark.parametrize(
    ("sounds", "cut_in"),
    [([(1.4, 2)], True), ([(2.6, 4)], True), ([(3.2, 4)], False), ([], False)],
)
def test_the_agent_cuts_in_between_the_first_pause_and_the_end(
    sounds: list[tuple[float, float]], *, cut_in: bool
) -> None:
    """Also when it begins while the caller has gone on to speak."""
    assert turn([(0, 1), (2.5, 3)], sounds).cut_in is cut_in


@pytest.mark.parametrize(
    ("parts", "sounds", "verdict"),
    [
        ([(0, 1)], [(2.624, 4)], "answered after 1.62 s"),
        ([(0, 1), (2.2, 3)], [(3.71, 5)], "answered after 0.71 s"),
        ([(0, 1), (2.2, 3)], [(1.4, 2), (3.71, 5)], "cut in 0.40 s into the 1.2 s pause"),
        ([(0, 1), (2.2, 3), (3.5, 4)], [(3.3, 5)], "cut in 0.30 s into the 0.5 s pause"),
        ([(0, 1), (2.25, 3)], [(2.5, 4)], "cut in 0.25 s after the 1.25 s pause"),
        ([(0, 1)], [(0.5, 0.8)], "no answer"),
    ],
)
def test_a_turn_is_judged_in_a_line(
    parts: list[tuple[float, float]], sounds: list[tuple[float, float]], verdict: str
) -> None:
    """In a pause, or after one when the caller has gone on already."""
    assert turn(parts, sounds).verdict == verdict


def test_track_fills_gaps_with_silence() -> None:
    """A stream that restarts later stays in its place; a late frame moves nothing."""
    track = Track()
    track.add(tone(0.01), 100.0)
    track.add(tone(0.01), 100.1)
    assert track.seconds == pytest.approx(0.02)
    track.add(tone(0.01), 101.0)
    assert track.started == 100.0
    assert track.seconds == pytest.approx(1.01)


def test_a_recording_has_both_sides_in_their_place(tmp_path: Path) -> None:
    """The caller is on the left, the agent, who was heard half a second later, on the right."""
    said, heard = Track(), Track()
    said.add(tone(1), 10.0)
    heard.add(tone(1), 10.5)
    write_wav(tmp_path / "call.wav", said, heard)
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, SAMPLE_RATE)
        stereo = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert len(stereo) == 1.5 * SAMPLE_RATE
    assert stereo[:, 0].tobytes() == tone(1) + silence(0.5)
    assert stereo[:, 1].tobytes() == silence(0.5) + tone(1)


def answered(profile: str, revision: str) -> Call:
    """A call as it was measured."""
    turns = (turn([(0, 1)], [(1.7123, 2)]), turn([(5, 6)], [(5.5, 7)]))
    return Call(profile, revision, ("override-range",), turns, Track(), Track())


def test_a_report_has_each_value_with_its_origin(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metadata is resolved again here; the other values come from the agent and the audio."""
    monkeypatch.setenv("PROFILES_DIR", str(PROFILES))
    dial = Dial(metadata='{"profile": "patient", "min_endpointing_delay": 1.25}')
    here = timing_profiles.resolve(dial.metadata)
    call = answered("patient", here.revision)
    result = report(call, resolved(call, dial))
    values = result.pop("values")
    assert values["turn_handling.endpointing.min_delay"] == {"value": 1.25, "origin": "participant"}
    assert values == {
        path: {"value": value, "origin": here.origins[path]} for path, value in here.values.items()
    }
    assert result == {
        "profile": "patient",
        "revision": here.revision,
        "problems": ["override-range"],
        "waits": [0.712, None],
        "cut_in": False,
    }


def test_report_notes_that_the_agent_used_other_settings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Values of another revision would be wrong: there are none, and a note has the reason."""
    monkeypatch.setenv("PROFILES_DIR", str(PROFILES))
    revision = timing_profiles.resolve().revision
    call = answered("patient", "0123456789ab")
    result = report(call, resolved(call, Dial()))
    assert result["values"] is None
    assert result["note"] == f"resolved in this folder, it is default of revision {revision}"


def test_a_report_is_json_with_a_line_for_each_field() -> None:
    """Programs parse it, people read it."""
    result = {"values": {"a.b": {"value": None, "origin": "x:1"}}, "waits": [1.5], "cut_in": True}
    text = as_text(result)
    assert json.loads(text) == result
    assert text == (
        '{\n  "values": {\n    "a.b": {"value": null, "origin": "x:1"}\n  },\n'
        '  "waits": [1.5],\n  "cut_in": true\n}'
    )
