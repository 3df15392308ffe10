"""Fit delays and a threshold to silences."""

import math
import random
import time
from xml.etree import ElementTree as ET

import pytest

from timing_profiles.rehearsal import fit, plane, sweep
from timing_profiles.rehearsal.fit import Bounds
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.sweep import Cost, HeardTurn, Policy, Silence

WIDE = Bounds((0, 1), (0, 10), (0, 10))


def heard(pauses: list[tuple[float, float]], end: float) -> HeardTurn:
    """Return a turn with pauses of some probability and length, and an end of some probability."""
    silences, at = [], 1.0
    for probability, seconds in pauses:
        silences.append(Silence(at, at + 0.3, at + seconds, probability))
        at += seconds + 1
    last = Silence(at, at + 0.3, math.inf, end)
    within = tuple(Interval(one.start, one.until) for one in silences)
    turn = Turn(Interval(0.5, at), within, None, is_end=True)
    return HeardTurn(turn, (*silences, last), 0.36)


def corpus(count: int, seed: int = 1) -> list[HeardTurn]:
    """Return turns as varied as those of calls, the same for the same seed."""
    some = random.Random(seed)  # noqa: S311 - no secret
    return [
        heard(
            [(some.random(), some.expovariate(1.2) + 0.3) for _ in range(some.randint(0, 3))],
            some.random(),
        )
        for _ in range(count)
    ]


def test_every_policy_has_the_cost_of_the_sweep() -> None:
    """Sums over turns and a count at a time are the same as turn by turn."""
    turns = corpus(15)
    found = [*fit.points(turns, WIDE)]
    assert len(found) > 20_000
    for point in random.Random(2).sample(found, 100):  # noqa: S311 - no secret
        cost = sweep.cost(turns, point.policy)
        assert point.cost.cut == pytest.approx(cost.cut)
        assert point.cost.wait == pytest.approx(cost.wait)


def test_frontier_falls_from_the_fastest_to_the_safest() -> None:
    """No point of it is beaten in both, and none of the others beats one."""
    found = [*fit.points(corpus(15), WIDE)]
    line = fit.frontier(found)
    waits, cuts = ([getattr(point.cost, of) for point in line] for of in ("wait", "cut"))
    assert waits == sorted(waits)
    assert cuts == sorted(cuts, reverse=True)
    for point in random.Random(3).sample(found, 200):  # noqa: S311 - no secret
        assert any(
            one.cost.cut <= point.cost.cut + 1e-9 and one.cost.wait <= point.cost.wait + 1e-9
            for one in line
        )


def test_choice_is_the_fastest_within_the_limit() -> None:
    """A pause that sounds finished takes a longer `min_delay`, one that does not `max_delay`."""
    turns = [*[heard([(0.9, 1.0)], 0.95)] * 2, *[heard([(0.1, 3.0)], 0.9)] * 2]
    chosen = fit.choose(fit.frontier([*fit.points(turns, WIDE)]), 0.0)
    assert chosen
    assert chosen.cost.cut == 0
    assert chosen.policy == Policy(0.12, 1.0, 3.0)


def test_no_policy_is_chosen_where_none_fits() -> None:
    """Pauses longer than any delay that is allowed."""
    bounds = Bounds((0, 1), (0, 2), (0, 2))
    line = fit.frontier([*fit.points([heard([(0.5, 9.0)], 0.5)], bounds)])
    assert fit.choose(line, 0.05) is None


def test_bounds_of_the_schema_are_kept() -> None:
    """Those that a team has tightened, too."""
    found = fit.points(corpus(3), Bounds((0.3, 0.5), (0.5, 1.0), (2.0, 3.0)))
    policies = [point.policy for point in found]
    assert {0.3 <= one.threshold <= 0.5 for one in policies} == {True}
    assert {0.5 <= one.min_delay <= 1.0 for one in policies} == {True}
    assert {2.0 <= one.max_delay <= 3.0 for one in policies} == {True}


def test_estimate_leaves_each_recording_out() -> None:
    """A recording unlike the others shows the error of the fit."""
    calm = [heard([(0.2, 0.6)], 0.9)] * 10
    slow = [heard([(0.2, 5.5)], 0.9)] * 10
    bounds = Bounds((0.3, 0.5), (0, 10), (0, 10))
    same = fit.left_out({"a": calm, "b": calm}, 0.0, bounds)
    assert same
    assert (same.cut, round(same.wait, 3)) == (0.0, 0.3)
    estimate = fit.left_out({"a": calm, "b": calm, "c": slow}, 0.0, bounds)
    assert estimate
    assert estimate.cut == pytest.approx(1 / 3)
    assert fit.left_out({"a": calm}, 0.0, bounds) is None


def test_profile_that_waits_longer_for_the_same_cuts_is_dominated() -> None:
    """By the fastest point that cuts no more; a wait that nobody notices is none."""
    line = fit.frontier([*fit.points(corpus(15), WIDE)])
    middle = line[len(line) // 2]
    slower = Cost(middle.cost.cut, middle.cost.wait + 0.1)
    assert fit.dominated_by(slower, line) == middle
    assert fit.dominated_by(Cost(middle.cost.cut, middle.cost.wait + 0.04), line) is None


def test_thousand_pauses_take_a_second() -> None:
    """For more than 10,000 policies, on one processor."""
    turns = [heard([(at % 100 / 100, 0.3 + at % 37 / 10)], at % 97 / 97) for at in range(1000)]
    started = time.process_time()
    assert sum(1 for _ in fit.points(turns, WIDE)) > 10_000
    assert time.process_time() - started < 2  # half a second where nothing else runs


def test_picture_has_the_frontier_and_every_profile() -> None:
    """As XML, with the numbers for those who hear it read out."""
    line = fit.frontier([*fit.points(corpus(15), WIDE)])
    drawn = plane.svg(line, {"brisk": Cost(0.087, 0.53)}, line[0])
    root = ET.fromstring(drawn)  # noqa: S314 - ours
    svg = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in root.iter(f"{svg}text")]
    assert {"brisk", "chosen", "turns cut"} <= {*texts}
    assert root.findtext(f"{svg}desc") == "brisk: 8.7% of turns cut, mean wait 0.53 s"


def test_policy_is_made_of_three_fields() -> None:
    """By their dotted paths."""
    assert dict(Policy(0.4, 0.5, 2.0).settings()) == {
        "turn_detector.unlikely_threshold": 0.4,
        "turn_handling.endpointing.min_delay": 0.5,
        "turn_handling.endpointing.max_delay": 2.0,
    }
