"""`rehearse`: what is printed, how it ends, and the messages about files that are not calls."""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import av
import pytest

from tests import recorded
from tests.command_line import CommandLine
from tests.markdown import of_sort

PAUSE = "My number is five five five [1.2] zero one two three."
KEYS = {
    *("profile", "turns_cut", "pauses_cut", "wait", "decided_by", "unknown", "turns"),
}


@pytest.fixture(name="call")
def _call(starters: Path) -> Path:
    """A call of two turns, one with a pause of 1.2 s; `quick` and `slow` end turns by silence."""
    for name, delay in [("quick", 0.6), ("slow", 1.6)]:
        text = f"turn_handling: {{turn_detection: vad, endpointing: {{min_delay: {delay}}}}}\n"
        (starters / f"{name}.yaml").write_text(text, encoding="utf-8")
    return recorded.write(starters.parent / "call.wav", *recorded.sides(PAUSE, "Yes please."))


def rehearsed(run: CommandLine, *words: str) -> Any:
    """Return the JSON of a rehearsal that succeeds."""
    status, out, err = run("rehearse", *words, "--format", "json")
    assert (status, err) == (0, "")
    return json.loads(out)


def shape(text: str) -> list[str]:
    """Return the sorts of lines of a text: espeak says the same text not twice the same."""
    fields = r"(?:min_delay|max_delay|unlikely_threshold above)"
    plain = re.sub(rf"{fields} N%(, {fields} N%)*", "FIELDS", "\n".join(masked(text)))
    plain = re.sub(r"min_delay and max_delay N", "min_delay N", plain)
    plain = re.sub(rf"{fields} N would", "FIELD would", plain)
    worst = re.sub(r"(?m)^  \w+\.wav (.+) \(.+\)$", r"  RECORDING \1 (PROFILES)", plain)
    return [*dict.fromkeys(worst.splitlines())]


def masked(text: str) -> list[str]:
    """Return the lines of a text without its numbers and the widths of its columns."""
    plain = re.sub(r"\d+(\.\d+)?", "N", text)
    return re.sub(r"(?<=\S) {2,}", "  ", re.sub(r"(?m)^ {3,}", "  ", plain)).splitlines()


@pytest.mark.usefixtures("starters")
def test_page_shows_the_printed_results(run: CommandLine) -> None:
    """The same columns and sorts of lines, for two calls of synthetic speech."""
    Path("calls").mkdir()
    booking = recorded.sides(
        "Hello. I would like a table for [1.1] four people on Friday.",
        "My number is five five five [1.9] zero one two [0.6] three.",
        "Yes please.",
    )
    order = recorded.sides(
        "Where is my order?",
        "It is number seven [0.7] nine [0.5] four.",
        "No, that was all. Thank you.",
    )
    recorded.write(Path("calls/booking.wav"), *booking)
    recorded.write(Path("calls/order.wav"), *order)
    shown = of_sort("rehearsal")
    tables = [page for page in shown if "turns cut" in page.text]
    (explained,) = (page for page in shown if page not in tables)
    _, out, _ = run("rehearse", "calls", "--profile", "brisk", "--profile", "patient")
    lines = shape(out)
    assert len(tables) == 2
    assert all(set(shape(page.text)) <= {*lines} for page in tables)
    _, out, _ = run("why", "calls/booking.wav", "calls", "--profile", "brisk")
    first, *turns = masked(explained.text)
    assert masked(out)[0] == first
    assert sum(line.startswith("turn ") for line in turns) == out.count("\nturn ")


@pytest.mark.usefixtures("call")
def test_text_has_a_row_for_each_profile_and_the_worst_pauses(run: CommandLine) -> None:
    """The numbers are those of one machine: their values are asserted from the JSON."""
    status, out, err = run(
        *("rehearse", "call.wav", "--profile", "quick", "--profile", "slow"),
        *("--profile", "flux-conversation", "--gate", "turns_cut<=5%"),
    )
    gate = "gate turns_cut<=N%:"
    little = "not enough evidence (N of N; N without any would show it"
    assert (status, err) == (3, "")
    assert masked(out) == [
        (
            "N recording, N turns, N pause (caller: left, N s of speech; other: N s;"
            " swap: --caller right)"
        ),
        "  turns cut  pauses cut  wait pN  pN  pN  mean  over N s  decided by",
        "quick  N of N  N% [N-N]  N of N  N% [N-N]  N s  N s  N s  N s  N%  min_delay N%",
        "slow  N of N  N% [N-N]  N of N  N% [N-N]  N s  N s  N s  N s  N%  min_delay N%",
        "flux-conversation: unknown: turn_detection stt: Deepgram ends the turns",
        "worst pauses",
        "  call.wav N s  N s of silence  cut by N: min_delay N would have kept it (quick)",
        f"{gate} quick: {little}, or N more without another one)",
        f"{gate} slow: {little})",
        f"{gate} flux-conversation: {little})",
    ]


