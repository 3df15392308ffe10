"""A running call does as its caller asks, also when the caller changes its mind: on real calls."""

import asyncio
import time
from pathlib import Path

import pytest

import timing_profiles
from sandbox.caller import Script
from sandbox.deepgram import Request
from sandbox.polling import eventually
from sandbox.worker import Worker, worker
from sandbox.worker_variables import LOOP_MONITOR
from tests.e2e.guest import guest
from tests.e2e.read_back import session_options
from tests.e2e.running_call import (
    PROBLEMS,
    SENTENCE,
    BackEnd,
    attributes,
    joined,
    metadata,
    says,
    waited,
)

pytestmark = pytest.mark.measured

# One sentence of a caller who has to think; the longest pause is shorter than any wait here.
LONG = Script(
    "My name is Ann [0.5] and I would like a table [0.5] for two people tonight."
).turns()[0]


def listens(worker: Worker, *endpointing_ms: int) -> list[Request]:
    """The speech-to-text connections with these numbers, oldest first."""
    wanted = {str(number) for number in endpointing_ms}
    return [
        request
        for request in worker.deepgram.requests
        if request.path == "/v1/listen" and request.query["endpointing"][0] in wanted
    ]


def words(requests: list[Request]) -> int:
    """How many words were heard: the stand-in hears one for each 0.3 s of sound."""
    finals = [b for r in requests for b in r.bodies("Results") if b["is_final"]]
    return sum(len(body["channel"]["alternatives"][0]["words"]) for body in finals)


async def test_a_change_of_metadata_changes_the_wait(shared_worker: Worker) -> None:
    """By the clock, from under two seconds to more than two and a half; attributes change, too."""
    quick, slow = (
        {"overrides": {"turn_handling": {"endpointing": {"min_delay": low, "max_delay": high}}}}
        for low, high in ((0.35, 0.4), (2.5, 2.6))
    )
    async with (
        joined(shared_worker, metadata(**quick)) as caller,
        BackEnd(shared_worker, caller) as back_end,
    ):
        began = attributes(caller)
        before = await waited(caller)
        await back_end.write(metadata("patient", **slow))
        await says(caller, "timing.profile", "patient")
        after = await waited(caller)
        in_force = (await session_options(caller))["endpointing"]
        assert attributes(caller) == {**began, "timing.profile": "patient"}
    assert (in_force["min_delay"], in_force["max_delay"]) == (2.5, 2.6)
    assert before < 2.0
    assert 2.5 < after < 3.4


async def test_invalid_or_foreign_metadata_has_no_effect(shared_worker: Worker) -> None:
    """Broken, unknown, forbidden, too late, or another participant's: reported once, no effect."""
    boundary = {"turn_handling": {"interruption": {"backchannel_boundary": None}}}
    asked = {
        '{"profile": "patient"': "metadata-invalid",
        metadata("nobody"): "profile-unknown",
        metadata(overrides={"stt": {"nova": {"model": "nova-2"}}}): "override-forbidden",
        metadata(min_endpointing_delay="2"): "override-type",
        metadata(overrides=boundary): "next-call",
    }
    async with (
        joined(shared_worker, metadata()) as caller,
        BackEnd(shared_worker, caller) as back_end,
        guest(shared_worker.connection, caller.room.name, metadata=metadata("patient")),
    ):
        before, began = await session_options(caller), attributes(caller)
        for text, code in asked.items():
            await back_end.write(text)
            await says(caller, PROBLEMS, code)
            await back_end.write(metadata("patient", nobody=code), "guest")
        assert await session_options(caller) == before
        assert await waited(caller) < 1.5
        await back_end.write(metadata(ours={"user": 7}))
        await says(caller, PROBLEMS, None)
        assert attributes(caller) == began
        room = caller.room.name
    reported = [
        line for line in shared_worker.log.splitlines() if room in line and '"left out (' in line
    ]
    assert [code for line in reported for code in asked.values() if f"({code})" in line] == [
        *asked.values()
    ]
    assert shared_worker.tracebacks == []


