"""LiveKit's gateway with a model of interruptions that takes every sound for a backchannel."""

import struct
from collections.abc import Iterable
from typing import Final

from aiohttp import WSMsgType, web

from sandbox.inference import Inference

_REQUEST: Final = struct.Struct("<Q")  # what a request is called, before its audio


class Gateway(Inference):
    """The stand-in, and `/bargein` beside it: adaptive interruption's protocol, as the SDK has it.

    https://github.com/livekit/agents/blob/main/livekit-agents/livekit/agents/inference/interruption.py
    """

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """The stand-in's, after our own."""
        yield web.get("/bargein", self._judge)
        yield from super().routes()

    async def _judge(self, http: web.Request) -> web.StreamResponse:
        self._record(http)
        ws = web.WebSocketResponse()
        await ws.prepare(http)
        async for message in ws:
            if message.type is WSMsgType.BINARY:
                (request,) = _REQUEST.unpack_from(message.data)
                verdict = {"type": "inference_done", "created_at": request, "probabilities": [0.0]}
                await ws.send_json(verdict)
            elif message.json()["type"] == "session.create":
                await ws.send_json({"type": "session.created", "default_threshold": 0.5})
        return ws
