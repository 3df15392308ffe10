"""The scenario: its steps, and its observations."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from livekit import rtc

from lab.scale.calls import Answered, Line, call, line
from lab.scale.cluster import Active, Cluster, Machine, Node, cluster
from sandbox.livekit_binary import Progress

APART = 1.5
"""Seconds from one machine's swap to the next one's; kubelets are up to a minute apart."""

LOOKED_AT = 30.0
"""Seconds for which a disturbed call is looked at; LiveKit gives a client about 20 to come back."""

_NEXT = 4  # calls after a death
_HELD = 4  # calls that go on when somebody dies
_TRIES = 12

Outcome = Answered | str


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of the run.

    Attributes:
        workers: How many, by turns at the one node and at the other.
        calls: How many while all is well; some more follow when not.
        at_once: How many of them.
        changes: How often another revision is distributed in these calls.
    """

    workers: int
    calls: int
    at_once: int
    changes: int = 4


@dataclass(frozen=True, slots=True)
class Disturbed:
    """A running call at the time of a kill.

    Attributes:
        answered: The call.
        back: Seconds from then until its agent answered again; None where it did not, or answered
            nothing more when it had been looked at for so long.
        agent_left: Seconds until its agent had left the room; None where it stayed.
        agents: How many are in the room in the end.
    """

    answered: Answered
    back: float | None
    agent_left: float | None
    agents: int


@dataclass(frozen=True, slots=True)
class WorkerDeath:
    """A worker was killed.

    Attributes:
        name: Which.
        own: What became of its calls.
        others: And of those of other workers.
        following: The calls that came next.
        again: Seconds until it had registered when it was started again.
        revision: The revision that was then active.
        distributed: What had been distributed meanwhile.
    """

    name: str
    own: tuple[Disturbed, ...]
    others: tuple[Disturbed, ...]
    following: tuple[Outcome, ...]
    again: float
    revision: str
    distributed: str


@dataclass(frozen=True, slots=True)
class NodeDeath:
    """A node was killed.

    Attributes:
        name: Which.
        rooms: What became of the calls whose room it had.
        ways: And of those whose caller or worker was connected by way of it.
        others: And of all others.
        following: The calls that came next, by way of the other node.
        published: Seconds that every worker took for a change meanwhile.
        again: Seconds until all of its workers had registered when it was started again.
        both: The calls after that, by way of both.
    """

    name: str
    rooms: tuple[Disturbed, ...]
    ways: tuple[Disturbed, ...]
    others: tuple[Disturbed, ...]
    following: tuple[Outcome, ...]
    published: tuple[float, ...]
    again: float
    both: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """All observations.

    Attributes:
        plan: What was to be done.
        machines: Every machine: its name, and that of its worker's node.
        calls: While all was well.
        histories: By machine's name: the active revisions.
        worker: A worker's death.
        node: A node's death.
    """

    plan: Plan
    machines: dict[str, str]
    calls: tuple[Outcome, ...]
    histories: dict[str, list[Active]]
    worker: WorkerDeath
    node: NodeDeath


async def run(plan: Plan, folder: Path, progress: Progress) -> Found:
    """Run the scenario.

    Args:
        plan: How much.
        folder: For what belongs to it.
        progress: Gets a line now and then.

    Raises:
        LiveKitServerError: There is no LiveKit server, and none can be built.
        RedisMissingError: There is no Redis.
        NotAnsweredError: A call that was to be held was not answered.
        TimeoutError: A worker did not do what it must, for very long.
    """
    progress(f"starting two nodes and {plan.workers} workers")
    async with cluster(folder, plan.workers, progress) as running:
        calls = tuple(await _calls(running, plan, progress))
        histories = {machine.name: machine.history() for machine in running.machines}
        worker = await _kill_worker(running, progress)
        node = await _kill_node(running, running.nodes[0], progress)
        nodes = {machine.name: machine.node.name for machine in running.machines}
    return Found(plan, nodes, calls, histories, worker, node)


async def _calls(cluster: Cluster, plan: Plan, progress: Progress) -> list[Outcome]:
    """Calls in rounds; with each but the first a change is distributed."""
    outcomes: list[Outcome] = []
    rounds = plan.changes + 1
    for number in range(rounds):
        numbers = iter(range(number, plan.calls, rounds))
        lines = [_line(cluster, numbers, outcomes) for _ in range(plan.at_once)]
        await asyncio.gather(*lines, *([cluster.distribute(APART)] if number else []))
        await cluster.settled()
        progress(f"{len(outcomes)} of {plan.calls} calls, {number} changes")
    return outcomes


async def _line(cluster: Cluster, numbers: Iterator[int], outcomes: list[Outcome]) -> None:
    for number in numbers:
        outcome = await call(cluster, cluster.nodes[number % 2])
        outcomes.append(outcome)


