"""Deepgram's own plugin against the stand-in.

Audio is sent faster than real time: the stand-in counts the silence in it, not on the clock.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import av
import numpy as np
import pytest
from async_timeout import timeout
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.agents.utils import http_context
from livekit.plugins.deepgram import STT, TTS

from sandbox import speech
from sandbox.deepgram import Deepgram, Request
from sandbox.polling import eventually
from tests.e2e.audio import RATE, silence
from tests.sdk.release import needs_pace

ONCE = APIConnectOptions(max_retry=0, timeout=5)
SENTENCE = speech.synthesize("My number is seven.", sample_rate=RATE)
LISTEN = {
    "model": "nova-3",
    "encoding": "linear16",
    "sample_rate": "16000",
    "interim_results": "true",
    "vad_events": "true",
    "punctuate": "true",
}


@pytest.fixture
async def deepgram() -> AsyncIterator[Deepgram]:
    async with Deepgram() as deepgram, http_context.open():
        yield deepgram


def new_stt(deepgram: Deepgram, **options: Any) -> STT:
    return STT(api_key="key", base_url=f"{deepgram.url}/v1/listen", **options)


async def hear(deepgram: Deepgram, audio: bytes, **options: Any) -> Request:
    """Stream `audio` through the plugin; return what the stand-in noted of it."""
    stream = new_stt(deepgram, **options).stream(conn_options=ONCE)
    stream.push_frame(rtc.AudioFrame(audio, RATE, 1, len(audio) // 2))
    stream.end_input()
    count = len(deepgram.requests)
    await eventually(lambda: len(deepgram.requests) > count, 5, "a request")
    request = deepgram.requests[count]
    await eventually(lambda: request.closed_at, 5, "the end of the request")
    await stream.aclose()
    return request


async def events_of(deepgram: Deepgram, audio: bytes, **options: Any) -> list[SpeechEvent]:
    """Stream `audio` through the plugin; return its events until the end of speech."""
    stream = new_stt(deepgram, **options).stream(conn_options=ONCE)
    stream.push_frame(rtc.AudioFrame(audio, RATE, 1, len(audio) // 2))
    events = []
    async with timeout(5):
        async for event in stream:
            events.append(event)
            if event.type is SpeechEventType.END_OF_SPEECH:
                break
    await stream.aclose()
    return events


def results(request: Request, **fields: bool) -> list[dict[str, Any]]:
    """Return the results whose flags are as given."""
    return [
        body
        for body in request.bodies("Results")
        if all(body[name] is value for name, value in fields.items())
    ]


def transcript(body: dict[str, Any]) -> str:
    text = body["channel"]["alternatives"][0]["transcript"]
    assert isinstance(text, str)
    return text


def silence_before(body: dict[str, Any]) -> float:
    """Return the audio between the last word and the moment of the message, in seconds."""
    end: float = body["channel"]["alternatives"][0]["words"][-1]["end"]
    return round(float(body["start"] + body["duration"]) - end, 3)


@pytest.mark.parametrize(("endpointing_ms", "seconds"), [(25, 0.05), (400, 0.4), (1000, 1.0)])
async def test_speech_ends_after_the_silence_of_endpointing(
    deepgram: Deepgram, endpointing_ms: int, seconds: float
) -> None:
    """speech_final comes at exactly that silence; 25 ms are the 50 that a pause takes at least."""
    audio = silence(0.3) + SENTENCE + silence(1.5)
    request = await hear(deepgram, audio, endpointing_ms=endpointing_ms)
    assert request.query["endpointing"] == [str(endpointing_ms)]
    assert silence_before(results(request, speech_final=True)[-1]) == seconds


async def test_speech_never_ends_without_endpointing(deepgram: Deepgram) -> None:
    """`endpointing=false`: no speech_final, the words come with the 5 s segment."""
    request = await hear(deepgram, SENTENCE + silence(5), endpointing_ms=0)
    assert request.query["endpointing"] == ["false"]
    assert results(request, speech_final=True) == []
    assert results(request, is_final=True)[0]["duration"] == 5.0


async def test_long_speech_is_finalized_in_segments_of_five_seconds(deepgram: Deepgram) -> None:
    """Speech without a pause gets finals without speech_final, and one sentence."""
    request = await hear(deepgram, SENTENCE * 6 + silence(0.5), endpointing_ms=400)
    first, second = results(request, is_final=True, from_finalize=False)
    assert (first["duration"], first["speech_final"]) == (5.0, False)
    assert second["speech_final"] is True
    assert not transcript(first).endswith(".")
    assert transcript(second)[0].islower()
    assert transcript(second).endswith(".")


async def test_utterance_end_follows_the_words_at_its_own_silence(deepgram: Deepgram) -> None:
    """Without speech_final the pending words come first, then UtteranceEnd."""
    audio = SENTENCE + silence(1.5)
    request = await hear(deepgram, audio, endpointing_ms=0, utterance_end_ms=1000)
    final = results(request, is_final=True)[0]
    end = final["channel"]["alternatives"][0]["words"][-1]["end"]
    bodies = [message.body for message in request.messages]
    assert silence_before(final) == 1.0
    assert bodies[bodies.index(final) + 1] == {
        "type": "UtteranceEnd",
        "channel": [0, 1],
        "last_word_end": end,
    }


async def test_utterance_end_also_follows_speech_final(deepgram: Deepgram) -> None:
    """Both ways of ending a turn may be on; UtteranceEnd then comes once, without new words."""
    audio = SENTENCE + silence(2.5)
    request = await hear(deepgram, audio, endpointing_ms=400, utterance_end_ms=1000)
    types = [message.body["type"] for message in request.messages if message.sent]
    assert types[-3:] == ["UtteranceEnd", "Results", "Metadata"]
    assert types.count("UtteranceEnd") == 1
    assert len(results(request, speech_final=True)) == 1


async def test_finalize_flushes_pending_speech(deepgram: Deepgram) -> None:
    """The end of the plugin's input yields the words without any silence."""
    request = await hear(deepgram, SENTENCE, endpointing_ms=1000)
    received = [message.body["type"] for message in request.messages if not message.sent]
    (final,) = results(request, is_final=True)
    assert received[-2:] == ["Finalize", "CloseStream"]
    assert (final["from_finalize"], final["speech_final"]) == (True, False)
    assert transcript(final).startswith("One two")


