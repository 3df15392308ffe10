"""Flux at the stand-in: on the wire, and as Deepgram's own plugin sees it.

Audio is sent faster than real time: the stand-in counts the silence in it, not on the clock.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from itertools import pairwise
from typing import Any

import aiohttp
import numpy as np
import pytest
from async_timeout import timeout
from hypothesis import given
from hypothesis import strategies as st
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError
from livekit.agents.stt import SpeechEvent, SpeechEventType
from livekit.agents.utils import http_context
from livekit.plugins.deepgram import STTv2

from sandbox import speech
from sandbox.deepgram import Deepgram, Request
from sandbox.deepgram.flux import Flux
from sandbox.polling import eventually
from tests.e2e.audio import RATE, silence

ONCE = APIConnectOptions(max_retry=0, timeout=5)
AGAIN = APIConnectOptions(max_retry=1, retry_interval=0.0, timeout=5)
SENTENCE = speech.synthesize("My number is seven.", sample_rate=RATE)
QUERY = {"model": "flux-general-en", "encoding": "linear16", "sample_rate": str(RATE)}

Body = dict[str, Any]


def tone(seconds: float) -> bytes:
    return (np.sin(np.arange(round(RATE * seconds)) / 5) * 9000).astype("<i2").tobytes()


@pytest.fixture
async def deepgram() -> AsyncIterator[Deepgram]:
    async with Deepgram() as deepgram, http_context.open():
        yield deepgram


@contextlib.asynccontextmanager
async def connected(
    deepgram: Deepgram, query: Sequence[tuple[str, str]] = tuple(QUERY.items())
) -> AsyncGenerator[aiohttp.ClientWebSocketResponse[Any]]:
    headers = {"Authorization": "Token key"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(f"{deepgram.url}/v2/listen", params=query) as ws,
    ):
        yield ws


async def everything_from(ws: aiohttp.ClientWebSocketResponse) -> list[Body]:
    """Return all messages until the stand-in hangs up."""
    async with timeout(10):
        return [message.json() async for message in ws]


async def converse(deepgram: Deepgram, *parts: bytes | Body, **query: str) -> list[Body]:
    """Send audio and messages, and CloseStream; return all that comes back."""
    async with connected(deepgram, tuple((QUERY | query).items())) as ws:
        for part in (*parts, {"type": "CloseStream"}):
            await (ws.send_bytes(part) if isinstance(part, bytes) else ws.send_json(part))
        return await everything_from(ws)


def of(bodies: list[Body], *events: str) -> list[Body]:
    """Return the TurnInfo of these events."""
    return [body for body in bodies if body.get("event") in events]


def changes(bodies: list[Body]) -> list[str]:
    """Return the events that change the state of a turn."""
    return [body["event"] for body in bodies if body.get("event", "Update") != "Update"]


def silence_before(body: Body) -> float:
    """Return the audio between the last word and the moment of the message, in seconds."""
    return round(float(body["audio_window_end"] - body["words"][-1]["end"]), 3)


async def test_a_connection_begins_with_connected(deepgram: Deepgram) -> None:
    """It names the request, as the header does and as every TurnInfo will."""
    async with connected(deepgram) as ws:
        first = await ws.receive_json(timeout=5)
    request_id = ws._response.headers["dg-request-id"]  # noqa: SLF001 - aiohttp shows them nowhere else
    assert first == {"type": "Connected", "request_id": request_id, "sequence_id": 0}


async def test_a_turn_is_complete(deepgram: Deepgram) -> None:
    """Every message of a turn of one word, with every field that Deepgram documents."""
    deepgram.words = ["yes"]
    audio = silence(0.5) + tone(0.2) + silence(0.3)
    connected, *turn = await converse(deepgram, audio, eager_eot_threshold="0.4")
    request_id = connected["request_id"]
    word = {"word": "Yes", "start": 0.5, "end": 0.7, "confidence": 0.99}
    info = {"type": "TurnInfo", "request_id": request_id, "turn_index": 0}
    silent = info | {"audio_window_start": 0.0, "transcript": "", "words": []}
    said = silent | {"transcript": "Yes", "words": [word]}
    ended = said | {"transcript": "Yes.", "words": [word | {"word": "Yes."}]}
    update = {"event": "Update", "end_of_turn_confidence": 0.0}
    assert turn == [
        silent | update | {"audio_window_end": 0.24, "sequence_id": 1},
        silent | update | {"audio_window_end": 0.48, "sequence_id": 2},
        said
        | {"event": "StartOfTurn", "audio_window_end": 0.55, "sequence_id": 3}
        | {"words": [word | {"end": 0.55}], "end_of_turn_confidence": 0.0},
        said
        | update
        | {"audio_window_end": 0.79, "sequence_id": 4}
        | {"end_of_turn_confidence": 0.3408},
        ended
        | {"event": "EagerEndOfTurn", "audio_window_end": 0.82, "sequence_id": 5}
        | {"end_of_turn_confidence": 0.4263},
        ended
        | {"event": "EndOfTurn", "trigger": "model", "audio_window_end": 0.96, "sequence_id": 6}
        | {"end_of_turn_confidence": 0.7},
        silent
        | {"event": "Update", "turn_index": 1, "audio_window_start": 0.96, "sequence_id": 7}
        | {"audio_window_end": 1.0, "end_of_turn_confidence": 0.0},
    ]


async def test_updates_come_every_quarter_of_a_second_also_in_silence(deepgram: Deepgram) -> None:
    """As real Flux sends them: 0.24 s at most from one message to the next, and all counted."""
    bodies = await converse(deepgram, silence(1), SENTENCE, silence(1), SENTENCE, silence(1))
    ends = [body["audio_window_end"] for body in bodies[1:]]
    assert [body["sequence_id"] for body in bodies] == list(range(len(bodies)))
    assert all(0 < later - earlier <= 0.2401 for earlier, later in pairwise([0.0, *ends]))


async def test_turns_are_counted_and_follow_each_other(deepgram: Deepgram) -> None:
    """The next turn has the next number, begins where the last one ended, and has its own words."""
    bodies = await converse(deepgram, SENTENCE, silence(0.5), SENTENCE, silence(0.5))
    first, second = of(bodies, "EndOfTurn")
    assert (first["turn_index"], second["turn_index"]) == (0, 1)
    assert second["audio_window_start"] == first["audio_window_end"]
    assert first["transcript"] == "One two three four."
    assert second["transcript"] == "Five six seven eight."


@pytest.mark.parametrize(
    ("threshold", "seconds"),
    [("0.5", 0.15), ("0.6", 0.2), ("0.7", 0.26), ("0.8", 0.35), ("0.85", 0.41), ("0.9", 0.5)],
)
async def test_a_turn_ends_when_the_confidence_reaches_eot_threshold(
    deepgram: Deepgram, threshold: str, seconds: float
) -> None:
    """The higher the threshold, the longer the silence; always the same one."""
    bodies = await converse(deepgram, SENTENCE, silence(1), eot_threshold=threshold)
    (end,) = of(bodies, "EndOfTurn")
    assert silence_before(end) == seconds
    assert end["end_of_turn_confidence"] >= float(threshold)
    assert end["trigger"] == "model"


async def test_default_threshold_is_deepgrams_own(deepgram: Deepgram) -> None:
    """0.7, and no eager end of turn."""
    bodies = await converse(deepgram, SENTENCE, silence(1))
    assert changes(bodies) == ["StartOfTurn", "EndOfTurn"]
    assert silence_before(of(bodies, "EndOfTurn")[0]) == 0.26


@pytest.mark.parametrize(("eager", "seconds"), [("0.3", 0.08), ("0.4", 0.12), ("0.7", 0.26)])
async def test_an_eager_end_comes_before_the_end_with_the_same_words(
    deepgram: Deepgram, eager: str, seconds: float
) -> None:
    """At its own threshold, in the very same moment if the two are equal."""
    bodies = await converse(deepgram, SENTENCE, silence(1), eager_eot_threshold=eager)
    (eager_end,), (end,) = of(bodies, "EagerEndOfTurn"), of(bodies, "EndOfTurn")
    assert changes(bodies) == ["StartOfTurn", "EagerEndOfTurn", "EndOfTurn"]
    assert (silence_before(eager_end), silence_before(end)) == (seconds, 0.26)
    assert eager_end["transcript"] == end["transcript"] != ""
    assert "trigger" not in eager_end


async def test_a_turn_resumes_after_a_pause_shorter_than_the_threshold_asks(
    deepgram: Deepgram,
) -> None:
    """EagerEndOfTurn is taken back, with a new word; the turn ends once, with all words."""
    audio = SENTENCE + silence(0.2) + SENTENCE + silence(1)
    bodies = await converse(deepgram, audio, eager_eot_threshold="0.4")
    assert changes(bodies) == [
        "StartOfTurn",
        "EagerEndOfTurn",
        "TurnResumed",
        "EagerEndOfTurn",
        "EndOfTurn",
    ]
    transcripts = [b["transcript"] for b in of(bodies, "EagerEndOfTurn", "TurnResumed")]
    assert transcripts == [
        "One two three four.",
        "One two three four five",
        "One two three four five six seven eight.",
    ]
    assert of(bodies, "EndOfTurn")[0]["turn_index"] == 0


async def test_pause_does_not_end_turn_without_eager_mode(deepgram: Deepgram) -> None:
    """Without eager_eot_threshold nothing is sent of it."""
    bodies = await converse(deepgram, SENTENCE, silence(0.2), SENTENCE, silence(1))
    assert changes(bodies) == ["StartOfTurn", "EndOfTurn"]


async def test_a_click_neither_starts_nor_resumes_a_turn(deepgram: Deepgram) -> None:
    """Sound of 20 ms is not a word; it only restarts the silence."""
    click, quarter = tone(0.02), silence(0.25)
    audio = silence(0.5) + click + silence(1) + SENTENCE + quarter + click + silence(1)
    bodies = await converse(deepgram, audio, eager_eot_threshold="0.4")
    (eager_end,), (end,) = of(bodies, "EagerEndOfTurn"), of(bodies, "EndOfTurn")
    assert changes(bodies) == ["StartOfTurn", "EagerEndOfTurn", "EndOfTurn"]
    assert eager_end["transcript"] == end["transcript"]
    assert silence_before(end) == pytest.approx(0.25 + 0.02 + 0.26, abs=0.011)


@pytest.mark.parametrize(("timeout_ms", "seconds"), [("500", 0.5), ("1200", 1.2), (None, 5.0)])
async def test_a_turn_that_sounds_unfinished_ends_with_its_time_out(
    deepgram: Deepgram, timeout_ms: str | None, seconds: float
) -> None:
    """The confidence stays below every threshold; without a time-out given it is 5 s."""
    deepgram.words = ["well,"]
    query = {"eot_timeout_ms": timeout_ms} if timeout_ms else {}
    audio = SENTENCE + silence(seconds + 0.5)
    bodies = await converse(deepgram, audio, eager_eot_threshold="0.3", **query)
    (end,) = of(bodies, "EndOfTurn")
    assert changes(bodies) == ["StartOfTurn", "EndOfTurn"]
    assert (silence_before(end), end["trigger"]) == (seconds, "timeout")
    assert end["end_of_turn_confidence"] < 0.3
    assert end["transcript"] == "Well, well, well, well,"


async def test_a_time_out_that_is_shorter_than_the_threshold_asks_ends_a_turn(
    deepgram: Deepgram,
) -> None:
    """A threshold of 1.0 is never reached."""
    audio = SENTENCE + silence(1)
    bodies = await converse(deepgram, audio, eot_threshold="1.0", eot_timeout_ms="500")
    (end,) = of(bodies, "EndOfTurn")
    assert (silence_before(end), end["trigger"]) == (0.5, "timeout")


async def test_unfinished_sentence_can_be_continued(deepgram: Deepgram) -> None:
    """The turn continues through a long pause, and ends as others do after its last word."""
    deepgram.words = ["well,"]
    async with connected(deepgram) as ws:
        await ws.send_bytes(SENTENCE + silence(2))
        await eventually(lambda: deepgram.requests[0].audio > 2, 5, "the first part")
        deepgram.words = ["done"]
        await ws.send_bytes(SENTENCE + silence(1))
        await ws.send_json({"type": "CloseStream"})
        bodies = await everything_from(ws)
    (end,) = of(bodies, "EndOfTurn")
    assert (silence_before(end), end["trigger"], end["turn_index"]) == (0.26, "model", 0)


async def test_deaf_stand_in_reports_no_turns(deepgram: Deepgram) -> None:
    """StartOfTurn always has a word: a sound without words starts nothing."""
    deepgram.deaf = True
    bodies = await converse(deepgram, SENTENCE, silence(1), eager_eot_threshold="0.3")
    assert changes(bodies) == []
    assert {body["transcript"] for body in of(bodies, "Update")} == {""}


@given(
    st.lists(st.tuples(st.integers(1, 80), st.integers(1, 80)), max_size=12),
    st.sampled_from([{}, {"eager_eot_threshold": ["0.3"]}, {"eager_eot_threshold": ["0.7"]}]),
)
def test_every_conversation_obeys_deepgrams_rules(
    pattern: list[tuple[int, int]], more: dict[str, list[str]]
) -> None:
    """Its state machine, for any sounds and pauses, in steps of 10 ms."""
    query = {name: [value] for name, value in QUERY.items()} | {"eot_timeout_ms": ["500"]} | more
    audio = b"".join(tone(sound / 100) + silence(pause / 100) for sound, pause in pattern)
    bodies = list(Flux(query, Deepgram(), "id").hear(audio))
    assert [body["sequence_id"] for body in bodies] == list(range(len(bodies)))
    previous = None
    for body in [body for body in bodies if body["event"] != "Update"]:
        before = previous["event"] if previous else "EndOfTurn"
        assert body["event"] in FOLLOWS[before]
        assert body["transcript"] != ""
        if previous and before == "EagerEndOfTurn":
            same = body["transcript"] == previous["transcript"]
            assert same == (body["event"] == "EndOfTurn")
        if previous and before == "EndOfTurn":
            assert body["turn_index"] == previous["turn_index"] + 1
            assert body["audio_window_start"] == previous["audio_window_end"]
        previous = body


FOLLOWS = {
    "StartOfTurn": {"EagerEndOfTurn", "EndOfTurn"},
    "EagerEndOfTurn": {"TurnResumed", "EndOfTurn"},
    "TurnResumed": {"EagerEndOfTurn", "EndOfTurn"},
    "EndOfTurn": {"StartOfTurn"},
}


@pytest.mark.parametrize("size", [1001, 1600, 2560, 32000])
async def test_chunk_size_of_audio_does_not_matter(deepgram: Deepgram, size: int) -> None:
    """The same events at the same places, also with pieces that cut a sample in two."""
    audio = SENTENCE + silence(0.2) + SENTENCE + silence(0.5)
    pieces = [audio[at : at + size] for at in range(0, len(audio), size)]
    whole = await converse(deepgram, audio, eager_eot_threshold="0.4")
    cut = await converse(deepgram, *pieces, eager_eot_threshold="0.4")
    assert [body | {"request_id": ""} for body in cut] == [
        body | {"request_id": ""} for body in whole
    ]


async def test_configure_changes_following_turns(deepgram: Deepgram) -> None:
    """In the order of the audio: one turn ends by the old threshold, the next by the new one."""
    configure = {
        "type": "Configure",
        "thresholds": {"eot_threshold": 0.9, "eager_eot_threshold": 0.5, "eot_timeout_ms": 900},
        "keyterms": ["Deepgram"],
    }
    said = SENTENCE + silence(0.6)
    bodies = await converse(deepgram, said, configure, said, keyterm="Flux")
    first, second = of(bodies, "EndOfTurn")
    (success,) = [body for body in bodies if body["type"] == "ConfigureSuccess"]
    assert (silence_before(first), silence_before(second)) == (0.26, 0.5)
    assert changes(bodies)[:2] == ["StartOfTurn", "EndOfTurn"]
    assert changes(bodies)[2:] == ["StartOfTurn", "EagerEndOfTurn", "EndOfTurn"]
    assert success == {
        "type": "ConfigureSuccess",
        "request_id": bodies[0]["request_id"],
        "thresholds": configure["thresholds"],
        "keyterms": ["Deepgram"],
        "language_hints": [],
        "sequence_id": bodies.index(success),
    }
    assert configure in deepgram.requests[0].bodies("Configure")


async def test_configure_keeps_other_options(deepgram: Deepgram) -> None:
    """Options that were never set stay Deepgram's own; an empty list clears."""
    query = {"eot_threshold": "0.8", "keyterm": "Flux"}
    one = {"type": "Configure", "thresholds": {"eot_timeout_ms": 7000}}
    two = {"type": "Configure", "keyterms": []}
    bodies = await converse(deepgram, one, two, **query)
    assert [(body["thresholds"], body["keyterms"]) for body in bodies[1:]] == [
        ({"eot_threshold": 0.8, "eot_timeout_ms": 7000}, ["Flux"]),
        ({"eot_threshold": 0.8, "eot_timeout_ms": 7000}, []),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"thresholds": {"eot_threshold": 0.4}},
        {"thresholds": {"eot_threshold": 1.1}},
        {"thresholds": {"eot_threshold": "0.9"}},
        {"thresholds": {"eot_threshold": True}},
        {"thresholds": {"eager_eot_threshold": 0.29}},
        {"thresholds": {"eager_eot_threshold": None}},
        {"thresholds": {"eager_eot_threshold": 0.75}},
        {"thresholds": {"eot_timeout_ms": 499}},
        {"thresholds": {"eot_timeout_ms": 60001}},
        {"thresholds": {"eot_timeout_ms": 800.0}},
        {"thresholds": {"eot_threshold": 0.9, "eot_timeout_ms": 1}},
        {"thresholds": {"sample_rate": 8000}},
        {"thresholds": [0.9]},
        {"keyterms": "Flux"},
        {"keyterms": [1]},
        {"language_hints": ["en"]},
    ],
)
async def test_rejected_configure_has_no_effect(deepgram: Deepgram, change: Body) -> None:
    """ConfigureFailure, whole or not at all, and the conversation continues."""
    message = {"type": "Configure", **change}
    connected, failure, *rest = await converse(deepgram, message, SENTENCE, silence(1))
    assert failure == {
        "type": "ConfigureFailure",
        "request_id": connected["request_id"],
        "sequence_id": 1,
    }
    assert changes(rest) == ["StartOfTurn", "EndOfTurn"]
    assert silence_before(of(rest, "EndOfTurn")[0]) == 0.26


