"""Turns of live calls: what the caller sent, and when the agent decided that the turn was over.

The sound that came decides, not the clock of the job: the end of each stretch of speech is looked
for in the sound that the agent got, and the decision is counted from when it came. What Opus,
WebRTC and the network take is not in it.
"""

import asyncio
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lab.fidelity import heard
from lab.fidelity.heard import Heard, Sound
from sandbox.caller import Caller, Dial, NotAnsweredError, Script, join
from sandbox.caller.sound import SAMPLE_RATE
from sandbox.polling import eventually
from sandbox.records import started_processes
from sandbox.worker import Worker, worker
from timing_profiles.catalog import catalog
from timing_profiles.profile import overlay
from timing_profiles.rehearsal import outcome
from timing_profiles.turns.fields import DETECTION, Values

TURNS = Script(
    "My number is [0.9] five five five."
    " | Our heating is broken. [0.6] It is very cold."
    " | Is the museum open?"
    " | I would like [0.5] a table for two."
    " | The address is [1.3] twelve main street."
    " | Where can I buy wine?"
    " | I lost my key. [1.0] Can you help me?"
    " | We arrive on [0.7] the second of [0.45] may."
)
"""Turns with and without pauses, after finished and unfinished sentences."""

MODES = ("turn_detector", "vad")
"""The ways to end a turn that need no words."""

AGENT = Path(__file__).with_name("listening_agent.py")
DEEPGRAM = 0.12
"""Seconds that the stand-in for Deepgram takes: less than any delay."""

_REPLY = "Yes."
_STALL = 0.04  # seconds by which the agent's process or its sound may be late
_SPOILED_AT_MOST = 8
_PATIENCE = 30.0  # seconds
_IDLE = 2  # processes that the worker keeps warm
_MUCH_EARLIER = 1.0  # seconds before a turn in which the agent must not decide

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """A profile with a way to end turns.

    Attributes:
        profile: The profile.
        mode: The way.
        values: Every field of the two together.
    """

    profile: str
    mode: str
    values: Values

    @property
    def name(self) -> str:
        """The name on the command line, and in the table."""
        return f"{self.profile}/{self.mode}"

    @property
    def asks_for(self) -> str:
        """The name of the two together, as a profile."""
        return f"{self.profile}--{self.mode}".replace("_", "-")


@dataclass(frozen=True, slots=True)
class LiveTurn:
    """A turn of a call.

    Attributes:
        heard: All sound that the agent got, up to the last sample of the turn.
        began: The first sample of the turn in it.
        decided: The agent's decision, in seconds from the first sample.
        probability: That of the turn detector before it; None where it was not asked.
    """

    heard: Sound
    began: int
    decided: float
    probability: float | None

    @property
    def sound(self) -> Sound:
        """The turn, as the agent got it."""
        return self.heard[self.began :]


@dataclass(slots=True)
class LiveCall:
    """The turns of a row.

    Attributes:
        row: The row.
        turns: Those that were measured.
        spoiled: Why each other one was not.
        error: Why the call ended early; empty where it did not.
    """

    row: Row
    turns: list[LiveTurn] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)
    error: str = ""


def plan(profiles: Path) -> list[Row]:
    """Return the rows of each profile that rehearsals know without words."""
    found = catalog.load(profiles)
    rows: list[Row] = []
    for name in found.names():
        profile = found.profile(name)
        for mode in MODES:
            values = dict(profile.values) if profile else {}
            overlay(values, {DETECTION: mode})
            if outcome.unknown(values) is None:
                rows.append(Row(name, mode, values))
    return rows


async def measure(
    rows: Sequence[Row],
    profiles: Path,
    folder: Path,
    *,
    turns: int,
    at_once: int,
    progress: Progress,
) -> list[LiveCall]:
    """Call a worker of its own under every row.

    Args:
        rows: What to call.
        profiles: The folder of the profiles that the rows are of.
        folder: For what belongs to the worker.
        turns: How many to measure of each row.
        at_once: How many calls may go on at the same time.
        progress: Gets a line for each row.

    Raises:
        LiveKitServerError: There is no LiveKit server, and none can be built.
    """
    source, recorded = folder / "source", folder / "heard"
    recorded.mkdir()
    _write(rows, profiles, source)
    calls: list[LiveCall] = []
    environment = {"HEARD_DIR": str(recorded)}
    async with worker(folder, agent=AGENT, profiles=source, env=environment) as running:
        running.deepgram.latency = DEEPGRAM
        running.llm.reply = _REPLY
        for first in range(0, len(rows), at_once):
            batch = rows[first : first + at_once]
            await _idle(running, first)
            asked = (_call(running, row, recorded, turns) for row in batch)
            for call in await asyncio.gather(*asked):
                calls.append(call)
                progress(f"{len(calls)} of {len(rows)}: {call.row.name} {call.error}".strip())
    return calls


