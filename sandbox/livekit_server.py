"""A real LiveKit server on this machine, for `make dev` and the tests."""

import asyncio
import contextlib
import json
import secrets
import signal
import socket
import tempfile
from pathlib import Path
from types import TracebackType

import aiohttp
from async_timeout import timeout
from typing_extensions import Self

from sandbox.child import child
from sandbox.connection import Connection
from sandbox.livekit_binary import LiveKitServerError, Progress, ensure_binary, silent
from timing_profiles.tuner import livekit_access

_START_LIMIT = 20.0  # seconds until it has to answer; it takes about 0.2
_STARTS = 3  # another process can take a free port before the server binds it


class LiveKitServer:
    """`async with LiveKitServer() as server`: a server of its own, on free ports of 127.0.0.1.

    It ends with the block, and with this process, also when that is killed. It reads nothing from
    the network and keeps nothing. Proxies are removed from the environment of this process.
    `aclose()` kills it inside the block, too, and `start()` brings it back on the same ports, with
    the same key.

    Attributes:
        url: where it listens, as in LIVEKIT_URL.
        api_key: random for each start.
        api_secret: its secret.
        binary: the program that runs.
    """

    def __init__(
        self, *, log_file: Path | None = None, progress: Progress = silent, redis: str = ""
    ) -> None:
        """Nothing runs yet.

        Args:
            log_file: where the server's own log goes; by default it is dropped at the end.
            progress: gets a line now and then while the server has to be built first.
            redis: host and port of a Redis. Servers that share it, and the key, are nodes of one
                LiveKit; by default it is one by itself.
        """
        self.api_key = f"API{secrets.token_hex(6)}"
        self.api_secret = secrets.token_urlsafe(32)
        self.url = ""
        self.binary = Path()
        self._log_file = log_file
        self._progress = progress
        self._redis = redis
        self._ports: tuple[int, int] | None = None
        self._running = contextlib.AsyncExitStack()

    @property
    def connection(self) -> Connection:
        """Return the connection for workers and callers."""
        return Connection(self.url, self.api_key, self.api_secret)

    async def __aenter__(self) -> Self:
        """Start it."""
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the server."""
        await self.aclose()

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            LiveKitServerError: there is none and none can be built, or it does not start.
        """
        self.binary = await ensure_binary(self._progress)
        for _ in range(_STARTS - 1):
            with contextlib.suppress(_PortTakenError):
                return await self._start()
        return await self._start()

    async def aclose(self) -> None:
        """Kill the server."""
        await self._running.aclose()

    async def _start(self) -> None:
        port, media_port = self._ports or _free_ports()
        async with contextlib.AsyncExitStack() as running:
            log_file = self._log_file or _temporary_file(running)
            process = await running.enter_async_context(
                child(
                    [str(self.binary)],
                    # Nothing else: the server reads its options from many variables.
                    env={"LIVEKIT_CONFIG": self._config(port, media_port)},
                    output=running.enter_context(log_file.open("wb")),
                    # SIGTERM waits for the last participant, and is lost in the first 0.1 s.
                    stop_signal=signal.SIGKILL,
                )
            )
            if not await _answers(process, port):
                raise _not_started(self.binary, log_file)
            self._running = running.pop_all()
        self._ports = port, media_port
        self.url = f"ws://127.0.0.1:{port}"
        livekit_access.bypass_proxies(self.url)

    def _config(self, port: int, media_port: int) -> str:
        return json.dumps(
            {
                "port": port,
                "bind_addresses": ["127.0.0.1"],
                "keys": {self.api_key: self.api_secret},
                "redis": {"address": self._redis},
                "rtc": {
                    "node_ip": "127.0.0.1",
                    "enable_loopback_candidate": True,
                    "ips": {"includes": ["127.0.0.1/32"]},
                    "udp_port": media_port,
                    "tcp_port": 0,  # it would listen on every address of the machine
                    "stun_servers": ["127.0.0.1:9"],  # unused; the default is on the internet
                },
                # Above this load of a worker (by default 0.7) the server leaves a call unanswered
                # for good. Here it is answered on a busy machine too.
                "agents": {"target_load": 100},
            }
        )


class _PortTakenError(LiveKitServerError):
    pass


def _free_ports() -> tuple[int, int]:
    return _free_port(socket.SOCK_STREAM), _free_port(socket.SOCK_DGRAM)


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _temporary_file(resources: contextlib.ExitStack | contextlib.AsyncExitStack) -> Path:
    folder = resources.enter_context(tempfile.TemporaryDirectory(prefix="livekit-server-"))
    return Path(folder) / "livekit-server.log"


async def _answers(process: asyncio.subprocess.Process, port: int) -> bool:
    """Wait until the server answers; False when it ends first, or takes too long."""
    with contextlib.suppress(asyncio.TimeoutError):
        async with timeout(_START_LIMIT), aiohttp.ClientSession() as http:
            while process.returncode is None:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"http://127.0.0.1:{port}") as response:
                        if response.ok:
                            return True
                await asyncio.sleep(0.05)
    return False


def _not_started(binary: Path, log_file: Path) -> LiveKitServerError:
    log = log_file.read_text(errors="replace").splitlines()
    kind = _PortTakenError if "address already in use" in "".join(log) else LiveKitServerError
    return kind("\n".join([f"{binary} did not start. Its last lines:", *log[-10:]]))
