"""The order of imports between the directories of the package."""

import ast
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

import timing_profiles

ROOT = Path(__file__).parents[1]
PACKAGE = Path(timing_profiles.__file__).parent

# A file imports from its own directory, or from one before it; "" is the root of the package.
ORDER = (
    *("", "turns", "catalog", "resolution", "handoff", "providers", "call", "worker"),
    *("authoring", "rehearsal", "tuner", "cli"),
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


@functools.cache
def imports(file: Path) -> tuple[str, ...]:
    """Return what a file imports, lazily and for types too."""
    return tuple(_imports(file))


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def directory(name: str) -> str:
    """Return the directory of a module or a name of the package."""
    second = name.split(".")[1] if "." in name else ""
    return second if second and (PACKAGE / second).is_dir() else ""


# `timing_profiles/__init__.py` imports the public names from several directories.
FILES = {
    file: "timing_profiles." + ".".join(file.relative_to(PACKAGE).parts)
    for file in PACKAGE.rglob("*.py")
    if file != PACKAGE / "__init__.py"
}


def test_files_import_from_directories_before_their_own() -> None:
    """Each file lies in a listed directory, and imports from it or from one before it."""
    assert {directory(module) for module in FILES.values()} - set(ORDER) == set()
    broken = [
        f"{module} imports {name}"
        for file, module in FILES.items()
        for name in imports(file)
        if name.split(".")[0] == "timing_profiles"
        and ORDER.index(directory(name)) > ORDER.index(directory(module))
    ]
    assert broken == []


def test_each_file_imports_one_third_party_package() -> None:
    """Knowledge of one package stays in few files."""
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
