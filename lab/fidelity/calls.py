"""Calls of a real worker, a few at once, and only while nothing else keeps it busy."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from livekit.agents.voice.remote_session import RemoteSession

from lab.fidelity.prediction import DEEPGRAM
from lab.fidelity.rows import Row, write
from lab.fidelity.turn import SpoiledTurnError, Told, Turn, turn
from sandbox.caller import Caller, Dial, NotAnsweredError, Script, join
from sandbox.deepgram import Request
from sandbox.polling import eventually
from sandbox.records import started_processes
from sandbox.worker import WARM_AGENT, Worker, worker

SENTENCES = Script(
    "Our heating is broken. | Is the museum open. | Where can I buy wine. | I lost my key."
    " | When will you be there."
)
"""Short, and without a pause inside that ends speech for anybody.

The VAD sees their ends 0.09 to 0.10 s late, as `wait.VAD_LAG` has it; of 80 sentences in this voice
half were below 0.05. Opus takes some of it away.
"""

_REPLY = "Yes."
_IDLE = 2  # processes that the worker keeps warm
_SPOILED_AT_MOST = 2
PATIENCE = 30.0  # seconds

Result = TypeVar("Result")
Progress = Callable[[str], None]


class NotMeasuredError(Exception):
    """A row without turns to measure; the text is one line for people."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A row, and its turns; `error` says why there are none."""

    row: Row
    turns: tuple[Turn, ...]
    error: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A call that goes on.

    Attributes:
        row: What it was called with.
        caller: The caller.
        request: Deepgram's side of it.
    """

    row: Row
    caller: Caller
    request: Request


@dataclass(frozen=True, slots=True)
class Use(Generic[Result]):
    """The use of calls.

    Attributes:
        call: Measures a call that the agent has answered.
        failed: Returns the result of a row whose call was not answered, with the reason.
        agent: The program of the worker.
        environment: More of its environment.
    """

    call: Callable[[Line], Awaitable[Result]]
    failed: Callable[[Row, str], Result]
    agent: Path = WARM_AGENT
    environment: Mapping[str, str] = field(default_factory=dict)


async def measure(
    rows: Sequence[Row],
    profiles: Path,
    folder: Path,
    *,
    turns: int,
    at_once: int,
    progress: Progress,
) -> list[Measured]:
    """Measure turns of every row; see `each` for the other arguments.

    Args:
        rows: What to call.
        profiles: The folder of the profiles that the rows are of.
        folder: For what belongs to the worker.
        turns: How many to measure of each row.
        at_once: How many calls may go on at the same time.
        progress: Gets a line for each row.
    """

    async def call(line: Line) -> Measured:
        return await _measured(line, turns)

    use = Use(call, lambda row, error: Measured(row, (), error))
    return await each(rows, profiles, folder, use, at_once=at_once, progress=progress)


async def each(
    rows: Sequence[Row],
    profiles: Path,
    folder: Path,
    use: Use[Result],
    *,
    at_once: int,
    progress: Progress,
) -> list[Result]:
    """Call a worker of its own under every row.

    Args:
        rows: What to call.
        profiles: The folder of the profiles that the rows are of.
        folder: For what belongs to the worker.
        use: The use of each call.
        at_once: How many calls may go on at the same time.
        progress: Gets a line for each row.

    Returns:
        The results in the order of the rows.

    Raises:
        LiveKitServerError: There is no LiveKit server, and none can be built.
    """
    source = folder / "source"
    write(rows, profiles, source)
    found: dict[str, Result] = {}
    # Neighbours take about as long, so that none of a batch waits for another one.
    by_length = sorted(rows, key=lambda row: row.shortest)
    started = worker(folder, agent=use.agent, profiles=source, env=use.environment)
    async with started as running:
        running.deepgram.latency = DEEPGRAM
        running.llm.reply = _REPLY
        for first in range(0, len(rows), at_once):
            batch = by_length[first : first + at_once]
            results = await _batch(running, batch, first + len(batch), use)
            for row, result in zip(batch, results, strict=True):
                found[row.name] = result
                error = getattr(result, "error", "")
                progress(f"{len(found)} of {len(rows)}: {row.name} {error}".strip())
    return [found[row.name] for row in rows]


async def _batch(
    running: Worker, rows: Sequence[Row], calls: int, use: Use[Result]
) -> Sequence[Result]:
    """Measure a few rows at once; `calls` is how many the worker will have had."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            # One after the other: each takes the request at Deepgram that has come last.
            lines = [await stack.enter_async_context(_answered(running, row)) for row in rows]
            await _idle(running, calls)
        except (NotAnsweredError, NotMeasuredError, TimeoutError) as error:
            return [use.failed(row, str(error)) for row in rows]
        return await asyncio.gather(*(use.call(line) for line in lines))


@contextlib.asynccontextmanager
async def _answered(running: Worker, row: Row) -> AsyncGenerator[Line]:
    """A call of a row that the agent has answered; it ends with the block."""
    before = len(running.deepgram.requests)
    dial = Dial(attributes={"timing.profile": row.asks_for}, patience=PATIENCE)
    async with join(running.connection, dial) as caller:
        await caller.agent_listens()
        requests = running.deepgram.requests[before:]
        listening = [request for request in requests if request.path.endswith("/listen")]
        if not (caller.agent and listening):
            raise NotMeasuredError("the agent left, or does not listen")
        yield Line(row, caller, listening[-1])


async def _idle(running: Worker, calls: int) -> None:
    """Wait until the worker has made the processes for the next calls; that keeps a core busy."""
    await eventually(
        lambda: len(started_processes(running)) >= calls + _IDLE,
        PATIENCE,
        "processes for the next calls",
    )


async def _measured(line: Line, count: int) -> Measured:
    """Measure turns of one call; repeat a few that are spoiled."""
    told = Told()
    agent = line.caller.agent
    session = RemoteSession.from_room(line.caller.room, agent.identity if agent else "")
    told.listen(session)
    await session.start()
    turns: list[Turn] = []
    spoiled = 0
    sentences = SENTENCES.turns()
    try:
        while len(turns) < count:
            sentence = sentences[(len(turns) + spoiled) % len(sentences)]
            try:
                turns.append(await _turn(line, told, sentence))
            except (NotAnsweredError, NotMeasuredError, TimeoutError) as error:
                return Measured(line.row, (), str(error))
            except SpoiledTurnError as error:
                spoiled += 1
                if spoiled > _SPOILED_AT_MOST:
                    reason = f"{spoiled} turns were spoiled; the last: {error}"
                    return Measured(line.row, (), reason)
    finally:
        await session.aclose()
    return Measured(line.row, tuple(turns))


async def _turn(line: Line, told: Told, sentence: Sequence[bytes | float]) -> Turn:
    told.clear()
    before = len(line.request.messages)
    spoken = await line.caller.say(sentence)
    await eventually(lambda: told.agent, PATIENCE, "the agent's report of its answer")
    return turn(spoken, told, line.request, before)