async def test_interim_results_come_about_every_half_second_of_speech(deepgram: Deepgram) -> None:
    """They grow while speech goes on, and stop with it."""
    request = await hear(deepgram, SENTENCE + silence(2), endpointing_ms=1000)
    interims = results(request, is_final=False)
    ends = [round(body["start"] + body["duration"], 3) for body in interims]
    lengths = [len(transcript(body)) for body in interims]
    assert lengths == sorted(lengths)
    assert all(0.3 <= later - earlier <= 0.5 for earlier, later in pairwise(ends))
    assert ends[-1] < len(SENTENCE) / 2 / RATE + 0.4


async def test_only_final_results_without_interim_results(deepgram: Deepgram) -> None:
    """interim_results=false."""
    audio = SENTENCE + silence(0.6)
    request = await hear(deepgram, audio, interim_results=False, endpointing_ms=400)
    assert results(request, is_final=False) == []
    assert len(results(request, speech_final=True)) == 1


async def test_results_come_after_the_latency(deepgram: Deepgram) -> None:
    """The delay of a network and a model can be played; the order stays."""
    deepgram.latency = 0.2
    request = await hear(deepgram, SENTENCE + silence(0.6), endpointing_ms=400)
    final = next(message for message in request.messages if message.body.get("speech_final"))
    assert request.last_loud_at is not None
    assert final.at - request.last_loud_at >= 0.2
    assert request.messages[-1].body["type"] == "Metadata"


