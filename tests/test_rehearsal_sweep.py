"""Arithmetic over silences that a session has heard, against the session itself."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from tests.test_rehearsal_engine import PAUSE, SENTENCES, turns, values
from timing_profiles.rehearsal import outcome, sweep, why
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.outcome import Outcome
from timing_profiles.rehearsal.sweep import THRESHOLD, HeardTurn, Policy, Silence
from timing_profiles.rehearsal.why import Change
from timing_profiles.turns.fields import DETECTION, MAX_DELAY, MIN_DELAY, VAD_SILENCE

TEXTS = (PAUSE, SENTENCES[2])


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "settings",
    [
        values("brisk"),
        values("patient"),
        values("patient", **{THRESHOLD: 1.0, MAX_DELAY: 1.0, MIN_DELAY: 0.5}),
        values("default", **{DETECTION: "vad", MIN_DELAY: 0.8}),
        values("default", **{DETECTION: "vad", MIN_DELAY: 1.8}),
        values("default", **{DETECTION: "vad", MIN_DELAY: 0.1, VAD_SILENCE: 0.8}),
        values("noisy-line"),
    ],
    ids=["brisk", "patient", "unlikely", "vad-0.8", "vad-1.8", "vad-silence-0.8", "noisy-line"],
)
def test_arithmetic_decides_as_the_session(text: str, settings: Mapping[str, Any]) -> None:
    """The same cuts, and waits within 0.01 s."""
    played = dict(zip(TEXTS, turns(*TEXTS), strict=True))[text]
    found = sweep.hear(played, settings)
    policy = sweep.policy(settings, found.threshold)
    judged = outcome.judge(played, settings)
    assert found.is_cut(policy) == bool(judged.cuts)
    assert found.wait(policy) == pytest.approx(judged.wait, abs=0.01)


def test_session_hears_each_silence_at_each_phase() -> None:
    """The pause and the end, each with a probability that varies with the frames."""
    (played, _) = turns(*TEXTS)
    found = sweep.hear_all(played, values())
    assert len(found) == len(sweep.PHASES)
    for one in found:
        pause, end = one.silences
        assert pause.until - pause.start == pytest.approx(1.2, abs=0.35)
        assert math.isinf(end.until)
        assert pause.probability is not None
        assert end.probability is not None


PAUSES = HeardTurn(
    Turn(Interval(1.0, 6.0), (Interval(2.0, 3.5),), 8.0, is_end=True),
    (Silence(2.0, 2.3, 3.5, 0.4), Silence(6.0, 6.3, math.inf, 0.2)),
    0.36,
)


@pytest.mark.parametrize(
    ("policy", "is_cut", "wait"),
    [
        (Policy(0.36, 0.5, 2.5), True, 2.5),
        (Policy(0.36, 0.0, 2.5), True, 2.5),
        (Policy(0.5, 0.5, 2.5), False, 2.5),
        (Policy(0.1, 1.5, 2.5), False, 1.5),
        (Policy(0.0, 0.1, 2.5), True, 0.3),
    ],
)
def test_likely_silence_takes_the_shorter_delay(
    policy: Policy, wait: float, *, is_cut: bool
) -> None:
    """And no decision comes before the detector's answer."""
    assert PAUSES.is_cut(policy) is is_cut
    assert PAUSES.wait(policy) == pytest.approx(wait)


def test_price_counts_all_turns() -> None:
    """A lower threshold answers sooner and cuts in more."""
    change = Change(THRESHOLD, 0.5, 0.2, Outcome((), None, None))
    settings = {THRESHOLD: 0.5, MIN_DELAY: 0.5, MAX_DELAY: 2.5}
    price = why.price([PAUSES, PAUSES], settings, change)
    assert price.cut == 2
    assert price.wait == pytest.approx(-2.0)


def test_smallest_change_keeps_a_turn_that_is_cut() -> None:
    """A delay longer than the pause, in steps of 0.05 s; the engine confirms it."""
    (played, _) = turns(*TEXTS)
    settings = values(**{DETECTION: "vad", MIN_DELAY: 0.6, MAX_DELAY: 3.0})
    explained = why.explain(played, settings)
    assert explained.outcome.cuts
    (change,) = explained.changes
    assert (change.field, change.before) == (MIN_DELAY, 0.6)
    assert 1.1 < change.after < 1.6
    assert not change.outcome.cuts
    assert outcome.judge(played, {**settings, MIN_DELAY: change.after - 0.2}).cuts


def test_threshold_answers_an_unlikely_end_sooner() -> None:
    """Where `max_delay` decided."""
    (_, played) = turns(*TEXTS)
    explained = why.explain(played, values(**{THRESHOLD: 0.999, MIN_DELAY: 0.5, MAX_DELAY: 2.0}))
    (change,) = explained.changes
    assert (change.field, change.before) == (THRESHOLD, 0.999)
    assert explained.outcome.decided_by == "max_delay"
    assert change.outcome.decided_by == "min_delay"
