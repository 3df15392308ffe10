"""What a changed schema lets callers and profiles do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sandbox.fixtures import Happened
from timing_profiles.authoring import bounds
from timing_profiles.catalog import catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.catalog.schema_file import packaged_text
from timing_profiles.cli import diff_markdown

DEFAULT = {"default.yaml": (Path(__file__).parents[1] / "profiles/default.yaml").read_bytes()}


def with_schema(edit: Callable[[Any], object]) -> catalog.Catalog:
    """The set of `default` with an edited schema."""
    schema = json.loads(packaged_text())
    edit(schema["properties"])
    return catalog.build(DEFAULT, Schema(json.dumps(schema)), None, "profiles")


def field(properties: Any, path: str) -> Any:
    """The schema of a field."""
    *sections, last = path.split(".")
    for section in sections:
        properties = properties[section]["properties"]
    return properties[last]


BEFORE = with_schema(lambda _: None)

ENDPOINTING = "stt.nova.endpointing_ms"
MODEL = "stt.nova.model"
BOUNDARY = "turn_handling.interruption.backchannel_boundary"
SPEED = "tts.speed"
ALLOW = "overrides.allow"
PACE = "a number or null, 0.7 to 1.5 factor"


UP_TO_5 = {"type": "number", "minimum": 0, "maximum": 5}
TWO = "a number, a list or null, 0 to 30 s, at least 2 items, at most 2 items, each a number, 0 to"
PATH = "each text like ^(\\*|[a-z][a-z_]*(\\.[a-z][a-z_]*)*)$"

# The field, the keywords that it gets, whether callers may send it, and both sides in words.
CHANGES: list[tuple[str, dict[str, Any], bool, str, str]] = [
    (ENDPOINTING, {"maximum": 500}, True, "an integer, 0 to 10000 ms", "an integer, 0 to 500 ms"),
    (MODEL, {"enum": ["nova-3"]}, False, "text like ^nova-[a-z0-9-]+$", "nova-3"),
    (SPEED, {"exclusiveMinimum": 0.7}, True, PACE, f'{PACE}, {{"exclusiveMinimum": 0.7}}'),
    (SPEED, {"multipleOf": 0.1}, True, PACE, f'{PACE}, {{"multipleOf": 0.1}}'),
    (BOUNDARY, {"items": UP_TO_5}, True, f"{TWO} 30", f"{TWO} 5"),
    ("session", {"minProperties": 0}, False, "a mapping", 'a mapping, {"minProperties": 0}'),
    (ALLOW, {"maxItems": 50}, False, f"a list, {PATH}", f"a list, at most 50 items, {PATH}"),
]


@pytest.mark.parametrize(("path", "keywords", "callers", "a", "b"), CHANGES)
def test_fault_72_a_changed_bound_is_what_it_lets_callers_do(
    path: str, keywords: dict[str, Any], a: str, b: str, happened: Happened, *, callers: bool
) -> None:
    """Where a policy opens the field, callers may send it; else only profiles set it."""
    after = with_schema(lambda properties: field(properties, path).update(keywords))
    (bound,) = bounds.changed(BEFORE, after)
    assert (bound.field, bound.callers, bound.in_words()) == (path, callers, (a, b))
    (back,) = bounds.changed(after, BEFORE)
    assert back.in_words() == (b, a)
    happened(f"{path}: {b}")


@pytest.mark.parametrize(
    "around",
    [
        lambda found: {"not": {"not": {"properties": {"endpointing_ms": found}}}},
        lambda found: {"allOf": [{"properties": {"endpointing_ms": found}}]},
        lambda found: {"dependentSchemas": {"title": {"properties": {"endpointing_ms": found}}}},
    ],
    ids=["not", "all-of", "dependent"],
)
def test_fault_72_a_bound_in_a_condition_is_shown(around: Callable[[Any], Any]) -> None:
    """A field is a part of its own only where the schema describes it."""

    def with_bound(**found: object) -> catalog.Catalog:
        return with_schema(lambda properties: field(properties, "stt.nova").update(around(found)))

    before = with_bound(maximum=500)
    (changed,) = bounds.changed(before, with_bound(maximum=600))
    assert changed.field == "stt.nova"
    assert bounds.changed(before, with_bound(maximum=500, description="x")) == []


def test_sides_that_differ_at_the_end_do_not_look_the_same() -> None:
    """Reviewers must see that there is more."""
    values = [f"nova-{number}" for number in range(1000)]

    def with_values(listed: list[str]) -> catalog.Catalog:
        return with_schema(lambda properties: field(properties, MODEL).update(enum=listed))

    before, after = with_values(["nova-3", *values]), with_values(["nova-3", *values, "nova-x"])
    (bound,) = bounds.changed(before, after)
    a, b = bound.in_words()
    assert b == f"{a} (differs beyond what is shown)"


def test_a_long_list_of_values_is_cut() -> None:
    """A comment on a pull request must stay readable."""
    values = ["nova-3", *(f"nova-{number}" for number in range(10_000))]
    after = with_schema(lambda properties: field(properties, MODEL).update(enum=values))
    (bound,) = bounds.changed(BEFORE, after)
    _, words = bound.in_words()
    assert len(words) == 300
    assert words.endswith("...")


def test_descriptive_keywords_are_not_bounds() -> None:
    """Descriptions, examples, and texts for editors."""

    def edit(properties: Any) -> None:
        edited = field(properties, ENDPOINTING)
        edited.update(description="x", examples=[1], errorMessage="Expected x.", title="y")

    assert bounds.changed(BEFORE, with_schema(edit)) == []
    assert bounds.changed(BEFORE, BEFORE) == []


def test_first_set_changes_no_bounds() -> None:
    """The first commit of profiles has no effect on callers."""
    after = with_schema(lambda properties: field(properties, ENDPOINTING).update(maximum=500))
    nothing = catalog.Catalog(BEFORE.schema, {}, (), "profiles", {}, {})
    assert bounds.changed(nothing, after) == []


def test_bounds_have_tables_of_their_own() -> None:
    """Those that callers notice first; text of a schema cannot end a cell."""

    def edit(properties: Any) -> None:
        field(properties, ENDPOINTING).update(maximum=500)
        field(properties, MODEL).update(enum=["nova-3", "nova-|2`"])

    after = with_schema(edit)
    sides, limits = ("main", diff_markdown.WORK_TREE), bounds.changed(BEFORE, after)
    assert diff_markdown.sets(after.schema, sides, [], limits) == (
        "### What changes for callers from `main` to the work tree\n"
        "\n"
        "| callers may send | `main` | the work tree |\n"
        "| --- | --- | --- |\n"
        "| `stt.nova.endpointing_ms` | `an integer, 0 to 10000 ms` | `an integer, 0 to 500 ms` |\n"
        "\n"
        "| profiles may set | `main` | the work tree |\n"
        "| --- | --- | --- |\n"
        "| `stt.nova.model` | `text like ^nova-[a-z0-9-]+$` | `nova-3 or nova-\\|2'` |\n"
    )
