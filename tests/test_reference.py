"""The page about all fields."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from tests.inert_markdown import hostile, parsed
from timing_profiles.authoring import markdown, reference
from timing_profiles.authoring.explanation import explain_field
from timing_profiles.catalog import catalog
from timing_profiles.catalog.schema import Schema

ROOT = Path(__file__).parents[1]
CATALOG = catalog.load(ROOT / "profiles")
ALL = [explain_field(CATALOG, field) for field in CATALOG.schema.fields.values()]


def test_page_in_the_repository_is_up_to_date() -> None:
    """`make docs` regenerates it."""
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert written == reference.page(CATALOG, ALL)


def test_page_has_a_heading_for_every_field_and_section() -> None:
    """Each once, so that pages can link to it."""
    page = reference.page(CATALOG, ALL)
    fields = [line.strip("#` ") for line in page.splitlines() if line.startswith("### ")]
    assert fields == list(CATALOG.schema.fields)
    sections = [line.strip("#` ") for line in page.splitlines() if line.startswith("## ")]
    assert sections == list(dict.fromkeys(field.rpartition(".")[0] for field in fields))


def test_single_section_is_a_page() -> None:
    """The output of `explain tts --format markdown`."""
    (speed,) = (known for known in ALL if known.field.startswith("tts."))
    assert reference.page(CATALOG, [speed]).splitlines()[5:] == [
        "## `tts`",
        "",
        CATALOG.schema.description("tts"),
        "",
        "### `tts.speed`",
        "",
        speed.description,
        "",
        "- takes: a number or null (factor), 0.7 to 1.5",
        "- default: `null`",
        f"- examples: {', '.join(f'`{json.dumps(value)}`' for value in speed.examples)}",
        "- in a running call: from the agent's next speech",
        "- metadata: may change it in `default`",
    ]


def described(stranger: str) -> str:
    """A page of one section and field, in which every text of the schema is somebody else's."""
    schema = json.loads(CATALOG.schema.text)
    schema["properties"]["tts"]["description"] = stranger
    found = replace(CATALOG, schema=Schema(json.dumps(schema)))
    (speed,) = (known for known in ALL if known.field == "tts.speed")
    texts: Mapping[str, Any] = {
        **dict.fromkeys(("description", "unit", "live", "allowed", "default"), stranger),
        "choices": {stranger: stranger},
        "examples": (stranger,),
    }
    return reference.page(found, [replace(speed, **texts)])


@given(stranger=hostile.map(lambda text: f"x{text}"))
def test_fault_77_texts_of_a_schema_are_inert_in_a_page(stranger: str) -> None:
    """Whatever they are, the page has the blocks of a plain one, and GitHub finds no link."""
    blocks, outside = parsed(described(stranger))
    assert blocks == parsed(described("x"))[0]
    assert not re.search(r"://|\bwww\.|@", " ".join(outside))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Seconds, 0.2 to 10; min_delay (or null).", "Seconds, 0.2 to 10; min_delay (or null)."),
        ("Two\nlines", "Two lines"),
        ("See https://x.y and @ada", "See `https://x.y` and `@ada`"),
        ("www.x.y or x:www.x.y", "`www.x.y` or `x:www.x.y`"),
        ("a **b** `c`", "a `**b**` `'c'`"),
        ("# head", "`#` head"),
        ("1. one", "`1.` one"),
        ("_x_ ü", "`_x_` ü"),
        ("\x1b[0m", "`\\x1b[0m`"),
    ],
)
def test_fault_77_only_words_that_markdown_obeys_are_code(text: str, expected: str) -> None:
    """All others stay as they are."""
    assert markdown.words(text) == expected