async def test_a_click_is_not_speech(deepgram: Deepgram) -> None:
    """Sound of 20 ms starts nothing and leaves no words."""
    click = b"\x00\x40" * (RATE // 50)
    request = await hear(deepgram, silence(0.5) + click + silence(1), endpointing_ms=25)
    assert request.bodies("SpeechStarted") == []
    assert [transcript(body) for body in request.bodies("Results")] == [""]


@pytest.mark.parametrize("voice", [speech.CALLER, speech.AGENT])
async def test_the_end_of_speech_survives_opus(deepgram: Deepgram, voice: str) -> None:
    """What a call does to the audio moves the end that is heard by 20 ms at most."""
    text = "The packages are expected to stop at six."
    audio = silence(0.3) + speech.synthesize(text, voice=voice, sample_rate=RATE) + silence(1)
    ends = []
    for sent in (audio, through_opus(audio)):
        request = await hear(deepgram, sent, endpointing_ms=400)
        final = results(request, speech_final=True)[-1]
        ends.append(final["channel"]["alternatives"][0]["words"][-1]["end"])
    assert abs(ends[1] - ends[0]) < 0.03  # one frame of 20 ms


def through_opus(audio: bytes) -> bytes:
    """Return the audio after 24 kbit/s, which LiveKit's speech preset is."""
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as out:
        stream = out.add_stream("libopus", rate=RATE, layout="mono")
        stream.bit_rate = 24000
        samples = np.frombuffer(audio, dtype="<i2").reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = RATE
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    file.seek(0)
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    with av.open(file, "r") as container:
        frames = [new for frame in container.decode(audio=0) for new in resampler.resample(frame)]
        return b"".join(frame.to_ndarray().tobytes() for frame in frames + resampler.resample(None))


async def test_the_plugin_reports_a_turn(deepgram: Deepgram) -> None:
    """Start, words and end arrive as the SDK's events, with the times of the words."""
    deepgram.words = ["hello", "world"]
    audio = silence(0.5) + SENTENCE[: RATE * 2 * 6 // 10] + silence(1)
    events = await events_of(deepgram, audio, interim_results=False, endpointing_ms=400)
    started, final, ended = [e for e in events if e.type is not SpeechEventType.RECOGNITION_USAGE]
    assert started.type is SpeechEventType.START_OF_SPEECH
    assert final.type is SpeechEventType.FINAL_TRANSCRIPT
    assert ended.type is SpeechEventType.END_OF_SPEECH
    assert final.alternatives[0].text == "Hello world."
    assert final.alternatives[0].start_time == pytest.approx(0.5, abs=0.05)
    assert final.alternatives[0].end_time == pytest.approx(1.1, abs=0.05)


async def test_a_result_is_complete(deepgram: Deepgram) -> None:
    """Every field that Deepgram documents is there."""
    deepgram.words = ["yes"]
    tone = (np.sin(np.arange(RATE // 5) / 5) * 9000).astype("<i2").tobytes()
    request = await hear(deepgram, silence(0.5) + tone + silence(0.5), endpointing_ms=300)
    (final,) = results(request, speech_final=True)
    word = {"word": "yes", "start": 0.5, "end": 0.7, "confidence": 0.99, "punctuated_word": "Yes."}
    assert request.bodies("SpeechStarted") == [
        {"type": "SpeechStarted", "channel": [0, 1], "timestamp": 0.5}
    ]
    assert final == {
        "type": "Results",
        "channel_index": [0, 1],
        "start": 0.5,
        "duration": 0.5,
        "is_final": True,
        "speech_final": True,
        "from_finalize": False,
        "channel": {"alternatives": [{"transcript": "Yes.", "confidence": 0.99, "words": [word]}]},
        "metadata": {
            "request_id": request.bodies("Metadata")[0]["request_id"],
            "model_info": {"name": "nova-3", "version": "0", "arch": "sandbox"},
            "model_uuid": "00000000-0000-4000-8000-000000000001",
        },
    }


async def test_without_punctuation_words_are_bare(deepgram: Deepgram) -> None:
    """punctuate=false and smart_format=false."""
    audio = SENTENCE + silence(0.6)
    request = await hear(deepgram, audio, punctuate=False, endpointing_ms=400)
    (final,) = results(request, speech_final=True)
    assert transcript(final).startswith("one two three")
    assert "punctuated_word" not in final["channel"]["alternatives"][0]["words"][0]


async def test_words_are_counted_by_the_sound(deepgram: Deepgram) -> None:
    """A word for each 0.3 s of sound, in order, and from the start again after the last."""
    deepgram.words = ["a", "b", "c"]
    request = await hear(deepgram, SENTENCE * 2 + silence(0.6), endpointing_ms=400)
    (final,) = results(request, speech_final=True)
    words = [word["word"] for word in final["channel"]["alternatives"][0]["words"]]
    assert 6 <= len(words) <= 10
    assert words == [["a", "b", "c"][index % 3] for index in range(len(words))]


async def test_deaf_stand_in_reports_speech_without_words(deepgram: Deepgram) -> None:
    """Start and end of speech as ever, with an empty transcript: a sound without words."""
    deepgram.deaf = True
    audio = SENTENCE + silence(1.5)
    request = await hear(deepgram, audio, endpointing_ms=400, utterance_end_ms=1000)
    assert len(request.bodies("SpeechStarted")) == 1
    assert [transcript(body) for body in results(request, speech_final=True)] == [""]
    assert results(request, is_final=False) == []
    assert request.bodies("UtteranceEnd") == []


async def test_two_connections_at_once_do_not_mix(deepgram: Deepgram) -> None:
    """Each call has its own words, its own clock and its own options."""
    one, two = await asyncio.gather(
        hear(deepgram, SENTENCE + silence(0.5), endpointing_ms=300),
        hear(deepgram, silence(1) + SENTENCE + silence(0.5), endpointing_ms=300),
    )
    assert {len(one.bodies("Metadata")), len(two.bodies("Metadata"))} == {1}
    first, second = (results(request, speech_final=True)[0] for request in deepgram.requests)
    assert transcript(first) == transcript(second)
    assert second["start"] - first["start"] == pytest.approx(1.0, abs=0.02)


async def test_record_has_time_of_last_speech(deepgram: Deepgram) -> None:
    """The arrival of the last sound is known, and how much audio came in all."""
    request = await hear(deepgram, silence(0.5) + SENTENCE + silence(0.5), endpointing_ms=25)
    assert request.last_loud_at is not None
    assert request.at <= request.last_loud_at <= (request.closed_at or 0)
    assert request.audio == pytest.approx(1.0 + len(SENTENCE) / 2 / RATE, abs=0.01)


async def test_plugin_gets_the_refusal(deepgram: Deepgram) -> None:
    """A number with a decimal point, which the plugin passes on unchanged, ends the connection."""
    stream = new_stt(deepgram, endpointing_ms=800.0).stream(conn_options=ONCE)
    with pytest.raises(APIStatusError) as error:
        await anext(stream)
    await stream.aclose()
    assert error.value.status_code == 400
    assert (deepgram.requests[0].query["endpointing"], deepgram.requests[0].status) == (
        ["800.0"],
        400,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"endpointing": "800.0"}, "'endpointing' value of '800.0'"),
        ({"endpointing": "-1"}, "'endpointing' value of '-1'"),
        ({"endpointing": "yes"}, "'endpointing' value of 'yes'"),
        ({"utterance_end_ms": "999"}, "'utterance_end_ms' value of '999'"),
        ({"utterance_end_ms": "1000.0"}, "'utterance_end_ms' value of '1000.0'"),
        ({"utterance_end_ms": "1000", "interim_results": "false"}, "'utterance_end_ms'"),
        ({"model": None}, "Missing 'model'."),
        ({"model": "nova-4"}, "'model' value of 'nova-4'"),
        ({"model": "nova-3-generl"}, "'model' value of 'nova-3-generl'"),
        ({"model": "flux-general-en"}, "'model' value of 'flux-general-en'"),
        ({"language": "english!"}, "'language' value of 'english!'"),
        ({"smart_format": "True"}, "'smart_format' value of 'True'"),
        ({"no_delay": "1"}, "'no_delay' value of '1'"),
        ({"encoding": None}, "Missing 'encoding'."),
        ({"encoding": "mp5"}, "'encoding' value of 'mp5'"),
        ({"sample_rate": None}, "Missing 'sample_rate'."),
        ({"sample_rate": "0"}, "'sample_rate' value of '0'"),
        ({"sample_rate": "96000"}, "'sample_rate' value of '96000'"),
        ({"channels": "0"}, "'channels' value of '0'"),
    ],
)
async def test_requests_refused_by_deepgram_are_refused(
    deepgram: Deepgram, changes: dict[str, str | None], message: str
) -> None:
    """The answer is 400 with Deepgram's JSON and header, and names the field."""
    changed: dict[str, str | None] = {**LISTEN, **changes}
    query = {name: value for name, value in changed.items() if value is not None}
    status, body = await get(deepgram, "/v1/listen", query)
    assert (status, body["err_code"], list(body)) == (
        400,
        "Bad Request",
        ["err_code", "err_msg", "request_id"],
    )
    assert message in body["err_msg"]
    assert deepgram.requests[0].status == 400


async def get(
    deepgram: Deepgram, path: str, query: dict[str, str], authorization: str = "Token key"
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": authorization}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{deepgram.url}{path}", params=query) as response,
    ):
        return response.status, await response.json()


@pytest.mark.parametrize("model", ["nova", "nova-2", "nova-2-phonecall", "nova-3", "base"])
@pytest.mark.parametrize("endpointing", ["true", "false", "0", "500"])
async def test_requests_accepted_by_deepgram_are_accepted(
    deepgram: Deepgram, model: str, endpointing: str
) -> None:
    """Known models and every form of endpointing."""
    query = LISTEN | {"model": model, "endpointing": endpointing, "language": "multi"}
    async with await connect(deepgram, "/v1/listen", query) as ws:
        await ws.send_json({"type": "CloseStream"})
        assert (await ws.receive_json())["type"] == "Metadata"


async def connect(
    deepgram: Deepgram, path: str, query: dict[str, str]
) -> aiohttp.ClientWebSocketResponse[Any]:
    return await http_context.http_session().ws_connect(
        f"{deepgram.url}{path}", params=query, headers={"Authorization": "Token key"}
    )


@pytest.mark.parametrize("path", ["/v1/listen", "/v1/speak", "/v2/listen"])
@pytest.mark.parametrize("authorization", ["", "Token", "Basic key"])
async def test_missing_key_is_refused(deepgram: Deepgram, path: str, authorization: str) -> None:
    """401, before anything else is looked at."""
    status, body = await get(deepgram, path, {}, authorization)
    assert (status, body["err_code"], body["err_msg"]) == (
        401,
        "INVALID_AUTH",
        "Invalid credentials.",
    )


async def test_a_silent_client_is_cut_off(deepgram: Deepgram) -> None:
    """Neither audio nor a message for some time: NET-0001, as Deepgram does after 10 s."""
    deepgram.idle_timeout = 0.1
    async with await connect(deepgram, "/v1/listen", LISTEN) as ws:
        message = await ws.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1011)
        assert "net0001" in (message.extra or "")


