"""The SDK's own LLM against the stand-in that calls function tools."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from livekit.agents import inference, llm
from livekit.agents.utils import http_context

from sandbox.inference import Inference, ToolCall

EMAIL = ToolCall("note_email", {"address": "ann@example.com", "spelled": True})


@pytest.fixture
async def server() -> AsyncIterator[Inference]:
    async with Inference() as server, http_context.open():
        server.calls = {"example": EMAIL}
        yield server


@pytest.fixture
async def model(server: Inference) -> AsyncIterator[inference.LLM]:
    made = inference.LLM(
        "openai/gpt-4.1-mini", base_url=server.url, api_key="key", api_secret="s" * 32
    )
    yield made
    await made.aclose()


@llm.function_tool
async def note_email(address: str, *, spelled: bool) -> str:
    """Note an address."""
    return f"{address}, {spelled}"


def conversation(text: str) -> llm.ChatContext:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content=text)
    return context


async def answer(
    model: inference.LLM, context: llm.ChatContext, *tools: llm.Tool
) -> tuple[str, list[llm.FunctionToolCall]]:
    """What it says, and what it calls."""
    text, calls = "", []
    async with model.chat(chat_ctx=context, tools=list(tools)) as stream:
        async for chunk in stream:
            if chunk.delta:
                text += chunk.delta.content or ""
                calls += chunk.delta.tool_calls
    return text, calls


async def test_trigger_words_call_a_tool(model: inference.LLM, server: Inference) -> None:
    """The SDK reads the name and the arguments out of the deltas."""
    text, (call,) = await answer(model, conversation("ann at example dot com"), note_email)
    assert (text, call.name) == ("", "note_email")
    assert call.arguments == '{"address": "ann@example.com", "spelled": true}'
    assert call.call_id
    request = server.requests[-1]
    assert (request.call, request.reply, request.results) == (EMAIL, "", ())


async def test_tool_result_gets_a_reply(model: inference.LLM, server: Inference) -> None:
    """The next request carries what the tool returned, and is not answered by another call."""
    context = conversation("ann at example dot com")
    _, (call,) = await answer(model, context, note_email)
    context.insert(
        [
            llm.FunctionCall(call_id=call.call_id, name=call.name, arguments=call.arguments),
            llm.FunctionCallOutput(
                call_id=call.call_id, name=call.name, output="Noted.", is_error=False
            ),
        ]
    )
    text, calls = await answer(model, context, note_email)
    assert (text, calls) == ("Thank you. Please go on.", [])
    assert server.requests[-1].results == ("Noted.",)
    context.add_message(role="user", content="another example")
    assert len((await answer(model, context, note_email))[1]) == 1


@pytest.mark.parametrize(
    ("text", "tools"),
    [("ann at example dot com", []), ("ann at work", [note_email])],
    ids=["not offered", "other words"],
)
async def test_no_other_tool_is_called(
    model: inference.LLM, text: str, tools: list[llm.Tool]
) -> None:
    """Only an offered tool, and only after its words."""
    assert await answer(model, conversation(text), *tools) == ("Thank you. Please go on.", [])


async def test_a_call_comes_whole_when_not_streamed(server: Inference) -> None:
    """Clients that do not stream get OpenAI's other shape."""
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "example"}],
        "tools": [{"type": "function", "function": {"name": "note_email"}}],
    }
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer key"}) as session,
        session.post(f"{server.url}/chat/completions", json=body) as response,
    ):
        (choice,) = (await response.json())["choices"]
    assert choice["finish_reason"] == "tool_calls"
    (called,) = choice["message"]["tool_calls"]
    assert called.pop("id").startswith("call_")
    assert called == {
        "type": "function",
        "function": {
            "name": "note_email",
            "arguments": '{"address": "ann@example.com", "spelled": true}',
        },
    }


async def test_tool_calls_are_served_over_http(model: inference.LLM, server: Inference) -> None:
    """Another process can read the calls."""
    await answer(model, conversation("example"), note_email)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/sandbox/requests") as response,
    ):
        (request,) = await response.json()
    assert request["call"] == {"name": EMAIL.name, "arguments": dict(EMAIL.arguments)}
