"""The newest release of the SDK, in an environment that is thrown away."""

import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.sdk import decisions
from tests.sdk.installed import PACKAGES

_ROOT = Path(__file__).parents[2]


class NewestError(Exception):
    """It cannot be installed or listed. The text is meant for people."""


@dataclass(frozen=True, slots=True)
class Release:
    """A release of the SDK.

    Attributes:
        versions: The version of each package.
        options: Option -> how it is written.
        unreadable: What of them could not be read -> why.
        broken: What is used of the SDK that is not public -> what breaks, and why.
        rehearsed: How its decisions on synthetic calls differ; empty where none does.
    """

    versions: Mapping[str, str]
    options: Mapping[str, str]
    unreadable: Mapping[str, str]
    broken: Mapping[str, str] = field(default_factory=dict)
    rehearsed: str = ""


def newest() -> Release:
    """Install it, list it, and remove it.

    Raises:
        NewestError: pip cannot install it, or it cannot be listed at all.
    """
    with tempfile.TemporaryDirectory(prefix="newest-sdk-") as folder:
        venv.create(folder, symlinks=True)
        python = Path(folder) / "bin" / "python"
        _run("the newest release cannot be installed", *_install(python))
        listed = _run("the newest release cannot be listed", python, "-m", "tests.sdk.installed")
        broken = _broken(python)
        rehearsed = "" if broken else decisions.differing(python)
    return Release(**json.loads(listed), broken=broken, rehearsed=rehearsed)


def _broken(python: Path) -> Mapping[str, str]:
    """Run the contracts; where not even what they import is there, that is the broken one."""
    try:
        found: dict[str, str] = json.loads(_run("", python, "-m", "tests.sdk.contracts"))
    except NewestError as error:
        *_, reason = str(error).splitlines()
        return {"what timing_profiles/call/sdk_internals.py imports": f"No call starts.\n{reason}"}
    return found


def _install(python: Path) -> Sequence[str | Path]:
    return (
        *(sys.executable, "-m", "pip", "--python", python, "install"),
        *("--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"),
        *PACKAGES,
    )


def _run(failure: str, *command: str | Path) -> str:
    done = subprocess.run(  # noqa: S603 - commands of this file
        command, cwd=_ROOT, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise NewestError(f"{failure}:\n{done.stderr.strip()}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Without what makes the SDK decide otherwise, or lets another one be imported."""
    foreign = ("LIVEKIT_", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
