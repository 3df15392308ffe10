"""A Deepgram on this machine: its wire protocol, for the plugin as it is.

Point the worker's DEEPGRAM_BASE_URL at `Deepgram.url`. Any key will do. It speaks with espeak-ng
and recognises no words (see `words`), but sends messages as Deepgram documents: nova
(`transcriber`) and Flux (`flux`).

What it hears can be changed from outside while it runs. The last of these makes every turn sound
unfinished to Flux, which then waits for `eot_timeout_ms`:

    curl -X PUT -d '["yes", "please"]' $URL/sandbox/words
    curl -X PUT -d '["well,"]' $URL/sandbox/words
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from aiohttp import web

from sandbox.deepgram.flux import Flux
from sandbox.deepgram.listen import Listening
from sandbox.deepgram.query import ListenOptions, RefusedError, SpeakOptions
from sandbox.deepgram.record import Message, Request
from sandbox.deepgram.speak import Speaking, synthesize, text_of
from sandbox.deepgram.transcriber import Transcriber
from sandbox.loopback import LoopbackServer

__all__ = ["NUMBERS", "Deepgram", "Message", "Request"]

NUMBERS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

logger = logging.getLogger("sandbox.deepgram")

_Handler = Callable[[web.Request, Request], Awaitable[web.StreamResponse]]


class Deepgram(LoopbackServer[Request]):
    """The server; its attributes change its behaviour at any time.

    Attributes:
        words: The words it recognises, one for each 0.3 s of sound, repeatedly. After one that ends
            with a comma a turn sounds unfinished to Flux.
        deaf: Whether it detects sound, but recognises no words in it.
        latency: Seconds from audio to the results that it gives rise to.
        tts_latency: Seconds from Flush to the first audio.
        idle_timeout: Seconds without audio or a message after which it stops listening.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        words: Sequence[str] = NUMBERS,
        deaf: bool = False,
        latency: float = 0.0,
        tts_latency: float = 0.0,
    ) -> None:
        """Bind at the start; port 0 selects a free port."""
        super().__init__(port=port)
        self.words = words
        self.deaf = deaf
        self.latency = latency
        self.tts_latency = tts_latency
        self.idle_timeout = 10.0

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes of Deepgram's API, and of the words that it hears."""
        yield web.put("/sandbox/words", self._set_words)
        yield web.get("/v1/listen", self._recorded(self._listen))
        yield web.get("/v1/speak", self._recorded(self._speak))
        yield web.post("/v1/speak", self._recorded(self._speak_once))
        yield web.get("/v2/listen", self._recorded(self._listen_flux))

    def _recorded(
        self, handler: _Handler
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Wrap a handler: record each request, and convert refusals to Deepgram's responses."""

        async def handle(http: web.Request) -> web.StreamResponse:
            query = {name: http.query.getall(name) for name in http.query}
            request = Request(path=http.path, query=query)
            self.requests.append(request)
            logger.info("%s %s", http.method, http.path_qs)
            try:
                _check_key(http)
                return await handler(http, request)
            except RefusedError as refused:
                return _refusal(request, refused)
            finally:
                request.closed_at = time.time()

        return handle

    async def _listen(self, http: web.Request, request: Request) -> web.StreamResponse:
        options = ListenOptions.from_query(request.query)
        request_id = str(uuid.uuid4())
        ws = await _accept(http, request_id)
        transcriber = Transcriber(options, self, request_id)
        await Listening(ws, transcriber, self, request).run()
        return ws

    async def _speak(self, http: web.Request, request: Request) -> web.StreamResponse:
        options = SpeakOptions.from_query(request.query)
        request_id = str(uuid.uuid4())
        ws = await _accept(http, request_id)
        await Speaking(ws, options, self, request).run(request_id)
        return ws

    async def _speak_once(self, http: web.Request, request: Request) -> web.StreamResponse:
        options = SpeakOptions.from_query(request.query)
        text = await text_of(http)
        request.received({"type": "Speak", "text": text})
        await asyncio.sleep(self.tts_latency)
        audio = await synthesize(text, options)
        request.status = 200
        request.audio = len(audio) / 2 / options.sample_rate
        content_type = f"audio/l16;rate={options.sample_rate};channels=1"
        return web.Response(body=audio, headers={"Content-Type": content_type})

    async def _listen_flux(self, http: web.Request, request: Request) -> web.StreamResponse:
        request_id = str(uuid.uuid4())
        flux = Flux(request.query, self, request_id)
        ws = await _accept(http, request_id)
        await Listening(ws, flux, self, request).run(flux.connected())
        return ws

    async def _set_words(self, http: web.Request) -> web.Response:
        try:
            words = await http.json()
        except ValueError:
            words = None
        if not (isinstance(words, list) and all(isinstance(word, str) and word for word in words)):
            raise web.HTTPBadRequest(text="Expected a JSON list of words.\n")
        self.words = words
        return web.json_response(words)


def _check_key(http: web.Request) -> None:
    scheme, _, key = http.headers.get("Authorization", "").partition(" ")
    if scheme.lower() not in ("token", "bearer") or not key.strip():
        raise RefusedError("Invalid credentials.", status=401, code="INVALID_AUTH")


def _refusal(request: Request, refused: RefusedError) -> web.Response:
    request.status = refused.status
    request_id = str(uuid.uuid4())
    body = {"err_code": refused.code, "err_msg": refused.message, "request_id": request_id}
    headers = {"dg-error": refused.message, "dg-request-id": request_id}
    return web.json_response(body, status=refused.status, headers=headers)


async def _accept(http: web.Request, request_id: str) -> web.WebSocketResponse:
    ws = web.WebSocketResponse()
    ws.headers["dg-request-id"] = request_id
    await ws.prepare(http)
    return ws
