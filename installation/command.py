"""Commands, and how one that fails is reported."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from sandbox.child import child

# What makes Python, make, the tests or the package behave otherwise than on a machine of a user.
_FOREIGN = ("PYTHON", "VIRTUAL_ENV", "COVERAGE_", "PYTEST_", "MAKE", "MFLAGS", "PROFILES_DIR")
_SHOWN, _WIDTH = 25, 240  # last lines of a command that failed, and characters of each


class StepError(Exception):
    """A step failed. The text is meant for people."""


def environment(of: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return an environment, by default this process's, as on a machine of a user."""
    return {n: value for n, value in of.items() if not n.startswith(_FOREIGN) and n != "CI"}


async def output(
    command: Sequence[str | Path], folder: Path, more: Mapping[str, str] | None = None
) -> str:
    """Run a command to its end.

    Args:
        command: The program and its arguments.
        folder: Where it runs.
        more: Variables of its environment, besides those of `environment`.

    Returns:
        What it writes to standard output and standard error.

    Raises:
        StepError: It cannot be started, or fails.
    """
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as written:
        variables = {**environment(), **(more or {})}
        async with child(words, env=variables, cwd=folder, output=written) as process:
            status = await process.wait()
        written.seek(0)
        text = written.read().decode(errors="replace")
    if status != 0:
        raise StepError(f"{' '.join(words)}: exit status {status}\n{last_lines(text)}")
    return text


def last_lines(text: str) -> str:
    """Return the end of what a program wrote, indented."""
    return "\n".join(f"    {line[:_WIDTH]}" for line in text.splitlines()[-_SHOWN:])
