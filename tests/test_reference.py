"""The page about all fields."""

import json
from pathlib import Path

from timing_profiles.authoring import reference
from timing_profiles.authoring.explanation import explain_field
from timing_profiles.catalog import catalog

ROOT = Path(__file__).parents[1]
CATALOG = catalog.load(ROOT / "profiles")
ALL = [explain_field(CATALOG, field) for field in CATALOG.schema.fields.values()]


def test_the_page_in_the_repository_is_what_would_be_written() -> None:
    """`make docs` writes it anew."""
    written = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    assert written == reference.page(CATALOG, ALL)


def test_it_has_a_heading_for_every_field_and_section() -> None:
    """Each once, so that pages can link to it."""
    page = reference.page(CATALOG, ALL)
    fields = [line.strip("#` ") for line in page.splitlines() if line.startswith("### ")]
    assert fields == list(CATALOG.schema.fields)
    sections = [line.strip("#` ") for line in page.splitlines() if line.startswith("## ")]
    assert sections == list(dict.fromkeys(field.rpartition(".")[0] for field in fields))


def test_a_section_by_itself_is_a_page() -> None:
    """What `explain tts --format markdown` prints."""
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
