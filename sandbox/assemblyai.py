"""AssemblyAI's streaming speech-to-text on this machine, for the plugin as it is.

Give the plugin `base_url=AssemblyAI().socket_url`. Any key will do. Words are placed in sound as by
`sandbox.deepgram`. Nothing is understood here: a turn counts as finished at every pause, and ends
after `min_turn_silence`, unless a word ends with a comma; then it ends after `max_turn_silence`.

https://www.assemblyai.com/docs/api-reference/streaming-api/streaming-api
"""

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from aiohttp import WSMsgType, web

from sandbox.deepgram import NUMBERS, Request
from sandbox.deepgram.query import ListenOptions
from sandbox.deepgram.record import Body
from sandbox.deepgram.transcriber import Transcriber
from sandbox.loopback import LoopbackServer

_LEAST: Final = 100.0
_MOST: Final = 1000.0
_UNFINISHED: Final = ","


class AssemblyAI(LoopbackServer[Request]):
    """The server; its attributes change its behaviour at any time.

    Attributes:
        words: The words it recognises, one for each 0.3 s of sound, repeatedly.
        deaf: Whether it recognises no words in any sound.
    """

    def __init__(self, *, words: Sequence[str] = NUMBERS, deaf: bool = False) -> None:
        """Bind at the start."""
        super().__init__()
        self.words = words
        self.deaf = deaf

    @property
    def socket_url(self) -> str:
        """Return the root for the plugin's `base_url`."""
        return self.url.replace("http", "ws", 1)

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the route of the streaming API."""
        yield web.get("/v3/ws", self._listen)

    async def _listen(self, http: web.Request) -> web.StreamResponse:
        query = {name: http.query.getall(name) for name in http.query}
        request = Request(path=http.path, query=query)
        self.requests.append(request)
        ws = web.WebSocketResponse()
        await ws.prepare(http)
        try:
            with suppress(ConnectionResetError):  # the client has gone
                await _Stream(ws, request, self).run()
        finally:
            request.closed_at = time.time()
        return ws


class _Stream:
    def __init__(self, ws: web.WebSocketResponse, request: Request, server: AssemblyAI) -> None:
        self._ws = ws
        self._request = request
        self._server = server
        self._silences = {
            name: float(request.query.get(name, [default])[0])
            for name, default in (("min_turn_silence", _LEAST), ("max_turn_silence", _MOST))
        }
        rate = int(request.query["sample_rate"][0])
        self._transcriber = Transcriber(_options(rate), server, uuid.uuid4().hex)
        self._turn = 0
        self._wait()

    async def run(self) -> None:
        await self._send({"type": "Begin", "id": uuid.uuid4().hex, "expires_at": 0})
        async for message in self._ws:
            if message.type is WSMsgType.BINARY:
                await self._hear(message.data)
            elif message.type is not WSMsgType.TEXT or await self._obey(json.loads(message.data)):
                return

    async def _obey(self, body: Body) -> bool:
        """Obey a message; return whether it was the last one."""
        self._request.received(body)
        self._silences.update({n: body[n] for n in self._silences if n in body})
        self._wait()
        if body["type"] == "Terminate":
            await self._send({"type": "Termination", "audio_duration_seconds": self._request.audio})
        return bool(body["type"] == "Terminate")

    def _wait(self) -> None:
        """Set the silence after which the next turn ends."""
        is_finished = not any(word.endswith(_UNFINISHED) for word in self._server.words)
        least, most = self._silences.values()
        self._transcriber.end_after((min(least, most) if is_finished else most) / 1000)

    async def _hear(self, audio: bytes) -> None:
        last_sound = self._transcriber.last_sound
        results = list(self._transcriber.hear(audio))
        self._request.audio = self._transcriber.seconds
        if self._transcriber.last_sound != last_sound:
            self._request.last_loud_at = time.time()
        for turn in self._turns(results):
            await self._send(turn)

    def _turns(self, results: Iterable[Body]) -> Iterator[Body]:
        for body in results:
            best = body["channel"]["alternatives"][0] if body["type"] == "Results" else {}
            if best.get("transcript"):
                is_final = body["is_final"]
                yield {
                    "type": "Turn",
                    "turn_order": self._turn,
                    "turn_is_formatted": is_final,
                    "end_of_turn": is_final,
                    "end_of_turn_confidence": float(is_final),
                    "transcript": best["transcript"] if is_final else "",
                    "words": [_word(word) for word in best["words"]],
                }
                self._turn += is_final

    async def _send(self, body: Body) -> None:
        self._request.sent(body)
        await self._ws.send_json(body)


def _options(rate: int) -> ListenOptions:
    return ListenOptions(
        model="universal-3-6-pro",
        sample_rate=rate,
        interim_results=True,
        vad_events=False,
        punctuated=True,
        endpointing=_LEAST / 1000,
        utterance_end=None,
    )


def _word(word: Body) -> Body:
    times = {name: round(word[name] * 1000) for name in ("start", "end")}
    text = word.get("punctuated_word", word["word"])
    return {"text": text, **times, "confidence": word["confidence"], "word_is_final": True}
