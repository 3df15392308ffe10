"""Labels that people give: their file, and the turns that they make."""

import json
import re
from pathlib import Path

import pytest

from sandbox import speech
from tests import recorded
from tests.command_line import CommandLine
from tests.markdown import of_sort
from timing_profiles.rehearsal.given_labels import LabelsError, quiet_from, read, turns
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.rehearse import Conditions, label

HEAD = "recording,start,end,went_on\n"


def file_of(folder: Path, *lines: str) -> Path:
    """Write labels."""
    path = folder / "labels.csv"
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def turns_of(folder: Path, *lines: str, heard: tuple[tuple[float, float], ...] = ()) -> list[Turn]:
    """Return the turns of `a.wav`."""
    found = read(file_of(folder, *(f"a.wav,{line}" for line in lines)))
    assert found.problems == {}
    return turns(found.recordings["a.wav"], [Interval(*one) for one in heard])


def test_silence_after_which_the_caller_went_on_is_a_pause(tmp_path: Path) -> None:
    """Lines in any order of time; a turn lasts until the caller had finished."""
    first, second = turns_of(tmp_path, "9,10,no", "1,2,yes", "3.5,4,no")
    assert first == Turn(Interval(1, 4), (Interval(2, 3.5),), 9, True)  # noqa: FBT003
    assert second == Turn(Interval(9, 10), (), None, True)  # noqa: FBT003


def test_unknown_end_is_left_out(tmp_path: Path) -> None:
    """Its turn remains where it has a pause of 0.2 s or more."""
    (turn,) = turns_of(tmp_path, "1,2,yes", "3,4,", "6,7,yes", "7.1,8,")
    assert (turn.speech, turn.is_end) == (Interval(1, 4), False)


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ((), 9),
        (((1, 2.1), (5, 6), (9, 10)), 5),
        (((1, 4),), 2),  # the other side answers at once
    ],
)
def test_turn_is_played_until_somebody_speaks(
    heard: tuple[tuple[float, float], ...], expected: float, tmp_path: Path
) -> None:
    """Of either side; sound that lasts beyond the label is somebody else."""
    assert turns_of(tmp_path, "1,2,no", "9,10,no", heard=heard)[0].next_speech == expected


@pytest.mark.parametrize(
    ("heard", "expected"),
    [
        ((), 0),
        (((0, 2.5),), 2.5),  # the other side
        (((0, 2.5), (2.9, 4)), 2.9),  # the turn, whose label is late
        (((1, 4),), 3),  # the other side is interrupted
        (((3.1, 4), (5, 6)), 0),
    ],
)
def test_turn_in_one_channel_is_played_from_where_the_other_side_is_silent(
    heard: tuple[tuple[float, float], ...], expected: float
) -> None:
    """For a turn from 3 to 4 s."""
    turn = Turn(Interval(3, 4), (), None, True)  # noqa: FBT003
    assert quiet_from(turn, [Interval(*one) for one in heard]) == expected


def test_each_wrong_line_is_reported_and_the_other_recordings_remain(tmp_path: Path) -> None:
    """Where, what was found, what is allowed."""
    path = file_of(
        tmp_path,
        *("a.wav,1,2,maybe", "b.wav,x,2,no", "c.wav,1,-2,no", "d.wav,1,inf,no"),
        *("e.wav,3,2,no", "f.wav,1,3,yes", "f.wav,2,4,no", "g.wav,1,2,yes", "", "good.wav,1,2,NO"),
    )
    seconds = "write seconds of the recording, as in 12.3"
    found = read(path)
    assert [*found.recordings] == ["good.wav"]
    assert {name: str(one) for name, (one,) in found.problems.items()} == {
        "a.wav": f'{path}:2: went_on: found "maybe"; write yes, no, or nothing where nobody knows',
        "b.wav": f'{path}:3: start: found "x"; {seconds}',
        "c.wav": f'{path}:4: end: found "-2"; {seconds}',
        "d.wav": f'{path}:5: end: found "inf"; {seconds}',
        "e.wav": f"{path}:6: end: found 2; it lies after start, 3",
        "f.wav": f"{path}:8: 2 to 4 s overlaps 1 to 3 s of line 7",
        "g.wav": f"{path}:9: went_on: found yes after 1 to 2 s, and no later line of it",
    }


def test_page_shows_labels(tmp_path: Path) -> None:
    """They can be read."""
    (shown,) = of_sort("labels")
    path = tmp_path / "labels.csv"
    path.write_text(shown.text, encoding="utf-8")
    found = read(path)
    assert (found.problems, len(found.recordings["booking.wav"])) == ({}, 2)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ':1: found ""; the first line is recording,start,end,went_on'),
        (b"a,b\n", ':1: found "a,b"; the first line is recording,start,end,went_on'),
        (HEAD.encode() + b"a,1\n", ":2: found 2 columns; a line has recording,start,end,went_on"),
        (HEAD.encode() + b"\xff,1,2,no\n", ": cannot be read: not UTF-8"),
        (None, ": cannot be read: No such file or directory"),
    ],
)
def test_file_that_is_not_a_set_of_labels_is_refused(
    content: bytes | None, reason: str, tmp_path: Path
) -> None:
    """With its name, and the line where it is known."""
    path = tmp_path / "labels.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LabelsError) as refused:
        read(path)
    assert str(refused.value) == f"{path.as_posix()}{reason}"


