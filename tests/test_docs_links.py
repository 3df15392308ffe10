"""What the pages refer to is there: files, headings, tests, codes."""

import re

import pytest

from tests.command_line import PACKAGE
from tests.markdown import PAGES, ROOT, headings, of_sort, prose, read

README = read("README.md")

_FILE = re.compile(r"(?<![\w/:.-])(?:[\w.-]+/)*[\w-]+\.(?:json|lock|md|mk|py|svg|toml|yaml)\b")
_FOLDER = re.compile(r"`((?:[\w.-]+/)+)`")

# What users, git and make create, which the pages name.
_CREATED = {
    *("src/agent.py", "metadata-schema.json", "session_report.json", "booking.json"),
    *(".git/", ".venv/"),
}


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings(page))
    return {heading.replace(" ", "-") for heading in words}


@pytest.mark.parametrize("page", [*PAGES, "SECURITY.md"])
def test_links_have_an_existing_target(page: str) -> None:
    """Every file that a page refers to is there, and so is the heading in it."""
    broken = []
    for target in re.findall(r"\]\(([^)\s:]+)\)", prose(page)):
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        there = file.resolve().exists()
        if there and anchor:
            there = anchor in anchors(str(file.resolve().relative_to(ROOT)))
        broken += [] if there else [target]
    assert broken == []


@pytest.mark.skipif(
    not (ROOT / "timing_profiles").is_dir(), reason="an sdist's tests run without its package"
)
@pytest.mark.parametrize("page", [*PAGES, "SECURITY.md", "CHANGELOG.md"])
def test_named_files_exist(page: str) -> None:
    """Each file and folder that a sentence names exists: from the top, the package or the page."""
    named = {*_FILE.findall(prose(page)), *_FOLDER.findall(prose(page))} - _CREATED
    places = (ROOT, PACKAGE, (ROOT / page).parent, ROOT / "profiles")
    assert [name for name in named if not any((at / name).exists() for at in places)] == []


def test_diagrams_name_rooms_of_the_package() -> None:
    """Each `name/` in a diagram is a folder of the package, or holds the profiles."""
    diagrams = of_sort("mermaid")
    named = {name for block in diagrams for name in re.findall(r"\b([a-z_]+)/", block.text)}
    assert len(diagrams) == 2
    assert {name for name in named if not (PACKAGE / name).is_dir()} == {"profiles"}


def test_every_room_is_described() -> None:
    """The table in CONTRIBUTING.md has a row for each folder of the package."""
    described = re.findall(r"^\| `([a-z_]+)/` \|", read("CONTRIBUTING.md"), re.MULTILINE)
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(described) == sorted(rooms)


def test_every_page_is_reached_from_the_index() -> None:
    """docs/README.md lists all that is in docs."""
    listed = set(re.findall(r"\]\(([a-z-]+\.md)\)", read("docs/README.md")))
    assert {f"docs/{name}" for name in listed} | {"docs/README.md"} == {
        page for page in PAGES if page.startswith("docs/")
    }


def test_proofs_named_by_the_readme_exist() -> None:
    """Each test that answers one of the four questions exists under its name."""
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/e2e/*.py"))
    names = re.findall(r"`(test_\w+)`", README)
    assert len(names) >= 4
    assert [name for name in names if f"def {name}(" not in sources] == []


def test_every_code_of_a_problem_is_explained() -> None:
    """The table in docs/clients.md has the codes that `timing.problems` may carry."""
    page = read("docs/clients.md")
    code = "".join(
        (PACKAGE / name).read_text(encoding="utf-8")
        for name in ("resolution/request.py", "resolution/settings.py", "call/requests.py")
    )
    codes = set(re.findall(r'"((?:metadata|profile|profiles|override)-[a-z]+(?:-[a-z]+)?)"', code))
    codes |= {"override-range", "override-conflict"}
    assert {name for name in codes if f"`{name}`" not in page} == set()
