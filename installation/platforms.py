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

OLDEST_MACOS: Final = "14.0"

_ROOT: Final = Path(__file__).parents[1]
_LOCKS: Final = [
    *(_ROOT / "requirements.lock", _ROOT / "requirements.worker.lock"),
    *(_ROOT / "lab" / name / "requirements.lock" for name in ("bench", "fuzz")),
]


def main(locks: Sequence[Path] = _LOCKS) -> int:
    """Print a line for each system, and uv's reason for each Python without a wheel.

    Args:
        locks: All that must have one.

    Returns:
        The exit status.
    """
    status = 0
    for platform in PLATFORMS:
        reasons = [reason for reason in asyncio.run(_lacking(platform, locks)) if reason]
        status = int(bool(status or reasons))
        ends = f"Python {PYTHONS[0]} to {PYTHONS[-1]}"
        _say("\n".join([f"{platform}: {'FAILED' if reasons else f'wheels for {ends}'}", *reasons]))
    return status


async def _lacking(platform: str, locks: Sequence[Path]) -> Sequence[str]:
    """Return uv's reason for each Python; empty where nothing is missing."""
    return await asyncio.gather(*(_reason(platform, python, locks) for python in PYTHONS))


async def _reason(platform: str, python: str, locks: Sequence[Path]) -> str:
    with tempfile.TemporaryDirectory() as nowhere:
        command = (
            *(UV, "pip", "install", "--quiet", "--dry-run", "--target", nowhere),
            *("--python-platform", PLATFORMS[platform], "--python-version", python),
            *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
            *(word for lock in locks for word in ("--requirement", lock)),
        )
        try:
            await output(command, _ROOT, {"MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS})
        except StepError as error:
            return f"Python {python}: {error}"
    return ""


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (for people)


if __name__ == "__main__":
    sys.exit(main())