async def test_change_of_speech_to_text_loses_no_word(shared_worker: Worker) -> None:
    """Asked for in the middle of a sentence: one new connection, in the silence after it."""
    unhurried = {"min_endpointing_delay": 1.0, "max_endpointing_delay": 1.1}

    async def heard(before: int, after: int | None = None) -> int:
        async with (
            joined(shared_worker, metadata(**unhurried, endpointing_ms=before)) as caller,
            BackEnd(shared_worker, caller) as back_end,
        ):
            saying = asyncio.create_task(caller.say(LONG))
            await asyncio.sleep(1.5)
            if after is not None:
                await back_end.write(metadata(**unhurried, endpointing_ms=after))
            assert not (await saying).cut_in
            if after is not None:
                await eventually(lambda: listens(shared_worker, after), 5, "a new connection")
        return words(listens(shared_worker, before))

    changed, left_alone = await asyncio.gather(heard(311, 312), heard(313))
    first, second = listens(shared_worker, 311, 312)
    # Words that end in a pause are counted to the tenth of a second: a phrase has four or five.
    assert abs(changed - left_alone) <= 1
    assert left_alone > 10
    assert first.last_loud_at is not None
    # Deepgram's own silence, and the second that is waited for whatever may still come.
    assert second.at - first.last_loud_at > 1.3
    assert len(listens(shared_worker, 313)) == 1


async def test_engine_changes_and_changes_back(shared_worker: Worker) -> None:
    """nova, then Flux, then nova again: each transcribes its turn, and ends it in its own time."""
    async with (
        joined(shared_worker, metadata(endpointing_ms=321)) as caller,
        BackEnd(shared_worker, caller) as back_end,
    ):
        known = len(shared_worker.deepgram.requests)

        def flux() -> list[Request]:
            new = shared_worker.deepgram.requests[known:]
            return [request for request in new if request.path == "/v2/listen"]

        await back_end.write(metadata("flux-conversation", min_endpointing_delay=1.6))
        (ears,) = await eventually(flux, 5, "Flux listens")
        with_flux = await waited(caller)
        await back_end.write(metadata(endpointing_ms=322))
        await eventually(lambda: listens(shared_worker, 322), 10, "nova listens")
        with_nova = await waited(caller)
        in_force = (await session_options(caller))["endpointing"]
    expected = timing_profiles.resolve(metadata(), profiles_dir=shared_worker.profiles).values
    assert ears.query["eager_eot_threshold"] == ["0.4"]
    assert ears.last_loud_at is not None
    assert with_nova < 1.6 < with_flux
    assert in_force["max_delay"] == expected["turn_handling.endpointing.max_delay"]
    (nova,) = listens(shared_worker, 322)
    assert nova.last_loud_at is not None


async def test_a_thousand_changes_in_a_moment(tmp_path: Path) -> None:
    """The call continues as usual; speech-to-text gets one new connection, for the last of them."""
    gate = asyncio.Semaphore(8)
    async with (
        worker(tmp_path, env={LOOP_MONITOR: "100"}) as running,
        joined(running, metadata(endpointing_ms=331)) as caller,
        BackEnd(running, caller) as back_end,
    ):

        async def change(number: int) -> None:
            async with gate:
                await back_end.write(metadata(endpointing_ms=5000 + number))

        known = len(running.log)
        saying = asyncio.create_task(caller.say(SENTENCE))
        await asyncio.gather(*(change(number) for number in range(999)))
        await change(999)
        changed = time.monotonic()
        turn = await saying
        await eventually(lambda: listens(running, 5999), 10, "the last one")
        log = running.log[known:]
    assert turn.wait is not None
    # The changes end with the sentence, or on a busy machine seconds after it.
    assert turn.wait - max(0.0, changed - turn.parts[-1].end) < 2.0
    assert len(listens(running, *range(5000, 6000))) == 1
    blocked = [line for line in log.splitlines() if "event loop blocked" in line]
    assert [line for line in blocked if "timing_profiles/" in line] == []
