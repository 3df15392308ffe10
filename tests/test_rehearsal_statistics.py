"""Intervals, quantiles and gates of a rehearsal."""

from collections.abc import Sequence

import pytest

from timing_profiles.rehearsal import gate, statistics, summary
from timing_profiles.rehearsal.gate import GateError
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.outcome import Cut, Outcome
from timing_profiles.rehearsal.paired import Pair
from timing_profiles.rehearsal.result import JudgedTurn, ProfileResult


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        # R: binom.test(count, of)$conf.int
        (0, 10, 0.0, 0.3084971),
        (1, 10, 0.002528579, 0.4450161),
        (5, 10, 0.1870860, 0.8129140),
        (10, 10, 0.6915029, 1.0),
        (3, 36, 0.01751284, 0.2246864),
        (0, 0, 0.0, 1.0),
    ],
)
def test_interval_is_that_of_clopper_and_pearson(
    count: int, of: int, low: float, high: float
) -> None:
    """The same numbers as R's binom.test."""
    assert statistics.interval(count, of) == pytest.approx((low, high), abs=2e-5)


def test_interval_of_many_trials_is_narrow() -> None:
    """Ten thousand trials neither overflow nor take long."""
    low, high = statistics.interval(500, 10_000)
    assert 0.045 < low < 0.05 < high < 0.055


@pytest.mark.parametrize(("share", "turns"), [(0.1, 29), (0.05, 59), (0.02, 149), (0.0, None)])
def test_so_many_turns_without_a_cut_show_a_limit(share: float, turns: int | None) -> None:
    """At 95% confidence; no number shows that there is never a cut."""
    assert statistics.needed(share) == turns


@pytest.mark.parametrize(
    ("more", "less", "probability"),
    [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (6, 0, 0.03125), (3, 3, 1.0), (1, 9, 0.021484)],
)
def test_sign_test_is_exact(more: int, less: int, probability: float) -> None:
    """As R's binom.test(more, more + less), in either direction."""
    assert statistics.sign_test(more, less) == pytest.approx(probability, abs=1e-6)
    assert statistics.sign_test(less, more) == statistics.sign_test(more, less)


def test_pair_lists_turns_that_only_one_version_cuts() -> None:
    """Six newly cut turns of ten are more than chance; unchanged waits are not moves."""
    before, after = result(1, [1.0] * 10), result(7, [1.0] * 5 + [1.3] * 5)
    pair = Pair(before, after)
    assert (len(pair.newly_cut), len(pair.saved), pair.directions) == (6, 0, (5, 0))
    assert [*summary.compared(pair)][:2] == [
        (
            "brisk: newly cut 6, saved 0 of 10 turns (more than chance, p 0.031);"
            " waits: 5 longer, 0 shorter of 10, median +0.00 s (may be chance, p 0.062)"
        ),
        "  newly cut  call.wav 1.0 s",
    ]
    limits = [gate.parse(text) for text in ("newly_cut<=6", "newly_cut<=5", "newly_cut<=90%")]
    assert [gate.judged_pair(limit, pair).verdict for limit in limits] == [
        *("holds", "fails", "holds")
    ]


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        (None, "a new profile: nothing to compare with"),
        (ProfileResult("brisk", {}, "no words"), "the former version is unknown: no words"),
    ],
)
def test_pair_without_a_former_result_is_unknown(before: ProfileResult | None, reason: str) -> None:
    """And no evidence for a gate."""
    pair = Pair(before, result(1, [1.0]))
    assert [*summary.compared(pair)] == [f"brisk: {reason}"]
    assert pair.to_json()["newly_cut"] is None
    assert gate.judged_pair(gate.parse("newly_cut<=0"), pair).verdict == "not-enough-evidence"


def test_a_cut_takes_more_turns() -> None:
    """124 turns with two cuts show that at most 5% are cut."""
    assert statistics.needed(0.05, 2) == 124


@pytest.mark.parametrize(("share", "value"), [(0.5, 2.0), (0.9, 4.0), (0.75, 3.0), (0.01, 1.0)])
def test_quantile_is_one_of_the_values(share: float, value: float) -> None:
    """The lowest one that this share does not exceed."""
    assert statistics.quantile([4.0, 1.0, 3.0, 2.0], share) == value


def result(cut: int, waits: Sequence[float]) -> ProfileResult:
    """Make the result of a profile that cuts the first of some turns."""
    cuts = (Cut(1.0, None, "min_delay", None),)
    turns = [
        JudgedTurn(
            "call.wav",
            Turn(Interval(0.0, 2.0), (), None, True),  # noqa: FBT003
            Outcome(cuts if at < cut else (), wait, "min_delay"),
        )
        for at, wait in enumerate(waits)
    ]
    return ProfileResult("brisk", {}, None, turns)


@pytest.mark.parametrize(
    ("text", "cut", "turns", "verdict", "needed", "more"),
    [
        ("turns_cut<=5%", 0, 59, "holds", None, None),
        ("turns_cut<=5%", 0, 58, "not-enough-evidence", 59, 1),
        ("turns_cut <= 5 %", 2, 36, "not-enough-evidence", 59, 88),
        ("turns_cut<=5%", 6, 36, "fails", None, None),
        ("turns_cut<=2%", 0, 149, "holds", None, None),
        ("turns_cut<=10%", 0, 29, "holds", None, None),
        ("turns_cut<=0%", 0, 36, "not-enough-evidence", None, None),
        ("turns_cut<=0%", 1, 36, "fails", None, None),
        ("pauses_cut<=5%", 0, 100, "not-enough-evidence", 59, 59),
        ("wait_over_2s<=5%", 0, 59, "holds", None, None),
        ("wait_p50<=1.2", 0, 5, "holds", None, None),
        ("wait_p50<=1.2s", 0, 4, "not-enough-evidence", 5, 1),
        ("wait_p95<=0.9", 0, 100, "fails", None, None),
        ("wait_p90<=1.2", 0, 29, "holds", None, None),
    ],
)
def test_gate_has_three_results(
    text: str, cut: int, turns: int, verdict: str, needed: int | None, more: int | None
) -> None:
    """It holds, fails, or takes more turns, and the result contains how many."""
    judged = gate.judged(gate.parse(text), result(cut, [1.0] * turns))
    assert (judged.verdict, judged.needed, judged.more) == (verdict, needed, more)


def test_gate_of_an_unknown_profile_has_no_evidence() -> None:
    """No value is guessed."""
    judged = gate.judged(gate.parse("turns_cut<=5%"), ProfileResult("flux", {}, "no words"))
    assert (judged.verdict, judged.of) == ("not-enough-evidence", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", 'gate "" cannot be read: write turns_cut<=5% or wait_p50<=1.2'),
        (
            "turns_cut>5%",
            'gate "turns_cut>5%" cannot be read: write turns_cut<=5% or wait_p50<=1.2',
        ),
        ("turns_cut<=5", 'gate "turns_cut<=5": the limit of turns_cut is a share, as in 5%'),
        ("wait_p50<=5%", 'gate "wait_p50<=5%": the limit of wait_p50 is seconds, as in 1.2'),
        (
            "speed<=5%",
            (
                'gate "speed<=5%": unknown "speed"; there are turns_cut, pauses_cut, wait_over_2s,'
                " wait_p50, wait_p90, wait_p95, newly_cut"
            ),
        ),
    ],
)
def test_gate_that_cannot_be_read_is_explained(text: str, message: str) -> None:
    """The message contains the gate and what is allowed."""
    with pytest.raises(GateError) as error:
        gate.parse(text)
    assert str(error.value) == message
