"""What counts as growth in `make soak`, and its edits of a directory of profiles."""

from pathlib import Path

import pytest

import timing_profiles
from lab.soak import growth, outcome
from lab.soak.__main__ import main
from lab.soak.growth import Growth, Sample
from lab.soak.outcome import Outcome, Run
from lab.soak.sample import BOUNDS
from lab.soak.unrest import Unrest
from sandbox.polling import eventually_blocking

KINDS = 7  # of edits


def samples(**moves: float) -> list[Sample]:
    """A minute in which some quantities grow by so much with each of 300 reloads, and one jumps."""
    still = dict.fromkeys(BOUNDS, 10.0)
    jumping = [still | {"job processes": 10.0 + number % 3} for number in range(30)]
    return [
        Sample(number * 10, values | {name: 10.0 + by * number * 10 for name, by in moves.items()})
        for number, values in enumerate(jumping)
    ]


def grown(found: list[Growth]) -> list[str]:
    """What is beyond its bound."""
    return [one.quantity for one in found if not one.held]


def test_constant_or_fluctuating_values_have_not_grown() -> None:
    """Job processes come and go with calls."""
    assert grown(growth.growths(samples())) == []


def test_steadily_rising_value_has_grown() -> None:
    """A file that each tenth reload leaves open is 20 in the 200 that are looked at."""
    assert grown(growth.growths(samples(**{"open files": 0.1}))) == ["open files"]


def test_growth_during_warm_up_is_ignored() -> None:
    """Memory that a worker takes once."""
    warming = [
        Sample(one.reloads, {**one.values, "RSS (MB)": 100.0 + min(one.reloads, 90)})
        for one in samples()
    ]
    assert grown(growth.growths(warming)) == []


def test_table_has_measurements_and_bounds() -> None:
    """Medians of the start, the middle and the end, the slope, and the bound."""
    table = growth.text(growth.growths(samples(**{"own memory (MB)": 0.05})))
    found = {cells[1]: cells[2:-1] for cells in map(_cells, table.splitlines())}
    assert found["own memory (MB)"] == ["16.2", "19.8", "23.2", "+50.00", "+9.5", "+5.0", "GROWS"]
    assert found["threads"] == ["10.0", "10.0", "10.0", "+0.00", "+0.0", "+4.0", "yes"]


def test_unrest_leaves_valid_profiles(starters: Path) -> None:
    """After edits of every kind it holds the starter profiles, and calls get what they ask for."""
    names = {file.name for file in starters.glob("[!.]*")}
    brisk = timing_profiles.resolve('{"profile": "brisk"}', profiles_dir=starters).values
    unrest = Unrest(starters)
    with unrest.going_on():
        eventually_blocking(lambda: unrest.edits >= 2 * KINDS, 10, "edits of every kind")
    after = timing_profiles.resolve('{"profile": "brisk"}', profiles_dir=starters)
    assert (after.values, after.problems) == (brisk, ())
    assert len({file.name for file in starters.glob("[!.]*")}) == len(names)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")]


@pytest.mark.parametrize("minutes", ["0.5", "-1"])
def test_too_short_run_is_a_usage_error(minutes: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Growth could not be detected."""
    with pytest.raises(SystemExit) as ended:
        main(["--minutes", minutes])
    assert ended.value.code == 2
    assert f"{minutes} minutes are too few" in capsys.readouterr().err


def test_one_unmeasured_call_passes_but_many_fail() -> None:
    """It was answered, and had the right revision; the machine broke its sound into pieces."""
    spoiled = Outcome(revision="0" * 12, spoiled="it became 2 turns")
    assert str(spoiled) == "answered, not measured: it became 2 turns"
    calls = [spoiled, *[Outcome("TimeoutError: ")] * 9]
    assert Run(tuple(calls), 0, 0).failures == ["TimeoutError: "] * 9
    assert Run((spoiled, spoiled), 7, 5).failures == ["nothing could be measured of 2 of 2 calls"]
    assert outcome.text(Run((spoiled, spoiled), 7, 5)).splitlines() == [
        "2 calls, 0 failed, 1 revisions among them",
        "2 answered, not measured",
        "7 edits meanwhile, 5 of them made active",
    ]
