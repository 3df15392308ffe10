"""Workers that tests share, and a repository of profiles."""

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

import timing_profiles
from sandbox.polling import eventually
from sandbox.repository import Repository
from sandbox.scrape import free_port, scraped
from sandbox.worker import ROOT, Worker, worker

STARTERS = ROOT / "profiles"


@pytest.fixture(scope="session")
def metrics_port() -> int:
    """The port of the shared worker's metrics."""
    return free_port()


@pytest.fixture(scope="session")
async def shared_worker(
    tmp_path_factory: pytest.TempPathFactory, metrics_port: int
) -> AsyncGenerator[Worker]:
    """A worker with the starter profiles."""
    env = {"METRICS_PORT": str(metrics_port)}
    async with worker(tmp_path_factory.mktemp("worker"), env=env) as running:
        yield running


@pytest.fixture
async def edited_worker(shared_worker: Worker, metrics_port: int) -> AsyncGenerator[Worker]:
    """The shared worker, whose profiles a test may edit: they are restored after it."""
    yield shared_worker
    for starter in STARTERS.glob("*.yaml"):
        profile = shared_worker.profiles / starter.name
        if profile.read_bytes() != starter.read_bytes():
            shutil.copyfile(starter, profile)
    revision = frozenset({("revision", timing_profiles.resolve(profiles_dir=STARTERS).revision)})

    async def is_restored() -> bool:
        found = await scraped(metrics_port)
        valid = found["timing_profiles_last_reload_successful", frozenset()]
        return valid == found.get(("timing_profiles_revision_info", revision)) == 1

    await eventually(is_restored, 20, "the starter profiles are active again")


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
