"""`/v1/listen`: a WebSocket around a Transcriber."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from typing import Final

from aiohttp import WSMessage, WSMsgType, web

from sandbox.deepgram.record import Behaviour, Body, Request
from sandbox.deepgram.transcriber import Transcriber

_Close = tuple[int, bytes]

_DONE: Final[_Close] = (1000, b"")
_NOT_UNDERSTOOD: Final[_Close] = (1008, b"DATA-0000")
_IDLE: Final[_Close] = (
    1011,
    (
        b"Deepgram did not receive audio data or a text message within the timeout window."
        b" See https://dpgr.am/net0001"
    ),
)


class Listening:
    """One connection: it reads, and writes each message `behaviour.latency` seconds later."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        transcriber: Transcriber,
        behaviour: Behaviour,
        request: Request,
    ) -> None:
        """Take a WebSocket that is open."""
        self._ws = ws
        self._transcriber = transcriber
        self._behaviour = behaviour
        self._request = request
        self._outbox: asyncio.Queue[tuple[float, Body] | None] = asyncio.Queue()

    async def run(self) -> None:
        """Serve the connection until either side closes it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write())
            code, reason = await self._read()
            self._outbox.put_nowait(None)
        await self._ws.close(code=code, message=reason)

    async def _read(self) -> _Close:
        """Read until the connection should be closed; return how."""
        while True:
            try:
                message = await self._ws.receive(timeout=self._behaviour.idle_timeout)
            except TimeoutError:
                return _IDLE
            if message.type is WSMsgType.BINARY:
                self._on_audio(message.data)
            elif message.type is not WSMsgType.TEXT:
                return _DONE  # the client has gone
            elif close := self._on_text(message):
                return close

    def _on_audio(self, audio: bytes) -> None:
        last_sound = self._transcriber.last_sound
        self._send(self._transcriber.hear(audio))
        if self._transcriber.last_sound != last_sound:
            self._request.last_loud_at = time.time()

    def _on_text(self, message: WSMessage) -> _Close | None:
        try:
            body = json.loads(message.data)
            type_ = body["type"]
        except (ValueError, TypeError, KeyError):
            return _NOT_UNDERSTOOD
        self._request.received(body)
        match type_:
            case "KeepAlive":
                return None
            case "Finalize":
                self._send(self._transcriber.finalize())
                return None
            case "CloseStream":
                self._send(self._transcriber.close())
                return _DONE
        return _NOT_UNDERSTOOD

    def _send(self, bodies: Iterable[Body]) -> None:
        due = asyncio.get_running_loop().time() + self._behaviour.latency
        for body in bodies:
            self._outbox.put_nowait((due, body))
        self._request.audio = self._transcriber.seconds

    async def _write(self) -> None:
        while (item := await self._outbox.get()) is not None:
            due, body = item
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if self._ws.closed:
                return
            self._request.sent(body)
            with contextlib.suppress(ConnectionResetError):  # hung up in this very moment
                await self._ws.send_json(body)
