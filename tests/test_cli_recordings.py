"""The options that `rehearse`, `why` and `fit` share: words, noise, a telephone line."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import recorded, words
from tests.command_line import CommandLine
from timing_profiles.cli import completion

PAUSE = "My number is five five five [1.2] zero one two three."
NAMES = (
    "city-ambience, crowded-room, forest-ambience, hold-music, keyboard-typing, keyboard-typing2,"
    " office-ambience"
)
PROFILES = {
    "quick": "turn_handling: {turn_detection: vad, endpointing: {min_delay: 0.6}}\n",
    "nova": (
        "stt: {nova: {endpointing_ms: 400}}\n"
        "turn_handling: {turn_detection: stt, endpointing: {min_delay: 0.2}}\n"
    ),
}


@pytest.fixture(name="call")
def _call(starters: Path) -> Path:
    """A call of two turns, one with a pause of 1.2 s, and its words; profiles that end turns."""
    for name, text in PROFILES.items():
        (starters / f"{name}.yaml").write_text(text, encoding="utf-8")
    caller, other = recorded.sides(PAUSE, "Yes please.")
    words.write(starters.parent / "call.json", words.response(words.spoken(caller), []))
    return recorded.write(starters.parent / "call.wav", caller, other)


def rehearsed(run: CommandLine, *more: str) -> Any:
    """Return the JSON of a rehearsal that succeeds."""
    status, out, err = run("rehearse", "call.wav", *more, "--format", "json")
    assert (status, err) == (0, "")
    return json.loads(out)


@pytest.mark.usefixtures("call")
def test_words_decide_the_turns_of_a_profile(run: CommandLine) -> None:
    """400 ms of silence, the message's 0.3 s, and the delay; without words, it is unknown."""
    known, unknown = (
        rehearsed(run, "--profile", "nova", *more)["profiles"][0]
        for more in (("--words", "call.json"), ())
    )
    assert unknown["unknown"] == "turn_detection stt: Deepgram ends the turns"
    assert (known["unknown"], known["turns_cut"]["count"]) == (None, 1)
    assert known["wait"]["mean"] == pytest.approx(0.9, abs=0.05)
    (later,) = rehearsed(run, "--profile", "nova", "--words", ".", "--stt-delay", "0.9")["profiles"]
    assert later["turns_cut"]["count"] == 0
    assert later["turns"][1]["wait"] == pytest.approx(1.5, abs=0.05)


@pytest.mark.usefixtures("call")
def test_words_precede_a_pause_only_where_given(run: CommandLine) -> None:
    """In the text, the page and `why`; never in JSON, in annotations, or on stderr."""
    given = ("--words", "call.json")
    said = 'after "'
    for form, is_shown in [("text", True), ("html", True), ("json", False), ("github", False)]:
        command = ("rehearse", "call.wav", "--profile", "quick", "--format", form)
        marks = (said, said.replace('"', "&quot;"))
        status, out, err = run(*command, *given)
        assert (status, err) == (0, "")
        assert any(mark in out for mark in marks) is is_shown, form
        assert ("seven" in out) is (form == "html")  # a whole turn is there
        assert not any(mark in run(*command).out for mark in marks)
    _, out, _ = run("why", "call.wav", "--profile", "quick", *given)
    assert said in out.splitlines()[1]
    assert said not in run("why", "call.wav", "--profile", "quick").out


@pytest.mark.usefixtures("call")
def test_two_runs_with_all_options_print_the_same_bytes(run: CommandLine) -> None:
    """With words, noise and a telephone; the text says what was heard."""
    options = ("--words", "call.json", "--noise", "crowd:15dB", "--line", "mulaw")
    command = ("rehearse", "call.wav", "--profile", "nova", "--profile", "quick", *options)
    first = run(*command, "--format", "json")
    assert first.status == 0
    assert first == run(*command, "--format", "json")
    head = run(*command).out.splitlines()[0]
    assert head.endswith(" s; swap: --caller right; noise crowded-room:15dB, line mulaw)")


@pytest.mark.usefixtures("call")
def test_profiles_are_drawn_on_the_plane_of_fit_by_their_words(run: CommandLine) -> None:
    """And the shortest delay that is fitted leaves the words their time."""
    command = ("fit", "call.wav", "--turns-cut", "50%", "--format", "json")
    for file in Path("profiles").iterdir():
        if file.stem not in {"default", "nova"}:
            file.unlink()
    status, out, _ = run(*command, "--words", "call.json", "--stt-delay", "0.35")
    found = json.loads(out)
    (nova,) = (one for one in found["profiles"] if one["profile"] == "nova")
    assert (status, nova["unknown"], nova["turns_cut"]) == (0, None, 0.5)
    delays = {one["settings"]["turn_handling.endpointing.min_delay"] for one in found["frontier"]}
    assert min(delays) >= 0.3
    status, out, _ = run(*command)
    (nova,) = (one for one in json.loads(out)["profiles"] if one["profile"] == "nova")
    assert nova["unknown"] == "turn_detection stt: Deepgram ends the turns"


