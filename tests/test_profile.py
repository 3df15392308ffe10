"""Layers, and what they make together."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timing_profiles.profile import DEFAULT, NAME, Layer, Profile, merged, overlay

BOTTOM = Layer(
    DEFAULT,
    {"tts.speed": None, "turn_detector.unlikely_threshold": {"en": 0.3}},
    {"tts.speed": "default.yaml:9", "turn_detector.unlikely_threshold": "default.yaml:5"},
    allow=("vad", "tts.speed"),
)


@pytest.mark.parametrize("name", ["a", "7", "patient", "step-2", "a--b", "a" * 63])
def test_name_is_accepted(name: str) -> None:
    """Lower-case letters, digits and hyphens inside, up to 63 of them."""
    assert NAME.fullmatch(name)


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "A", "a_b", "a.b", "a b", "../a", "a\n", "ä", "a\x00", "a" * 64],
)
def test_name_is_refused(name: str) -> None:
    """A name is never a path, nor anything that looks different in another place."""
    assert not NAME.fullmatch(name)


@pytest.mark.parametrize(
    ("allow", "path", "allowed"),
    [
        pytest.param(("tts.speed",), "tts.speed", True, id="field"),
        pytest.param(("tts",), "tts.speed", True, id="section"),
        pytest.param(
            ("turn_handling",), "turn_handling.endpointing.mode", True, id="outer-section"
        ),
        pytest.param(("*",), "stt.nova.model", True, id="everything"),
        pytest.param(("vad", "*"), "stt.nova.model", True, id="everything-among-others"),
        pytest.param((), "tts.speed", False, id="nothing"),
        pytest.param(("tts.speed",), "tts", False, id="section-of-a-field"),
        pytest.param(("tts.sp",), "tts.speed", False, id="half-a-name"),
        pytest.param(("turn_handling.turn",), "turn_handling.turn_detection", False, id="prefix"),
    ],
)
def test_policy_covers_fields_and_sections(
    allow: tuple[str, ...], path: str, *, allowed: bool
) -> None:
    """An item allows the field or the whole section of its name, and nothing beside it."""
    assert Profile("x", allow=allow).allows(path) is allowed


def test_later_layer_wins_with_its_place() -> None:
    """The last layer that sets a field gives its value and where it stands."""
    top = Layer("top", {"tts.speed": 0.9}, {"tts.speed": "top.yaml:3"})
    assert merged([BOTTOM, top]) == Profile(
        "top",
        {"tts.speed": 0.9, "turn_detector.unlikely_threshold": {"en": 0.3}},
        {"tts.speed": "top.yaml:3", "turn_detector.unlikely_threshold": "default.yaml:5"},
        ("vad", "tts.speed"),
    )


def test_mapping_merges_key_by_key() -> None:
    """A threshold for one language leaves those of the others as they are."""
    top = Layer("top", {"turn_detector.unlikely_threshold": {"de": 0.2}}, {})
    found = merged([BOTTOM, top]).values["turn_detector.unlikely_threshold"]
    assert found == {"en": 0.3, "de": 0.2}


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        pytest.param({"en": 0.3}, 0.5, 0.5, id="number-over-mapping"),
        pytest.param("auto", {"en": 0.3}, {"en": 0.3}, id="mapping-over-auto"),
        pytest.param({"en": 0.3}, {"en": 0.4}, {"en": 0.4}, id="same-key"),
        pytest.param([1.0, 1.0], [2.0, 0.5], [2.0, 0.5], id="list-over-list"),
        pytest.param(2.0, None, None, id="null-over-number"),
    ],
)
def test_everything_else_replaces(below: object, above: object, expected: object) -> None:
    """Only two mappings merge; lists and null replace what is below."""
    values = {"field": below}
    overlay(values, {"field": above})
    assert values == {"field": expected}


@pytest.mark.parametrize(
    ("allow", "expected"),
    [
        pytest.param(None, ("vad", "tts.speed"), id="inherited"),
        pytest.param(("session",), ("session",), id="replaced"),
        pytest.param((), (), id="emptied"),
    ],
)
def test_policy_is_inherited_or_replaced(
    allow: tuple[str, ...] | None, expected: tuple[str, ...]
) -> None:
    """A layer without a policy keeps the one below; a given list, also `[]`, stands alone."""
    assert merged([BOTTOM, Layer("top", {}, {}, allow=allow), Layer("x", {}, {})]).allow == expected


def test_no_layers_are_an_empty_default() -> None:
    """Merging nothing is not an error."""
    assert merged([]) == Profile(DEFAULT)


VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.integers(0, 9),
    st.dictionaries(st.sampled_from(["en", "de", "fr"]), st.integers(0, 9)),
    st.lists(st.integers(0, 9), max_size=2),
)
SETS = st.dictionaries(st.sampled_from(["a", "b.c", "b.d", "e"]), VALUES)
LAYERS = st.lists(
    st.builds(
        lambda name, sets: Layer(name, sets, {path: f"{name}:{path}" for path in sets}),
        st.sampled_from(["x", "y", "z"]),
        SETS,
    ),
    min_size=1,
    max_size=5,
)


@given(LAYERS)
def test_merging_changes_no_layer(layers: list[Layer]) -> None:
    """Every layer stays unchanged by any merge."""
    before = copy.deepcopy(layers)
    profile = merged(layers)
    overlay(dict(profile.values), {path: {"en": 99} for path in profile.values})
    assert layers == before


@given(LAYERS)
def test_last_layer_wins(layers: list[Layer]) -> None:
    """Each field has the value, and the place, of the last layer that sets it."""
    profile = merged(layers)
    last = {path: layer for layer in layers for path in layer.sets}
    assert profile.name == layers[-1].name
    assert set(profile.values) == set(last)
    for path, layer in last.items():
        assert profile.origins[path] == layer.origins[path]
        assert includes(profile.values[path], layer.sets[path])


def includes(merged_value: object, value: object) -> bool:
    if isinstance(value, dict) and isinstance(merged_value, dict):
        return {**merged_value, **value} == merged_value
    return merged_value == value
