"""Turns of live calls: what the caller sent, and when the agent decided that the turn was over.

The sound that came decides, not the clock of the job: the end of each stretch of speech is looked
for in the sound that the agent got, and the decision is counted from when it came. What Opus,
WebRTC and the network take is not in it.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lab.fidelity import calls, heard
from lab.fidelity.calls import Line, Progress, Use
from lab.fidelity.heard import Heard, Sound
from lab.fidelity.prediction import DEEPGRAM
from lab.fidelity.rows import Row
from sandbox.caller import NotAnsweredError, Script
from sandbox.caller.sound import SAMPLE_RATE
from sandbox.deepgram import Message
from timing_profiles.rehearsal.replay import STT_DELAY
from timing_profiles.turns.fields import DETECTION, NOVA_ENDPOINTING

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

AGENT = Path(__file__).with_name("listening_agent.py")

_STALL = 0.04  # seconds by which the agent's process or its sound may be late
_WORDS_LATE = 0.2  # seconds that words may take beyond the stand-in's own
_SPOILED_AT_MOST = 16
_MUCH_EARLIER = 1.0  # seconds before a turn in which the agent must not decide


@dataclass(frozen=True, slots=True)
class LiveTurn:
    """A turn of a call.

    Attributes:
        heard: All sound that the agent got, up to the answer to the turn.
        began: The first sample of the turn in it.
        ended: The sample after its last one.
        decided: The agent's decision, in seconds from the first sample.
        probability: That of the turn detector before it; None where it was not asked.
    """

    heard: Sound
    began: int
    ended: int
    decided: float
    probability: float | None

    @property
    def sound(self) -> Sound:
        """The turn, as the agent got it."""
        return self.heard[self.began : self.ended]

    @property
    def line(self) -> Sound:
        """What the agent got after it."""
        return self.heard[self.ended :]


@dataclass(slots=True)
class LiveCall:
    """The turns of a row.

    Attributes:
        row: The row.
        turns: Those that were measured.
        spoiled: Why each other one was not.
        messages: What Deepgram sent; its times count from the first sample that the agent got.
        stt_delay: The median of the seconds from the sound of its final words until they were sent.
        error: Why the call ended early; empty where it did not.
    """

    row: Row
    turns: list[LiveTurn] = field(default_factory=list)
    spoiled: list[str] = field(default_factory=list)
    messages: Sequence[Message] = ()
    stt_delay: float = STT_DELAY
    error: str = ""


async def measure(
    rows: Sequence[Row],
    profiles: Path,
    folder: Path,
    *,
    turns: int,
    at_once: int,
    progress: Progress,
) -> list[LiveCall]:
    """Measure turns of every row; see `calls.measure` for the arguments."""
    recorded = folder / "heard"
    recorded.mkdir()

    async def call(line: Line) -> LiveCall:
        return await _call(line, recorded, turns)

    use = Use(call, _failed, AGENT, {"HEARD_DIR": str(recorded)})
    return await calls.each(rows, profiles, folder, use, at_once=at_once, progress=progress)


def _failed(row: Row, error: str) -> LiveCall:
    return LiveCall(row, error=error)


async def _call(line: Line, folder: Path, count: int) -> LiveCall:
    """Say turns until enough are measured; repeat those that are spoiled."""
    call = LiveCall(line.row)
    scripts = TURNS.turns()
    try:
        while len(call.turns) < count and len(call.spoiled) < _SPOILED_AT_MOST:
            script = scripts[(len(call.turns) + len(call.spoiled)) % len(scripts)]
            await _turn(line, script, folder / line.caller.room.name, call)
    except (NotAnsweredError, TimeoutError) as error:
        call.error = str(error)
    call.messages = [message for message in line.request.messages if message.sent]
    agent = heard.read(folder / line.caller.room.name)
    call.stt_delay = statistics.median([*_delays(call.messages, call.row, agent)] or [STT_DELAY])
    if not call.error and len(call.turns) < count:
        call.error = f"{len(call.spoiled)} turns were spoiled; the last: {call.spoiled[-1]}"
    return call


def _delays(messages: Sequence[Message], row: Row, agent: Heard) -> Iterator[float]:
    """Yield what each message that ends speech took, as `--stt-delay` counts it.

    For nova that is from `endpointing_ms` after the last word. The stand-in takes 50 ms where that
    is less.
    """
    for message in messages:
        body = message.body
        if body.get("event") == "EndOfTurn":
            yield message.at - agent.came_at(round(body["audio_window_end"] * SAMPLE_RATE))
        elif body.get("speech_final") and body["channel"]["alternatives"][0]["words"]:
            last = body["channel"]["alternatives"][0]["words"][-1]["end"]
            silence = row.values[NOVA_ENDPOINTING] / 1000
            yield message.at - agent.came_at(round((last + silence) * SAMPLE_RATE))


async def _turn(line: Line, script: Sequence[bytes | float], file: Path, call: LiveCall) -> None:
    caller = line.caller
    sent = len(line.request.messages)
    before = len(caller.result(()).said.samples)
    turn = await caller.hear_out(await caller.say(script))
    said = np.frombuffer(bytes(caller.result(()).said.samples[before:]), dtype=np.int16)
    sound = np.trim_zeros(said)
    began = turn.parts[0].start + time.time() - time.monotonic()
    agent = heard.read(file)
    measured = _measured(sound, began, agent)
    late = max(_delays(line.request.messages[sent:], call.row, agent), default=0.0)
    if call.row.values[DETECTION] == "stt" and late > DEEPGRAM + _WORDS_LATE:
        measured = f"the words were late by {late - DEEPGRAM:.2f} s"
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
    ended = began + len(sound)
    decision = end / SAMPLE_RATE + decided - came
    return LiveTurn(agent.sound, began, ended, decision, seen[-1] if seen else None)


def _placed(sound: Sound, began: float, agent: Heard) -> Iterator[tuple[int, int] | None]:
    """Yield the end of each stretch, in samples of the sound and of what the agent got."""
    for _, end in heard.stretches(sound):
        first, piece = heard.anchor(sound, end)
        found = agent.find(piece, began + first / SAMPLE_RATE)
        yield None if found is None else (end, found + len(piece))
