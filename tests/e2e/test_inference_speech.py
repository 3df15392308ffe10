"""LiveKit Inference's own speech classes against the stand-in.

Audio is sent faster than real time: the stand-in counts the silence in it, not on the clock.
"""

import base64
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from async_timeout import timeout
from livekit import rtc
from livekit.agents import APIConnectOptions, inference
from livekit.agents.stt import RecognizeStream, SpeechEvent, SpeechEventType
from livekit.agents.utils import http_context

import timing_profiles
from sandbox import speech
from sandbox.inference import Inference, Request
from sandbox.polling import eventually
from sandbox.worker import ROOT
from tests.e2e.audio import RATE, silence
from timing_profiles.call.parts import Own

ONCE = APIConnectOptions(max_retry=0, timeout=5)
SENTENCE = speech.synthesize("My number is seven.", sample_rate=RATE)
STT_CREATE = {
    "type": "session.create",
    "settings": {"sample_rate": "16000", "encoding": "pcm_s16le", "extra": {}},
}
DEFAULT = timing_profiles.resolve(profiles_dir=ROOT / "profiles").values
SILENT = {"session.created", "session.finalized", "session.closed"}
TTS_CREATE = {"type": "session.create", "sample_rate": "24000", "encoding": "pcm_s16le"}


@pytest.fixture
async def server() -> AsyncIterator[Inference]:
    async with Inference() as server, http_context.open():
        yield server


@pytest.fixture
async def tts(server: Inference) -> AsyncIterator[inference.TTS]:
    tts = inference.TTS("cartesia/sonic-3", **account(server))
    yield tts
    await tts.aclose()


def account(server: Inference) -> dict[str, Any]:
    return {"base_url": server.url, "api_key": "key", "api_secret": "s" * 32}


def listening(server: Inference) -> RecognizeStream:
    stt = inference.STT("assemblyai/universal-streaming:en", **account(server))
    return stt.stream(conn_options=ONCE)