@pytest.mark.usefixtures("call")
def test_annotations_are_at_the_file_of_the_profile(run: CommandLine) -> None:
    """One for each result, one for each gate with the level of its verdict."""
    gates = ("--gate", "turns_cut<=0%", "--gate", "wait_over_2s<=100%")
    status, out, err = run(
        *("rehearse", "call.wav", "nowhere.wav", "--profile", "quick", "--format", "github", *gates)
    )
    assert (status, err) == (1, "nowhere.wav: cannot be read: No such file or directory\n")
    place = "file=profiles/quick.yaml,line=N,col=N::quick:"
    assert masked(out) == [
        "::error file=nowhere.wav,line=N,col=N::cannot be read: No such file or directory",
        (
            f"::notice {place} turns cut N of N  N%N [N-N], pauses cut N of N  N%N [N-N],"
            " wait pN N s, pN N s, pN N s, mean N s, over N s N%N, decided by min_delay N%N"
        ),
        f"::error {place} gate turns_cut<=N%N fails (N of N)",
        f"::notice {place} gate wait_over_Ns<=N%N holds (N of N)",
    ]


@pytest.mark.usefixtures("call")
def test_json_has_the_turns_of_each_profile(run: CommandLine) -> None:
    """`quick` cuts in on the pause, `slow` waits; both end the second turn."""
    found = rehearsed(
        run, "call.wav", *("--profile", "quick", "--profile", "slow", "--profile", "courier")
    )
    assert set(found) == {"revision", "recordings", "turns", "pauses", "profiles", "gates"}
    assert (found["recordings"], found["turns"], found["pauses"]) == (1, 2, 1)
    quick, slow, courier = found["profiles"]
    assert KEYS == set(quick) == set(slow) == set(courier)
    assert (quick["turns_cut"]["count"], quick["turns_cut"]["of"]) == (1, 2)
    assert quick["pauses_cut"] == {"count": 1, "of": 1, "share": 1.0, "interval": [0.025, 1.0]}
    assert slow["turns_cut"]["count"] == slow["pauses_cut"]["count"] == 0
    assert slow["decided_by"] == {"min_delay": 2}
    assert set(slow["wait"]) == {"p50", "p90", "p95", "mean", "over_2s"}
    first, second = quick["turns"]
    assert first["recording"] == "call.wav"
    assert first["start"] < first["cut_at"] < first["end"] < second["start"]
    assert second["cut_at"] is None
    assert second["wait"] == pytest.approx(0.69, abs=0.1)


@pytest.mark.usefixtures("call")
def test_metadata_of_a_caller_overrides_the_profiles(run: CommandLine) -> None:
    """As in a call: allowed overrides act, the others are problems."""
    delays = '{"min_endpointing_delay": 1.6, "overrides": {"stt": {"engine": "flux"}}}'
    words = ("rehearse", "call.wav", "--profile", "quick", "--format", "json")
    status, out, err = run(*words, "--metadata", delays)
    (quick,) = json.loads(out)["profiles"]
    assert (status, quick["turns_cut"]["count"]) == (0, 0)
    assert err.startswith("participant: stt.engine: not overridable")


@pytest.mark.usefixtures("call")
def test_unknown_profile_is_null_and_has_a_reason(run: CommandLine) -> None:
    """No value is guessed."""
    (flux,) = rehearsed(run, "call.wav", "--profile", "flux-conversation")["profiles"]
    assert flux == {
        "profile": "flux-conversation",
        "turns_cut": None,
        "pauses_cut": None,
        "wait": None,
        "decided_by": {},
        "unknown": "turn_detection stt: Deepgram ends the turns",
        "turns": [],
    }


