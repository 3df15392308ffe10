"""LiveKit Inference on this machine: an LLM, speech and realtime models behind one address.

Point LIVEKIT_INFERENCE_URL at `Inference.url`: the SDK adds `/chat/completions`, `/stt`, `/tts` and
`/realtime` to it. Any key and any model will do. The LLM has a short answer to everything, or calls
a function tool; speech is heard and spoken as by `sandbox.deepgram`, the same for every model.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from aiohttp import web

from sandbox.deepgram import NUMBERS
from sandbox.inference import chat
from sandbox.inference.realtime import converse
from sandbox.inference.record import Request, ToolCall
from sandbox.inference.session import serve
from sandbox.inference.stt import transcribe
from sandbox.inference.tts import speak
from sandbox.loopback import LoopbackServer

__all__ = ["Inference", "Request", "ToolCall"]

_MODEL: Final = "sandbox"

_Answer = Callable[[web.Request, Request], Awaitable[web.StreamResponse]]


class Inference(LoopbackServer[Request]):
    """The server; its attributes change its behaviour at any time.

    Paths of LiveKit's gateway that it does not have (`/eot`, `/bargein`) are recorded and answered
    with 404, so that the SDK falls back at once.

    Attributes:
        latency: Seconds from a request to the LLM to its first token.
        reply: Every answer of the LLM; None for a greeting, then short requests to go on.
        calls: What makes the LLM call a function tool: words of the last user message, in lower
            case, and the call. It is made where the tool is offered, until its result is there.
        words: The words it recognises, one for each 0.3 s of sound, repeatedly.
        deaf: Whether it recognises no words in any sound.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        reply: str | None = None,
        words: Sequence[str] = NUMBERS,
        deaf: bool = False,
    ) -> None:
        """Bind at the start; port 0 selects a free port."""
        super().__init__(port=port)
        self.latency = latency
        self.reply = reply
        self.calls: Mapping[str, ToolCall] = {}
        self.words = words
        self.deaf = deaf

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes of the gateway's API."""
        yield web.post("/chat/completions", self._with_key(self._complete))
        yield web.get("/models", self._with_key(self._models))
        yield web.get("/stt", self._with_key(self._transcribe))
        yield web.get("/tts", self._with_key(self._speak))
        yield web.get("/realtime", self._with_key(self._converse))
        yield web.route("*", "/{path:.*}", self._not_here)

    def _with_key(self, answer: _Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """Wrap a handler: record each request, and refuse it without a key."""

        async def handle(http: web.Request) -> web.StreamResponse:
            request = self._record(http)
            if _has_key(http):
                return await answer(http, request)
            return _refusal(request, 401, "Incorrect API key provided.")

        return handle

    async def _complete(self, http: web.Request, request: Request) -> web.StreamResponse:
        try:
            body = await chat.read(http, request, self)
        except (ValueError, TypeError, KeyError, AttributeError):
            return _refusal(request, 400, "Expected a JSON object with messages.")
        return await chat.answer(http, request, body, self)

    async def _models(self, _: web.Request, __: Request) -> web.StreamResponse:
        model = {"id": _MODEL, "object": "model", "created": 0, "owned_by": "sandbox"}
        return web.json_response({"object": "list", "data": [model]})

    async def _transcribe(self, http: web.Request, request: Request) -> web.StreamResponse:
        return await serve(http, request, lambda session: transcribe(session, self))

    async def _speak(self, http: web.Request, request: Request) -> web.StreamResponse:
        return await serve(http, request, speak)

    async def _converse(self, http: web.Request, request: Request) -> web.StreamResponse:
        return await converse(http, request, self)

    async def _not_here(self, http: web.Request) -> web.StreamResponse:
        return _refusal(self._record(http), 404, f"This stand-in has no {http.path}.")

    def _record(self, http: web.Request) -> Request:
        query = {name: http.query.getall(name) for name in http.query}
        request = Request(path=http.path, query=query, status=200)
        self.requests.append(request)
        return request


def _has_key(http: web.Request) -> bool:
    scheme, _, key = http.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and bool(key.strip())


def _refusal(request: Request, status: int, message: str) -> web.Response:
    request.status = status
    return web.json_response({"error": {"message": message, "code": status}}, status=status)