async def test_keep_alive_keeps_silent_client_connected(deepgram: Deepgram) -> None:
    """Messages count as life."""
    deepgram.idle_timeout = 0.5
    async with await connect(deepgram, "/v1/listen", LISTEN) as ws:
        for _ in range(12):
            await ws.send_json({"type": "KeepAlive"})
            await asyncio.sleep(0.05)
        await ws.send_json({"type": "CloseStream"})
        assert (await ws.receive_json())["type"] == "Metadata"


@pytest.mark.parametrize("text", ["hello", "[]", "{}", '{"type": "Configure"}'])
async def test_invalid_message_closes_connection(deepgram: Deepgram, text: str) -> None:
    """1008, as with Deepgram."""
    async with await connect(deepgram, "/v1/listen", LISTEN) as ws:
        await ws.send_str(text)
        message = await ws.receive(timeout=5)
        assert (message.data, message.extra) == (1008, "DATA-0000")


async def test_a_client_that_hangs_up_is_noticed(deepgram: Deepgram) -> None:
    """The record of a broken call is closed, also while results are still due."""
    deepgram.latency = 30.0
    ws = await connect(deepgram, "/v1/listen", LISTEN)
    await ws.send_bytes(SENTENCE + silence(1))
    await eventually(lambda: deepgram.requests[0].audio, 5, "audio")
    await ws.close()
    await eventually(lambda: deepgram.requests[0].closed_at, 5, "the end of the request")