def send(stream: RecognizeStream, audio: bytes) -> None:
    stream.push_frame(rtc.AudioFrame(audio, RATE, 1, len(audio) // 2))


async def closed(server: Inference) -> Request:
    """Wait until the last connection has ended."""
    request = server.requests[-1]
    await eventually(lambda: request.closed_at, 5, "the end of the connection")
    return request


async def events_of(server: Inference, audio: bytes, ends: int = 1) -> list[SpeechEvent]:
    """Stream `audio` through the SDK; return its events until so many ends of speech."""
    stream = listening(server)
    send(stream, audio)
    events: list[SpeechEvent] = []
    async with timeout(5):
        async for event in stream:
            events.append(event)
            if event.type is SpeechEventType.END_OF_SPEECH:
                ends -= 1
            if not ends:
                break
    await stream.aclose()
    return events


async def spoken(tts: inference.TTS, text: str) -> bytes:
    """What is heard of a text, without the 10 ms of silence that the SDK ends it with."""
    frame = await tts.synthesize(text, conn_options=ONCE).collect()
    assert (frame.sample_rate, frame.num_channels) == (tts.sample_rate, 1)
    return frame.data.tobytes()[: -tts.sample_rate // 100 * 2]


def speech_of(text: str, sample_rate: int = 24000) -> bytes:
    """What a text sounds like; the SDK ends every sentence with a space."""
    return speech.synthesize(f"{text} ", voice=speech.AGENT, sample_rate=sample_rate)


def texts(events: list[SpeechEvent]) -> list[str]:
    return [
        event.alternatives[0].text
        for event in events
        if event.type is SpeechEventType.FINAL_TRANSCRIPT
    ]


@contextlib.asynccontextmanager
async def session(
    server: Inference, path: str, *messages: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse[Any]]:
    """A session without the SDK, opened with these messages."""
    async with (
        timeout(5),
        aiohttp.ClientSession(headers={"Authorization": "Bearer key"}) as client,
        client.ws_connect(server.url + path) as ws,
    ):
        for message in messages:
            await ws.send_json(message)
        yield ws


async def test_speech_becomes_transcripts(server: Inference) -> None:
    """The SDK gets the start, interim results and the end: the last one holds every word."""
    events = await events_of(server, silence(0.3) + SENTENCE + silence(0.5))
    types = [event.type for event in events]
    assert types == [
        SpeechEventType.START_OF_SPEECH,
        *[SpeechEventType.INTERIM_TRANSCRIPT] * 3,
        SpeechEventType.RECOGNITION_USAGE,
        SpeechEventType.FINAL_TRANSCRIPT,
        SpeechEventType.END_OF_SPEECH,
    ]
    assert texts(events) == ["One two three four."]


async def test_a_transcript_has_its_language_and_its_words_with_their_times(
    server: Inference,
) -> None:
    """The message has the fields that the SDK reads, one by one."""
    await events_of(server, silence(0.3) + SENTENCE + silence(0.5))
    request = await closed(server)
    created = request.bodies("session.created")[0]
    assert request.bodies("interim_transcript")[0] == {
        "type": "interim_transcript",
        "session_id": created["session_id"],
        "transcript": "One",
        "start": 0.3,
        "duration": 0.4,
        "confidence": 0.99,
        "words": [{"word": "one", "start": 0.3, "end": 0.7, "confidence": 0.99}],
        "language": "en",
    }


async def test_a_transcript_ends_at_the_first_pause(server: Inference) -> None:
    """Half a second of silence separates two transcripts; no word is lost or sent twice."""
    events = await events_of(server, SENTENCE + silence(0.5) + SENTENCE + silence(0.5), ends=2)
    assert texts(events) == ["One two three four.", "Five six seven eight."]


async def test_profile_reaches_the_gateway_and_acts(server: Inference) -> None:
    """An agent's own model: on the wire when it begins, in force in the silence, live as well."""
    stt = inference.STT("deepgram/nova-3:en", **account(server))
    own = Own()
    own.adopt(stt, {**DEFAULT, "stt.nova.endpointing_ms": 800})
    stream = stt.stream(conn_options=ONCE)
    send(stream, SENTENCE + silence(0.5) + SENTENCE + silence(1.0))
    assert await final(stream) == "One two three four five six seven eight."
    (part,) = own.parts
    part.tell({**DEFAULT, "stt.nova.endpointing_ms": 100}, {"stt.nova.endpointing_ms"})
    request = server.requests[-1]
    await eventually(lambda: request.bodies("session.update"), 5, "the change is on the wire")
    send(stream, SENTENCE + silence(0.5) + SENTENCE + silence(1.0))
    assert len((await final(stream)).split()) == 4
    await stream.aclose()
    (create,) = request.bodies("session.create")
    assert create["settings"]["extra"] == {"endpointing": 800, "keyterm": []}
    assert request.bodies("session.update") == [
        {"type": "session.update", "settings": {"extra": {"endpointing": 100}}}
    ]


async def final(stream: RecognizeStream) -> str:
    """The next final transcript."""
    async with timeout(10):
        async for event in stream:
            if event.type is SpeechEventType.FINAL_TRANSCRIPT:
                return event.alternatives[0].text
    raise AssertionError("the stream ended")


async def test_pending_transcript_becomes_final_at_end_of_audio(server: Inference) -> None:
    """Without a pause at the end, the SDK's session.finalize brings the words out."""
    stream = listening(server)
    send(stream, SENTENCE)
    stream.end_input()
    await eventually(lambda: server.requests, 5, "a connection")
    request = server.requests[-1]
    await eventually(lambda: request.bodies("session.finalized"), 5, "session.finalized")
    await stream.aclose()
    finals = [body["transcript"] for body in request.bodies("final_transcript")]
    assert finals == ["One two three four."]


async def test_silence_has_no_transcript(server: Inference) -> None:
    """Neither a transcript nor an empty one, also when the session ends."""
    async with session(server, "/stt", STT_CREATE) as ws:
        audio = base64.b64encode(silence(3)).decode()
        await ws.send_json({"type": "input_audio", "audio": audio})
        for type_ in ("session.finalize", "session.close"):
            await ws.send_json({"type": type_})
        answers = [await ws.receive_json() for _ in range(3)]
    assert [answer["type"] for answer in answers] == [
        "session.created",
        "session.finalized",
        "session.closed",
    ]


async def test_closed_session_sends_last_transcript(server: Inference) -> None:
    """session.close ends the transcript that is pending, then the connection."""
    async with session(server, "/stt", STT_CREATE) as ws:
        audio = base64.b64encode(SENTENCE).decode()
        await ws.send_json({"type": "input_audio", "audio": audio})
        await ws.send_json({"type": "session.close"})
        answers = [message.json() async for message in ws]
    assert [answer["type"] for answer in answers[-2:]] == ["final_transcript", "session.closed"]
    assert answers[-2]["transcript"] == "One two three four."


async def test_transcript_can_be_set(server: Inference) -> None:
    """A test chooses the words."""
    server.words = ("yes",)
    assert texts(await events_of(server, SENTENCE + silence(0.5))) == ["Yes yes yes yes."]


async def test_deaf_stand_in_sends_no_transcript(server: Inference) -> None:
    """Sound without words leaves no transcript."""
    server.deaf = True
    stream = listening(server)
    send(stream, SENTENCE + silence(0.5))
    await eventually(lambda: server.requests and server.requests[-1].audio >= 1.5, 5, "the audio")
    await stream.aclose()
    request = await closed(server)
    assert {message.body["type"] for message in request.messages if message.sent} <= SILENT


async def test_changed_options_reach_a_running_session(server: Inference) -> None:
    """The SDK's session.update is accepted, and the session continues."""
    stt = inference.STT("assemblyai/universal-streaming", **account(server))
    stream = stt.stream(conn_options=ONCE)
    send(stream, silence(0.5))
    await eventually(lambda: server.requests and server.requests[-1].audio, 5, "audio")
    stt.update_options(extra={"max_turn_silence": 700})
    request = server.requests[-1]
    await eventually(lambda: request.bodies("session.update"), 5, "session.update")
    send(stream, SENTENCE + silence(0.5))
    await eventually(lambda: request.bodies("final_transcript"), 5, "a transcript")
    await stream.aclose()
    (update,) = request.bodies("session.update")
    # Some releases send keyterms along.
    keyterms: dict[str, Any] = {"keyterms_prompt": []}
    assert {**update["settings"]["extra"], **keyterms} == {"max_turn_silence": 700, **keyterms}


async def test_record_has_request_and_time_of_last_speech(server: Inference) -> None:
    """Model, language and the moment of the last sound can be read from outside the session."""
    await events_of(server, SENTENCE + silence(0.5))
    request = await closed(server)
    create = request.bodies("session.create")[0]
    assert (request.path, request.status, request.query) == (
        "/stt",
        101,
        {"model": ["assemblyai/universal-streaming"]},
    )
    assert (create["model"], create["settings"]["language"]) == (
        "assemblyai/universal-streaming",
        "en",
    )
    assert request.audio == pytest.approx(len(SENTENCE) / 2 / RATE + 0.5, abs=0.06)
    assert request.last_loud_at is not None
    assert request.closed_at is not None
    assert request.at < request.last_loud_at < request.closed_at


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 48000])
async def test_text_becomes_speech_at_the_requested_sample_rate(
    server: Inference, rate: int
) -> None:
    """The audio is that of espeak-ng, sample by sample."""
    tts = inference.TTS("cartesia/sonic-3", sample_rate=rate, **account(server))
    heard = await spoken(tts, "Thank you. Please go on.")
    await tts.aclose()
    assert heard == speech_of("Thank you. Please go on.", rate)


async def test_the_second_reply_uses_the_same_connection(
    tts: inference.TTS, server: Inference
) -> None:
    """The SDK keeps its connection, and every reply ends with its own `done`."""
    for text in ("Thank you.", "Please go on."):
        assert await spoken(tts, text) == speech_of(text)
    said = [body["transcript"] for body in server.requests[0].bodies("input_transcript")]
    assert len(server.requests) == 1
    assert said == ["Thank you. ", "Please go on. "]
    assert len(server.requests[0].bodies("done")) == 2


async def test_speech_begins_before_the_reply_is_complete(tts: inference.TTS) -> None:
    """The first sentence is heard while the LLM still writes the next."""
    async with tts.stream(conn_options=ONCE) as stream:
        stream.push_text("This is the first sentence of the reply. And this is")
        first = await anext(aiter(stream))
    assert first.frame.duration > 0


async def test_a_reply_that_is_cut_off_ends_its_connection(
    tts: inference.TTS, server: Inference
) -> None:
    """After an interruption no more audio comes; the next reply is whole."""
    async with tts.stream(conn_options=ONCE) as stream:
        stream.push_text("This is the first sentence of the reply. And this is")
        await anext(aiter(stream))
    assert await spoken(tts, "Thank you.") == speech_of("Thank you.")
    cut_off, whole = server.requests
    await eventually(lambda: cut_off.closed_at, 5, "the end of the first connection")
    assert (len(cut_off.bodies("done")), len(whole.bodies("done"))) == (0, 1)


async def test_speech_session_ends_on_close_by_the_client(server: Inference) -> None:
    """session.close is answered, and the connection ends."""
    async with session(server, "/tts", TTS_CREATE) as ws:
        await ws.send_json({"type": "session.close"})
        answers = [message.json()["type"] async for message in ws]
    assert answers == ["session.created", "session.closed"]


@pytest.mark.parametrize("path", ["/stt", "/tts"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer"}, {"Authorization": "Token x"}])
async def test_missing_key_starts_no_session(
    server: Inference, path: str, headers: dict[str, str]
) -> None:
    """A missing bearer token is 401, as at the gateway."""
    async with aiohttp.ClientSession(headers=headers) as client:
        with pytest.raises(aiohttp.WSServerHandshakeError, match="401"):
            await client.ws_connect(server.url + path)
    assert [(request.path, request.status) for request in server.requests] == [(path, 401)]


@pytest.mark.parametrize(
    ("path", "messages"),
    [
        ("/stt", [{"type": "session.finalize"}]),
        ("/stt", [{"type": "session.create"}]),
        ("/stt", [{**STT_CREATE, "settings": {"sample_rate": "16000", "encoding": "opus"}}]),
        ("/stt", [STT_CREATE, {"type": "input_transcript", "transcript": "Hello."}]),
        ("/stt", [STT_CREATE, {"type": "input_audio", "audio": "not base64"}]),
        ("/tts", [{"type": "session.flush"}]),
        ("/tts", [{**TTS_CREATE, "sample_rate": "44"}]),
        ("/tts", [TTS_CREATE, {"type": "input_transcript"}]),
        ("/tts", [TTS_CREATE, ["session.flush"]]),
    ],
)
async def test_invalid_message_is_an_error_and_ends_session(
    server: Inference, path: str, messages: list[Any]
) -> None:
    """A client with another protocol gets an error instead of a timeout."""
    async with session(server, path, *messages) as ws:
        answers = [message.json() async for message in ws]
    assert answers[-1]["type"] == "error"
    assert answers[-1]["message"].startswith("Not understood: ")
    await closed(server)