def test_two_runs_print_the_same_bytes(call: Path, run: CommandLine) -> None:
    """With the turn detector, too."""
    words = ("rehearse", str(call), "--profile", "brisk", "--profile", "quick", "--format", "json")
    assert run(*words) == run(*words)


def test_each_result_of_a_gate_has_its_status(call: Path, run: CommandLine) -> None:
    """0 holds, 1 fails, 3 not enough evidence; JSON names what is needed."""
    for gate, profile, status, result, needed in [
        ("wait_over_2s<=100%", "slow", 0, "holds", None),
        ("turns_cut<=0%", "quick", 1, "fails", None),
        ("turns_cut<=5%", "slow", 3, "not-enough-evidence", 59),
    ]:
        words = ("rehearse", str(call), "--profile", profile, "--gate", gate, "--format", "json")
        ended, out, _ = run(*words)
        assert (ended, json.loads(out)["gates"]) == (
            status,
            [{"gate": gate, "result": result, "needed": needed}],
        )


@pytest.mark.usefixtures("call")
def test_wrong_gates_and_profiles_are_wrong_command_lines(run: CommandLine) -> None:
    """Exit 2 before a recording is read."""
    assert run("rehearse", "call.wav", "--gate", "turns_cut") == (
        2,
        "",
        'timing-profiles: gate "turns_cut" cannot be read: write turns_cut<=5% or wait_p50<=1.2\n',
    )
    message = 'timing-profiles: gate "newly_cut<=0" needs --against REV\n'
    assert run("rehearse", "call.wav", "--gate", "newly_cut<=0") == (2, "", message)
    status, out, err = run("rehearse", "call.wav", "--profile", "brisc")
    assert (status, out) == (2, "")
    assert err.startswith('timing-profiles: unknown profile "brisc"; available: brisk')


@pytest.mark.usefixtures("call")
def test_output_goes_to_a_file(run: CommandLine) -> None:
    """And nothing to stdout; a file that cannot be written is a wrong command line."""
    words = ("rehearse", "call.wav", "--profile", "quick", "--format", "json", "-o")
    assert run(*words, "out.json") == (0, "", "")
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["turns"] == 2
    assert run(*words, "nowhere/out.json") == (
        2,
        "",
        "timing-profiles: nowhere/out.json: cannot be written: No such file or directory\n",
    )
    assert run("rehearse", "missing.wav", "-o", ".") == (
        2,
        "",
        "timing-profiles: .: cannot be written: Is a directory\n",
    )


@pytest.mark.parametrize("rate", [8000, 16000])
def test_caller_may_be_on_the_right(rate: int, starters: Path, run: CommandLine) -> None:
    """With `--caller right`, at the rate of the telephone too."""
    caller, other = recorded.sides("Yes please.")
    file = recorded.write(starters.parent / "call.wav", other, caller, rate=rate)
    found = rehearsed(run, str(file), "--caller", "right", "--profile", "patient")
    (turn,) = found["profiles"][0]["turns"]
    assert turn["start"] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        *(("flac", "flac"), ("ogg", "libopus"), ("mp3", "libmp3lame")),
        *(("wav", "pcm_u8"), ("wav", "pcm_s24le"), ("wav", "pcm_f32le")),
    ],
)
def test_usual_formats_are_read(suffix: str, codec: str, call: Path, run: CommandLine) -> None:
    """As LiveKit's own recordings, `audio.ogg`; samples of 8 to 32 bits, and floats."""
    encoded(call, call.with_name(f"coded.{suffix}"), codec)
    found = rehearsed(run, f"coded.{suffix}", "--profile", "quick")
    assert (found["turns"], found["pauses"]) == (2, 1)


def encoded(source: Path, target: Path, codec: str) -> None:
    """Write a recording in another format."""
    with av.open(str(source)) as read, av.open(str(target), "w") as written:
        stream = written.add_stream(codec, rate=48000, layout="stereo")
        assert isinstance(stream, av.AudioStream)
        resampler = av.AudioResampler(
            stream.format.name, "stereo", 48000, frame_size=stream.codec_context.frame_size or 4096
        )
        for frame in [*read.decode(audio=0), None]:
            for part in resampler.resample(frame):
                written.mux(stream.encode(part))
        written.mux(stream.encode(None))


