"""A rehearsed turn: the SDK's own session in virtual time."""

import math
import statistics
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import recorded
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal import labels, outcome, session
from timing_profiles.rehearsal.outcome import Cut, Outcome, Played
from timing_profiles.rehearsal.speech import speech
from timing_profiles.turns import wait
from timing_profiles.turns.fields import DETECTION, MAX_DELAY, MIN_DELAY, MODE, VAD_SILENCE

ROOT = Path(__file__).parents[1]
STARTERS = catalog.load(ROOT / "profiles")
PAUSE = "My number is five five five [1.2] zero one two three."
SENTENCES = (
    "I would like to book a table for two people.",
    "The train leaves at seven in the morning.",
    "Yes, that is right.",
    "Could you send it to my office, please?",
    "My name is Alice Brown.",
)


def values(name: str = "default", /, **sets: Any) -> Mapping[str, Any]:
    """Return the values of a starter, some of them changed."""
    profile = STARTERS.profile(name)
    assert profile
    return {**profile.values, **sets}


def of_vad(delay: float, **sets: Any) -> Mapping[str, Any]:
    """Return values with which silence alone ends a turn."""
    return values(**{DETECTION: "vad", MIN_DELAY: delay, **sets})


@cache
def turns(*texts: str) -> list[Played]:
    """Return the turns of a caller who says these texts."""
    caller, other = recorded.sides(*texts)
    found = labels.turns(speech(caller), speech(other))
    assert len(found) == len(texts)
    return [outcome.cut_out(turn, caller) for turn in found]


def judged(text: str, settings: Mapping[str, Any]) -> Outcome:
    """Rehearse a turn of a caller."""
    (played,) = turns(text)
    return outcome.judge(played, settings)


@pytest.mark.parametrize(("delay", "is_cut"), [(0.5, True), (1.0, True), (1.4, False), (2, False)])
def test_profile_cuts_in_where_the_pause_is_longer_than_its_wait(
    delay: float, *, is_cut: bool
) -> None:
    """A pause of 1.2 s, once with a shorter and once with a longer wait."""
    found = judged(PAUSE, of_vad(delay))
    assert bool(found.cuts) is is_cut
    assert found.decided_by == "min_delay"
    if is_cut:
        (cut,) = found.cuts
        (turn,) = (one.turn for one in turns(PAUSE))
        assert cut.pause == 0
        assert cut.at == pytest.approx(turn.pauses[0].start + wait.VAD_LAG + delay, abs=0.1)


@pytest.mark.parametrize(
    "settings",
    [
        of_vad(0.5),
        of_vad(0.9),
        of_vad(0.1, **{VAD_SILENCE: 0.8}),
        values("dictation", **{MIN_DELAY: 2.0, MAX_DELAY: 2.0}),
        values("patient", **{MAX_DELAY: 1.5}),
    ],
    ids=["vad-0.5", "vad-0.9", "vad-silence-0.8", "turn-detector-2", "turn-detector-1.5"],
)
def test_wait_is_the_one_that_show_predicts(settings: Mapping[str, Any]) -> None:
    """The median of five sentences, within 0.05 s."""
    waits = [outcome.judge(one, settings).wait or 0.0 for one in turns(*SENTENCES)]
    (shortest, longest) = wait.effective(settings).seconds
    assert longest == shortest
    assert statistics.median(waits) == pytest.approx(shortest, abs=0.05)


@pytest.mark.parametrize(
    ("threshold", "decides", "low", "high"),
    [(0.0, "min_delay", 0.6, 0.9), (1.0, "max_delay", 1.6, 1.9)],
)
def test_probability_of_the_turn_detector_chooses_the_delay(
    threshold: float, decides: str, low: float, high: float
) -> None:
    """Every end is likely at a threshold of 0, and none at 1."""
    sets: dict[str, Any] = {
        "turn_detector.unlikely_threshold": threshold,
        MIN_DELAY: 0.6,
        MAX_DELAY: 1.6,
    }
    found = judged(SENTENCES[0], values(**sets))
    assert found.decided_by == decides
    assert found.wait
    assert low < found.wait < high


