"""What `make call` draws for people, without a room."""

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import timing_profiles
from sandbox.caller import Call, Dial, Turn
from sandbox.caller.page import Answered, answered, page
from sandbox.caller.picture import (
    ASCII,
    NARROWEST,
    UNICODE,
    WIDEST,
    Picture,
    Symbols,
    symbols,
)
from sandbox.caller.sound import Track
from timing_profiles.cli.terminal import Style
from timing_profiles.rehearsal.interval import Interval

ROOT = Path(__file__).parents[1]

SAID = ((100.0, 101.5), (102.7, 103.9))
CUTS_IN = ((102.18, 102.9), (104.7, 106.0))
WAITS = ((105.52, 107.0), (107.5, 112.0))


@pytest.fixture(autouse=True)
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three profiles, so that a change of the starter profiles changes no picture."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profiles").mkdir()
    shutil.copy(ROOT / "profiles" / "default.yaml", "profiles")
    Path("profiles/quick.yaml").write_text("vad: {min_silence_duration: 0.3}\n")
    Path("profiles/slow.yaml").write_text(
        "turn_handling:\n  endpointing: {min_delay: 1.5}\nstt:\n  nova: {endpointing_ms: 400}\n"
    )


def call(
    profile: str,
    *turns: tuple[tuple[tuple[float, float], ...], tuple[tuple[float, float], ...]],
    metadata: str | None = None,
    problems: tuple[str, ...] = (),
    revision: str | None = None,
) -> Answered:
    """A call that asked for a profile by name, and the times of its turns."""
    dial = Dial(metadata=f'{{"profile": "{profile}"}}' if metadata is None else metadata)
    here = timing_profiles.resolve().revision
    measured = tuple(
        Turn(tuple(Interval(*part) for part in parts), tuple(Interval(*at) for at in sounds))
        for parts, sounds in turns
    )
    found = Call(profile, revision or here, problems, measured, Track(), Track())
    return answered(dial, found)


TWO = """\
quick: cut in 0.68 s into the 1.2 s pause
seconds 0         1         2         3         4          5         6         7
caller  ▃▂▅▇▆▃▅▇▅▃▆▇▅▃▃···1.2 s····▃▂▅▇▆▃▅▇▅▃▆▇
agent                  ·······✕▂▅▇▆▃▅          ·0.80 s··◆▂▅▇▆▃▅▇▅▃▆▇▅

slow: answered after 1.62 s
seconds 0         1         2         3         4          5         6         7
caller  ▃▂▅▇▆▃▅▇▅▃▆▇▅▃▃···1.2 s····▃▂▅▇▆▃▅▇▅▃▆▇
agent                                          ·····1.62 s······◆▂▅▇▆▃▅▇▅▃▆▇▅▃▃▶

· silence   ◆ answer   ✕ cut in   ▶ goes on

quick differs from default in:
  vad.min_silence_duration  0.3 s  profiles/quick.yaml:1

slow differs from default in:
  stt.nova.endpointing_ms              400 ms  profiles/slow.yaml:4
  turn_handling.endpointing.min_delay  1.5 s   profiles/slow.yaml:2"""

NARROW = """\
slow: answered after 1.62 s
seconds 0        2        4       6
caller  =======.....=====
agent                    .......*======>

. silence   * answer   X cut in
> goes on

slow differs from default in:
  stt.nova.endpointing_ms
    400 ms  profiles/slow.yaml:4
  turn_handling.endpointing.min_delay
    1.5 s  profiles/slow.yaml:2"""

TURNS = """\
default: answered after 1.62 s; answered after 1.30 s
left out: participant: profile: unknown profile "sloe";
  available: default, quick, slow
  hint: did you mean slow?
left out: a field that cannot change in a running call; see
  the log of the worker
turn 1: answered after 1.62 s
seconds 0              2             4              6
caller  ▃▂▅▇▆▃▅▇▅▃▆··1.2 s··▃▂▅▇▆▃▅▇
agent                               ···1.62 s···◆▂▅▇▆▃▅▇▅▃▆▶
turn 2: answered after 1.30 s
seconds 0              2             4              6
caller  ▃▂▅▇▆▃▅
agent          ··1.30 s··◆▂▅▇▆

· silence   ◆ answer   ✕ cut in   ▶ goes on

default: nothing differs from default"""

ELSEWHERE = """\
slow: no answer
left out: a value out of bounds; see the log of the worker
seconds 0           1          2           3          4
caller  ▃▂▅▇▆▃▅▇▅▃▆▇▅▃▃▂▅·pause 1.2 s··▃▂▅▇▆▃▅▇▅▃▆▇▅▃
agent

· silence   ◆ answer   ✕ cut in   ▶ goes on

slow of revision 0123456789ab: values unknown: resolved in
this folder, it is slow of revision"""


