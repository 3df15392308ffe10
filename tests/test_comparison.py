"""What changes for callers between two profiles, and between two sets."""

import json
from pathlib import Path

import pytest

from timing_profiles.authoring import comparison
from timing_profiles.authoring.comparison import Change, Comparison
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.profile import Profile
from timing_profiles.turns.wait import Wait

MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
ALPHA = "turn_handling.endpointing.alpha"


def edited(starters: Path, name: str, old: str, new: str) -> Catalog:
    """The set after a word of a file was replaced."""
    path = starters / f"{name}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return catalog.load(starters)


def waiting(seconds: tuple[float, float]) -> Wait:
    """The wait of a turn detector; the formula is tested elsewhere."""
    low, high = (f"{round(delay - 0.09, 3):g}" for delay in seconds)
    return Wait(seconds, f"max(0.09 + max(({low} to {high}), 0.256, 0.3), 0.025 + deepgram)")


def test_values_are_compared_after_merging() -> None:
    """In the order of the second profile; fields of the first one alone come last."""
    a = Profile("a", {"x": 1.0, "y": None, "gone": 1}, {}, ("vad", "tts"))
    b = Profile("b", {"x": 1.5, "y": "auto", "new": 7}, {}, ("tts",))
    assert comparison.changes(a, b) == (
        Change("x", 1.0, 1.5),
        Change("y", None, "auto"),
        Change("new", None, 7),
        Change("overrides.allow", ["tts", "vad"], ["tts"]),
        Change("gone", 1, None),
    )


def test_equal_values_are_not_a_change() -> None:
    """Nor is a policy in another order."""
    a = Profile("a", {"x": 800.0, "y": [1, 2]}, {}, ("vad", "tts"))
    b = Profile("b", {"y": [1, 2], "x": 800}, {}, ("tts", "vad"))
    assert comparison.changes(a, b) == ()


def test_edit_of_default_changes_all_inheriting_profiles(starters: Path) -> None:
    """Except those that set the field, or where it has no effect."""
    before = catalog.load(starters)
    after = edited(starters, "default", "max_delay: 2.5", "max_delay: 2.0")
    change = (Change(MAX_DELAY, 2.5, 2.0),)
    waits = waiting((0.39, 2.59)), waiting((0.39, 2.09))
    assert comparison.of_sets(before, after) == [
        Comparison(name, "changed", change, *waits) for name in ("default", "noisy-line")
    ]


def test_edit_changes_the_profiles_that_extend_the_file(starters: Path) -> None:
    """Over several steps: `courier` extends `noisy-line`."""
    before = catalog.load(starters)
    after = edited(starters, "noisy-line", "min_words: 1", "min_words: 2")
    assert [found.profile for found in comparison.of_sets(before, after)] == [
        "courier",
        "noisy-line",
    ]


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("default", "alpha: 0.9", "alpha: 0.8"),
        ("default", "description: Everyday", "description: Usual"),
        ("default", "max_delay: 2.5", "max_delay: 2.50 # as ever"),
    ],
    ids=["without-effect", "description", "comment"],
)
def test_edit_without_effect_is_not_a_change(name: str, old: str, new: str, starters: Path) -> None:
    """The revision changes, the calls do not."""
    before = catalog.load(starters)
    after = edited(starters, name, old, new)
    assert before.revision != after.revision
    assert comparison.of_sets(before, after) == []


def test_a_policy_is_something_that_callers_notice(starters: Path) -> None:
    """Their overrides are accepted, or not."""
    before = catalog.load(starters)
    after = edited(starters, "brisk", "turn_handling:", "overrides: {allow: []}\nturn_handling:")
    (found,) = comparison.of_sets(before, after)
    assert [change.field for change in found.changes] == ["overrides.allow"]


def test_added_and_removed_profiles_have_one_wait(starters: Path) -> None:
    """And no changes: there is nothing to compare with."""
    before = catalog.load(starters)
    (starters / "brisk.yaml").unlink()
    (starters / "fresh.yaml").write_text("turn_handling: {endpointing: {max_delay: 1.0}}\n")
    assert comparison.of_sets(before, catalog.load(starters)) == [
        Comparison("brisk", "removed", (), waiting((0.39, 0.89)), None),
        Comparison("fresh", "added", (), None, waiting((0.39, 1.09))),
    ]


def test_equal_changes_are_grouped() -> None:
    """In the order of their first profile; the waits may differ."""
    change = (Change(MIN_DELAY, 0.3, 0.4),)
    a = Comparison("a", "changed", change, waiting((0.39, 2.59)), waiting((0.49, 2.59)))
    b = Comparison("b", "changed", (Change(ALPHA, 0.9, 0.8),), a.a, a.b)
    c = Comparison("c", "changed", change, waiting((0.39, 1.0)), waiting((0.49, 1.0)))
    d = Comparison("d", "added", (), None, a.b)
    assert comparison.grouped([a, b, c, d]) == [[a, c], [b], [d]]


def test_json_has_every_part() -> None:
    """As `diff --git --format json` prints it."""
    wait = waiting((0.39, 1.09))
    found = Comparison("fresh", "added", (), None, wait)
    assert json.loads(json.dumps(found.to_json())) == {
        "profile": "fresh",
        "status": "added",
        "changes": [],
        "wait": {
            "a": None,
            "b": {"seconds": [0.39, 1.09], "formula": wait.formula, "unknown": ["deepgram"]},
        },
    }
    assert Change(MIN_DELAY, 0.3, None).to_json() == {
        "field": MIN_DELAY,
        "a": 0.3,
        "b": None,
    }
