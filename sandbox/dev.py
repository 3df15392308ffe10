"""`make dev`: run the worker, and stand-ins for each service that the environment lacks."""

import argparse
import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from dotenv import load_dotenv

from sandbox import connection
from sandbox.child import child
from sandbox.connection import (
    STATE_FOLDER,
    AlreadyRunningError,
    Connection,
    ConnectionUnknownError,
)
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference
from sandbox.livekit_binary import LiveKitServerError
from sandbox.livekit_server import LiveKitServer
from sandbox.make import interrupted
from sandbox.tuning_page import tuning_page
from sandbox.worker_environment import ANY_LOAD
from sandbox.worker_log import follow
from timing_profiles.cli import terminal
from timing_profiles.tuner import livekit_access

_LIVEKIT_LOG = STATE_FOLDER / "livekit-server.log"
_WORKER_LOG = STATE_FOLDER / "worker.log"
_PAGE_LOG = STATE_FOLDER / "page.log"

# SIGHUP: the terminal was closed, and not under nohup.
_ENDINGS = (
    signal.SIGINT,
    signal.SIGTERM,
    *([signal.SIGHUP] if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN else []),
)


@dataclass(frozen=True, slots=True)
class Service:
    """A service that the worker uses, or the worker.

    Attributes:
        name: LiveKit, Deepgram, LLM, proxy, worker or page.
        kind: real, local, stand-in or not used.
        place: its address or file.
        because: the reason for this kind.
        environment: variables that the worker needs to use it.
    """

    name: str
    kind: str
    place: str
    because: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Format the line that `make dev` prints."""
        return f"{self.name:<9} {self.kind:<9} {self.place}  ({self.because})"


def main() -> int:
    """Run until Ctrl-C, with status 0, or until the worker ends, with the worker's status."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.dev", description=__doc__)
    parser.add_argument("--make", type=int, metavar="PID", help="the make that waits for this")
    make: int | None = parser.parse_args().make
    load_dotenv(".env.local")
    try:
        with connection.alone():
            return asyncio.run(_run(make))
    except asyncio.CancelledError:
        return 0
    except (AlreadyRunningError, LiveKitServerError, ConnectionUnknownError) as error:
        _say(f"make dev: {error}")
    except OSError as error:
        place = f"{error.filename} is not usable: " if error.filename else ""
        _say(f"make dev: {place}{error.strerror or error}")
    return 1


async def _run(make: int | None) -> int:
    end = _end_on_signals()
    async with contextlib.AsyncExitStack() as running:
        if make is not None:
            running.callback(asyncio.create_task(_end_with(make, end)).cancel)
        proxies = livekit_access.proxies()
        server, livekit = await _livekit(running)
        livekit_access.bypass_proxies(server.url)
        environment = dict(os.environ)
        if proxies and not livekit_access.proxies():
            place = ", ".join(proxies)
            _say(str(Service("proxy", "not used", place, "LiveKit is on this machine")))
        for service in (livekit, await _deepgram(running), await _llm(running, server)):
            _say(str(service))
            environment |= service.environment
        _say(str(Service("worker", "local", "agent.py", f"full log: {_WORKER_LOG}")))
        running.enter_context(connection.published(server))
        return await _work(environment)


def _end_on_signals() -> Callable[[], None]:
    """End all services on the first signal, and this process immediately on the second.

    Processes that still run then end with it: see `child`.

    Returns:
        The result of the first one.
    """
    loop, work = asyncio.get_running_loop(), asyncio.current_task()
    ending = False

    def end() -> None:
        nonlocal ending
        if work is None or ending:
            return
        ending = True
        for number in _ENDINGS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        work.cancel()
        _say("\nending all that was started")

    for number in _ENDINGS:
        loop.add_signal_handler(number, end)
    return end


async def _end_with(make: int, end: Callable[[], None]) -> None:
    await interrupted(make)
    end()


async def _livekit(running: contextlib.AsyncExitStack) -> tuple[Connection, Service]:
    if server := connection.from_environment():
        return server, Service("LiveKit", "real", server.url, "LIVEKIT_URL")
    local = await running.enter_async_context(LiveKitServer(log_file=_LIVEKIT_LOG, progress=_say))
    agent_name = os.environ.get("LIVEKIT_AGENT_NAME", "")
    server = replace(local.connection, agent_name=agent_name)
    because = f"no LIVEKIT_URL; log: {_LIVEKIT_LOG}"
    environment = {**server.environment(), **ANY_LOAD}
    return server, Service("LiveKit", "local", local.url, because, environment)


async def _deepgram(running: contextlib.AsyncExitStack) -> Service:
    if os.environ.get("DEEPGRAM_API_KEY"):
        place = os.environ.get("DEEPGRAM_BASE_URL") or "Deepgram's own"
        return Service("Deepgram", "real", place, "DEEPGRAM_API_KEY")
    local = await running.enter_async_context(Deepgram())
    environment = {"DEEPGRAM_API_KEY": "stand-in", "DEEPGRAM_BASE_URL": local.url}
    return Service("Deepgram", "stand-in", local.url, "no DEEPGRAM_API_KEY", environment)


async def _llm(running: contextlib.AsyncExitStack, server: Connection) -> Service:
    if url := os.environ.get("LIVEKIT_INFERENCE_URL"):
        return Service("LLM", "real", url, "LIVEKIT_INFERENCE_URL")
    if os.environ.get("LIVEKIT_INFERENCE_API_KEY"):
        return Service("LLM", "real", "LiveKit Inference", "LIVEKIT_INFERENCE_API_KEY")
    if (urlsplit(server.url).hostname or "").endswith(".livekit.cloud"):
        return Service("LLM", "real", "LiveKit Inference", "LIVEKIT_URL is LiveKit Cloud")
    local = await running.enter_async_context(Inference())
    because = "no LiveKit Cloud, no LIVEKIT_INFERENCE_URL or _API_KEY"
    return Service("LLM", "stand-in", local.url, because, {"LIVEKIT_INFERENCE_URL": local.url})


async def _work(environment: Mapping[str, str]) -> int:
    """Run the worker, and the page beside it once it can take calls; the worker's exit status."""
    ready = asyncio.Event()
    page = tuning_page(environment, _PAGE_LOG, after=ready, serves=_say_page, fails=_say_no_page)

    def can_be_called() -> None:
        _say("ready: try `make call PROFILE=patient` in another terminal; Ctrl-C ends all of this")
        ready.set()

    following: asyncio.Task[None] | None = None
    try:
        async with child(
            [sys.executable, "agent.py", "dev"],
            env={**environment, "PYTHONUNBUFFERED": "1"},
            output=asyncio.subprocess.PIPE,
        ) as worker:
            if worker.stdout:
                following = asyncio.create_task(follow(worker.stdout, _WORKER_LOG, can_be_called))
            async with page:  # it ends first, and prints nothing any more
                return await worker.wait()
    finally:
        if following:
            await following


def _say_page(address: str) -> None:
    _say(str(Service("page", "local", address, f"log: {_PAGE_LOG}")))
    _say("tune by ear: open the address of the page in a browser, and talk")


def _say_no_page(reason: str) -> None:
    _say(f"page      none      {reason}")


def _say(message: str) -> None:
    style = terminal.style(sys.stdout)
    lines = [style.wrapped(line, later="    ") for line in message.split("\n")]
    with contextlib.suppress(OSError):  # the terminal was closed
        print("\n".join(lines), flush=True)  # noqa: T201 (the terminal is what this is for)


if __name__ == "__main__":
    sys.exit(main())
