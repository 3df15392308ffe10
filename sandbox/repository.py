"""A scratch git repository that no configuration of the user reaches."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

_WHO = ("AUTHOR", "COMMITTER")

ISOLATED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "Ada" for who in _WHO},
    **{f"GIT_{who}_EMAIL": "ada@example.com" for who in _WHO},
}
"""The variables of git in the environment."""


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment, isolated from the user's git and profiles."""
    foreign = ("GIT_", "PROFILES_DIR", "TIMING_PROFILES_", "PRE_COMMIT")
    own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
    return {**own, **ISOLATED, "PATH": path, **(more or {})}


def run(
    command: Sequence[str | Path], folder: Path, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a directory; its output is text."""
    return subprocess.run(  # noqa: S603 - the commands of the tests
        command,
        cwd=folder,
        env=environment(more),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        stdin=subprocess.DEVNULL,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository and its work tree."""

    folder: Path

    @classmethod
    def init(cls, folder: Path, *options: str) -> "Repository":
        """Make a repository on the branch `main`."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder)
        made.git("init", "--quiet", "--initial-branch=main", *options)
        return made

    @property
    def profiles(self) -> Path:
        """Return the directory of profiles."""
        return self.folder / "profiles"

    def git(self, *arguments: str | Path) -> str:
        """Return the output of a git command, which must succeed."""
        ran = run(["git", *arguments], self.folder)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def write(self, path: str, text: str | bytes) -> None:
        """Write a file of the work tree."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    def add_profiles(self, folder: str = "profiles") -> None:
        """Copy the starter profiles into the work tree."""
        shutil.copytree(ROOT / "profiles", self.folder / folder)

    def commit(self, message: str = "Change something") -> str:
        """Commit the whole work tree; return the commit's name."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").strip()