@pytest.fixture(name="mixed")
def _mixed(starters: Path) -> tuple[Path, str]:
    """A call of two turns, of both sides in one channel, and the lines of its labels."""
    text = "turn_handling: {turn_detection: vad, endpointing: {min_delay: 0.6}}\n"
    (starters / "quick.yaml").write_text(text, encoding="utf-8")
    parts = [recorded.said(one) for one in ("My number is five", "zero one two.", "Yes please.")]
    answer = recorded.said("Thank you. What else?", speech.AGENT)
    sound, lines = recorded.silence(1), ""
    for part, after, went_on in zip(parts, (1.2, 0.8, 0.8), ("yes", "no", "no"), strict=True):
        start = len(sound) / 2 / recorded.SAMPLE_RATE
        sound += part
        end = len(sound) / 2 / recorded.SAMPLE_RATE
        lines += f"mixed.wav,{start:.2f},{end:.2f},{went_on}\n"
        sound += recorded.silence(after)
        if went_on == "no":
            sound += answer + recorded.silence(0.5)
    recorded.write(starters.parent / "mixed.wav", sound)
    return starters.parent, lines


def test_one_channel_is_judged_with_labels(mixed: tuple[Path, str], run: CommandLine) -> None:
    """The pause of 1.2 s is cut, and both ends are answered; the other side's speech is not."""
    folder, lines = mixed
    (folder / "labels.csv").write_text(HEAD + lines, encoding="utf-8")
    words = ("rehearse", "mixed.wav", "--labels", "labels.csv", "--profile", "quick")
    status, out, err = run(*words, "--format", "json")
    assert (status, err) == (0, "")
    (quick,) = json.loads(out)["profiles"]
    assert (quick["pauses_cut"]["count"], quick["pauses_cut"]["of"]) == (1, 1)
    assert (quick["turns_cut"]["count"], quick["turns_cut"]["of"]) == (1, 2)
    assert [one["wait"] for one in quick["turns"]] == pytest.approx([0.65, 0.65], abs=0.15)
    assert run(*words).out.startswith("1 recording, 2 turns, 1 pause (caller: ")


def test_labels_of_another_recording_are_reported(
    mixed: tuple[Path, str], run: CommandLine
) -> None:
    """Beyond its end, of a name that is not given, and one channel without any."""
    folder, _ = mixed
    caller, other = recorded.sides("Yes please.")
    recorded.write(folder / "good.wav", caller, other)
    recorded.write(folder / "mono.wav", caller)
    (folder / "labels.csv").write_text(
        HEAD + "mixed.wav,1,99,no\nmixt.wav,1,2,no\n", encoding="utf-8"
    )
    files = ("mixed.wav", "good.wav", "mono.wav")
    words = ("rehearse", *files, "--labels", "labels.csv", "--profile", "quick")
    status, out, err = run(*words, "--format", "json")
    assert (status, json.loads(out)["recordings"]) == (1, 1)
    assert re.sub(r"\d+\.\d\d s", "N s", err) == (
        'labels.csv:3: recording: "mixt.wav" is none of those given:'
        " mixed.wav, good.wav, mono.wav\n"
        "mixed.wav: labels.csv:2: 1 to 99 s ends after the recording of N s\n"
        "mono.wav: has one channel: a recording needs two, the caller and the other side;"
        " with --labels, one is enough\n"
    )


def test_speech_in_a_pause_of_one_channel_is_refused(
    mixed: tuple[Path, str], run: CommandLine
) -> None:
    """It would be played as the caller's."""
    folder, lines = mixed
    (folder / "labels.csv").write_text(HEAD + lines.replace("no\n", "yes\n", 1), encoding="utf-8")
    words = ("rehearse", "mixed.wav", "--labels", "labels.csv", "--profile", "quick")
    status, _, err = run(*words)
    assert status == 1
    assert "in one channel, nobody else may speak there" in " ".join(err.split())


def test_labels_override_the_turns_of_two_channels(tmp_path: Path) -> None:
    """Speech and end are those of the label."""
    caller, other = recorded.sides("Yes please.")
    file = recorded.write(tmp_path / "call.wav", caller, other)
    seconds = len(caller) / 2 / recorded.SAMPLE_RATE
    (row,) = read(file_of(tmp_path, "call.wav,1,1.5,no")).recordings.values()
    found = label(file, Conditions(labels={file: row}))
    assert not isinstance(found, str)
    (played,) = found.played
    assert (played.turn.speech, played.turn.is_end) == (Interval(1, 1.5), True)
    assert (played.start, found.caller_speech) == (0, 0.5)
    assert 1.5 <= (played.turn.next_speech or seconds) < seconds
