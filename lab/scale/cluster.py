"""Two LiveKit nodes that share a Redis, and machines with a worker each."""

import asyncio
import contextlib
import os
import re
import signal
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.scale.redis_server import Redis, redis_server
from sandbox.connection import Connection
from sandbox.deepgram import Deepgram
from sandbox.deliveries import ConfigMap
from sandbox.inference import Inference
from sandbox.livekit_binary import Progress
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually
from sandbox.records import records
from sandbox.worker import ROOT, Services, Worker, worker
from timing_profiles.catalog import catalog

PROFILE = "scale"
"""The profile that callers ask for, and that every change edits."""

_AGENT = Path(__file__).with_name("counting_agent.py")
_REGISTERED = "registered worker"
_REGISTERS_WITHIN = 60.0  # seconds; the SDK tries every 10 s at the longest
_PUBLISHES_WITHIN = 20.0  # seconds; four times what a worker takes that gets no events
_REVISION = re.compile(r"profiles (?:active, revision|changed, revision \w+ ->) (\w+)")
_NODE_ID = re.compile(r'"nodeID": ?"(\w+)"')


@dataclass(frozen=True, slots=True)
class Node:
    """One of the LiveKit servers.

    Attributes:
        name: A letter.
        server: The process.
        log_file: What it prints.
    """

    name: str
    server: LiveKitServer
    log_file: Path

    @property
    def connection(self) -> Connection:
        """Return the connection for callers of this node."""
        return self.server.connection

    @property
    def id(self) -> str:
        """Return its id in Redis, a new one after each start."""
        found = _NODE_ID.search(self.log_file.read_text(encoding="utf-8", errors="replace"))
        return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Active:
    """A revision at one machine, in seconds of `time.time()`.

    Attributes:
        revision: Which one.
        since: When its files were swapped in; no call can have had it before.
        published: When the worker logged that it had published it.
    """

    revision: str
    since: float
    published: float

    @property
    def seconds(self) -> float:
        """Return the seconds from the swap until it was published."""
        return self.published - self.since


@dataclass(frozen=True, slots=True)
class Taken:
    """The log of a job about the settings of its call."""

    machine: "Machine"
    revision: str
    at: float


@dataclass(slots=True)
class Machine:
    """A machine with a worker, and its own copy of the profiles.

    Attributes:
        number: From 1.
        node: Where its worker is registered.
        profiles: The folder.
        services: The services of the worker.
        swaps: When each revision was swapped in, oldest first.
    """

    number: int
    node: Node
    profiles: ConfigMap
    services: Services
    swaps: list[tuple[str, float]] = field(default_factory=list)
    _worker: Worker | None = None
    _running: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    @property
    def name(self) -> str:
        """Return the name for tables."""
        return f"worker {self.number}"

    @property
    def worker(self) -> Worker:
        """Return the running worker."""
        if self._worker is None:
            raise LookupError(f"{self.name} does not run")
        return self._worker

    @property
    def runs(self) -> bool:
        """Return whether it has a worker."""
        return self._worker is not None

    async def start(self) -> None:
        """Start its worker; returns when it has registered."""
        folder = self.profiles.folder.parent / f"start-{time.monotonic_ns()}"
        folder.mkdir()
        env = {"PROFILES_DIR": str(self.profiles.folder), "TMPDIR": str(folder)}
        starting = worker(folder, agent=_AGENT, among=self.services, env=env)
        self._worker = await self._running.enter_async_context(starting)

    async def kill(self) -> None:
        """End all of its processes at once, as when a container or the machine itself ends."""
        os.killpg(self.worker.process.pid, signal.SIGKILL)
        self._worker = None
        await self.aclose()

    async def aclose(self) -> None:
        """End its worker."""
        await self._running.aclose()

    def swap(self, revision: str, files: Mapping[str, bytes]) -> None:
        """Replace the files by one swap."""
        self.swaps.append((revision, time.time()))
        self.profiles.update(files)

    @property
    def serves(self) -> str:
        """Return the active revision of its worker."""
        return self.history()[-1].revision

    async def published(self, revision: str) -> None:
        """Wait until a revision is active in its worker."""
        what = f"revision {revision} active at {self.name}"
        await eventually(lambda: self.serves == revision, _PUBLISHES_WITHIN, what)

    def registrations(self) -> int:
        """Return how often its worker has registered."""
        return self.worker.log.count(f'"{_REGISTERED}"')

    async def registered(self, times: int) -> None:
        """Wait until its worker has registered so often."""
        await eventually(lambda: self.registrations() >= times, _REGISTERS_WITHIN, _REGISTERED)

    def history(self) -> list[Active]:
        """Return every active revision of its worker since the start, oldest first."""
        said = {_REVISION.findall(one["message"])[0]: _seconds(one) for one in self._publications()}
        return [
            Active(revision, since, said[revision])
            for revision, since in self.swaps
            if revision in said
        ]

    def _publications(self) -> list[dict[str, Any]]:
        return [
            record
            for record in records(self.worker)
            if record["name"] == "timing_profiles" and _REVISION.search(record["message"])
        ]

    def took(self, room: str) -> Taken | None:
        """What a job of its worker took for the call in a room."""
        for record in records(self.worker, "call with profile") if self.runs else ():
            if record.get("room") == room:
                return Taken(self, record["timing_revision"], _seconds(record))
        return None


