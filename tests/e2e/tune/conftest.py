"""A browser, a worker as people run it, and the server of the page: one each for a file."""

import asyncio
import contextlib
import shutil
import sys
import wave
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.caller.sound import SAMPLE_RATE
from sandbox.child import child
from sandbox.sentences import SENTENCES
from sandbox.worker import ROOT, Services, Worker, services, worker
from tests.e2e.tune.browser import Browser, NoBrowserError, running

_SILENCE = 8.0  # seconds between two turns of the recording
_PATIENCE = {"CALLER_TIMEOUT": "5"}
_PROXIES = dict.fromkeys(("HTTP_PROXY", "https_proxy"), "http://127.0.0.1:9")  # nothing listens


@dataclass(frozen=True, slots=True)
class Tune:
    """`timing-profiles tune`.

    Attributes:
        process: of it.
        address: that it printed.
    """

    process: asyncio.subprocess.Process
    address: str


@dataclass(frozen=True, slots=True)
class Served:
    """What a page needs that calls nobody.

    Attributes:
        browser: that opens it.
        services: of its server; no worker answers there.
        profiles: that it shows.
        tune: the page's server.
    """

    browser: Browser
    services: Services
    profiles: Path
    tune: Tune


@dataclass(frozen=True, slots=True)
class Stack:
    """Everything that a page needs.

    Attributes:
        browser: that opens it.
        worker: that answers.
        tune: the page's server.
    """

    browser: Browser
    worker: Worker
    tune: Tune


@pytest.fixture(scope="module")
async def browser(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Browser]:
    """A browser that has a microphone."""
    folder = tmp_path_factory.mktemp("browser")
    recording(folder / "microphone.wav")
    try:
        async with running(folder / "microphone.wav", folder / "browser.log") as opened:
            yield opened
    except NoBrowserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
async def served(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Served]:
    """The page's server with `--write`, and no worker."""
    profiles = tmp_path_factory.mktemp("served") / "profiles"
    shutil.copytree(ROOT / "profiles", profiles)
    async with services() as among, tune(among, profiles, ["--write"]) as page:
        yield Served(browser, among, profiles, page)


@pytest.fixture(scope="module")
async def stack(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Stack]:
    """A worker, and the page's server with `--write`, in a shell with a proxy."""
    folder = tmp_path_factory.mktemp("tune")
    async with (
        # Its jobs do not outlive a caller who left at once, as when a call begins again.
        worker(folder, agent=ROOT / "agent.py", mode="dev", env=_PATIENCE) as answering,
        tune(answering.services, answering.profiles, ["--write"], **_PROXIES) as page,
    ):
        yield Stack(browser, answering, page)


def recording(path: Path) -> None:
    """Write what the microphone hears, again and again: a turn with a pause, and silence."""
    silence = bytes(2 * round(_SILENCE * SAMPLE_RATE))
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes(silence[: len(silence) // 2] + SENTENCES[2].samples() + silence)


@contextlib.asynccontextmanager
async def tune(
    among: Services, profiles: Path, arguments: Sequence[str] = (), **variables: str
) -> AsyncGenerator[Tune]:
    """Run `timing-profiles tune` on profiles, with the services of a worker."""
    environment = {**among.environment, "PROFILES_DIR": str(profiles), **variables}
    command = [sys.executable, "-m", "timing_profiles.cli", "tune", *arguments]
    pipe = asyncio.subprocess.PIPE
    async with child(command, env=environment, cwd=ROOT, output=pipe) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("page: http://"), line
        yield Tune(process, line.removeprefix("page: ").strip())
