"""What tests share."""

from collections.abc import Iterator

import pytest

from tests import running
from tests.command_line import CommandLine


@pytest.fixture(autouse=True)
def calls_that_end() -> Iterator[None]:
    """End the calls of a test with it: Python 3.13 warns of a database that is not closed."""
    yield
    running.end_all()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line; called with words, it runs them in this process."""
    return CommandLine(capsys)
