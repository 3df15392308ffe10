"""Timing profiles beside an `AgentServer`, for as long as it runs."""

from __future__ import annotations

import asyncio
import errno
import importlib.util
import inspect
import logging
import math
import os
import re
import signal
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NoReturn

from livekit.agents import AgentServer, WorkerOptions

import timing_profiles

# Imported here, not when a call comes: plugins can be registered on the main thread alone.
from timing_profiles.call import sdk_arguments, sdk_internals, timing
from timing_profiles.catalog import folder, location
from timing_profiles.problems import Problem, ProfilesError, in_order
from timing_profiles.resolution import request
from timing_profiles.worker import ports

_NO_POSIX = Problem(
    "platform",
    "the worker needs Linux or macOS",
    hint="on Windows, run it in WSL or in a container; the command timing-profiles runs anywhere",
)

_logger = logging.getLogger("timing_profiles")


def attach(
    server: AgentServer | WorkerOptions,
    *,
    profiles_dir: str | Path | None = None,
    deepgram: bool = True,
) -> None:
    """Make a server's calls find their timing profiles.

    When the server runs, the profiles are loaded and checked before anything registers, published
    for the job processes, and watched. If they are broken, all problems are printed, and the
    worker exits with status 1.

    Args:
        server: The server, not running yet, or the `WorkerOptions` that `cli.run_app` gets.
        profiles_dir: The directory of profiles; by default `PROFILES_DIR` of the environment, else
            `profiles`. A relative path is looked for from the working directory, then beside the
            file that the worker was started with and the one that calls this function.
        deepgram: Whether calls use Deepgram; False for an agent that brings its own
            speech-to-text and text-to-speech, which then needs no `DEEPGRAM_API_KEY`.
    """
    entrypoint = _file_of_caller()
    # What a call needs is imported once, before job processes are forked.
    sdk_internals.preload(timing_profiles.__name__, timing_profiles.__version__, __name__, _logger)

    def attach_to(made: AgentServer) -> None:
        _run_with_profiles(made, profiles_dir, entrypoint, deepgram=deepgram)

    if isinstance(server, AgentServer):
        attach_to(server)
    else:
        sdk_internals.when_made(server, attach_to)


def _run_with_profiles(
    server: AgentServer, profiles_dir: str | Path | None, entrypoint: str | None, *, deepgram: bool
) -> None:
    async def run_with_profiles(run: sdk_internals.Run, *args: Any, **kwargs: Any) -> None:
        if importlib.util.find_spec("fcntl") is None:
            _exit([_NO_POSIX])
        # Imported in the main process only: a job reads neither YAML nor the file system's events.
        from timing_profiles.worker.publisher import Publisher  # noqa: PLC0415
        from timing_profiles.worker.readiness import Readiness  # noqa: PLC0415

        problems = list(_environment_problems(deepgram=deepgram))
        try:
            found = location.find(profiles_dir, entrypoint)
        except ProfilesError as error:
            _exit([*problems, *error.problems])
        # A job that finds nothing published reads the same directory, wherever it is started.
        os.environ[folder.PROFILES_DIR] = str(found)
        _drain_on_hangup()
        publisher = Publisher(found)
        readiness = Readiness(lambda: publisher.serving, lambda: _not_ready(server))
        try:
            publisher.start(problems)
            await readiness.start()
            await run(*args, **kwargs)
        except ProfilesError as error:
            _exit(error.problems)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            _exit([_port_taken(error)])
        finally:
            readiness.stop()
            publisher.stop()

    sdk_internals.wrap_run(server, run_with_profiles)


def _file_of_caller() -> str | None:
    """Find the file of the code that calls the caller of this function."""
    # `python -m livekit.agents start agent.py`, which `lk` runs, imports the entrypoint: __main__
    # is the SDK's.
    frame = inspect.currentframe()
    caller = frame and frame.f_back and frame.f_back.f_back
    return caller.f_globals.get("__file__") if caller else None


def _drain_on_hangup() -> None:
    """End on SIGHUP as on SIGTERM: the terminal has closed. `nohup` is respected."""
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _environment_problems(*, deepgram: bool) -> Iterable[Problem]:
    if deepgram and not os.environ.get("DEEPGRAM_API_KEY"):
        message = "is not set; Deepgram takes no call without it"
        hint = "an agent that brings its own parts needs none: attach(server, deepgram=False)"
        yield Problem("environment", message, "DEEPGRAM_API_KEY", hint=hint)
    if deepgram:
        yield from sdk_arguments.deepgram_problems()
    seconds = os.environ.get("CALLER_TIMEOUT") or str(timing.CALLER_TIMEOUT)
    if not _is_duration(seconds):
        message = f"{seconds!r} is not a number of seconds above 0"
        yield Problem("environment", message, "CALLER_TIMEOUT")
    yield from request.metadata_key_problems()
    yield from (*ports.problems(ports.METRICS), *ports.problems(ports.READY))
    yield from ports.host_problems()


def _port_taken(error: OSError) -> Problem:
    """Of the two ports that the SDK opens: metrics, and its health check (8081 in production)."""
    port = next(iter(re.findall(r"\d+(?=\))", str(error))), "a port")
    message = f"cannot listen at {port}: {os.strerror(errno.EADDRINUSE)}"
    if port == str(ports.port(ports.METRICS)):
        return Problem("environment", message, ports.METRICS)
    return Problem("environment", message, hint="AgentServer(port=...) names the health check's")


def _is_duration(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def _not_ready(server: AgentServer) -> str:
    if server.draining:
        return "ending: takes no more calls"
    return "" if sdk_internals.is_registered(server) else "not registered with LiveKit"


def _exit(problems: Iterable[Problem]) -> NoReturn:
    """End the worker with status 1, and with words instead of a traceback."""
    for problem in in_order(problems):
        print(problem, file=sys.stderr)  # noqa: T201 - logging may not be set up yet
    task = asyncio.current_task()
    if task:
        # SystemExit passes through the loop; asked for here, it is not reported as lost.
        task.add_done_callback(lambda done: done.exception())
    raise SystemExit(1)