async def test_several_languages_are_hinted_and_reported(deepgram: Deepgram) -> None:
    """flux-general-multi names the languages of a turn; hints can be changed on the way."""
    configure = {"type": "Configure", "language_hints": ["es"]}
    said = SENTENCE + silence(0.5)
    query = [*(QUERY | {"model": "flux-general-multi"}).items()]
    hints = [("language_hint", "en-GB"), ("language_hint", "pt-BR")]
    async with connected(deepgram, (*query, *hints)) as ws:
        for part in (said, configure, said, {"type": "CloseStream"}):
            await (ws.send_bytes(part) if isinstance(part, bytes) else ws.send_json(part))
        bodies = await everything_from(ws)
    first, second = of(bodies, "EndOfTurn")
    assert (first["languages"], first["languages_hinted"]) == (["en"], ["en-GB", "pt-BR"])
    assert (second["languages"], second["languages_hinted"]) == (["en"], ["es"])
    (success,) = [body for body in bodies if body["type"] == "ConfigureSuccess"]
    assert success["language_hints"] == ["es"]


async def test_the_client_may_end_a_turn(deepgram: Deepgram) -> None:
    """ForceEndTurn ends it at once, with the words so far; without a turn nothing happens."""
    force = {"type": "ForceEndTurn"}
    bodies = await converse(deepgram, force, SENTENCE, force, force, silence(1))
    (end,) = of(bodies, "EndOfTurn")
    assert (end["trigger"], end["transcript"]) == ("manual", "One two three four.")


