"""One worker for the tests that change nothing of it, and one for each of the others."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.e2e.worker import Worker, worker


@pytest.fixture(scope="session")
async def shared_worker(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Worker]:
    """A worker whose profiles stay as they are."""
    async with worker(tmp_path_factory.mktemp("worker")) as running:
        yield running


@pytest.fixture
async def own_worker(tmp_path: Path) -> AsyncGenerator[Worker]:
    """A worker for one test, which may edit its profiles and end it."""
    async with worker(tmp_path) as running:
        yield running
