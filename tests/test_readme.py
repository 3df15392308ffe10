"""What the README shows is so."""

import json
import re
import shutil
from pathlib import Path

import pytest

import timing_profiles
from timing_profiles import catalog, wait

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str, start: str) -> str:
    """The block of code in a language that begins with a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (found,) = (text for text in blocks if text.startswith(start))
    return str(found)


def test_the_profile_that_it_shows_is_the_starter_profile(tmp_path: Path) -> None:
    """The README's lines say what profiles/patient.yaml says."""
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    shown = tmp_path / "profiles" / "shown.yaml"
    shown.write_text(block("yaml", "# profiles/patient.yaml"), encoding="utf-8")
    layers = catalog.load(tmp_path / "profiles").layers
    assert layers["shown"].sets == layers["patient"].sets
    assert layers["shown"].description == layers["patient"].description


def test_the_metadata_that_it_shows_is_applied() -> None:
    """The request resolves without a problem, and the override is in force."""
    metadata = json.loads(block("json", '{"profile"'))
    found = timing_profiles.resolve(metadata, profiles_dir=ROOT / "profiles")
    assert (found.profile, found.problems) == ("patient", ())
    assert found.values["turn_handling.endpointing.min_delay"] == 2.0


def test_its_table_lists_every_profile_with_its_wait() -> None:
    """Names and waits are those of the set."""
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([0-9][^|]*) \|", README, re.MULTILINE))
    found = catalog.load(ROOT / "profiles")
    expected = {}
    for name in found.names():
        profile = found.profile(name)
        assert profile
        expected[name] = str(wait.effective(profile.values)).removesuffix(" s")
    assert rows == expected


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#:]+)\)", README))
def test_its_links_lead_somewhere(target: str) -> None:
    """Every file that it refers to is there."""
    assert (ROOT / target).exists()


def test_the_proofs_that_it_names_are_there() -> None:
    """Each test that answers one of the four questions exists under its name."""
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/e2e/*.py"))
    names = re.findall(r"`(test_\w+)`", README)
    assert len(names) >= 4
    assert [name for name in names if f"def {name}(" not in sources] == []


def test_every_code_of_a_problem_is_explained() -> None:
    """The table names the codes that `timing.problems` may carry."""
    code = "".join(
        (ROOT / "timing_profiles" / name).read_text(encoding="utf-8")
        for name in ("request.py", "settings.py", "in_force.py")
    )
    codes = set(re.findall(r'"((?:metadata|profile|profiles|override)-[a-z]+(?:-[a-z]+)?)"', code))
    codes |= {"override-range", "override-conflict"}
    assert {name for name in codes if f"`{name}`" not in README} == set()
