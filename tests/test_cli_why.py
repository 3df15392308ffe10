"""`why`: what is printed, and how it ends."""

import json
from pathlib import Path

import pytest

from tests import recorded
from tests.command_line import CommandLine
from tests.test_cli_rehearse import masked

PAUSE = "My number is five five five [1.2] zero one two three."


@pytest.fixture(name="call")
def _call(starters: Path) -> Path:
    """A call of two turns, one with a pause of 1.2 s; `quick` ends turns by silence."""
    text = "turn_handling: {turn_detection: vad, endpointing: {min_delay: 0.6, max_delay: 3.0}}\n"
    (starters / "quick.yaml").write_text(text, encoding="utf-8")
    return recorded.write(starters.parent / "call.wav", *recorded.sides(PAUSE, "Yes please."))


@pytest.mark.usefixtures("call")
def test_each_turn_is_explained_with_the_price_of_a_change(run: CommandLine) -> None:
    """Over the turns of all recordings, each file once."""
    status, out, err = run("why", "call.wav", ".", "--profile", "quick")
    assert (status, err) == (0, "")
    assert masked(out) == [
        "call.wav  quick  (changes are priced over N turns)",
        "turn N  N to N s  cut at N s in a pause of N s by min_delay",
        "  min_delay N -> N would have kept it; price: N turn fewer cut, mean wait +N s",
        "turn N  N to N s  answered after N s by min_delay",
    ]


@pytest.mark.usefixtures("call")
def test_json_has_one_turn_where_one_is_named(run: CommandLine) -> None:
    """With the change, what it does to the turn, and its price."""
    words = ("why", "call.wav", "--profile", "quick", "--turn", "1", "--format", "json")
    status, out, _ = run(*words)
    found = json.loads(out)
    assert (status, found["recording"], found["profile"]) == (0, "call.wav", "quick")
    assert found["priced_over"] == 2
    (turn,) = found["turns"]
    assert turn["start"] < turn["cut_at"] < turn["end"]
    (change,) = turn["changes"]
    assert (change["field"], change["from"]) == ("turn_handling.endpointing.min_delay", 0.6)
    assert change["turns_cut"] == -1
    assert change["mean_wait"] == pytest.approx(change["to"] - 0.6, abs=0.01)


@pytest.mark.usefixtures("call")
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--profile", "quick", "--turn", "3"], "there is no turn 3: the call has 2 turns"),
        (
            ["--profile", "flux-conversation"],
            "flux-conversation cannot be explained: turn_detection stt: Deepgram ends the turns",
        ),
    ],
)
def test_turn_without_an_explanation_is_a_wrong_command_line(
    words: list[str], message: str, run: CommandLine
) -> None:
    """The message has the reason."""
    assert run("why", "call.wav", *words) == (2, "", f"timing-profiles: {message}\n")


@pytest.mark.usefixtures("call")
def test_call_that_cannot_be_read_is_reported(run: CommandLine) -> None:
    """Exit status 1, and nothing is explained."""
    message = "nowhere.wav: cannot be read: No such file or directory\n"
    assert run("why", "nowhere.wav", "--profile", "quick") == (1, "", message)
