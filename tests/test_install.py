"""Nothing that the repository installs can differ from one day to the next."""

import ast
import importlib.metadata
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from installation import platforms
from tests.command_line import PACKAGE
from tests.markdown import ROOT

LOCKS = (*platforms.LOCKS, "sandbox/go.lock")
PLATFORMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))

# Each of these chooses versions on purpose.
CHOOSES = {
    "README.md": "users install the wheel beside packages of their own",
    "PKG-INFO": "the README, as the sdist has it",
    "installation/environments.py": "`make install-check` installs as users do",
    "tests/sdk/newest.py": "`make drift` asks for the newest release",
    "timing_profiles/rehearsal/environment.py": "`rehearse --sdk` installs the release of a user",
}
_TOOLS = frozenset({"pip", "uv", "npm", "npx", "go", "pipx", "uvx"})
_TOOL = re.compile(rf"\b({'|'.join(sorted(_TOOLS))})\b")
_ENDINGS = frozenset({".py", ".md", ".mk", ".sh", ".yaml", ".yml", ""})
_FOREIGN = frozenset({"node_modules", "corpus", "cases", "__pycache__"})


def files() -> Iterator[Path]:
    """The files that can hold a command; those of tools and of environments are not ours."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(name for name in folders if _is_ours(name) and name not in _FOREIGN)
        for path in (Path(folder, name) for name in sorted(names) if _is_ours(name)):
            if path.suffix in _ENDINGS and path != Path(__file__) and path.is_file():
                yield path


def _is_ours(name: str) -> bool:
    return not name.startswith(".") or name in {".ci", ".github"}


FILES = tuple(files())


def commands(name: str, text: str) -> Iterator[list[str]]:
    """The commands of a file that may install something, each as its words."""
    if not _TOOL.search(text):
        return
    found = _of_python(text) if name.endswith(".py") else _of_lines(text)
    yield from filter(_installs, found)


def _of_python(text: str) -> Iterator[list[str]]:
    """Every call, list and tuple with the words in it; a part of another one is no command."""
    waiting: list[ast.AST] = [ast.parse(text)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.List | ast.Tuple | ast.Call):
            words = [found for found in ast.walk(node) if isinstance(found, ast.Constant)]
            words.sort(key=lambda found: (found.lineno, found.col_offset))
            yield [str(word.value) for word in words if isinstance(word.value, str)]
        else:
            waiting.extend(ast.iter_child_nodes(node))


def _of_lines(text: str) -> Iterator[list[str]]:
    """Every line, with the variables of make in it, and what a backslash continues."""
    variables = dict(re.findall(r"^(\w+) :?= (.*)$", text, re.MULTILINE))
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        while (known := re.search(r"\$\((\w+)\)", line)) and known[1] in variables:
            line = line.replace(known[0], variables[known[1]])  # noqa: PLW2901 - once expanded
        if not re.match(r"\s*#|\w+ :?= ", line):
            yield re.sub(r"[\[\]\",;`]", " ", line.strip().lstrip("@")).split()


def _installs(words: list[str]) -> bool:
    names = {Path(word).name for word in words}
    return bool(names & _TOOLS) and bool(names & {"install", "ci", "sync", "npx", "uvx", "get"})


def resolves(words: list[str]) -> bool:
    """Whether a command can install another version tomorrow."""
    line = " ".join(words)
    if "npm" in {Path(word).name for word in words}:
        return "ci" not in words
    if "go" in words and "pip" not in words:
        return not all(re.search(r"@v(\d|\{|$)", w) for w in words if "@" in w or "github" in w)
    if "--editable ." in line:
        return not {"--no-deps", "--no-build-isolation"} <= set(words)
    complete = {"--no-deps", "--require-hashes", "--requirement"} <= set(words)
    return not (complete and "--only-binary :all:" in line)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_install_command_resolves_a_version(path: Path) -> None:
    """A lock is complete: pip, npm and Go are left nothing to choose."""
    name = str(path.relative_to(ROOT))
    if name in CHOOSES:
        pytest.skip(CHOOSES[name])
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        pytest.skip("not a text")
    found = [" ".join(words) for words in commands(name, text) if resolves(words)]
    assert found == []


@pytest.mark.parametrize(
    "name",
    [
        "Dockerfile",
        "Makefile",
        "examples/pull_request/timing-profiles.yaml",
        "sandbox/livekit_binary.py",
    ],
)
def test_every_kind_of_file_is_searched(name: str) -> None:
    """The commands that are known to be there are found."""
    assert ROOT / name in FILES
    assert any(commands(name, (ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Makefile", "x:\n\t@pip install --require-hashes --requirement requirements.lock\n"),
        ("Makefile", "INSTALL := python -m pip install\nx:\n\t@$(INSTALL) livekit-agents\n"),
        ("docs/a.md", "$ pip install livekit-agents\n"),
        ("Dockerfile", 'RUN ["pip", "install", "--no-deps", \\\n  "--requirement", "a.lock"]\n'),
        ("a.py", 'run([sys.executable, *("-m", "pip"), "install", "--no-deps", "x"])\n'),
        ("a.sh", "npm install\n"),
        ("a.sh", "go install example.com/a@latest\n"),
    ],
)
def test_a_command_that_resolves_is_found(name: str, text: str) -> None:
    """Wherever it is written, and however."""
    assert [words for words in commands(name, text) if resolves(words)] != []


def pins(lock: str) -> list[Requirement]:
    """The lines of a lock."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    return [Requirement(line) for line in re.findall(r"^(\w.*?==.*?) \\$", text, re.MULTILINE)]