async def test_close_stream_leaves_the_turn_open(deepgram: Deepgram) -> None:
    """The last words come as an Update; there is neither an EndOfTurn nor a summary."""
    async with connected(deepgram) as ws:
        await ws.send_bytes(SENTENCE)
        await ws.send_json({"type": "CloseStream"})
        bodies = await everything_from(ws)
    assert changes(bodies) == ["StartOfTurn"]
    assert (bodies[-1]["event"], bodies[-1]["transcript"]) == ("Update", "One two three four")
    assert bodies[-1]["audio_window_end"] == deepgram.requests[0].audio
    assert ws.close_code == 1000


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "[]",
        "{}",
        "5",
        '{"type": 5}',
        '{"type": "KeepAlive"}',
        '{"type": "Finalize"}',
        '{"type": "Configured"}',
        pytest.param("[" * 100_000, id="deep"),
    ],
)
async def test_invalid_message_closes_connection(deepgram: Deepgram, text: str) -> None:
    """A fatal Error, as Deepgram names it; Flux has neither KeepAlive nor Finalize."""
    async with connected(deepgram) as ws:
        await ws.send_str(text)
        _, error = await everything_from(ws)
    assert error == {
        "type": "Error",
        "code": "UNPARSABLE_CLIENT_MESSAGE",
        "description": "Text message received from client did not match any of the formats we"
        " expect.",
        "sequence_id": 1,
    }
    assert ws.close_code == 1008


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, "Missing 'model'."),
        ({"model": "nova-3"}, "'model' value of 'nova-3'"),
        ({"model": "flux-general-de"}, "'model' value of 'flux-general-de'"),
        ({"encoding": None}, "Missing 'encoding'."),
        ({"encoding": "opus"}, "'encoding' value of 'opus'"),
        ({"sample_rate": None}, "Missing 'sample_rate'."),
        ({"sample_rate": "22050"}, "'sample_rate' value of '22050'"),
        ({"eot_threshold": "0.49"}, "'eot_threshold' value of '0.49'. Expected 0.5 to 1.0."),
        ({"eot_threshold": "1.01"}, "'eot_threshold' value of '1.01'"),
        ({"eot_threshold": "nan"}, "'eot_threshold' value of 'nan'"),
        ({"eot_threshold": "sure"}, "'eot_threshold' value of 'sure'"),
        ({"eager_eot_threshold": "0.2"}, "'eager_eot_threshold' value of '0.2'"),
        ({"eager_eot_threshold": "0.95"}, "'eager_eot_threshold' value of '0.95'"),
        (
            {"eager_eot_threshold": "0.8"},
            "'eager_eot_threshold' value of '0.8'. Expected at most eot_threshold, 0.7.",
        ),
        ({"eager_eot_threshold": "0.6", "eot_threshold": "0.5"}, "'eager_eot_threshold' value"),
        ({"eot_timeout_ms": "499"}, "'eot_timeout_ms' value of '499'"),
        ({"eot_timeout_ms": "60001"}, "'eot_timeout_ms' value of '60001'"),
        ({"eot_timeout_ms": "6000.0"}, "'eot_timeout_ms' value of '6000.0'"),
        ({"language_hint": "en"}, "'language_hint' value of 'en'. Expected none with model"),
        (
            {"language_hint": "tlh", "model": "flux-general-multi"},
            "'language_hint' value of 'tlh'. Expected en or es or",
        ),
        ({"mip_opt_out": "1"}, "'mip_opt_out' value of '1'"),
        ({"numerals": "yes"}, "'numerals' value of 'yes'"),
        ({"profanity_filter": "no"}, "'profanity_filter' value of 'no'"),
        ({"redact": "pci"}, "'redact' value of 'pci'"),
    ],
)
async def test_requests_refused_by_deepgram_are_refused(
    deepgram: Deepgram, change: dict[str, str | None], message: str
) -> None:
    """The answer is 400 with Deepgram's JSON, and names the field."""
    changed: dict[str, str | None] = {**QUERY, **change}
    query = {name: value for name, value in changed.items() if value is not None}
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Token key"}) as session,
        session.get(f"{deepgram.url}/v2/listen", params=query) as response,
    ):
        body = await response.json()
    assert (response.status, body["err_code"]) == (400, "Bad Request")
    assert message in body["err_msg"]
    assert deepgram.requests[0].status == 400


