"""`timing-profiles` as a person or a program calls it, without a process."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

import timing_profiles
from timing_profiles import cli

ROOT = Path(__file__).parents[1]

PACKAGE = Path(timing_profiles.__file__).parent
"""The package that is tested: that of the repository, or one that is installed."""


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    status: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> Ran:
        """Run a command, without the name of the program."""
        self.capsys.readouterr()
        status = cli.main(words)
        return Ran(status, *self.capsys.readouterr())
