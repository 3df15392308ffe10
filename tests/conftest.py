"""What tests share."""

import shutil
from pathlib import Path

import pytest

from tests.command_line import ROOT, CommandLine


class Happened:
    """What a fault was answered with."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(self, what: str, recovered: float | None = None) -> None:
        """Say it.

        Args:
            what: A few words, as measured: `kept 59c62fecb090, gauge 0`.
            recovered: Seconds from the repair until the worker was as before, where there is one.
        """
        self._properties.append(("happened", what))
        if recovered is not None:
            self._properties.append(("recovered", recovered))


@pytest.fixture(scope="session", autouse=True)
async def the_loop_of_all_tests() -> None:
    """Make it before the first test: the SDK's objects take the loop that they find."""


@pytest.fixture
def starters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the starter profiles: the folder `profiles` of the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROFILES_DIR", raising=False)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path / "profiles"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line; called with words, it runs them in this process."""
    return CommandLine(capsys)


@pytest.fixture
def happened(request: pytest.FixtureRequest) -> Happened:
    """Says what a fault was answered with, for the table of `make faults`."""
    return Happened(request.node.user_properties)