@pytest.mark.parametrize(
    "change",
    [
        {"eot_threshold": "0.5", "eager_eot_threshold": "0.5", "eot_timeout_ms": "500"},
        {"eot_threshold": "1.0", "eager_eot_threshold": "0.9", "eot_timeout_ms": "60000"},
        {"sample_rate": "8000", "mip_opt_out": "true", "tag": "a", "redact": "numbers"},
        {"sample_rate": "48000", "numerals": "true", "profanity_filter": "false"},
        {"model": "flux-general-multi", "language_hint": "nl", "keyterm": "Flux"},
    ],
)
async def test_requests_accepted_by_deepgram_are_accepted(
    deepgram: Deepgram, change: dict[str, str]
) -> None:
    """Every bound, and every parameter of the plugin."""
    bodies = await converse(deepgram, **change)
    assert [body["type"] for body in bodies] == ["Connected"]


async def test_results_come_after_the_latency(deepgram: Deepgram) -> None:
    """The delay of a network and a model can be played."""
    deepgram.latency = 0.2
    await converse(deepgram, SENTENCE, silence(0.5))
    (request,) = deepgram.requests
    ended = next(message for message in request.messages if message.body.get("trigger"))
    assert request.last_loud_at is not None
    assert ended.at - request.last_loud_at >= 0.2