async def test_requests_are_served_over_http(deepgram: Deepgram) -> None:
    """Another process can read the requests, without the key."""
    await hear(deepgram, SENTENCE, endpointing_ms=700)
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{deepgram.url}/sandbox/requests") as response,
    ):
        (request,) = await response.json()
    assert (request["path"], request["query"]["endpointing"]) == ("/v1/listen", ["700"])
    assert request["messages"][-1]["body"]["type"] == "Metadata"
    assert "Token" not in str(request)


def new_tts(deepgram: Deepgram, **options: Any) -> TTS:
    return TTS(api_key="key", base_url=f"{deepgram.url}/v1/speak", **options)


async def say(tts: TTS, text: str) -> float:
    """Return how many seconds of audio the plugin got."""
    async with tts.stream(conn_options=ONCE) as stream:
        stream.push_text(text)
        stream.end_input()
        return sum([event.frame.duration async for event in stream])


async def test_the_plugin_speaks(deepgram: Deepgram) -> None:
    """A sentence comes as audio of a sentence's length, over one connection for several."""
    tts = new_tts(deepgram)
    first = await say(tts, "Hello there. How are you?")
    second = await say(tts, "Hello there. How are you?")
    await tts.aclose()
    assert 1.0 < first < 3.0
    assert second == first
    (request,) = deepgram.requests
    assert request.query["model"] == ["aura-2-andromeda-en"]
    assert request.audio == pytest.approx(first + second)
    assert [body["sequence_id"] for body in request.bodies("Flushed")][:2] == [0, 1]


