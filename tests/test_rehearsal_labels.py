"""Labels of recorded calls: turns, pauses, ends."""

import os
from pathlib import Path

import pytest

from tests import recorded
from timing_profiles.rehearsal import outcome, recording
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn, turns
from timing_profiles.rehearsal.speech import speech

CALLS = os.environ.get("RECORDED_CALLS")


def label(caller: list[tuple[float, float]], other: list[tuple[float, float]]) -> list[Turn]:
    """Label stretches of speech."""
    return turns([Interval(*one) for one in caller], [Interval(*one) for one in other])


def test_silence_before_the_same_side_is_a_pause_before_the_other_an_end() -> None:
    """One turn with one pause, then the other side."""
    (turn,) = label([(1, 2), (3, 4)], [(5, 6)])
    assert turn == Turn(Interval(1, 4), (Interval(2, 3),), 5, True)  # noqa: FBT003


def test_short_silence_is_not_a_pause() -> None:
    """0.2 s are a pause."""
    (turn,) = label([(1, 2), (2.19, 3), (3.2, 4)], [(5, 6)])
    assert [(one.start, one.end) for one in turn.pauses] == [(3, 3.2)]


@pytest.mark.parametrize(
    ("caller", "other", "reason"),
    [
        ([(1, 2), (4, 5)], [(3, 3.5)], "the caller goes on 1 s after the other side's start"),
        ([(1, 2), (8, 9)], [(1.5, 3)], "the other side speaks before the caller's last sound"),
        ([(1, 2)], [], "the recording ends"),
    ],
)
def test_unknown_end_is_left_out(
    caller: list[tuple[float, float]], other: list[tuple[float, float]], reason: str
) -> None:
    """The first turn has no end, and so no label."""
    assert [turn for turn in label(caller, other) if turn.speech.start == 1] == [], reason


def test_turn_without_a_known_end_keeps_its_pauses() -> None:
    """A profile can cut in there all the same."""
    (turn,) = label([(1, 2), (3, 4)], [])
    assert (turn.is_end, len(turn.pauses), turn.next_speech) == (False, 1, None)


def test_caller_who_continues_late_starts_another_turn() -> None:
    """2 s after the start of the other side, the turn has ended."""
    found = label([(1, 2), (5, 6)], [(3, 4), (7, 8)])
    assert [(turn.speech.start, turn.is_end) for turn in found] == [(1, True), (5, True)]


def test_turn_is_played_with_the_line_until_somebody_speaks() -> None:
    """From a second before it: a long turn of the other side is not a silence of the caller."""
    (turn,) = label([(13, 14), (15, 16)], [(17, 30)])
    second = 2 * recording.SAMPLE_RATE
    line = b"".join(bytes([at]) * second for at in range(30))
    played = outcome.cut_out(turn, line)
    assert played.start == 12
    assert played.samples == line[12 * second : 17 * second]
    assert played.before == line[4 * second : 12 * second]
    quiet = outcome.cut_out(turn, line, quiet_from=11)
    assert (quiet.start, quiet.before) == (12, line[11 * second : 12 * second])


def test_labels_of_speech_are_where_the_sound_is() -> None:
    """Within 0.05 s, at telephone quality too."""
    caller, other = recorded.sides("My number is five five five [1.2] zero one two three.")
    first = recorded.said("My number is five five five")
    (turn,) = turns(speech(caller), speech(other))
    (pause,) = turn.pauses
    assert turn.is_end
    assert turn.speech.start == pytest.approx(1, abs=0.05)
    assert pause.start == pytest.approx(1 + len(first) / 2 / recorded.SAMPLE_RATE, abs=0.05)
    assert pause.seconds == pytest.approx(1.2, abs=0.05)


@pytest.mark.skipif(not CALLS, reason="RECORDED_CALLS names no directory of recorded calls")
def test_recorded_calls_have_turns() -> None:
    """Each call of people has some, most of them with a known end."""
    for file in recording.files(Path(CALLS or ""), lambda *_: None):
        read = recording.read(file, "left")
        found = turns(speech(read.caller), speech(read.other))
        assert len(found) > 5
        assert sum(turn.is_end for turn in found) > len(found) / 2
