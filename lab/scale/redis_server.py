"""A real Redis on this machine, which connects LiveKit nodes."""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from sandbox.child import child
from sandbox.polling import eventually
from sandbox.scrape import free_port

_START_LIMIT = 20.0  # seconds


class RedisMissingError(Exception):
    """Redis is missing or does not start; the text is one line for people."""


@dataclass(frozen=True, slots=True)
class Redis:
    """A running server.

    Attributes:
        port: Of 127.0.0.1.
    """

    port: int

    @property
    def address(self) -> str:
        """Return the address for LiveKit's configuration."""
        return f"127.0.0.1:{self.port}"

    async def node_of(self, room: str) -> str:
        """The id of the LiveKit node that has a room; empty where none has."""
        # The key is LiveKit's: pkg/routing/redisrouter.go.
        _, *value = (await self._ask(f"HGET room_node_map {room}", lines=2)).split()
        return value[0] if value else ""

    async def answers(self) -> bool:
        """Return whether it accepts commands."""
        try:
            return await self._ask("PING", lines=1) == "+PONG\r\n"
        except OSError:
            return False

    async def _ask(self, command: str, *, lines: int) -> str:
        """Return the reply to an inline command; `$-1`, for nothing, is one line."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"{command}\r\n".encode())
            said = await reader.readline()
            if lines > 1 and said != b"$-1\r\n":
                said += await reader.readline()
            return said.decode()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def redis_server(folder: Path) -> AsyncGenerator[Redis]:
    """Run one that keeps nothing, on a free port, until the block ends.

    Raises:
        RedisMissingError: It is not on PATH, or does not start.
    """
    binary, redis, log_file = _binary(), Redis(free_port()), folder / "redis.log"
    options = {"--port": redis.port, "--bind": "127.0.0.1", "--save": "", "--dir": folder}
    words = [str(word) for option in options.items() for word in option]
    env = {"PATH": os.environ["PATH"]}
    with log_file.open("wb") as output:
        async with child([binary, *words], env=env, output=output) as process:
            try:
                await eventually(lambda: _started(redis, process), _START_LIMIT, "a PONG")
            except (TimeoutError, ProcessLookupError):
                reason = f"{binary} did not start: {log_file.read_text()}"
                raise RedisMissingError(reason) from None
            yield redis


async def _started(redis: Redis, process: asyncio.subprocess.Process) -> bool:
    if process.returncode is not None:
        raise ProcessLookupError
    return await redis.answers()


def _binary() -> str:
    if found := shutil.which("redis-server"):
        return found
    raise RedisMissingError(
        "redis-server is not on PATH: install it (Debian: apt-get install redis-server)"
    )
