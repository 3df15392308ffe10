"""Timing profiles beside an `AgentServer`: load, publish and watch them while it runs."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from livekit.agents import AgentServer

# Imported here, not when a call comes: plugins can be registered on the main thread alone.
from timing_profiles import call, catalog, in_force, snapshot
from timing_profiles.catalog import Catalog
from timing_profiles.problems import Problem, ProfilesError
from timing_profiles.watch import Watcher

_logger = logging.getLogger("timing_profiles")


def attach(server: AgentServer, *, profiles_dir: str | None = None, deepgram: bool = True) -> None:
    """Make a server's calls find their timing profiles.

    When the server runs, the profiles are loaded and checked before anything registers, published
    for the job processes, and watched. If they are broken, all problems are printed, and the
    worker exits with status 1.

    Args:
        server: The server; not running yet.
        profiles_dir: The folder of profiles; `PROFILES_DIR` of the environment, else `profiles`.
        deepgram: Whether calls use Deepgram; False for an agent that brings its own
            speech-to-text and text-to-speech, which then needs no `DEEPGRAM_API_KEY`.
    """
    if profiles_dir:
        os.environ[in_force.FOLDER] = profiles_dir
    run = server.run

    async def run_with_profiles(*args: Any, **kwargs: Any) -> None:
        worker = _Worker(in_force.profiles_dir(), deepgram=deepgram)
        try:
            worker.start()
            await run(*args, **kwargs)
        except ProfilesError as error:
            _exit(error.problems)
        finally:
            worker.stop()

    # AgentServer has no hook around its life; an attribute shadows the method of any subclass.
    setattr(server, "run", run_with_profiles)  # noqa: B010


class _Worker:
    """What one worker publishes, from its start to its end."""

    def __init__(self, profiles_dir: Path, *, deepgram: bool) -> None:
        self._profiles_dir = profiles_dir
        self._deepgram = deepgram
        self._state: Path | None = None
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        first = self._load()
        self._state = Path(tempfile.mkdtemp(prefix="timing-profiles-"))
        self._publish(first)
        os.environ[in_force.PUBLISHED] = str(self._published)
        for warning in first.warnings:
            _logger.warning("%s", warning)
        _logger.info(
            "%d profiles in force, revision %s: %s",
            len(first.layers),
            first.revision,
            self._profiles_dir.absolute(),
        )
        watcher = Watcher(self._profiles_dir, first, self._publish)
        self._watching = asyncio.create_task(watcher.run())

    def stop(self) -> None:
        # Nothing is awaited: when the worker ends, its loop cancels whatever still runs.
        if self._watching:
            self._watching.cancel()
        if self._state:
            shutil.rmtree(self._state, ignore_errors=True)

    @property
    def _published(self) -> Path:
        return Path(self._state or "") / "profiles.sqlite"

    def _load(self) -> Catalog:
        problems = list(_environment_problems(deepgram=self._deepgram))
        try:
            first = catalog.load(self._profiles_dir)
        except ProfilesError as error:
            raise ProfilesError([*problems, *error.problems]) from None
        if problems:
            raise ProfilesError(problems)
        return first

    def _publish(self, fresh: Catalog) -> None:
        layers = iter(fresh.layers.values())
        snapshot.publish(fresh.revision, fresh.schema, layers, self._published)


def _environment_problems(*, deepgram: bool) -> Iterable[Problem]:
    if deepgram and not os.environ.get("DEEPGRAM_API_KEY"):
        message = "is not set; Deepgram takes no call without it"
        yield Problem("environment", message, "DEEPGRAM_API_KEY")
    seconds = os.environ.get("CALLER_TIMEOUT") or str(call.CALLER_TIMEOUT)
    if not _is_duration(seconds):
        message = f"{seconds!r} is not a number of seconds above 0"
        yield Problem("environment", message, "CALLER_TIMEOUT")


def _is_duration(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _exit(problems: Iterable[Problem]) -> None:
    """End the worker with status 1, and with words instead of a traceback."""
    for problem in problems:
        print(problem, file=sys.stderr)  # noqa: T201 - logging may not be set up yet
    task = asyncio.current_task()
    if task:
        # SystemExit passes through the loop; asked for here, it is not reported as lost.
        task.add_done_callback(lambda done: done.exception())
    raise SystemExit(1)
