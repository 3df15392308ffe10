"""The order of imports between the directories of the package."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import timing_profiles

ROOT = Path(__file__).parents[1]
PACKAGE = Path(timing_profiles.__file__).parent

# A file imports from its own room, or from rooms to the left; "" is the root of the package.
ROOMS = (
    *("", "turns", "catalog", "resolution", "handoff", "providers", "call", "worker"),
    *("authoring", "rehearsal", "tuner", "outcomes", "cli"),
)

NEVER = {
    "timing_profiles": {"lab", "sandbox", "tests"},
    "sandbox": {"lab", "tests"},
    "lab": {"tests"},
    "tests": {"lab"},
}
OURS = {*NEVER, "conftest"}

# `referencing` is the part of jsonschema that its own interface takes as an argument.
PACKAGES = {"referencing": "jsonschema"}


def imports(file: Path) -> Iterator[str]:
    """Yield what a file imports, lazily and for types too."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(name: str) -> str:
    """Return the room of a module or a name of the package."""
    second = name.split(".")[1] if "." in name else ""
    return second if second and (PACKAGE / second).is_dir() else ""


# `timing_profiles/__init__.py` is the front door: its names lie in several rooms.
FILES = {
    file: "timing_profiles." + ".".join(file.relative_to(PACKAGE).parts)
    for file in PACKAGE.rglob("*.py")
    if file != PACKAGE / "__init__.py"
}


def test_files_import_from_rooms_to_the_left() -> None:
    """Each file stands in a room that is listed, and imports from it or from rooms to the left."""
    assert {room(module) for module in FILES.values()} - set(ROOMS) == set()
    broken = [
        f"{module} imports {name}"
        for file, module in FILES.items()
        for name in imports(file)
        if name.split(".")[0] == "timing_profiles"
        and ROOMS.index(room(name)) > ROOMS.index(room(module))
    ]
    assert broken == []


def test_each_file_imports_one_third_party_package() -> None:
    """What one package knows stays in few files."""
    found = {
        module: {PACKAGES.get(name.split(".")[0], name.split(".")[0]) for name in imports(file)}
        - OURS
        - set(sys.stdlib_module_names)
        for file, module in FILES.items()
    }
    assert {module: packages for module, packages in found.items() if len(packages) > 1} == {}


def test_library_sandbox_lab_and_tests_stay_apart() -> None:
    """The library imports none of the others, the sandbox neither lab nor tests."""
    broken = [
        f"{file.relative_to(ROOT)} imports {name}"
        for tree, never in NEVER.items()
        for file in (PACKAGE.parent if tree == PACKAGE.name else ROOT).joinpath(tree).rglob("*.py")
        for name in imports(file)
        if name.split(".")[0] in never
    ]
    assert broken == []
