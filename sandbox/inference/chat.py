"""`/chat/completions`, OpenAI's protocol: an LLM with a short answer, or a tool to call."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from aiohttp import web

from sandbox.deepgram.record import Body
from sandbox.inference.record import Request, ToolCall

_MODEL: Final = "sandbox"
_CHUNK: Final = "chat.completion.chunk"
_TURNS: Final = ("user", "tool")
_PIECE: Final = 8  # characters of a tool's arguments in one delta
_GREETING: Final = "Hello. How can I help you?"
_ANSWERS: Final = (
    "Thank you. Please go on.",
    "I see. Tell me more.",
    "All right. What else should I know?",
    "Good. Please continue.",
)


class Mind(Protocol):
    """Settings of the stand-in; can be set at any time."""

    latency: float
    reply: str | None
    calls: Mapping[str, ToolCall]


async def read(http: web.Request, request: Request, mind: Mind) -> Body:
    """Record the question and the answer in `request`; return the body.

    Raises:
        ValueError, TypeError, KeyError or AttributeError: The body holds no messages.
    """
    body: Body = await http.json()
    users = list(_user_texts(body["messages"]))
    request.user = users[-1] if users else None
    request.results = tuple(_results(body["messages"]))
    request.call = _call(request, body, mind.calls)
    if request.call is None:
        request.reply = _reply(len(users)) if mind.reply is None else mind.reply
    return body


async def answer(http: web.Request, request: Request, body: Body, mind: Mind) -> web.StreamResponse:
    """Send the answer, streamed or whole as the body requires."""
    try:
        await asyncio.sleep(mind.latency)
        return await _completion(http, request, body)
    except (asyncio.CancelledError, ConnectionResetError):
        if request.completed_at is None:
            request.cancelled_at = time.time()
        raise


def _user_texts(messages: list[Body]) -> Iterator[str]:
    for message in messages:
        if message.get("role") == "user":
            content = message.get("content") or ""
            parts = [{"text": content}] if isinstance(content, str) else content
            yield "".join(part.get("text", "") for part in parts)


def _results(messages: list[Body]) -> Iterator[str]:
    for message in messages:
        if message.get("role") == "tool":
            yield str(message["content"])


def _call(request: Request, body: Body, calls: Mapping[str, ToolCall]) -> ToolCall | None:
    """Return the call to make: once for a user message, and only of an offered tool."""
    if body.get("tool_choice") == "none" or _has_called(body["messages"]):
        return None
    offered = {tool["function"]["name"] for tool in body.get("tools") or ()}
    text = (request.user or "").lower()
    wanted = (call for words, call in calls.items() if words in text and call.name in offered)
    return next(wanted, None)


def _has_called(messages: list[Body]) -> bool:
    """Return whether a tool has returned since the last user message."""
    roles = [message.get("role") for message in messages if message.get("role") in _TURNS]
    return roles[-1:] == ["tool"]


def _reply(turns: int) -> str:
    return _ANSWERS[(turns - 1) % len(_ANSWERS)] if turns else _GREETING


async def _completion(http: web.Request, request: Request, body: Body) -> web.StreamResponse:
    completion = _Completion(str(body.get("model", _MODEL)), request)
    if not body.get("stream"):
        request.first_token_at = request.completed_at = time.time()
        return web.json_response(completion.whole())
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(http)
    request.first_token_at = time.time()
    for chunk in completion.chunks():
        await response.write(_event(json.dumps(chunk)))
    if (body.get("stream_options") or {}).get("include_usage"):
        await response.write(_event(json.dumps(completion.usage())))
    request.completed_at = time.time()
    await response.write(_event("[DONE]"))
    return response


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


class _Completion:
    """One answer, in OpenAI's two formats."""

    def __init__(self, model: str, request: Request) -> None:
        self._text = request.reply
        self._call = request.call
        self._head = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "created": int(time.time()),
            "model": model,
        }
        tokens = len(self._text.split())
        self._usage = {"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens}

    def whole(self) -> Body:
        message: Body = {"role": "assistant", "content": self._text}
        if self._call:
            message = {"role": "assistant", "content": None, "tool_calls": [_called(self._call)]}
        choice = {"index": 0, "message": message, "finish_reason": self._finish_reason()}
        return {
            **self._head,
            "object": "chat.completion",
            "choices": [choice],
            "usage": self._usage,
        }

    def chunks(self) -> Iterator[Body]:
        yield self._chunk({"role": "assistant", "content": "" if self._call is None else None})
        if self._call:
            yield from self._call_chunks(self._call)
        for token in re.findall(r"\s*\S+", self._text):
            yield self._chunk({"content": token})
        yield self._chunk({}, finish_reason=self._finish_reason())

    def usage(self) -> Body:
        return {**self._head, "object": _CHUNK, "choices": [], "usage": self._usage}

    def _call_chunks(self, call: ToolCall) -> Iterator[Body]:
        """Yield the name, then the arguments in pieces."""
        called = _called(call)
        arguments = called["function"].pop("arguments")
        named = {**called, "index": 0, "function": {**called["function"], "arguments": ""}}
        yield self._chunk({"tool_calls": [named]})
        for start in range(0, len(arguments), _PIECE):
            piece = {"arguments": arguments[start : start + _PIECE]}
            yield self._chunk({"tool_calls": [{"index": 0, "function": piece}]})

    def _finish_reason(self) -> str:
        return "tool_calls" if self._call else "stop"

    def _chunk(self, delta: Body, finish_reason: str | None = None) -> Body:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {**self._head, "object": _CHUNK, "choices": [choice]}


def _called(call: ToolCall) -> Body:
    function = {"name": call.name, "arguments": json.dumps(dict(call.arguments))}
    return {"id": f"call_{uuid.uuid4().hex}", "type": "function", "function": function}
