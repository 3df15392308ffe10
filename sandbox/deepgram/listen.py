"""`/v1/listen` and `/v2/listen`: a WebSocket around a listener."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from typing import Final, Protocol

from aiohttp import WSMsgType, web

from sandbox.deepgram.record import Behaviour, Body, NotUnderstoodError, Request

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


class Listener(Protocol):
    """Audio and messages in, Deepgram's messages out."""

    @property
    def seconds(self) -> float:
        """Return the duration of the audio that was received, in seconds."""

    @property
    def last_sound(self) -> float | None:
        """Return the end of the last sound, in seconds of audio."""

    def hear(self, audio: bytes) -> Iterable[Body]:
        """Return the messages that the next piece of audio causes."""

    def obey(self, message: Body) -> Iterable[Body]:
        """Return the reply to a message; an empty one stands for text that is not a JSON object.

        Raises:
            NotUnderstoodError: The message is unknown.
        """


class Listening:
    """One connection: it reads, and writes each message `behaviour.latency` seconds later."""

    def __init__(
        self,
        ws: web.WebSocketResponse,
        listener: Listener,
        behaviour: Behaviour,
        request: Request,
    ) -> None:
        self._ws = ws
        self._listener = listener
        self._behaviour = behaviour
        self._request = request
        self._outbox: asyncio.Queue[tuple[float, Body] | None] = asyncio.Queue()

    async def run(self, *first: Body) -> None:
        """Send the first message, and serve the connection until either side closes it."""
        self._send(first)
        writing = asyncio.create_task(self._write())
        try:
            code, reason = await self._read()
            self._outbox.put_nowait(None)
            await writing
        finally:
            writing.cancel()
        await self._ws.close(code=code, message=reason)

    async def _read(self) -> _Close:
        """Read until the connection should be closed; return how."""
        while True:
            try:
                message = await self._ws.receive(timeout=self._behaviour.idle_timeout)
            except asyncio.TimeoutError:
                return _IDLE
            if message.type is WSMsgType.BINARY:
                self._on_audio(message.data)
            elif message.type is not WSMsgType.TEXT:
                return _DONE  # the client has gone
            elif close := self._on_text(message.data):
                return close

    def _on_audio(self, audio: bytes) -> None:
        last_sound = self._listener.last_sound
        self._send(self._listener.hear(audio))
        if self._listener.last_sound != last_sound:
            self._request.last_loud_at = time.time()

    def _on_text(self, text: str) -> _Close | None:
        message = _message(text)
        if message:
            self._request.received(message)
        try:
            self._send(self._listener.obey(message))
        except NotUnderstoodError:
            return _NOT_UNDERSTOOD
        return _DONE if message["type"] == "CloseStream" else None

    def _send(self, bodies: Iterable[Body]) -> None:
        due = asyncio.get_running_loop().time() + self._behaviour.latency
        for body in bodies:
            self._outbox.put_nowait((due, body))
        self._request.audio = self._listener.seconds

    async def _write(self) -> None:
        while (item := await self._outbox.get()) is not None:
            due, body = item
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            if self._ws.closed:
                return
            self._request.sent(body)
            with contextlib.suppress(ConnectionResetError):  # hung up in this very moment
                await self._ws.send_json(body)


def _message(text: str) -> Body:
    """A JSON object; empty for anything else."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