def test_each_file_that_is_not_a_call_is_reported_and_the_others_are_judged(
    call: Path, run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line for each, and exit status 1."""
    calls = call.parent / "calls"
    calls.mkdir()
    caller, other = recorded.sides("Yes please.")
    quiet = bytes(len(caller))
    recorded.write(calls / "good call.wav", caller, other)
    recorded.write(calls / "mono.wav", caller)
    recorded.write(calls / "silence.wav", quiet, quiet)
    recorded.write(calls / "no caller.wav", quiet, other)
    recorded.write(calls / "no other.wav", caller, quiet)
    recorded.write(calls / "both.wav", caller, caller)
    recorded.write(calls / "empty.wav", b"", b"")
    (calls / "noise.mp3").write_bytes(b"\x01\x02" * 2000)
    (calls / "nothing.ogg").touch()
    (calls / "notes.txt").write_text("no recording", encoding="utf-8")
    whole = (calls / "good call.wav").read_bytes()
    (calls / "truncated.wav").write_bytes(whole[: len(whole) // 2])
    for suffix, codec in [("flac", "flac"), ("ogg", "libopus")]:
        encoded(calls / "good call.wav", calls / f"coded.{suffix}", codec)
        coded = (calls / f"coded.{suffix}").read_bytes()
        half = len(coded) // 2
        (calls / f"coded.{suffix}").write_bytes(coded[:half] + bytes(9000) + coded[half + 9000 :])
        (calls / f"cut.{suffix}").write_bytes(coded[:half])
        (calls / f"noise.{suffix}").write_bytes(b"\x01\x02" * 2000)
    monkeypatch.chdir(call.parent)
    status, out, err = run(
        *("rehearse", "calls", "missing.wav", "--profile", "patient", "--format", "json")
    )
    assert status == 1
    assert json.loads(out)["recordings"] == 1
    undecodable = r"cannot be decoded: .+; wav, ogg, mp3 and flac are read"
    damaged = r"damaged or truncated: \d+\.\d\d of \d+\.\d\d s can be decoded"
    expected = {
        "calls/both.wav": r"both channels speak at once for 100% of the caller's speech: .+",
        "calls/coded.flac": f"{damaged}|{undecodable}",  # av 14 gives the file up
        "calls/coded.ogg": damaged,
        "calls/cut.flac": undecodable,
        "calls/cut.ogg": "truncated: the last page is missing",
        "calls/empty.wav": r"contains no audio",
        "calls/mono.wav": r"has one channel: a recording needs two, .+",
        "calls/no caller.wav": r"the caller's channel \(left\) contains no speech; --caller .+",
        "calls/no other.wav": r"the channel of the other side \(right\) contains no speech: .+",
        "calls/noise.flac": undecodable,
        "calls/noise.mp3": undecodable,
        "calls/noise.ogg": undecodable,
        "calls/nothing.ogg": "the file is empty",
        "calls/silence.wav": r"contains no speech",
        "calls/truncated.wav": r"truncated: \d+ of \d+ bytes are there",
        "missing.wav": r"cannot be read: No such file or directory",
    }
    lines = dict(line.split(": ", 1) for line in err.splitlines())
    assert list(lines) == list(expected)
    assert [name for name, text in lines.items() if not re.fullmatch(expected[name], text)] == []


def test_recording_that_is_named_twice_is_judged_once(call: Path, run: CommandLine) -> None:
    """By any of its paths."""
    call.with_name("link.wav").symlink_to(call)
    again = (str(call), "call.wav", "./link.wav", f"../{call.parent.name}/call.wav")
    assert rehearsed(run, *again, "--profile", "quick")["recordings"] == 1


def test_directory_without_recordings_is_reported(starters: Path, run: CommandLine) -> None:
    """Its name, and exit status 1."""
    status, _, err = run("rehearse", str(starters), "--profile", "patient")
    assert (status, err) == (1, f"{starters}: the directory contains no recording\n")


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text here")
def test_non_utf8_name_is_read_and_printed(call: Path, run: CommandLine) -> None:
    """In letters that any terminal has."""
    call.rename(call.with_name(os.fsdecode(b"\xff \n.wav")))
    status, out, err = run("rehearse", os.fsdecode(b"\xff \n.wav"), "--profile", "quick")
    assert (status, err) == (0, "")
    assert r"  \udcff \n.wav 2." in out
