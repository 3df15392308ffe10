"""The stand-in for realtime models: what ends a turn there, and what it refuses."""

import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from async_timeout import timeout

from sandbox import speech
from sandbox.inference import Inference
from tests.e2e.audio import RATE as AUDIO_RATE
from tests.e2e.audio import silence

RATE = 24000
SENTENCE = speech.synthesize("My number is seven.", sample_rate=RATE)


@pytest.fixture
async def server() -> AsyncIterator[Inference]:
    """LiveKit Inference."""
    async with Inference() as server:
        yield server


@contextlib.asynccontextmanager
async def session(server: Inference, *messages: Any) -> AsyncIterator[Any]:
    """A session without the SDK, opened with these messages."""
    async with (
        timeout(10),
        aiohttp.ClientSession(headers={"Authorization": "Bearer key"}) as client,
        client.ws_connect(f"{server.url}/realtime?model=openai/gpt-realtime") as ws,
    ):
        for message in messages:
            await ws.send_json(message)
        yield ws


def update(**audio: Any) -> dict[str, Any]:
    """A change of the sound of a session."""
    return {"type": "session.update", "event_id": "mine", "session": {"audio": audio}}


def turns(**options: Any) -> dict[str, Any]:
    """A change of its turn detection."""
    return update(input={"turn_detection": options})


async def ends_after(server: Inference, **options: Any) -> float:
    """Seconds of silence after a sentence until the answer begins."""
    async with session(server, turns(**options)) as ws:
        sound = SENTENCE + silence(9.0 * RATE / AUDIO_RATE)
        step = RATE // 50 * 2
        for start in range(0, len(sound), step):
            piece = base64.b64encode(sound[start : start + step]).decode()
            await ws.send_json({"type": "input_audio_buffer.append", "audio": piece})
        while (await ws.receive_json())["type"] != "response.created":
            pass
    (request,) = server.requests
    (stopped,) = (m for m in request.messages if m.body["type"] == "input_audio_buffer.committed")
    return stopped.audio - len(SENTENCE) / 2 / RATE


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"type": "server_vad"}, 0.5),
        ({"type": "server_vad", "silence_duration_ms": 1200}, 1.2),
        ({"type": "semantic_vad", "eagerness": "high"}, 2.0),
        ({"type": "semantic_vad", "eagerness": "low"}, 8.0),
    ],
)
async def test_turn_ends_as_requested(
    options: dict[str, Any], expected: float, server: Inference
) -> None:
    """By silence, or after the longest time of an eagerness."""
    assert await ends_after(server, **options) == pytest.approx(expected, abs=0.3)


@pytest.mark.parametrize(
    "message", [update(output={"speed": 2.0}), turns(type="client_vad"), turns(type=None)]
)
async def test_message_rejected_by_openai_is_an_error(message: Any, server: Inference) -> None:
    """With the id of the message."""
    async with session(server, message) as ws:
        assert (await ws.receive_json())["type"] == "session.created"
        refused = await ws.receive_json()
    assert (refused["type"], refused["error"]["event_id"]) == ("error", "mine")
