"""Empty environments, with the Pythons of this machine."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from installation.command import output
from installation.package import Package

_ROOT = Path(__file__).parents[1]

UV = Path(sys.executable).with_name("uv")
"""The uv of this environment."""

VERSIONS = ("lowest", "lock", "newest")
"""Of the ranges that the package declares, or those of requirements.worker.lock."""


@dataclass(frozen=True, slots=True)
class Plan:
    """An environment to be made.

    Attributes:
        python: Such as 3.12.
        versions: One of `VERSIONS`.
    """

    python: str
    versions: str

    def __str__(self) -> str:
        """`3.12 newest`."""
        return f"{self.python} {self.versions}"


PLANS = (
    Plan("3.10", "lowest"),
    Plan("3.11", "lock"),
    Plan("3.12", "newest"),
    Plan("3.13", "newest"),
)
"""Each supported Python once, each choice of versions at least once."""


def plan(text: str) -> Plan:
    """Read `3.12`, which is the plan for that Python, or `3.12:lowest`.

    Raises:
        ValueError: It is neither.
    """
    python, colon, versions = text.partition(":")
    known = {one.python: one for one in PLANS}
    if python not in known or (colon and versions not in VERSIONS):
        raise ValueError(
            f"{text}: expected a Python ({', '.join(known)}), with :{' or :'.join(VERSIONS)}"
            " after it to choose versions"
        )
    return Plan(python, versions) if colon else known[python]


def find(python: str) -> Path | None:
    """Find a Python of this machine; None where there is none."""
    command = [str(UV), "python", "find", "--system", "--no-python-downloads", python]
    found = subprocess.run(  # noqa: S603 - ours
        command, env=_with_pyenv(), capture_output=True, text=True, check=False
    )
    return Path(found.stdout.strip()) if found.returncode == 0 else None


def _with_pyenv() -> dict[str, str]:
    """Let the commands of pyenv, where it is used, stand for every version that it has."""
    try:
        listed = subprocess.run(
            ["pyenv", "versions", "--bare"],  # noqa: S607 - wherever it is
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return dict(os.environ)
    versions = re.findall(r"^\s*(3\.\d+\.\d+)$", listed.stdout, re.MULTILINE)
    return {**os.environ, **({"PYENV_VERSION": ":".join(versions)} if versions else {})}


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment with the package in it.

    Attributes:
        folder: Where it is.
        python: Its version, such as 3.12.1.
        sdk: The version of livekit-agents.
    """

    folder: Path
    python: str
    sdk: str

    @property
    def bin(self) -> Path:
        """Where its commands are."""
        return self.folder / "bin"


async def install(plan: Plan, python: Path, package: Package, folder: Path) -> Environment:
    """Make an environment of the wheel, and of nothing that it does not declare.

    Args:
        plan: Which.
        python: To make it with.
        package: The wheel to install.
        folder: Where; it does not exist.

    Raises:
        StepError: Nothing fits, or what was installed does not fit together.
    """
    await output([UV, "venv", "--quiet", "--python", python, folder], _ROOT)
    match plan.versions:
        case "lock":
            lock = _ROOT / "requirements.worker.lock"
            await _pip(folder, "install", "--no-deps", "--require-hashes", "--requirement", lock)
            await _pip(folder, "install", "--no-deps", package.wheel)
        case "lowest":
            floors = folder / "floors.txt"
            await output(_compile(python, floors), _ROOT)
            await _pip(folder, "install", "--constraint", floors, package.wheel)
        case _:
            await _pip(folder, "install", package.wheel)
    await _pip(folder, "check")
    versions = "import platform; from importlib.metadata import version;"
    versions += "print(platform.python_version(), version('livekit-agents'))"
    names = await output([folder / "bin" / "python", "-c", versions], folder)
    return Environment(folder, *names.split())


async def add_what_tests_import(made: Environment) -> None:
    """Install the group `test` beside the package, all of which stays as it is.

    Raises:
        StepError: The two do not fit together.
    """
    frozen = await _pip(made.folder, "freeze")
    kept = made.folder / "kept.txt"
    pins = [line for line in frozen.splitlines() if re.match(r"[\w.-]+==", line)]
    kept.write_text("\n".join(pins), encoding="utf-8")
    group = f"{_ROOT / 'pyproject.toml'}:test"
    await _pip(made.folder, "install", "--constraint", kept, "--group", group)
    await _pip(made.folder, "check")


def _compile(python: Path, floors: Path) -> Sequence[str | Path]:
    return (
        *(UV, "pip", "compile", "--quiet", "--python", python, "--only-binary", ":all:"),
        *("--resolution", "lowest-direct", "--output-file", floors, _ROOT / "pyproject.toml"),
    )


async def _pip(folder: Path, command: str, *words: str | Path) -> str:
    binary = ("--only-binary", ":all:") if command == "install" else ()
    quiet = () if command == "freeze" else ("--quiet",)
    python = ("--python", folder / "bin" / "python")
    return await output([UV, "pip", command, *quiet, *python, *binary, *words], _ROOT)
