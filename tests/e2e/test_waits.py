"""What the formulas say is what the agent does: its own delay, read from the room."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from livekit.agents.voice.remote_session import RemoteSession

from sandbox.caller import Dial, Script, join
from tests.e2e.worker import ROOT, Worker, eventually, worker

SENTENCE = Script("I would like to book a table for two.")

# The agent's `end_of_turn_delay` begins when the VAD hears the end, 0.09 s after a listener does.
# Bound by a timer it is exact to 0.003 s (p95); a busy machine gets more.
TOLERANCE = 0.05

DETECTIONS = {
    "vad bound by min_delay": (
        "turn_handling: {turn_detection: vad, endpointing: {min_delay: 0.9}}",
        0.9,
    ),
    "vad bound by its own silence": (
        (
            "vad: {min_silence_duration: 0.8}\n"
            "turn_handling: {turn_detection: vad, endpointing: {min_delay: 0.5}}"
        ),
        0.8,
    ),
    "stt": (
        (
            "stt: {nova: {endpointing_ms: 400}}\n"
            "turn_handling: {turn_detection: stt, endpointing: {min_delay: 0.5}}"
        ),
        0.5,
    ),
    "turn detector that hears the end": (
        (
            "turn_detector: {unlikely_threshold: 0.0}\n"
            "turn_handling: {endpointing: {min_delay: 0.6, max_delay: 2.0}}"
        ),
        0.6,
    ),
    "turn detector that hears no end": (
        (
            "turn_detector: {unlikely_threshold: 1.0}\n"
            "turn_handling: {endpointing: {min_delay: 0.6, max_delay: 2.0}}"
        ),
        2.0,
    ),
}


async def test_the_agents_own_delay_is_the_predicted_one(tmp_path: Path) -> None:
    """One call for each way to end a turn; the delay is the one that its formula names."""
    profiles = tmp_path / "source"
    profiles.mkdir()
    default = (ROOT / "profiles" / "default.yaml").read_text(encoding="utf-8")
    (profiles / "default.yaml").write_text(default, encoding="utf-8")
    for number, (text, _) in enumerate(DETECTIONS.values()):
        (profiles / f"way-{number}.yaml").write_text(text, encoding="utf-8")
    gate = asyncio.Semaphore(2)
    async with worker(tmp_path, profiles=profiles) as running:

        async def measured(number: int) -> float:
            async with gate:
                return await _delay(running, f"way-{number}")

        delays = await asyncio.gather(*(measured(number) for number in range(len(DETECTIONS))))
    predicted = {name: delay for name, (_, delay) in DETECTIONS.items()}
    assert dict(zip(DETECTIONS, delays, strict=True)) == pytest.approx(predicted, abs=TOLERANCE)


async def _delay(running: Worker, profile: str) -> float:
    """The `end_of_turn_delay` of one turn."""
    delays: list[float] = []

    def added(event: Any) -> None:
        message = event.conversation_item_added.item.message
        if message.metrics.end_of_turn_delay:
            delays.append(message.metrics.end_of_turn_delay)

    async with join(running.connection, Dial(attributes={"timing.profile": profile})) as caller:
        await caller.agent_listens()
        assert caller.agent
        session = RemoteSession.from_room(caller.room, caller.agent.identity)
        session.on("conversation_item_added", added)
        await session.start()
        await caller.say(SENTENCE.turns()[0])
        delay = await eventually(lambda: delays[-1] if delays else None, 5, "the turn's metrics")
        await session.aclose()
    return delay
