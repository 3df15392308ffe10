"""`python -m installation.platforms`: have all locks a wheel for systems that are not here?

Nothing is installed. Exit status: 0 when all have, 1 when something has none.
"""

import asyncio
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from installation.command import StepError, output
from installation.environments import UV

PYTHONS: Final = ("3.10", "3.11", "3.12", "3.13", "3.14")
"""The supported ones, and the next one."""

PLATFORMS: Final[Mapping[str, str]] = {
    "Linux on x86-64": "x86_64-manylinux_2_28",  # LiveKit's own wheels need this glibc
    "Linux on arm64": "aarch64-manylinux_2_28",
    "macOS on x86-64": "x86_64-apple-darwin",
    "macOS on arm64": "aarch64-apple-darwin",
    "Windows on x86-64": "x86_64-pc-windows-msvc",
}
"""Systems, and what uv calls them."""

LOCKS: Final = (
    *("requirements.lock", "requirements.worker.lock"),
    *("lab/bench/requirements.lock", "lab/fuzz/requirements.lock"),
)
"""What pip installs from, below the root of the repository."""

_ROOT: Final = Path(__file__).parents[1]
_OLDEST_MACOS: Final = {"MACOSX_DEPLOYMENT_TARGET": "14.0"}


def main(locks: Sequence[str | Path] = LOCKS) -> int:
    """Print a line for each system, and uv's reason for each Python without a wheel.

    Args:
        locks: All that must have one.

    Returns:
        The exit status.
    """
    complete = f"wheels for Python {PYTHONS[0]} to {PYTHONS[-1]}"
    failed = False
    for platform in PLATFORMS:
        reasons = asyncio.run(_reasons(platform, locks))
        _say("\n".join([f"{platform}: {'FAILED' if reasons else complete}", *reasons]))
        failed = failed or bool(reasons)
    return int(failed)


async def _reasons(platform: str, locks: Sequence[str | Path]) -> Sequence[str]:
    tried = await asyncio.gather(*(_reason(platform, python, locks) for python in PYTHONS))
    return [reason for reason in tried if reason]


async def _reason(platform: str, python: str, locks: Sequence[str | Path]) -> str:
    """Return what uv prints where a wheel is missing, or nothing."""
    with tempfile.TemporaryDirectory() as nowhere:
        command = (
            *(UV, "pip", "install", "--quiet", "--dry-run", "--target", nowhere),
            *("--python-platform", PLATFORMS[platform], "--python-version", python),
            *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
            *(word for lock in locks for word in ("--requirement", lock)),
        )
        try:
            await output(command, _ROOT, _OLDEST_MACOS)
        except StepError as error:
            return f"Python {python}: {error}"
    return ""


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (for people)


if __name__ == "__main__":
    sys.exit(main())
