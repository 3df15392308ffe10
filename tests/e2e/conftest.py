"""Workers that tests share or own, and a repository of profiles."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from sandbox.repository import Repository
from sandbox.worker import ROOT, Worker, worker


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


@pytest.fixture(scope="session")
async def email_worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    """The example that collects an e-mail address, as people run it.

    What it hears and thinks is set by each test: one call at a time.
    """
    agent = ROOT / "examples" / "collect_email.py"
    async with worker(tmp_path_factory.mktemp("email"), agent=agent, mode="dev") as running:
        yield running


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository with two commits: the starter profiles, and something else."""
    made = Repository.init(tmp_path)
    made.add_profiles()
    made.commit()
    made.write("README.md", "ours\n")
    made.commit()
    return made
