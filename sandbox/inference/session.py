"""The common part of `/stt` and `/tts`: a session of JSON messages on a WebSocket."""

import json
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import WSMsgType, web

from sandbox.deepgram.record import Body
from sandbox.inference.record import Request

_AUDIO: Final = ("input_audio", "output_audio")
_ENCODING: Final = "pcm_s16le"
_LOWEST_RATE, _HIGHEST_RATE = 8000, 48000


class Session:
    """One session.

    Attributes:
        id: As it stands in every message of the server.
        request: The record of it.
    """

    def __init__(self, ws: web.WebSocketResponse, request: Request) -> None:
        self.id = f"sandbox_{uuid.uuid4().hex}"
        self.request = request
        self._ws = ws

    async def open(self) -> Body:
        """Wait for `session.create`, which has the options of the client.

        Raises:
            ValueError: It does not come first.
        """
        body = await self.receive()
        if body is None or body["type"] != "session.create":
            raise ValueError("a session begins with session.create")
        return body

    async def receive(self) -> Body | None:
        """Wait for a message; None when the client has gone.

        Raises:
            ValueError, TypeError or KeyError: It is not a JSON object with a type.
        """
        message = await self._ws.receive()
        if message.type is not WSMsgType.TEXT:
            return None
        body: Body = json.loads(message.data)
        if body["type"] not in _AUDIO:
            self.request.received(body)
        return body

    async def send(self, type_: str, **fields: Any) -> None:
        """Send a message.

        Raises:
            ConnectionResetError: The client has gone.
        """
        body = {"type": type_, "session_id": self.id, **fields}
        if type_ not in _AUDIO:
            self.request.sent(body)
        await self._ws.send_json(body)


async def serve(
    http: web.Request, request: Request, talk: Callable[[Session], Awaitable[None]]
) -> web.WebSocketResponse:
    """Serve a WebSocket until it closes; invalid messages get an error."""
    ws = web.WebSocketResponse()
    await ws.prepare(http)
    request.status = 101
    session = Session(ws, request)
    try:
        with suppress(ConnectionResetError):  # the client has gone
            await _or_error(session, talk)
            await ws.close()
    finally:
        request.closed_at = time.time()
    return ws


async def _or_error(session: Session, talk: Callable[[Session], Awaitable[None]]) -> None:
    try:
        await talk(session)
    except (ValueError, TypeError, KeyError) as error:
        await session.send("error", message=f"Not understood: {error!r}")


def sample_rate(settings: Body) -> int:
    """Read the sample rate of a session, in Hz.

    Raises:
        ValueError, TypeError or KeyError: This stand-in cannot hear or speak such audio.
    """
    rate = int(settings["sample_rate"])
    in_range = _LOWEST_RATE <= rate <= _HIGHEST_RATE and rate % 100 == 0
    if settings["encoding"] != _ENCODING or not in_range:
        raise ValueError(f"audio is {_ENCODING} of 8000 to 48000 Hz, in steps of 100")
    return rate
