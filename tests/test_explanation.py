"""All that is known of a field."""

import json
from pathlib import Path
from typing import Any

import pytest

from timing_profiles.authoring.explanation import LIVE, Explanation, Setting, explain_field
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.field import Field
from timing_profiles.turns import dead_settings

FIELDS = catalog.load(Path(__file__).parents[1] / "profiles").schema.fields


@pytest.fixture
def found(starters: Path) -> Catalog:
    """Three profiles, of which one is open and one is shut."""
    for path in starters.iterdir():
        if path.name != "default.yaml":
            path.unlink()
    (starters / "open.yaml").write_text("tts: {speed: 1.2}\noverrides: {allow: ['*']}\n")
    (starters / "shut.yaml").write_text("extends: open\noverrides: {allow: []}\n")
    return catalog.load(starters)


def test_a_field_is_explained_from_schema_and_set(found: Catalog) -> None:
    """Facts of the schema, values of the profiles, and the layers that may change it."""
    field = found.schema.fields["tts.speed"]
    assert explain_field(found, field) == Explanation(
        field="tts.speed",
        description=field.schema["description"],
        unit="factor",
        type=("number", "null"),
        minimum=0.7,
        maximum=1.5,
        default=None,
        live="next-speech",
        allowed="a number or null",
        choices={},
        range="0.7 to 1.5",
        examples=tuple(field.schema["examples"]),
        set_by=(
            Setting("default", None, "profiles/default.yaml:124"),
            Setting("open", 1.2, "profiles/open.yaml:1"),
        ),
        open_in=("default", "open"),
        no_effect_when=(),
    )


@pytest.mark.parametrize("path", FIELDS)
def test_every_field_can_be_explained(path: str, found: Catalog) -> None:
    """In words that a person can read, and as JSON."""
    known = explain_field(found, found.schema.fields[path])
    assert known.description.endswith(".")
    assert known.allowed
    assert known.live in LIVE
    assert known.set_by[0].profile == "default"
    assert known.set_by[0].value == known.default
    assert known.no_effect_when == tuple(row.reason for row in dead_settings.rows(path))
    assert json.loads(json.dumps(known.to_json()))["field"] == path
    is_number = {"number", "integer"} & {*known.type} != set()
    assert (known.range != "") == is_number


def test_words_of_a_choice_are_explained(found: Catalog) -> None:
    """Each with its meaning, in the order of the schema."""
    known = explain_field(found, found.schema.fields["turn_handling.endpointing.mode"])
    schema = found.schema.fields["turn_handling.endpointing.mode"].schema
    assert list(known.choices) == schema["enum"] == ["fixed", "dynamic"]
    assert list(known.choices.values()) == schema["enumDescriptions"]


@pytest.mark.parametrize(
    ("schema", "words", "minimum", "maximum"),
    [
        ({"minimum": 0, "maximum": 10}, "0 to 10", 0, 10),
        ({"minimum": 0.25}, "at least 0.25", 0.25, None),
        ({"maximum": 10.0}, "at most 10", None, 10.0),
        ({"exclusiveMinimum": 0, "maximum": 1}, "above 0, at most 1", 0, 1),
        ({"minimum": 0, "exclusiveMaximum": 1}, "at least 0, below 1", 0, 1),
        ({"exclusiveMinimum": 0, "exclusiveMaximum": 1}, "above 0, below 1", 0, 1),
        ({}, "", None, None),
    ],
)
def test_text_of_bounds_matches_the_schema(
    schema: dict[str, Any],
    words: str,
    minimum: float | None,
    maximum: float | None,
    found: Catalog,
) -> None:
    """An exclusive bound has its own text; teams may tighten them in `schema.json`."""
    known = explain_field(found, Field("tts.speed", {"type": "number", **schema}))
    assert (known.range, known.minimum, known.maximum) == (words, minimum, maximum)