def test_longer_silence_of_the_vad_decides() -> None:
    """The decision names it."""
    assert (
        judged(SENTENCES[0], of_vad(0.1, **{VAD_SILENCE: 0.8})).decided_by == "min_silence_duration"
    )


def test_turn_is_judged_the_same_each_time() -> None:
    """To the last digit, beside other turns and alone."""
    first = judged(PAUSE, values("brisk"))
    judged(SENTENCES[0], values("patient"))
    assert judged(PAUSE, values("brisk")) == first


def test_vad_hears_the_sound_before_a_turn_and_the_session_does_not() -> None:
    """Speech before it is no turn; a moved start moves the border between the two."""
    (played,) = turns(PAUSE)
    settings = of_vad(100.0)
    plain = session.play(played.samples, settings, 6, math.inf)
    reminded = session.play(played.samples, settings, 6, math.inf, before=played.samples)
    assert len(reminded.silences) == len(plain.silences) == 2
    later = played.later(0.5)
    assert later.before + later.samples == played.before + played.samples
    assert (later.start, len(later.before)) == (played.start + 0.5, len(played.before) + 16000)


@pytest.mark.parametrize(
    ("sets", "reason"),
    [
        ({}, None),
        ({DETECTION: "vad", MODE: "dynamic"}, None),
        ({DETECTION: "stt"}, "turn_detection stt: Deepgram ends the turns"),
        ({DETECTION: "manual"}, "turn_detection manual: the application ends the turns"),
        ({DETECTION: "realtime_llm"}, "turn_detection realtime_llm: another model ends the turns"),
        (
            {"turn_detector.version": "v1"},
            "turn_detector.version v1: the turn detector may run in LiveKit's cloud",
        ),
        (
            {"turn_handling.user_turn_limit.max_words": 20},
            "turn_handling.user_turn_limit.max_words 20: Deepgram's words end turns",
        ),
        ({"stt.engine": "flux"}, "stt.engine flux: its last words may come after the delay"),
        (
            {"stt.nova.endpointing_ms": 1000},
            "stt.nova.endpointing_ms 1000: the words may come after the delay",
        ),
        (
            {"stt.nova.endpointing_ms": 0},
            "stt.nova.endpointing_ms 0: the words may come after the delay",
        ),
    ],
)
def test_decision_of_the_cloud_is_unknown(sets: Mapping[str, Any], reason: str | None) -> None:
    """Never guessed; the reason contains the field and its value."""
    assert outcome.unknown(values(**sets)) == reason


def test_all_starters_but_flux_can_be_rehearsed() -> None:
    """Their decisions need no cloud."""
    unknown = [name for name in STARTERS.names() if outcome.unknown(values(name))]
    assert unknown == ["flux-conversation"]


@pytest.mark.parametrize(
    ("decided_by", "probability", "max_delay", "change"),
    [
        ("max_delay", 0.2, 2.5, "max_delay 3.1"),
        ("min_delay", 0.71, 4.0, "unlikely_threshold above 0.71"),
        ("min_delay", 0.71, 2.5, "min_delay and max_delay 3.1"),
        ("min_delay", None, 4.0, "min_delay 3.1"),
    ],
)
def test_remedy_changes_the_deciding_setting(
    decided_by: str, probability: float | None, max_delay: float, change: str
) -> None:
    """The delay that decided, or the threshold where a longer delay is there already."""
    cut = Cut(1.0, 0, decided_by, probability)
    assert outcome.remedy(3.0, cut, values(**{MAX_DELAY: max_delay})) == change


def test_remedy_exceeds_the_pause_by_a_tenth_of_a_second() -> None:
    """With 1.0 s, a profile still cut in on a pause of 0.94 s: the VAD reports speech later."""
    cut = Cut(1.0, 0, "max_delay", 0.2)
    assert outcome.remedy(0.94, cut, values(**{MAX_DELAY: 0.8})) == "max_delay 1.1"