@needs_pace
@pytest.mark.parametrize("speed", [0.7, 1.5])
async def test_speed_divides_the_length_of_the_speech(deepgram: Deepgram, speed: float) -> None:
    """The length of a reply follows the setting."""
    normal, changed = new_tts(deepgram), new_tts(deepgram, speed=speed)
    seconds = await say(normal, "Thank you. Please go on.")
    assert await say(changed, "Thank you. Please go on.") == pytest.approx(
        seconds / speed, abs=0.01
    )
    await normal.aclose()
    await changed.aclose()
    assert "speed" not in deepgram.requests[0].query
    assert deepgram.requests[1].query["speed"] == [str(speed)]


async def test_speech_over_http_in_one_request(deepgram: Deepgram) -> None:
    """The plugin's other way, `POST /v1/speak`, yields the same audio."""
    tts = new_tts(deepgram)
    async with tts.synthesize("Hello there.", conn_options=ONCE) as stream:
        at_once = sum([event.frame.duration async for event in stream])
    assert at_once == pytest.approx(await say(tts, "Hello there."), abs=0.05)
    await tts.aclose()


async def test_the_first_audio_comes_after_the_latency(deepgram: Deepgram) -> None:
    """The delay of a voice can be played."""
    deepgram.tts_latency = 0.2
    tts = new_tts(deepgram)
    await say(tts, "Hello there.")
    await tts.aclose()
    messages = deepgram.requests[0].messages
    flush = next(message for message in messages if message.body["type"] == "Flush")
    flushed = next(message for message in messages if message.body["type"] == "Flushed")
    assert flushed.at - flush.at >= 0.2


async def test_clear_drops_unspoken_text(deepgram: Deepgram) -> None:
    """After Clear no audio of the old text comes, and new text is spoken."""
    deepgram.tts_latency = 0.2
    async with await connect(deepgram, "/v1/speak", {"model": "aura-2-zeus-en"}) as ws:
        assert (await ws.receive_json())["type"] == "Metadata"
        await ws.send_json({"type": "Speak", "text": "Never heard."})
        await ws.send_json({"type": "Flush"})
        await ws.send_json({"type": "Clear"})
        assert await ws.receive_json() == {"type": "Cleared", "sequence_id": 0}
        assert deepgram.requests[0].audio == 0
        await ws.send_json({"type": "Speak", "text": "Yes."})
        await ws.send_json({"type": "Close"})
        messages = [message async for message in ws]
    assert {message.type for message in messages[:-1]} == {aiohttp.WSMsgType.BINARY}
    assert messages[-1].json() == {"type": "Flushed", "sequence_id": 1}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"speed": "0.6"}, "'speed' value of '0.6'"),
        ({"speed": "fast"}, "'speed' value of 'fast'"),
        ({"speed": "1.0", "model": "aura-asteria-en"}, "'speed' value of '1.0'"),
        ({"speed": "1.0", "model": "aura-2-lara-de"}, "'speed' value of '1.0'"),
        ({"model": "nova-3"}, "'model' value of 'nova-3'"),
        ({"encoding": "wax"}, "'encoding' value of 'wax'"),
        ({"sample_rate": "12345"}, "'sample_rate' value of '12345'"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_unsupported_speech_request_is_refused(
    deepgram: Deepgram, method: str, query: dict[str, str], message: str
) -> None:
    """Both ways of asking get the same 400."""
    async with aiohttp.ClientSession(headers={"Authorization": "Token key"}) as session:
        query = {"model": "aura-2-zeus-en"} | query
        url = f"{deepgram.url}/v1/speak"
        async with session.request(method, url, params=query, json={"text": "Hi."}) as response:
            body = await response.json()
    assert response.status == 400
    assert message in body["err_msg"]


@pytest.mark.parametrize("text", ["hello", "[]", "{}", '{"type": "Sing"}', '{"type": "Speak"}'])
async def test_invalid_speak_message_closes_connection(deepgram: Deepgram, text: str) -> None:
    """1008, as with Deepgram."""
    async with await connect(deepgram, "/v1/speak", {}) as ws:
        assert (await ws.receive_json())["type"] == "Metadata"
        await ws.send_str(text)
        message = await ws.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1008)


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"text": ""}', '{"text": 5}'])
async def test_empty_text_is_refused(deepgram: Deepgram, body: str) -> None:
    """A request without a text is 400."""
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Token key"}) as session,
        session.post(f"{deepgram.url}/v1/speak", data=body) as response,
    ):
        assert response.status == 400
