"""The stand-in for AssemblyAI: which silence ends a turn there."""

from collections.abc import Sequence

import aiohttp
import pytest
from async_timeout import timeout

from sandbox import speech
from sandbox.assemblyai import AssemblyAI
from tests.e2e.audio import RATE, silence

SENTENCE = speech.synthesize("My number is seven.", sample_rate=RATE)
FINISHED = ("seven",)
UNFINISHED = ("seven,",)


async def ends_after(words: Sequence[str], query: str, *messages: object) -> float:
    """Seconds of silence after a sentence until its turn ends."""
    async with (
        timeout(10),
        AssemblyAI(words=words) as server,
        aiohttp.ClientSession() as client,
        client.ws_connect(f"{server.socket_url}/v3/ws?sample_rate={RATE}&{query}") as ws,
    ):
        for message in messages:
            await ws.send_json(message)
        sound = SENTENCE + silence(4.0)
        step = RATE // 50 * 2
        for start in range(0, len(sound), step):
            await ws.send_bytes(sound[start : start + step])
        while not (await ws.receive_json()).get("end_of_turn"):
            pass
        (request,) = server.requests
        end = next(m for m in request.messages if m.sent and m.body.get("end_of_turn"))
        return end.audio - len(SENTENCE) / 2 / RATE


@pytest.mark.parametrize(
    ("words", "query", "expected"),
    [
        (FINISHED, "min_turn_silence=400&max_turn_silence=1500", 0.4),
        (UNFINISHED, "min_turn_silence=400&max_turn_silence=1500", 1.5),
        # Longer than the most, the least has no effect.
        (FINISHED, "min_turn_silence=2500&max_turn_silence=1500", 1.5),
        (FINISHED, "min_turn_silence=2000&max_turn_silence=1500", 1.5),
    ],
)
async def test_turn_ends_as_requested(words: Sequence[str], query: str, expected: float) -> None:
    """After the shorter silence where it is finished, and never later than the longer one."""
    assert await ends_after(words, query) == pytest.approx(expected, abs=0.3)


async def test_change_of_a_running_stream_is_obeyed() -> None:
    """From the next end of a turn on."""
    update = {"type": "UpdateConfiguration", "min_turn_silence": 1200, "max_turn_silence": 2000}
    assert await ends_after(FINISHED, "min_turn_silence=100", update) == pytest.approx(1.2, abs=0.3)