class Cluster:
    """Nodes, machines and Redis.

    Attributes:
        nodes: The LiveKit servers.
        machines: With their workers.
        revision: The revision that was distributed last.
    """

    def __init__(self, folder: Path, nodes: Sequence[Node], redis: Redis) -> None:
        self.nodes = nodes
        self.machines: list[Machine] = []
        self.revision = ""
        self._redis = redis
        self._source = ConfigMap(folder / "source")
        self._edits = 0

    async def distribute(self, apart: float) -> None:
        """Deliver another revision to one machine after the other, at an interval."""
        files = self._edited()
        for machine in self.machines:
            machine.swap(self.revision, files)
            await asyncio.sleep(apart)

    async def settled(self) -> None:
        """Wait until every worker has published what was distributed last.

        Raises:
            TimeoutError: One has not, for so long that it never will.
        """
        for machine in self.machines:
            await machine.published(self.revision)

    async def took(self, room: str) -> Taken:
        """Which worker has the call in a room, and what it took."""
        return await eventually(lambda: self._taken(room), 10, f"a worker that has {room}")

    async def node_of(self, room: str) -> Node:
        """Return the node of a room.

        Raises:
            LookupError: None has it.
        """
        has = await self._redis.node_of(room)
        for node in self.nodes:
            if node.id == has:
                return node
        raise LookupError(f"no running node has {room}: {has or 'none'}")

    def _taken(self, room: str) -> Taken | None:
        return next(filter(None, (machine.took(room) for machine in self.machines)), None)

    def _edited(self) -> dict[str, bytes]:
        self._edits += 1
        starters = {file.name: file.read_bytes() for file in (ROOT / "profiles").glob("*.yaml")}
        files = {**starters, f"{PROFILE}.yaml": _text(self._edits).encode()}
        self._source.update(files)
        self.revision = catalog.load(self._source.folder).revision
        return files


@contextlib.asynccontextmanager
async def cluster(folder: Path, workers: int, progress: Progress) -> AsyncGenerator[Cluster]:
    """Run two nodes, and so many workers, by turns at the one and at the other.

    Raises:
        LiveKitServerError: There is no LiveKit server, and none can be built.
        RedisMissingError: There is no Redis.
    """
    async with (
        redis_server(folder) as redis,
        _nodes(folder, redis, progress) as nodes,
        Deepgram() as deepgram,
        Inference() as llm,
        contextlib.AsyncExitStack() as running,
    ):
        llm.reply = "Good."
        made = Cluster(folder, nodes, redis)
        for number in range(1, workers + 1):
            node = nodes[(number - 1) % len(nodes)]
            profiles = ConfigMap(folder / f"machine-{number}" / "profiles")
            among = Services(node.server, deepgram, llm)
            made.machines.append(Machine(number, node, profiles, among))
        await made.distribute(apart=0.0)
        for machine in made.machines:
            running.push_async_callback(machine.aclose)
            await machine.start()
        yield made


@contextlib.asynccontextmanager
async def _nodes(folder: Path, redis: Redis, progress: Progress) -> AsyncGenerator[list[Node]]:
    async with contextlib.AsyncExitStack() as running:
        nodes: list[Node] = []
        for name in "AB":
            log_file = folder / f"node-{name}.log"
            server = LiveKitServer(log_file=log_file, progress=progress, redis=redis.address)
            if nodes:
                server.api_key, server.api_secret = _key(nodes[0])
            await running.enter_async_context(server)
            nodes.append(Node(name, server, log_file))
        yield nodes


def _key(node: Node) -> tuple[str, str]:
    return node.server.api_key, node.server.api_secret


def _seconds(record: Mapping[str, Any]) -> float:
    return datetime.fromisoformat(record["timestamp"]).timestamp()


def _text(number: int) -> str:
    """Return another text each time; callers notice no difference."""
    return f"""\
turn_handling:
  turn_detection: vad
  endpointing: {{min_delay: 0.3, max_delay: 3.0}}
session: {{user_away_timeout: {15 + number}}}
"""