def test_each_wrong_file_of_words_is_reported_and_the_others_are_judged(
    call: Path, run: CommandLine
) -> None:
    """One message for each, without its recording, and exit status 1."""
    folder = call.parent / "calls"
    folder.mkdir()
    good = json.loads(call.with_suffix(".json").read_text(encoding="utf-8"))
    sound = call.read_bytes()
    for name in ("damaged", "good", "late", "missing", "mixed up", "other"):
        (folder / f"{name}.wav").write_bytes(sound)
    (folder / "damaged.json").write_text("{", encoding="utf-8")
    words.write(folder / "good.json", good)
    words.write(folder / "late.json", [{"word": "x", "start": 100, "end": 101}])
    spoken = good["results"]["channels"][0]["alternatives"][0]["words"]
    words.write(folder / "mixed up.json", [*reversed(spoken)])
    words.write(folder / "other.json", [{"word": "x", "start": 0.1, "end": 0.3}])
    words.write(folder / "settings.json", {"no": "words"})
    given = ("--words", "calls", "--words", "calls/missing.json", "--words", "nowhere.csv")
    status, out, err = run(
        *("rehearse", "calls", "--profile", "quick", "--profile", "nova", "--format", "json"),
        *given,
    )
    quick, nova = json.loads(out)["profiles"]
    first, second = spoken[-1], spoken[-2]
    seconds = len(sound) / 4 / recorded.SAMPLE_RATE
    assert status == 1
    assert (quick["turns_cut"]["of"], nova["turns_cut"]["of"]) == (2, 2)
    assert sorted(err.splitlines()) == sorted(
        [
            "calls/damaged.wav: damaged.json: not JSON",
            (
                "calls/late.wav: late.json is of another recording: its last word ends at 101.0 s,"
                f" the recording at {seconds:.1f} s"
            ),
            "calls/missing.wav: missing.json cannot be read: No such file or directory",
            (
                f"calls/mixed up.wav: mixed up.json: [1]: found start {second['start']:g}, and [0]"
                f" from {first['start']:g} to {first['end']:g}; write the words of a speaker in"
                " order of time"
            ),
            (
                "calls/other.wav: other.json is of another recording: 0 of its 1 words lie in the"
                " caller's speech"
            ),
            (
                "nowhere.csv: has the name of none of the recordings given: damaged.wav, good.wav,"
                " late.wav, missing.wav, mixed up.wav, and 1 more"
            ),
        ]
    )


def test_file_of_words_belongs_to_the_recording_of_its_name(call: Path, run: CommandLine) -> None:
    """In its own directory, where several have it; two files for one are reported."""
    for name in ("monday", "tuesday"):
        folder = call.parent / name
        folder.mkdir()
        (folder / "call.wav").write_bytes(call.read_bytes())
        (folder / "call.wav.json").write_bytes(call.with_suffix(".json").read_bytes())
    command = ("rehearse", "monday", "tuesday", "--profile", "nova", "--format", "json")
    assert run(*command, "--words", "monday", "--words", "tuesday").status == 0
    status, out, err = run(*command, "--words", "monday")
    reason = "turn_detection stt: Deepgram ends the turns (tuesday/call.wav: no words)"
    assert (status, err) == (0, "")
    assert json.loads(out)["profiles"][0]["unknown"] == reason
    status, _, err = run(*command, "--words", "call.json")
    message = "call.json: its name is that of 2 recordings: monday/call.wav, tuesday/call.wav\n"
    assert (status, err) == (1, message)
    (call.parent / "monday" / "call.csv").write_text("word,start,end\n", encoding="utf-8")
    status, _, err = run(*command, "--words", "monday", "--words", "tuesday")
    message = "monday/call.wav.json: call.wav has words in another file, too: monday/call.csv\n"
    assert (status, err.splitlines(keepends=True)[0]) == (1, message)
    (call.parent / "empty").mkdir()
    status, _, err = run(*command, "--words", "empty")
    message = "empty: the directory contains no words of a recording given\n"
    assert (status, err) == (1, message)


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--stt-delay", "-1"), '--stt-delay: found "-1"; write seconds, 0 to 10'),
        (("--stt-delay", "nan"), '--stt-delay: found "nan"; write seconds, 0 to 10'),
        (("--stt-delay", "soon"), '--stt-delay: found "soon"; write seconds, 0 to 10'),
        (("--noise", "crowd"), '--noise "crowd" cannot be read: write NAME:10dB'),
        (
            ("--noise", "rain:10dB"),
            f'--noise "rain:10dB": unknown name "rain"; available: {NAMES}',
        ),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ("rehearse", "call.wav"),
        ("why", "call.wav", "--profile", "quick"),
        ("fit", "call.wav", "--turns-cut", "5%"),
    ],
    ids=["rehearse", "why", "fit"],
)
def test_wrong_options_are_wrong_command_lines(
    command: tuple[str, ...], options: tuple[str, ...], message: str, run: CommandLine
) -> None:
    """Of each of the three commands, before a recording is read."""
    status, out, err = run(*command, *options)
    assert (status, out) == (2, "")
    assert " ".join(err.split()) == f"timing-profiles: {message}"


def test_noise_is_completed_with_a_level() -> None:
    """In a shell, each name that the SDK has."""
    assert completion.noises() == [f"{name}:10dB" for name in NAMES.split(", ")]


@pytest.mark.usefixtures("call")
def test_progress_is_shown_on_a_terminal_and_cleared(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line that is written again for each turn."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    _, _, err = run("rehearse", "call.wav", "--profile", "quick")
    shown = "".join(f"\r1 of 1 recordings, {count} turns" for count in (1, 2))
    assert err == f"{shown}\r\x1b[K"
