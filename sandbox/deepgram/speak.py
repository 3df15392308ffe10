"""`/v1/speak`: text in, espeak-ng's speech out."""

import asyncio
import json
from contextlib import suppress
from typing import Final

from aiohttp import web

from sandbox import speech
from sandbox.deepgram.query import RefusedError, SpeakOptions
from sandbox.deepgram.record import Behaviour, Body, Request

_CHUNK_SECONDS: Final = 0.1
_DONE: Final = 1000
_NOT_UNDERSTOOD: Final = 1008
_MODEL_UUID: Final = "00000000-0000-4000-8000-000000000002"


async def synthesize(text: str, options: SpeakOptions) -> bytes:
    """Return the speech of a text, without blocking the event loop."""
    return await asyncio.to_thread(
        speech.synthesize,
        text,
        voice=speech.AGENT,
        speed=options.speed,
        sample_rate=options.sample_rate,
    )


async def text_of(http: web.Request) -> str:
    """Return the text of a `POST /v1/speak`.

    Raises:
        RefusedError: The body is not a JSON object with a text in it.
    """
    try:
        text = (await http.json())["text"]
    except (ValueError, TypeError, KeyError) as error:
        raise RefusedError("Invalid JSON submitted.") from error
    if not isinstance(text, str) or not text.strip():
        raise RefusedError("Invalid 'text'. Expected one that is not empty.")
    return text


class Speaking:
    """One WebSocket: the text of its Speak messages is spoken at each Flush."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        options: SpeakOptions,
        behaviour: Behaviour,
        request: Request,
    ) -> None:
        self._ws = ws
        self._options = options
        self._behaviour = behaviour
        self._request = request
        self._text = ""
        self._sequence_id = 0
        self._flushed: asyncio.Queue[str | None] = asyncio.Queue()
        self._speaker: asyncio.Task[None] | None = None

    async def run(self, request_id: str) -> None:
        """Serve the connection until either side closes it."""
        await self._send(self._metadata(request_id))
        self._start_speaker()
        try:
            code = await self._read()
        finally:
            await self._stop_speaker()
        await self._ws.close(code=code)

    async def _read(self) -> int:
        """Read until the connection should be closed; return the code."""
        async for message in self._ws:
            try:
                body = json.loads(message.data)
                self._request.received(body)
                if body["type"] == "Close":
                    await self._finish()
                    return _DONE
                await self._obey(body)
            except (ValueError, TypeError, KeyError):
                return _NOT_UNDERSTOOD
        return _DONE

    async def _obey(self, body: Body) -> None:
        match body["type"]:
            case "Speak":
                self._text += body["text"]
            case "Flush":
                self._flush()
            case "Clear":
                self._text = ""
                await self._stop_speaker()
                self._start_speaker()
                await self._confirm("Cleared")
            case unknown:
                raise ValueError(unknown)

    def _flush(self) -> None:
        self._flushed.put_nowait(self._text)
        self._text = ""

    async def _finish(self) -> None:
        self._flush()
        self._flushed.put_nowait(None)
        if self._speaker is not None:
            await self._speaker

    def _start_speaker(self) -> None:
        self._flushed = asyncio.Queue()
        self._speaker = asyncio.create_task(self._speak(self._flushed))

    async def _stop_speaker(self) -> None:
        if self._speaker is not None:
            self._speaker.cancel()
            await asyncio.wait([self._speaker])

    async def _speak(self, texts: asyncio.Queue[str | None]) -> None:
        with suppress(ConnectionResetError):  # the client has gone
            while (text := await texts.get()) is not None:
                await self._say(text)
                await self._confirm("Flushed")

    async def _say(self, text: str) -> None:
        if not text.strip():
            return
        await asyncio.sleep(self._behaviour.tts_latency)
        audio = await synthesize(text, self._options)
        size = int(_CHUNK_SECONDS * self._options.sample_rate) * 2
        for start in range(0, len(audio), size):
            chunk = audio[start : start + size]
            await self._ws.send_bytes(chunk)
            self._request.audio += len(chunk) / 2 / self._options.sample_rate

    async def _confirm(self, type_: str) -> None:
        await self._send({"type": type_, "sequence_id": self._sequence_id})
        self._sequence_id += 1

    async def _send(self, body: Body) -> None:
        self._request.sent(body)
        await self._ws.send_json(body)

    def _metadata(self, request_id: str) -> Body:
        return {
            "type": "Metadata",
            "request_id": request_id,
            "model_name": self._options.model,
            "model_version": "0",
            "model_uuid": _MODEL_UUID,
        }