async def _kill_worker(cluster: Cluster, progress: Progress) -> WorkerDeath:
    def whose(call: Answered) -> str:
        return call.machine.name

    async with _held(cluster, cluster.nodes, whose, kinds=2) as lines:
        victim = lines[0].answered.machine
        progress(f"killing {victim.name}, which has some of {len(lines)} calls")
        await victim.kill()
        disturbed, following = await _aftermath(cluster, lines, cluster.nodes)
    await cluster.distribute(0.0)
    started = time.monotonic()
    await victim.start()
    again = time.monotonic() - started
    return WorkerDeath(
        name=victim.name,
        own=tuple(one for one in disturbed if whose(one.answered) == victim.name),
        others=tuple(one for one in disturbed if whose(one.answered) != victim.name),
        following=following,
        again=again,
        revision=victim.serves,
        distributed=cluster.revision,
    )


async def _kill_node(cluster: Cluster, victim: Node, progress: Progress) -> NodeDeath:
    def through(call: Answered) -> str:
        if call.room_at is victim:
            return "room"
        return "way" if victim in (call.by_way_of, call.machine.node) else "other"

    others = [node for node in cluster.nodes if node is not victim]
    async with _held(cluster, others, through, kinds=3) as lines:
        progress(f"killing node {victim.name} in the midst of {len(lines)} calls")
        await victim.server.aclose()
        disturbed, following = await _aftermath(cluster, lines, others)
    await cluster.distribute(0.0)
    await cluster.settled()
    published = tuple(machine.history()[-1].seconds for machine in cluster.machines)
    progress(f"starting node {victim.name} again")
    again = await _again(cluster.machines, victim)
    both = await _next(cluster, cluster.nodes)
    return NodeDeath(
        name=victim.name,
        rooms=tuple(one for one in disturbed if through(one.answered) == "room"),
        ways=tuple(one for one in disturbed if through(one.answered) == "way"),
        others=tuple(one for one in disturbed if through(one.answered) == "other"),
        following=following,
        published=published,
        again=again,
        both=both,
    )


@contextlib.asynccontextmanager
async def _held(
    cluster: Cluster, nodes: Sequence[Node], kind: Callable[[Answered], str], *, kinds: int
) -> AsyncGenerator[list[Line]]:
    """Calls by way of both nodes that go on until the block ends.

    Where they are not of so many kinds, more are made by way of `nodes`, and kept if they are of
    another one: where a call goes is LiveKit's choice.
    """
    async with contextlib.AsyncExitStack() as going_on:
        lines: list[Line] = []
        for number in range(_HELD):
            making = line(cluster, cluster.nodes[number % 2])
            lines.append(await going_on.enter_async_context(making))
        for number in range(_TRIES):
            seen = {kind(one.answered) for one in lines}
            if len(seen) >= kinds:
                break
            async with contextlib.AsyncExitStack() as trying:
                making = line(cluster, nodes[number % len(nodes)])
                one = await trying.enter_async_context(making)
                if kind(one.answered) not in seen:
                    lines.append(one)
                    going_on.push_async_exit(trying.pop_all())
        yield lines


async def _aftermath(
    cluster: Cluster, lines: Sequence[Line], nodes: Sequence[Node]
) -> tuple[tuple[Disturbed, ...], tuple[Outcome, ...]]:
    """Observe the running calls, and the next ones."""
    died = time.monotonic()
    speaking = asyncio.gather(*(_disturbed(line, died) for line in lines))
    following = await _next(cluster, nodes)
    return tuple(await speaking), following


async def _disturbed(line: Line, died: float) -> Disturbed:
    back, agent_left = await asyncio.gather(_back(line, died), _agent_left(line, died))
    goes_on = back is not None and await line.answers()
    agents = len(_agents(line.caller.room))
    return Disturbed(line.answered, back if goes_on else None, agent_left, agents)


async def _back(line: Line, died: float) -> float | None:
    """Speak until the agent answers."""
    while line.caller.room.isconnected() and time.monotonic() < died + LOOKED_AT:
        if await line.answers():
            return time.monotonic() - died
    return None


async def _agent_left(line: Line, died: float) -> float | None:
    while line.caller.room.isconnected() and time.monotonic() < died + LOOKED_AT:
        if line.answered.agent not in _agents(line.caller.room):
            return time.monotonic() - died
        await asyncio.sleep(0.05)
    return None


def _agents(room: rtc.Room) -> set[str]:
    """Return the agents in a room, by identity."""
    agent = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
    return {one.identity for one in room.remote_participants.values() if one.kind == agent}


async def _next(cluster: Cluster, nodes: Sequence[Node]) -> tuple[Outcome, ...]:
    """Make a few calls, one after the other."""
    made = [await call(cluster, nodes[number % len(nodes)]) for number in range(_NEXT)]
    return tuple(made)


async def _again(machines: Sequence[Machine], node: Node) -> float:
    """Start a node; returns the seconds until its workers have registered."""
    those = [(machine, machine.registrations()) for machine in machines if machine.node is node]
    started = time.monotonic()
    await node.server.start()
    for machine, before in those:
        await machine.registered(before + 1)
    return time.monotonic() - started
