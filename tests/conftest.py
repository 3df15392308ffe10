"""What tests share."""

import shutil
from pathlib import Path

import pytest

from tests.command_line import ROOT, CommandLine


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
