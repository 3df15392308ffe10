"""Recordings that LiveKit made, with their session report."""

import asyncio
import json
import math
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import AgentSession, UserStateChangedEvent, __version__
from livekit.agents.llm import ChatContext
from livekit.agents.voice.agent_session import AgentSessionOptions
from livekit.agents.voice.report import SessionReport

from sandbox import speech
from tests import recorded
from tests.command_line import CommandLine
from timing_profiles.rehearsal import session_report
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import cut_in
from timing_profiles.rehearsal.session_report import NAME, ReportError

BEGAN = 1_700_000_000.0


async def options() -> AgentSessionOptions:
    """Return those of a session as it is by default."""
    return AgentSession().options


def report(path: Path, spoken: list[tuple[float, float]], seconds: float) -> None:
    """Write the SDK's own report of a session beside a recording."""
    events: list[Any] = []
    for start, end in spoken:
        events += [
            UserStateChangedEvent(
                old_state="listening", new_state="speaking", created_at=BEGAN + start
            ),
            UserStateChangedEvent(
                old_state="speaking", new_state="listening", created_at=BEGAN + end
            ),
        ]
    made = SessionReport(
        job_id="job",
        room_id="room",
        room="room",
        options=asyncio.run(options()),
        events=events,
        chat_history=ChatContext.empty(),
        audio_recording_path=path,
        audio_recording_started_at=BEGAN,
        duration=seconds,
    )
    path.with_name(NAME).write_text(json.dumps(made.to_dict()), encoding="utf-8")


@pytest.fixture
def duration(tmp_path: Path) -> None:
    """Skip where the SDK's report has no duration."""
    report(tmp_path / "audio.ogg", [], 1)
    if "duration_ms" not in json.loads((tmp_path / NAME).read_text(encoding="utf-8")):
        pytest.skip(f"livekit-agents {__version__} writes no duration into its report")


@pytest.mark.usefixtures("duration")
def test_report_has_the_times_at_which_the_caller_spoke(tmp_path: Path) -> None:
    """From a second before the session noticed, in seconds of the recording."""
    path = tmp_path / "audio.ogg"
    report(path, [(2, 3), (3.5, 5)], 9)
    found = session_report.beside(path)
    assert found
    assert (found.seconds, found.spoken) == (9, [Interval(1, 3), Interval(3, 5)])
    found.check(8.5, [Interval(1.5, 2.8), Interval(3.2, 4.9)])


@pytest.mark.usefixtures("duration")
def test_report_of_another_call_is_refused(tmp_path: Path) -> None:
    """It is shorter than the recording, or its caller spoke at other times."""
    path = tmp_path / "audio.ogg"
    report(path, [(2, 3), (3.5, 5)], 9)
    found = session_report.beside(path)
    assert found
    another = f"{NAME} beside it is of another call: "
    with pytest.raises(ReportError) as longer:
        found.check(12, [Interval(1.5, 3)])
    assert str(longer.value) == f"{another}that one lasts 9.0 s, the recording 12.0 s"
    with pytest.raises(ReportError) as elsewhere:
        found.check(9, [Interval(1.5, 2.5), Interval(6, 7)])
    heard = "its session heard the caller in 50% of the caller's speech"
    assert str(elsewhere.value) == f"{another}{heard}"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "is not a session report: found [1]"),
        (b"{}", "has no recording: audio_recording_started_at null"),
        (
            b'{"audio_recording_started_at": NaN}',
            "has no recording: audio_recording_started_at NaN",
        ),
    ],
)
def test_file_that_is_not_a_report_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    """The message has what was found."""
    (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ReportError) as refused:
        session_report.beside(tmp_path / "audio.ogg")
    assert str(refused.value) == f"{NAME} beside it {reason}"


@pytest.mark.usefixtures("duration")
def test_report_without_the_events_of_a_vad_is_checked_by_its_duration(tmp_path: Path) -> None:
    """A session that ends turns otherwise may hear no start of speech."""
    path = tmp_path / "audio.ogg"
    report(path, [], 9)
    found = session_report.beside(path)
    assert found
    assert (found.seconds, found.spoken) == (9, None)
    found.check(9, [Interval(1, 2)])


def test_recordings_without_a_report_of_their_own_have_none(tmp_path: Path) -> None:
    """None in the directory, one of another file, or no directory at all."""
    assert session_report.beside(tmp_path / "audio.ogg") is None
    (tmp_path / "file").touch()
    assert session_report.beside(tmp_path / "file" / "audio.ogg") is None
    content = {"audio_recording_path": "C:\\calls\\audio.ogg", "audio_recording_started_at": 1}
    (tmp_path / NAME).write_text(json.dumps(content), encoding="utf-8")
    assert session_report.beside(tmp_path / "other.wav") is None
    found = session_report.beside(tmp_path / "audio.ogg")
    assert found
    found.check(math.inf if found.seconds else 9, [Interval(1, 2)])


@pytest.mark.parametrize(
    ("caller", "other", "expected"),
    [
        ([(1, 2), (3.5, 4)], [(3, 5)], 1),  # the caller interrupts the answer
        ([(1, 2), (4, 5)], [(2.5, 3)], 1),
        ([(1, 2), (4.5, 5)], [(2.5, 3)], 0),  # a turn of its own
        ([(1, 2), (4, 5)], [(1.5, 3)], 0),  # both spoke
        ([(1, 2)], [(3, 4)], 0),
    ],
)
def test_caller_who_continues_after_an_answer_was_cut(
    caller: list[tuple[float, float]], other: list[tuple[float, float]], expected: int
) -> None:
    """Within 2 s of its start."""
    sides = [[Interval(*one) for one in side] for side in (caller, other)]
    assert cut_in(*sides) == expected


def test_fit_counts_the_cuts_of_the_agent(starters: Path, run: CommandLine) -> None:
    """It cut in on one turn of two; and the caller is on the left, despite `--caller`.

    A lower limit is refused, and with a higher one that turn counts as cut.
    """
    for file in starters.iterdir():
        if file.stem != "default":
            file.unlink()
    first, rest, last = (recorded.said(one) for one in ("My number is", "five six.", "Yes please."))
    answer = recorded.said("Thank you.", speech.AGENT)
    caller, other = recorded.silence(1) + first, b""
    for after, part in [(1.5, rest), (4, last)]:
        other = other.ljust(len(caller) + len(recorded.silence(0.5)), b"\0") + answer
        caller += recorded.silence(after) + part
    caller = caller.ljust(len(caller) + len(recorded.silence(3)), b"\0")
    other = other.ljust(len(caller), b"\0")
    path = recorded.write(starters.parent / "audio.wav", caller, other)
    report(path, [(1, 60)], 60)
    status, out, err = run(
        "fit", "audio.wav", "--caller", "right", "--turns-cut", "5%", "--format", "json"
    )
    assert (status, out) == (1, "")
    assert " ".join(err.split()) == (
        "the agent of these recordings cut in on 1 of 2 turns: they cannot show that less than 50%"
        " are cut; allow as many, or record with longer delays"
    )
    status, out, _ = run("fit", "audio.wav", "--turns-cut", "50%")
    known = [line.strip() for line in out.partition("fitted to")[2].splitlines()]
    shown = (
        "1 more turn that an agent cut in on counts as cut",
        "2 turns do not show that at most 50% are cut: 8 turns with 1 cut would",
    )
    assert status == 0
    assert all(words in known and f"# {words}." in known for words in shown)
