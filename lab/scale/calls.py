"""Calls through either node, and their outcomes."""

import contextlib
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from lab.scale.cluster import PROFILE, Cluster, Machine, Node, Taken
from sandbox.caller import Caller, Dial, NotAnsweredError, Script, join

_DIAL = Dial(metadata=f'{{"profile": "{PROFILE}"}}', patience=20.0)
_SENTENCE = Script("Yes please.")


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that was answered.

    Attributes:
        by_way_of: The node that the caller joined by.
        room_at: The node that had its room.
        agent: The agent's identity.
        taken: By which worker, and what its job took.
        reported: The revision that the agent reported to the room.
        began: When the caller began to join (`time.time()`).
        seconds: From then until the agent listened.
    """

    by_way_of: Node
    room_at: Node
    agent: str
    taken: Taken
    reported: str
    began: float
    seconds: float

    @property
    def machine(self) -> Machine:
        """Return the machine of its worker."""
        return self.taken.machine


@dataclass(frozen=True, slots=True)
class Line:
    """An answered call that goes on."""

    caller: Caller
    answered: Answered

    async def answers(self) -> bool:
        """Return whether the agent answers one more sentence."""
        (sentence,) = _SENTENCE.turns()
        try:
            turn = await self.caller.say(sentence)
        except NotAnsweredError:
            return False
        return turn.wait is not None


@contextlib.asynccontextmanager
async def line(cluster: Cluster, by_way_of: Node) -> AsyncGenerator[Line]:
    """Hold a call from when the agent listens until the block ends.

    Raises:
        NotAnsweredError: The caller cannot join, or no agent came.
    """
    began = time.time()
    async with join(by_way_of.connection, _DIAL) as caller:
        await caller.agent_listens()
        seconds, room = time.time() - began, caller.room.name
        answered = Answered(
            by_way_of=by_way_of,
            room_at=await cluster.node_of(room),
            agent=caller.agent.identity if caller.agent else "",
            taken=await cluster.took(room),
            reported=caller.result([]).revision,
            began=began,
            seconds=seconds,
        )
        yield Line(caller, answered)


async def call(cluster: Cluster, by_way_of: Node) -> Answered | str:
    """Make a call of one sentence; return the reason as a string where it was not answered."""
    try:
        async with line(cluster, by_way_of) as made:
            if await made.answers():
                return made.answered
            return f"{made.answered.machine.name} took the call, and did not answer"
    except NotAnsweredError as error:
        return str(error)
