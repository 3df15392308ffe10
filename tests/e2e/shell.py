"""Lines as they are typed into a shell."""

from pathlib import Path

from sandbox.repository import run

# As anywhere but in some containers: there, Python does not see that a write went wrong.
BUFFERED = {"PYTHONUNBUFFERED": ""}


def typed(line: str, folder: Path) -> tuple[int, str, str]:
    """How a line ends that is typed into a shell, and what it prints."""
    ran = run(["bash", "-c", f"set -o pipefail; {line}"], folder, BUFFERED)
    return ran.returncode, ran.stdout, ran.stderr
