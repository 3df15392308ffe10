"""Another release of the SDK in an environment of its own, in the user's cache.

It is made with `uv` where there is one, else with `venv` and pip; both take packages from the index
that the user has configured, as wheels only. The packages are those that this library declares.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

from timing_profiles.problems import printable, quoted
from timing_profiles.rehearsal import stored

SDK: Final = "livekit-agents"
"""The package whose release is meant."""

_OURS: Final = "timing-profiles"
_SAME_RELEASE: Final = (SDK, "livekit-plugins-deepgram")  # LiveKit releases them together
_VERSION: Final = re.compile(r"(\d+(?:\.\d+){1,3})(?:(?:a|b|rc)\d+|\.(?:dev|post)\d+)?", re.ASCII)
_NAME: Final = re.compile(r"[\w.-]+", re.ASCII)
_BOUND: Final = re.compile(r"(>=|<)\s*([\d.]+)")
_NETWORK: Final = re.compile(
    r"fetch|connect|network|offline|proxy|timed? ?out|resolution|unreachable|certificate|ssl",
    re.IGNORECASE,
)
_MISSING: Final = ("no version of", "No matching distribution found for")  # as uv and pip have it
_MOST: Final = 300  # characters of an installer's output


class EnvironmentUnavailableError(Exception):
    """A release cannot be rehearsed under; the text is one line for people."""


def python(version: str, note: Callable[[str], None]) -> Path:
    """Return the Python of an environment with a release of the SDK; make it where it is missing.

    Args:
        version: The release of livekit-agents, such as `1.8.9`.
        note: Called with a line before packages are installed.

    Raises:
        EnvironmentUnavailableError: The release is none, is not supported, or cannot be installed.
    """
    found = place(version)
    if not found.exists():
        note(f"installing {SDK} {version} for rehearsals, once: about 350 MB in the user's cache")
        _make(found.parents[1], requirements(version), version)
    return found


def place(version: str) -> Path:
    """Return where the Python of an environment with a release is, or would be.

    Raises:
        EnvironmentUnavailableError: The release is none, or is not supported.
    """
    text = "\n".join([sys.version, sys.base_prefix, *requirements(version)])
    key = hashlib.sha256(text.encode()).hexdigest()[:12]
    return _python(stored.directory().parent / "sdk" / f"{version}-{key}")


def requirements(version: str) -> list[str]:
    """Return the requirements to install: those of this library, with a release of the SDK.

    Raises:
        EnvironmentUnavailableError: The release is none, is the installed one, or unsupported.
    """
    number = _VERSION.fullmatch(version)
    if not number:
        raise EnvironmentUnavailableError(
            f"invalid version {quoted(version)}: expected one such as 1.8.9"
        )
    if version == _installed():
        raise EnvironmentUnavailableError(f"{SDK} {version} is installed: name another release")
    declared = [one for one in metadata.requires(_OURS) or () if ";" not in one]
    own = next(one for one in declared if _name(one) == SDK)
    if not _allows(own, number[1]):
        bounds = ", ".join(f"{sign}{bound}" for sign, bound in sorted(_BOUND.findall(own))[::-1])
        raise EnvironmentUnavailableError(
            f"{SDK} {version} is not supported by {_OURS} {metadata.version(_OURS)}: {bounds}"
        )
    others = [one for one in declared if _name(one) not in _SAME_RELEASE]
    return [*(f"{name}=={version}" for name in _SAME_RELEASE), *others]


def _installed() -> str:
    try:
        return metadata.version(SDK)
    except metadata.PackageNotFoundError as error:
        raise EnvironmentUnavailableError(f"{SDK} is not installed") from error


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    return found[0].lower() if found else ""


def _allows(requirement: str, number: str) -> bool:
    wanted = _parts(number)
    return all(
        wanted >= _parts(bound) if sign == ">=" else wanted < _parts(bound)
        for sign, bound in _BOUND.findall(requirement)
    )


def _parts(number: str) -> tuple[int, ...]:
    return tuple(map(int, number.split(".")))


def _python(folder: Path) -> Path:
    names = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return folder.joinpath(*names)


def _make(folder: Path, packages: Sequence[str], version: str) -> None:
    """Make an environment aside, and put it in place whole."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".") as aside:
            made = Path(aside) / "environment"
            for command in _commands(made, packages):
                _run(command, version)
            shutil.rmtree(folder, ignore_errors=True)  # of a Python that is gone
            made.rename(folder)
    except OSError as error:
        if not _python(folder).exists():  # else another rehearsal has made it
            reason = error.strerror or type(error).__name__
            raise EnvironmentUnavailableError(
                f"{printable(folder.as_posix())}: cannot be made: {reason}"
            ) from None


def _commands(folder: Path, packages: Sequence[str]) -> list[list[str]]:
    uv = shutil.which("uv")
    if uv:
        target = ["--python", str(_python(folder)), "--only-binary", ":all:"]
        return [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", *target, *packages],
        ]
    pip = [str(_python(folder)), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    return [
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, "install", "--only-binary", ":all:", *packages],
    ]


def _run(command: Sequence[str], version: str) -> None:
    done = subprocess.run(  # noqa: S603 - commands of this file
        command, capture_output=True, text=True, errors="replace", check=False, env=clean()
    )
    if done.returncode != 0:
        raise EnvironmentUnavailableError(reason(done.stdout + done.stderr, version))


def reason(output: str, version: str) -> str:
    """Return why packages cannot be installed, as one line.

    Args:
        output: The output of uv or pip.
        version: The release.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    text = " ".join(lines)
    is_reached = "from versions: none" not in text and not _NETWORK.search(text)
    if any(f"{words} {SDK}=={version}" in text for words in _MISSING) and is_reached:
        return f"{SDK} {version} is not in the configured package index"
    why = "cannot be installed" if is_reached else "the package index cannot be reached"
    first = next((line for line in lines if "error" in line.lower()), "")
    parts = (f"{SDK} {version}", f"the packages {why}" if is_reached else why, first[:_MOST])
    return printable(": ".join(part for part in parts if part))


def clean() -> dict[str, str]:
    """Return the environment variables without those of this process's own Python."""
    own = ("PYTHON", "VIRTUAL_ENV", "LIVEKIT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}
