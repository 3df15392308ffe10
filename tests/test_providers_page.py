"""The page about the parts that settings reach."""

from pathlib import Path

from timing_profiles.authoring import providers_page
from timing_profiles.providers import registry

ROOT = Path(__file__).parents[1]


def test_page_in_the_repository_is_up_to_date() -> None:
    """`make docs` regenerates it."""
    written = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
    assert written == providers_page.page()


def test_every_provider_has_its_rows() -> None:
    """One for each field, and one where there is none."""
    rows = [line for line in providers_page.page().splitlines() if line.startswith("| `")]
    told = [[option for option in each.options if not option.only_built] for each in registry.ALL]
    assert len(rows) == sum(max(len(options), 1) for options in told)