def _write(rows: Sequence[Row], profiles: Path, folder: Path) -> None:
    """Copy a folder of profiles to a new one, and add a profile for each row."""
    shutil.copytree(profiles, folder)
    for row in rows:
        document = {"extends": row.profile, "turn_handling": {"turn_detection": row.mode}}
        (folder / f"{row.asks_for}.yaml").write_text(json.dumps(document), encoding="utf-8")


async def _idle(running: Worker, calls: int) -> None:
    """Wait until the worker has made the processes for the next calls; that keeps a core busy."""
    await eventually(
        lambda: len(started_processes(running)) >= calls + _IDLE,
        _PATIENCE,
        "processes for the next calls",
    )


async def _call(running: Worker, row: Row, folder: Path, count: int) -> LiveCall:
    """Say turns until enough are measured; repeat those that are spoiled."""
    call = LiveCall(row)
    dial = Dial(attributes={"timing.profile": row.asks_for}, patience=_PATIENCE)
    scripts = TURNS.turns()
    try:
        async with join(running.connection, dial) as caller:
            await caller.agent_listens()
            while len(call.turns) < count and len(call.spoiled) < _SPOILED_AT_MOST:
                script = scripts[(len(call.turns) + len(call.spoiled)) % len(scripts)]
                await _turn(caller, script, folder / caller.room.name, call)
    except (NotAnsweredError, TimeoutError) as error:
        call.error = str(error)
    if not call.error and len(call.turns) < count:
        call.error = f"{len(call.spoiled)} turns were spoiled; the last: {call.spoiled[-1]}"
    return call


async def _turn(
    caller: Caller, script: Sequence[bytes | float], file: Path, call: LiveCall
) -> None:
    before = len(caller.result(()).said.samples)
    turn = await caller.hear_out(await caller.say(script))
    said = np.frombuffer(bytes(caller.result(()).said.samples[before:]), dtype=np.int16)
    sound = np.trim_zeros(said)
    began = turn.parts[0].start + time.time() - time.monotonic()
    measured = _measured(sound, began, heard.read(file))
    (call.spoiled if isinstance(measured, str) else call.turns).append(measured)  # type: ignore[arg-type]


def _measured(sound: Sound, began: float, agent: Heard) -> LiveTurn | str:
    """Place the agent's decision on the time line of a sound; why not, where that is impossible.

    Args:
        sound: What the caller sent, from the first to the last sample that is not 0.
        began: When, in seconds since 1970.
        agent: What the agent got and did.
    """
    places = [*_placed(sound, began, agent)]
    if not places or None in places:
        return "the agent got another sound than was sent"
    ends = [place for place in places if place]
    first = agent.came_at(ends[0][1]) - ends[0][0] / SAMPLE_RATE
    decisions = [at for at, state in agent.states if state == "thinking"]
    decided = next((at for at in decisions if at > first), None)
    if decided is None:
        return "the agent decided nothing"
    before = [one for one in ends if agent.came_at(one[1]) < decided]
    if not before or any(first - _MUCH_EARLIER < at < first for at in decisions):
        return "the agent was still busy with the turn before"
    end, sample = before[-1]
    came = agent.came_at(sample)
    stall = agent.stall(came, decided)
    if stall > _STALL:
        return f"the agent was late by {stall:.2f} s"
    seen = [p for at, p in agent.predictions if came < at < decided]
    began = sample - end
    got = agent.sound[: began + len(sound)]
    decision = end / SAMPLE_RATE + decided - came
    return LiveTurn(got, began, decision, seen[-1] if seen else None)


def _placed(sound: Sound, began: float, agent: Heard) -> Iterator[tuple[int, int] | None]:
    """Yield the end of each stretch, in samples of the sound and of what the agent got."""
    for _, end in heard.stretches(sound):
        first, piece = heard.anchor(sound, end)
        found = agent.find(piece, began + first / SAMPLE_RATE)
        yield None if found is None else (end, found + len(piece))