async def test_a_silent_client_is_cut_off(deepgram: Deepgram) -> None:
    """Neither audio nor a message for some time."""
    deepgram.idle_timeout = 0.1
    async with connected(deepgram) as ws:
        await everything_from(ws)
    assert ws.close_code == 1011


@pytest.mark.parametrize("how", ["half-closed", "aborted"])
async def test_a_broken_connection_is_noticed(deepgram: Deepgram, how: str) -> None:
    """In the middle of a turn: the record is closed, without an end of the turn."""
    _, writer = await handshake(deepgram)
    writer.write(frame(SENTENCE))
    await writer.drain()
    request = deepgram.requests[0]
    await eventually(lambda: request.bodies("TurnInfo"), 5, "a message of the turn")
    if how == "aborted":
        writer.transport.abort()
    else:
        writer.write_eof()
    await eventually(lambda: request.closed_at, 5, "the end of the request")
    assert "EndOfTurn" not in str(request.messages)
    writer.close()


async def handshake(deepgram: Deepgram) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a WebSocket by hand."""
    reader, writer = await asyncio.open_connection("127.0.0.1", deepgram.port)
    query = "&".join(f"{name}={value}" for name, value in QUERY.items())
    writer.write(
        f"GET /v2/listen?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Token key\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    return reader, writer


def frame(payload: bytes) -> bytes:
    """Return a binary frame of a client, with a mask of zeros."""
    return b"\x82" + bytes([0x80 | 127]) + len(payload).to_bytes(8, "big") + bytes(4) + payload


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x81\x84" + bytes(4) + b"\xff\xfe\xfd\xfc",  # text that is no UTF-8
        b"\x83\x80" + bytes(4),  # an opcode that does not exist
        b"\xf2\x80" + bytes(4),  # reserved bits
    ],
)
async def test_invalid_websocket_frames_close_connection(
    deepgram: Deepgram, garbage: bytes
) -> None:
    """And leaves the server in peace."""
    reader, writer = await handshake(deepgram)
    writer.write(garbage)
    await reader.read()
    writer.close()
    await eventually(lambda: deepgram.requests[0].closed_at, 5, "the end of the request")
    bodies = await converse(deepgram, SENTENCE, silence(1))
    assert changes(bodies) == ["StartOfTurn", "EndOfTurn"]


async def test_two_connections_at_once_do_not_mix(deepgram: Deepgram) -> None:
    """Each call has its own words, turns, clock and thresholds."""
    one, two = await asyncio.gather(
        converse(deepgram, SENTENCE, silence(1), SENTENCE, silence(1), eot_threshold="0.5"),
        converse(deepgram, silence(1), SENTENCE, silence(1), eot_threshold="0.9"),
    )
    assert [silence_before(end) for end in of(one, "EndOfTurn")] == [0.15, 0.15]
    assert [silence_before(end) for end in of(two, "EndOfTurn")] == [0.5]
    assert of(one, "EndOfTurn")[0]["transcript"] == of(two, "EndOfTurn")[0]["transcript"]


async def test_transcript_is_set_over_http(deepgram: Deepgram) -> None:
    """For people and other processes: at once, also during a call."""
    async with (
        aiohttp.ClientSession() as session,
        session.put(f"{deepgram.url}/sandbox/words", data='["yes", "please"]') as response,
    ):
        assert response.status == 200
    bodies = await converse(deepgram, SENTENCE, silence(1))
    assert of(bodies, "EndOfTurn")[0]["transcript"] == "Yes please yes please."


@pytest.mark.parametrize("data", ["yes", '"yes"', "[1]", '[""]', "{}"])
async def test_words_are_a_list_of_words(deepgram: Deepgram, data: str) -> None:
    """Anything else is refused, and changes nothing."""
    before = deepgram.words
    async with (
        aiohttp.ClientSession() as session,
        session.put(f"{deepgram.url}/sandbox/words", data=data) as response,
    ):
        assert (response.status, await response.text()) == (400, "Expected a JSON list of words.\n")
    assert deepgram.words == before


def new_stt(deepgram: Deepgram, **options: Any) -> STTv2:
    return STTv2(api_key="key", base_url=f"{deepgram.url}/v2/listen", **options)


def pushed(audio: bytes) -> rtc.AudioFrame:
    return rtc.AudioFrame(audio, RATE, 1, len(audio) // 2)


async def events_of(deepgram: Deepgram, audio: bytes, **options: Any) -> list[SpeechEvent]:
    """Stream `audio` through the plugin; return its events until the end of speech."""
    stream = new_stt(deepgram, **options).stream(conn_options=ONCE)
    stream.push_frame(pushed(audio))
    events = []
    async with timeout(5):
        async for event in stream:
            events.append(event)
            if event.type is SpeechEventType.END_OF_SPEECH:
                break
    await stream.aclose()
    return events


async def test_the_plugin_reports_a_turn(deepgram: Deepgram) -> None:
    """Start, words, eager end, resumption and end arrive as the SDK's events."""
    audio = silence(0.5) + SENTENCE + silence(0.2) + SENTENCE + silence(1)
    events = await events_of(deepgram, audio, eager_eot_threshold=0.4)
    said = [(e.type, e.alternatives[0].text if e.alternatives else "") for e in events]
    kinds = SpeechEventType
    whole = "One two three four five six seven eight."
    assert said[0] == (kinds.START_OF_SPEECH, "")
    assert [item for item in said if item[0] is kinds.PREFLIGHT_TRANSCRIPT] == [
        (kinds.PREFLIGHT_TRANSCRIPT, "One two three four."),
        (kinds.PREFLIGHT_TRANSCRIPT, whole),
    ]
    resumed = said.index((kinds.PREFLIGHT_TRANSCRIPT, "One two three four.")) + 1
    assert (kinds.INTERIM_TRANSCRIPT, "One two three four five") in said[resumed:]
    assert said[-2:] == [(kinds.FINAL_TRANSCRIPT, whole), (kinds.END_OF_SPEECH, "")]
    words = events[-2].alternatives[0].words
    assert words is not None
    assert words[0].start_time == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("options", "query"),
    [
        ({}, {}),
        ({"model": "flux-general-multi"}, {"model": ["flux-general-multi"]}),
        ({"eot_threshold": 0.85}, {"eot_threshold": ["0.85"]}),
        ({"eager_eot_threshold": 0.4}, {"eager_eot_threshold": ["0.4"]}),
        ({"eot_timeout_ms": 8000}, {"eot_timeout_ms": ["8000"]}),
        (
            {"model": "flux-general-multi", "language_hint": ["en", "es"]},
            {"model": ["flux-general-multi"], "language_hint": ["en", "es"]},
        ),
        ({"keyterm": ["a", "b"]}, {"keyterm": ["a", "b"]}),
        ({"tags": ["x"]}, {"tag": ["x"]}),
        ({"mip_opt_out": True}, {"mip_opt_out": ["true"]}),
    ],
)
async def test_plugin_options_are_in_the_query(
    deepgram: Deepgram, options: dict[str, Any], query: dict[str, list[str]]
) -> None:
    """Each option is the one parameter that changes."""
    await events_of(deepgram, SENTENCE + silence(1), **options)
    plain = {**{name: [value] for name, value in QUERY.items()}, "mip_opt_out": ["false"]}
    assert (deepgram.requests[0].status, deepgram.requests[0].query) == (101, plain | query)