def test_two_calls_are_drawn_on_one_scale() -> None:
    """The caller says the same thing in both, so that only the agents differ."""
    calls = [call("quick", (SAID, CUTS_IN)), call("slow", (SAID, WAITS))]
    assert page(calls, UNICODE, Style(width=80)) == TWO


def test_a_call_on_a_narrow_terminal_that_has_only_ascii() -> None:
    """Each field stands above its value."""
    assert page([call("slow", (SAID, WAITS))], ASCII, Style(width=40)) == NARROW


def test_call_page_draws_each_turn_and_lists_omitted_overrides() -> None:
    """In the worker's words where the same settings resolve here, else by the code's meaning."""
    second = (((120.0, 121.0),), ((122.3, 123.0),))
    one = call(
        "default",
        (SAID, WAITS),
        second,
        metadata='{"profile": "sloe"}',
        problems=("profile-unknown", "next-call"),
    )
    assert page([one], UNICODE, Style(width=60)) == TURNS


def test_values_of_another_revision_are_not_shown() -> None:
    """A worker elsewhere has profiles of its own."""
    one = call("slow", (SAID, ()), revision="0123456789ab", problems=("override-range",))
    here = timing_profiles.resolve().revision
    assert page([one], UNICODE, Style(width=60)) == f"{ELSEWHERE} {here}"


def test_an_agent_without_timing_profiles_is_drawn() -> None:
    """There is nothing to say of its values."""
    one = call("", (SAID, WAITS), metadata="", revision="-")
    lines = page([one], UNICODE, Style(width=80)).split("\n")
    assert (lines[0], lines[-1]) == (
        "no profile: answered after 1.62 s",
        "the agent reports no timing profile",
    )


def test_colours_change_no_column() -> None:
    """The caller, the silence, the cut-in and the answer each have one."""
    calls = [call("quick", (SAID, CUTS_IN)), call("slow", (SAID, WAITS), problems=("next-call",))]
    coloured = page(calls, UNICODE, Style(colour=True, width=80))
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == page(calls, UNICODE, Style(width=80))
    assert "\x1b[1mquick\x1b[0m: cut in" in coloured
    assert "\x1b[36m▃▂▅▇▆▃▅▇▅▃▆▇▅▃▃\x1b[0m\x1b[2m···\x1b[0m\x1b[1m1.2 s\x1b[0m" in coloured
    assert "\x1b[1;31m✕\x1b[0m" in coloured
    assert "\x1b[1;33mleft out\x1b[0m" in coloured


@pytest.mark.parametrize(
    ("encoding", "found"),
    [("utf-8", UNICODE), ("ascii", ASCII), ("iso8859-1", ASCII), ("no-such", ASCII), (None, ASCII)],
)
def test_symbols_are_those_that_the_terminal_can_show(encoding: str | None, found: Symbols) -> None:
    """ASCII where it has no others."""
    assert symbols(encoding) == found


moments = st.lists(st.floats(0, 30), min_size=2, max_size=12, unique=True).map(sorted)


def intervals(found: list[float]) -> tuple[Interval, ...]:
    """Moments in pairs."""
    return tuple(Interval(*pair) for pair in zip(found[::2], found[1::2], strict=False))


@given(st.lists(st.tuples(moments, moments), min_size=1, max_size=3), st.integers(0, 200))
@example(turns=[([0.0, 0.125, 0.25, 0.5, 1.0, 2.0], [0.5, 1.0])], width=0)
@example(turns=[([0.0, 0.03125, 0.0625, 0.125], [0.0625, 0.125, 1.0, 2.0])], width=0)
def test_any_turn_can_be_drawn(turns: list[tuple[list[float], list[float]]], width: int) -> None:
    """In lines that fit, each agent and caller in its own."""
    measured = [Turn(intervals(parts), intervals(sounds)) for parts, sounds in turns]
    picture = Picture(measured, ASCII, Style(width=width))
    for turn in measured:
        lines = list(picture.lines(turn))
        assert [line[:7].rstrip() for line in lines] == ["seconds", "caller", "agent"]
        assert max(map(len, lines)) <= max(NARROWEST, min(width, WIDEST))
        assert ASCII.speech in lines[1]
        assert (ASCII.cut_in in lines[2]) == turn.cut_in
    assert max(map(len, picture.legend())) <= max(NARROWEST, min(width, WIDEST))