def active(found: list[Requirement], environment: dict[str, str]) -> dict[str, Requirement]:
    """The pins that are installed in an environment, by name: one for each."""
    chosen = [pin for pin in found if not pin.marker or pin.marker.evaluate(environment)]
    by_name = {str(canonicalize_name(pin.name)): pin for pin in chosen}
    assert len(by_name) == len(chosen)
    return by_name


def environments() -> Iterator[dict[str, str]]:
    """Those that the locks are for."""
    base = {name: str(value) for name, value in default_environment().items()}
    for python in platforms.PYTHONS:
        for platform, machine in PLATFORMS:
            yield base | {
                "python_version": python,
                "python_full_version": f"{python}.4",
                "sys_platform": platform,
                "platform_machine": machine,
            }


def version(pin: Requirement) -> str:
    """The version of a pin."""
    return str(pin.specifier).removeprefix("==")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes(lock: str) -> None:
    """A lock has only pins with hashes, and comments."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    odd = [
        line
        for line in lines
        if not re.match(r"    --hash=sha256:[0-9a-f]{64}( \\)?$|\w\S*==\S+( ; .*)? \\$", line)
    ]
    assert odd == []
    assert len(re.findall(r"\\\n    --hash", text)) >= len(pins(lock)) > 0


def test_the_lock_of_node_names_no_host() -> None:
    """Every package has its hash, and comes from the registry that a machine is set up for."""
    text = (ROOT / "tests" / "npm" / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    locked = {name: entry for name, entry in packages.items() if name}
    assert [name for name, entry in locked.items() if "resolved" in entry] == []
    assert [name for name, entry in locked.items() if "integrity" not in entry] == []
    assert len(locked) > 0


def test_declared_dependencies_are_locked() -> None:
    """Each dependency, with a version in its range, on each Python and system."""
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    declared = [*project["project"]["dependencies"]]
    for group in ("agent", "test", "dev"):
        declared += [line for line in groups[group] if isinstance(line, str)]
    found = pins("requirements.lock")
    for environment in environments():
        chosen = active(found, environment)
        missing = [
            line
            for line in declared
            if version(chosen[str(canonicalize_name(Requirement(line).name))])
            not in Requirement(line).specifier
        ]
        assert missing == []


@pytest.mark.parametrize("lock", LOCKS[:2])
def test_lock_is_complete(lock: str) -> None:
    """By the metadata of those that are installed here."""
    here = {name: str(value) for name, value in default_environment().items()}
    chosen = active(pins(lock), here)
    missing, seen = [], 0
    for name, pin in chosen.items():
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        if installed.version != version(pin):
            continue
        seen += 1
        for needed in map(Requirement, installed.requires or ()):
            if needed.marker and not needed.marker.evaluate(here | {"extra": ""}):
                continue
            other = chosen.get(str(canonicalize_name(needed.name)))
            if other is None or not needed.specifier.contains(version(other), prereleases=True):
                missing.append(f"{name} needs {needed}")
    assert missing == []
    assert seen > 0


def test_package_declares_its_imports() -> None:
    """Also imports inside functions; nothing more, and nothing less."""
    imported = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported |= {f"{node.module}.{alias.name}" for alias in node.names}
    third = {name for name in imported if name.split(".")[0] not in sys.stdlib_module_names}
    third = {name for name in third if name.split(".")[0] != "timing_profiles"}
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {Requirement(line).name for line in project["project"]["dependencies"]}
    assert {_package(name) for name in third} == declared


def _package(module: str) -> str:
    """The distribution that a module comes from."""
    known = {
        "livekit.agents": "livekit-agents",
        "livekit.api": "livekit-api",
        "livekit.plugins.deepgram": "livekit-plugins-deepgram",
        "livekit.protocol": "livekit-protocol",
        "livekit.rtc": "livekit",
        "prometheus_client": "prometheus-client",
        "yaml": "pyyaml",
    }
    parts = module.split(".")
    names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((known[name] for name in names if name in known), parts[0])