async def test_plugin_configures_without_reconnecting(deepgram: Deepgram) -> None:
    """Thresholds, key terms and hints go in-band; the words in flight are not lost."""
    stt = new_stt(deepgram, model="flux-general-multi")
    stream = stt.stream(conn_options=ONCE)
    stream.push_frame(pushed(SENTENCE))
    request = await first_request(deepgram)
    await eventually(lambda: request.bodies("TurnInfo"), 5, "the turn")
    stt.update_options(eot_threshold=0.9, eot_timeout_ms=2000, keyterm="a", language_hint=["de"])
    await eventually(lambda: request.bodies("ConfigureSuccess"), 5, "the answer to Configure")
    stream.push_frame(pushed(silence(1)))
    await eventually(lambda: ends_of(request), 5, "the end of the turn")
    await stream.aclose()
    (end,) = ends_of(request)
    assert request.bodies("Configure") == [
        {
            "type": "Configure",
            "thresholds": {"eot_threshold": 0.9, "eot_timeout_ms": 2000},
            "keyterms": ["a"],
            "language_hints": ["de"],
        }
    ]
    assert len(deepgram.requests) == 1
    assert (silence_before(end), end["transcript"]) == (0.5, "One two three four.")


async def first_request(deepgram: Deepgram) -> Request:
    await eventually(lambda: deepgram.requests, 5, "a request")
    return deepgram.requests[0]


