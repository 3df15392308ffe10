"""One LiveKit server for all tests, and one worker for those that change nothing of it."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from sandbox.livekit_server import LiveKitServer
from tests.e2e.worker import Worker, worker


@pytest.fixture(scope="session")
async def livekit() -> AsyncGenerator[LiveKitServer]:
    """The real server."""
    async with LiveKitServer() as server:
        yield server


@pytest.fixture(scope="session")
async def shared_worker(
    livekit: LiveKitServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Worker]:
    """A worker whose profiles stay as they are."""
    async with worker(livekit, tmp_path_factory.mktemp("worker")) as running:
        yield running


@pytest.fixture
async def own_worker(livekit: LiveKitServer, tmp_path: Path) -> AsyncGenerator[Worker]:
    """A worker for one test, which may edit its profiles and end it."""
    async with worker(livekit, tmp_path) as running:
        yield running
