"""The SDK's own LLM against the stand-in."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from livekit.agents import APIConnectionError, APIConnectOptions, inference
from livekit.agents.llm import ChatContext
from livekit.agents.utils import http_context

from sandbox.inference import Inference
from sandbox.polling import eventually


@pytest.fixture
async def server() -> AsyncIterator[Inference]:
    async with Inference() as server, http_context.open():
        yield server


@pytest.fixture
async def llm(server: Inference) -> AsyncIterator[inference.LLM]:
    llm = inference.LLM(
        "openai/gpt-4.1-mini", base_url=server.url, api_key="key", api_secret="s" * 32
    )
    yield llm
    await llm.aclose()


def conversation(*users: str) -> ChatContext:
    context = ChatContext.empty()
    context.add_message(role="system", content="Be brief.")
    for user in users:
        context.add_message(role="user", content=user)
    return context


async def answer(llm: inference.LLM, *users: str) -> list[str]:
    """Return the pieces in which the answer came."""
    async with llm.chat(chat_ctx=conversation(*users)) as stream:
        return [
            chunk.delta.content async for chunk in stream if chunk.delta and chunk.delta.content
        ]


async def test_the_answer_is_streamed_word_by_word(llm: inference.LLM, server: Inference) -> None:
    """Text arrives in pieces, as from a real model; the record has the request and the answer."""
    assert await answer(llm, "Hello.") == ["Thank", " you.", " Please", " go", " on."]
    request = server.requests[-1]
    assert (request.path, request.status, request.user, request.reply) == (
        "/chat/completions",
        200,
        "Hello.",
        "Thank you. Please go on.",
    )
    assert request.completed_at is not None
    assert request.cancelled_at is None


async def test_answer_without_a_user_message_is_a_greeting(
    llm: inference.LLM, server: Inference
) -> None:
    """The first words of a call are a greeting."""
    assert "".join(await answer(llm)) == "Hello. How can I help you?"
    assert server.requests[-1].user is None


async def test_the_answer_varies_by_turn(llm: inference.LLM) -> None:
    """Consecutive answers differ."""
    answers = ["".join(await answer(llm, *["word"] * turns)) for turns in range(1, 5)]
    assert len(set(answers)) == 4


async def test_the_answer_can_be_set(llm: inference.LLM, server: Inference) -> None:
    """A test sets the answer of the agent."""
    server.reply = "Forty two."
    assert "".join(await answer(llm, "And?")) == "Forty two."


async def test_the_first_token_comes_after_the_latency(
    llm: inference.LLM, server: Inference
) -> None:
    """The delay of a model can be played."""
    server.latency = 0.2
    await answer(llm, "And?")
    request = server.requests[-1]
    assert request.first_token_at is not None
    assert 0.2 <= request.first_token_at - request.at < 0.5


async def test_a_cancelled_request_is_noticed_at_once(
    llm: inference.LLM, server: Inference
) -> None:
    """A reply that is dropped while the model still thinks is recorded as cancelled."""
    server.latency = 30.0
    stream = llm.chat(chat_ctx=conversation("Wait."))
    await eventually(lambda: server.requests, 5, "a request")
    await stream.aclose()
    await eventually(lambda: server.requests[-1].cancelled_at, 5, "the cancelled request")
    assert server.requests[-1].completed_at is None


async def test_client_disconnect_before_answer_is_not_logged(
    server: Inference, caplog: pytest.LogCaptureFixture
) -> None:
    """At any moment: it is recorded as cancelled, unless the answer was complete."""
    body = b'{"messages": [{"role": "user", "content": "Hello."}], "stream": true}'
    head = "POST /chat/completions HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer key\r\n"
    for turns in range(20):  # of the event loop, until it hangs up
        _, client = await asyncio.open_connection("127.0.0.1", server.port)
        client.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        for _ in range(turns):
            await asyncio.sleep(0)
        client.close()
        await client.wait_closed()
    await eventually(
        lambda: all(r.cancelled_at or r.completed_at for r in server.requests), 5, "all ends"
    )
    assert any(request.cancelled_at for request in server.requests)
    assert caplog.messages == []


async def test_two_requests_at_once_do_not_wait_for_each_other(
    llm: inference.LLM, server: Inference
) -> None:
    """Two calls share the stand-in."""
    server.latency = 0.1
    await asyncio.gather(answer(llm, "One."), answer(llm, "Two."))
    first, second = server.requests
    assert first.first_token_at is not None
    assert second.at < first.first_token_at


async def test_an_answer_comes_whole_when_not_streamed(server: Inference) -> None:
    """Clients that do not stream get OpenAI's other shape."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hello."}]}
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer key"}) as session,
        session.post(f"{server.url}/chat/completions", json=body) as response,
    ):
        completion = await response.json()
    del completion["id"], completion["created"]
    message = {"role": "assistant", "content": "Thank you. Please go on."}
    assert completion == {
        "model": "m",
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 0, "completion_tokens": 5, "total_tokens": 5},
    }


async def test_prewarming_finds_a_model(llm: inference.LLM, server: Inference) -> None:
    """The SDK asks for the models to warm its connection up."""
    llm.prewarm()
    await eventually(
        lambda: [request.path for request in server.requests] == ["/models"], 5, "one request"
    )
    assert server.requests[0].status == 200


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, {"messages": []}, 401),
        ({"Authorization": "Bearer"}, {"messages": []}, 401),
        ({"Authorization": "Bearer key"}, {}, 400),
        ({"Authorization": "Bearer key"}, {"messages": "Hello."}, 400),
    ],
)
async def test_invalid_requests_are_refused(
    server: Inference, headers: dict[str, str], body: dict[str, object], status: int
) -> None:
    """A missing key is 401, a body without messages 400."""
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{server.url}/chat/completions", json=body) as response,
    ):
        assert response.status == status
    assert server.requests[-1].status == status


@pytest.mark.parametrize("path", ["/eot", "/bargein"])
async def test_unknown_path_is_recorded_as_404(server: Inference, path: str) -> None:
    """Requests for the SDK's other models are refused at once, and a test can read them."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="404"):
            await session.ws_connect(f"{server.url}{path}")
    assert [(request.path, request.status) for request in server.requests] == [(path, 404)]


async def test_requests_are_served_over_http(llm: inference.LLM, server: Inference) -> None:
    """Another process can read the requests."""
    await answer(llm, "Hello.")
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/sandbox/requests") as response,
    ):
        requests = await response.json()
    assert [(request["path"], request["user"]) for request in requests] == [
        ("/chat/completions", "Hello.")
    ]


async def test_gateway_disconnect_raises_in_time(server: Inference, llm: inference.LLM) -> None:
    """Closing the stand-in does not leave a client waiting."""
    server.latency = 30.0
    options = APIConnectOptions(max_retry=0, timeout=5)
    stream = llm.chat(chat_ctx=conversation("Wait."), conn_options=options)
    await eventually(lambda: server.requests, 5, "a request")
    await server.aclose()
    with pytest.raises(APIConnectionError):
        async for _ in stream:
            pass
    await stream.aclose()