def ends_of(request: Request) -> list[Body]:
    return of(request.bodies("TurnInfo"), "EndOfTurn")


async def test_another_model_reconnects(deepgram: Deepgram) -> None:
    """It cannot be configured in-band; the new connection has all options."""
    stt = new_stt(deepgram, eot_threshold=0.8)
    stream = stt.stream(conn_options=ONCE)
    stream.push_frame(pushed(silence(0.5)))
    await eventually(lambda: deepgram.requests and deepgram.requests[0].audio, 5, "audio")
    stt.update_options(model="flux-general-multi")
    await eventually(lambda: len(deepgram.requests) == 2, 5, "the second connection")
    await stream.aclose()
    assert deepgram.requests[1].query["model"] == ["flux-general-multi"]
    assert deepgram.requests[1].query["eot_threshold"] == ["0.8"]


async def test_language_hints_for_english_model_are_refused(deepgram: Deepgram) -> None:
    """It warns, sends them all the same, and Deepgram answers 400."""
    stream = new_stt(deepgram, language_hint=["en"]).stream(conn_options=ONCE)
    with pytest.raises(APIStatusError) as error:
        await anext(stream)
    await stream.aclose()
    assert error.value.status_code == 400
    assert deepgram.requests[0].query["language_hint"] == ["en"]


