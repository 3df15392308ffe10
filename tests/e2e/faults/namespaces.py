"""Mounts and limits of a process's own: user and mount namespaces, where the system allows them."""

import functools
import shutil
import subprocess
from collections.abc import Sequence

import pytest

_UNSHARE = ("unshare", "--user", "--map-root-user", "--mount")


def namespaces(first: str = ":") -> Sequence[str]:
    """A command that runs another one in user and mount namespaces of its own.

    The test is skipped where the system refuses them.

    Args:
        first: What a shell does there before.
    """
    refused = _refused()
    if refused:
        pytest.skip(f"no user namespace here: {refused}")
    return (*_UNSHARE, "sh", "-c", f'{first} && exec "$@"', "sh")


def enter(process: subprocess.Popen[bytes], command: str) -> None:
    """Run a shell's command in the namespaces of a process."""
    target = ("nsenter", f"--target={process.pid}", "--user", "--mount", "--preserve-credentials")
    subprocess.run([*target, "sh", "-c", command], check=True)  # noqa: S603 - ours


@functools.cache
def _refused() -> str:
    """Why there are no namespaces; empty where there are."""
    if not (shutil.which("unshare") and shutil.which("nsenter")):
        return "util-linux is not installed"
    tried = subprocess.run([*_UNSHARE, "true"], capture_output=True, text=True, check=False)  # noqa: S603
    return tried.stderr.strip() if tried.returncode else ""
