"""What tests share."""

import sys
from collections.abc import Iterator

import pytest

from tests.command_line import CommandLine
from timing_profiles.rehearsal import stored


@pytest.fixture(autouse=True)
def calls_that_end() -> Iterator[None]:
    """End the calls of a test with it: Python 3.13 warns of a database that is not closed."""
    yield
    # Not imported here: the SDK takes a second in each process of the tests.
    if running := sys.modules.get("tests.running"):
        running.end_all()


@pytest.fixture(scope="session", autouse=True)
def stored_rehearsals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what rehearsals store out of the user's cache."""
    directory = tmp_path_factory.mktemp("rehearsals")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stored, "directory", lambda: directory)
        yield


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line; called with words, it runs them in this process."""
    return CommandLine(capsys)