async def test_plugin_reconnects_after_disconnect(deepgram: Deepgram) -> None:
    """With the same options; later messages belong to a new conversation."""
    deepgram.idle_timeout = 0.1
    stream = new_stt(deepgram, eot_threshold=0.9).stream(conn_options=AGAIN)
    await eventually(lambda: len(deepgram.requests) == 2, 5, "the second connection")
    deepgram.idle_timeout = 10.0
    stream.push_frame(pushed(SENTENCE + silence(1)))
    request = deepgram.requests[1]
    await eventually(lambda: ends_of(request), 5, "the end of the turn")
    await stream.aclose()
    assert deepgram.requests[1].query == deepgram.requests[0].query
    assert [end["turn_index"] for end in ends_of(request)] == [0]


async def test_requests_are_served_over_http(deepgram: Deepgram) -> None:
    """All requests, Configure included, and every answer."""
    configure = {"type": "Configure", "thresholds": {"eot_threshold": 0.6}}
    bodies = await converse(deepgram, SENTENCE, configure, silence(1))
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{deepgram.url}/sandbox/requests") as response,
    ):
        (request,) = json.loads(await response.text())
    assert request["path"] == "/v2/listen"
    assert [m["body"] for m in request["messages"] if m["sent"]] == bodies
    assert [m["body"] for m in request["messages"] if not m["sent"]] == [
        configure,
        {"type": "CloseStream"},
    ]
