"""`/realtime`, OpenAI's protocol of speech-to-speech: turns found by silence, and a spoken answer.

`server_vad` ends a turn after `silence_duration_ms` of silence. `semantic_vad` judges by what was
said, which is not understood here: every turn counts as unfinished, and ends after the longest time
that OpenAI documents for its `eagerness`.

https://platform.openai.com/docs/guides/realtime-vad
"""

import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

from aiohttp import WSMsgType, web

from sandbox import speech
from sandbox.deepgram.hearing import FRAMES_PER_SECOND, Hearing
from sandbox.deepgram.record import Body
from sandbox.deepgram.words import ONSET
from sandbox.inference.record import Request

_RATE: Final = 24000
_CHUNK: Final = _RATE // 10 * 2
_SILENCE: Final = 500
_LONGEST: Final = {"low": 8000, "medium": 4000, "high": 2000, "auto": 4000}
_KINDS: Final = ("server_vad", "semantic_vad")
_SPEEDS: Final = (0.25, 1.5)
_NOT_RECORDED: Final = ("input_audio_buffer.append", "response.output_audio.delta")


class Mind(Protocol):
    """Settings of the stand-in; can be set at any time."""

    reply: str | None


async def converse(http: web.Request, request: Request, mind: Mind) -> web.StreamResponse:
    """Serve a WebSocket until it closes."""
    ws = web.WebSocketResponse()
    await ws.prepare(http)
    request.status = 101
    try:
        with suppress(ConnectionResetError):  # the client has gone
            await _Conversation(ws, request, mind).run()
    finally:
        request.closed_at = time.time()
    return ws


class _RefusedError(Exception):
    """OpenAI would answer with an error."""


class _Conversation:
    def __init__(self, ws: web.WebSocketResponse, request: Request, mind: Mind) -> None:
        self._ws = ws
        self._request = request
        self._mind = mind
        self._turns: Body | None = {"type": "server_vad"}
        self._speed = 1.0
        self._hearing = Hearing(_RATE)
        self._loud = self._quiet = 0
        self._item = ""

    async def run(self) -> None:
        await self._send("session.created", session={"id": _id("sess"), "type": "realtime"})
        async for message in self._ws:
            if message.type is not WSMsgType.TEXT:
                return
            body: Body = json.loads(message.data)
            if body["type"] not in _NOT_RECORDED:
                self._request.received(body)
            try:
                await self._obey(body)
            except _RefusedError as refused:
                await self._send("error", error=_error(str(refused), body.get("event_id")))

    async def _obey(self, body: Body) -> None:
        match body["type"]:
            case "input_audio_buffer.append":
                await self._hear(base64.b64decode(body["audio"]))
            case "session.update":
                self._update(body["session"].get("audio") or {})
                await self._send("session.updated", session=body["session"])
            case "conversation.item.create":
                previous = body.get("previous_item_id")
                await self._send(
                    "conversation.item.added", item=body["item"], previous_item_id=previous
                )
            case "conversation.item.delete":
                await self._send("conversation.item.deleted", item_id=body["item_id"])
            case "response.create":
                await self._answer((body.get("response") or {}).get("metadata"))

    def _update(self, audio: Body) -> None:
        output, given = audio.get("output") or {}, audio.get("input") or {}
        speed = output.get("speed")
        if speed is not None:
            if not _SPEEDS[0] <= speed <= _SPEEDS[1]:
                raise _RefusedError(f"Invalid speed: {speed}.")
            self._speed = speed
        if "turn_detection" in given:
            turns = given["turn_detection"]
            if turns is not None and turns.get("type") not in _KINDS:
                raise _RefusedError(f"Invalid turn_detection: {turns}.")
            self._turns = turns

    def _silence(self, turns: Mapping[str, Any]) -> int:
        """Return the milliseconds of silence that end a turn."""
        if turns["type"] == "semantic_vad":
            return _LONGEST[turns.get("eagerness") or "auto"]
        silence: int | None = turns.get("silence_duration_ms")
        return _SILENCE if silence is None else silence

    async def _hear(self, audio: bytes) -> None:
        for loud in self._hearing.frames(audio):
            self._request.audio += 1 / FRAMES_PER_SECOND
            if loud:
                self._request.last_loud_at = time.time()
            if self._turns is not None:
                await self._count(self._turns, loud=loud)

    async def _count(self, turns: Body, *, loud: bool) -> None:
        """Begin a turn with sound, and end it after silence."""
        self._loud, self._quiet = (self._loud + 1, 0) if loud else (self._loud, self._quiet + 1)
        if not self._item and self._loud == ONSET:
            self._item = _id("item")
            await self._send("input_audio_buffer.speech_started", item_id=self._item)
        elif self._item and self._quiet * 1000 // FRAMES_PER_SECOND >= self._silence(turns):
            await self._end_turn(turns)
        if not self._item and self._quiet > ONSET:
            self._loud = 0

    async def _end_turn(self, turns: Body) -> None:
        item, self._item, self._loud = self._item, "", 0
        await self._send("input_audio_buffer.speech_stopped", item_id=item)
        await self._send("input_audio_buffer.committed", item_id=item)
        content = [{"type": "input_audio"}]
        said = {"id": item, "type": "message", "role": "user", "content": content}
        await self._send("conversation.item.added", item=said, previous_item_id=None)
        if turns.get("create_response") is not False:
            await self._answer(None)

    async def _answer(self, metadata: Any) -> None:
        response, item = _id("resp"), _id("item")
        made = {"id": response, "object": "realtime.response", "metadata": metadata}
        message = {"id": item, "type": "message", "role": "assistant", "content": []}
        place = {"response_id": response, "item_id": item, "output_index": 0, "content_index": 0}
        await self._send("response.created", response={**made, "status": "in_progress"})
        await self._send("response.output_item.added", **place, item=message)
        await self._send("conversation.item.added", item=message, previous_item_id=None)
        await self._send("response.content_part.added", **place, part={"type": "audio"})
        text = self._mind.reply or "Go on."
        await self._send("response.output_audio_transcript.delta", **place, delta=text)
        async for chunk in _spoken(text, self._speed):
            await self._send("response.output_audio.delta", **place, delta=chunk)
        await self._send("response.output_audio.done", **place)
        await self._send("response.output_item.done", **place, item=message)
        await self._send("response.done", response={**made, "status": "completed"})

    async def _send(self, type_: str, **fields: Any) -> None:
        body = {"type": type_, "event_id": _id("event"), **fields}
        if type_ not in _NOT_RECORDED:
            self._request.sent(body)
        await self._ws.send_json(body)


async def _spoken(text: str, speed: float) -> AsyncIterator[str]:
    """Speak a text; a pace that espeak-ng does not have is the nearest one."""
    speed = min(max(speed, 0.5), 1.5)
    audio = speech.synthesize(text, voice=speech.AGENT, speed=speed, sample_rate=_RATE)
    for start in range(0, len(audio), _CHUNK):
        yield base64.b64encode(audio[start : start + _CHUNK]).decode()


def _error(message: str, event_id: Any) -> Body:
    return {"type": "invalid_request_error", "message": message, "event_id": event_id}


def _id(kind: str) -> str:
    return f"{kind}_{uuid.uuid4().hex[:20]}"
