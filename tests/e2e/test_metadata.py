"""Metadata on real calls: every layer, and everything that can be wrong with it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest

import timing_profiles
from sandbox.caller import Dial, NotAnsweredError, Script, call, join
from sandbox.fixtures import Happened
from sandbox.records import records
from sandbox.scrape import page, scraped, until
from sandbox.worker import Worker
from tests.e2e.read_back import session_options
from tests.e2e.running_call import PROBLEMS, BackEnd, attributes, says
from timing_profiles.resolution import request

AT_ONCE = 2  # a busy server has been seen to leave the fourth of four without a job

YES = Script("Yes please.")


def overriding(path: str, value: Any) -> str:
    """Metadata that overrides one field of a profile, so that calls stay short."""
    nested = value
    for key in reversed(path.split(".")):
        nested = {key: nested}
    return json.dumps({"profile": "brisk", "overrides": nested})


def telling(**metadata: Any) -> Dial:
    """A caller with this metadata."""
    return Dial(metadata=json.dumps(metadata))


# The most that a LiveKit server takes of a participant.
BIG = '{"profile": "brisk", "notes": "'.ljust(512 * 1024 - 2, "x") + '"}'

NOT_OURS = {
    "none at all": "",
    "text that is no JSON": "hello there",
    "JSON that is no object": "[1, 2]",
    "an object without our keys": '{"language": "de", "user": {"id": 7}}',
    "a profile of the application": '{"profile": {"name": "Ada", "email": "ada@example.org"}}',
    "an empty profile": '{"profile": ""}',
}

UNREAD = {
    "broken JSON": (Dial(metadata='{"profile": "brisk"'), "metadata-invalid"),
    "65 KiB": (telling(profile="brisk", notes="x" * 65 * 1024), "metadata-too-large"),
    "512 KiB": (Dial(metadata=BIG), "metadata-too-large"),
    "512 KiB of the room": (Dial(room_metadata=BIG), "metadata-too-large"),
    "512 KiB of the dispatch": (Dial(dispatch_metadata=BIG), "metadata-too-large"),
    "100,000 levels": (Dial(metadata='{"a":' * 100_000), "metadata-too-large"),
    "10,000 levels": (Dial(metadata='{"a":' * 10_000), "metadata-invalid"),
    "duplicate keys": (
        Dial(metadata='{"profile": "brisk", "profile": "patient"}'),
        "metadata-invalid",
    ),
    "NaN": (Dial(metadata='{"profile": "brisk", "vad": NaN}'), "metadata-invalid"),
}

UNKNOWN = {
    "a misspelled one": telling(profile="patiens"),
    "one in capitals": telling(profile="Brisk"),
    "a way out of the folder": telling(profile="../../etc/passwd"),
    "of the attribute": Dial(attributes={"timing.profile": "nobody"}),
    "of the room": Dial(room_metadata='{"profile": "nobody"}'),
    "of the dispatch": Dial(dispatch_metadata='{"profile": "nobody"}'),
}

LEFT_OUT = {
    "an unknown field": (overriding("stt.nova.endpoint_ms", 300), "override-unknown"),
    "a forbidden field": (overriding("stt.nova.model", "nova-2"), "override-forbidden"),
    "out of range": (overriding("stt.nova.endpointing_ms", 99_999), "override-range"),
    "a number as text": (overriding("stt.nova.endpointing_ms", "800"), "override-type"),
    "true for a number": (overriding("stt.nova.endpointing_ms", value=True), "override-type"),
    "two that break a rule together": (
        json.dumps(
            {"profile": "brisk", "min_endpointing_delay": 0.7, "max_endpointing_delay": 0.4}
        ),
        "override-conflict",
    ),
}

RIGHT = {"800.0 for an integer": overriding("stt.nova.endpointing_ms", 800.0)}


async def each(worker: Worker, dials: Mapping[str, Dial]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Profile and problems of a call for each, whose agent has come and listens."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(dial: Dial) -> tuple[str, tuple[str, ...]]:
        async with gate, join(worker.connection, dial) as caller:
            await caller.agent_listens()
            told = caller.result([])
            return told.profile, told.problems

    return dict(zip(dials, await asyncio.gather(*map(one, dials.values())), strict=True))


async def test_fault_50_invalid_metadata_does_not_end_the_call(
    shared_worker: Worker, happened: Happened
) -> None:
    """The default profile and a problem; without one where the metadata is not ours."""
    not_ours = {name: Dial(metadata=text) for name, text in NOT_OURS.items()}
    unread = {name: dial for name, (dial, _) in UNREAD.items()}
    assert await each(shared_worker, {**not_ours, **unread}) == {
        **dict.fromkeys(NOT_OURS, ("default", ())),
        **{name: ("default", (code,)) for name, (_, code) in UNREAD.items()},
    }
    made = await call(shared_worker.connection, UNREAD["broken JSON"][0], YES, to_the_end=False)
    assert made.waits[0] is not None
    # Nothing of what is refused reaches the log.
    assert "xxxxxxxxxx" not in shared_worker.log
    assert shared_worker.tracebacks == []
    happened(
        f"{len(UNREAD)} calls with default and a problem, {len(NOT_OURS)} without; all answered"
    )


async def test_fault_50_512_kib_of_metadata_do_not_change_a_running_call(
    shared_worker: Worker, happened: Happened
) -> None:
    """A problem, and the active settings stay; a caller with more is rejected by LiveKit."""
    with pytest.raises(NotAnsweredError, match="refused the caller"):
        await call(shared_worker.connection, Dial(metadata=f"{BIG} "))
    async with (
        join(shared_worker.connection, telling(profile="brisk")) as caller,
        BackEnd(shared_worker, caller) as back_end,
    ):
        await caller.agent_listens()
        await back_end.write(BIG)
        await says(caller, PROBLEMS, "metadata-too-large")
        assert attributes(caller)["timing.profile"] == "brisk"
        answered = await caller.say(YES.turns()[0])
    assert answered.wait is not None
    assert shared_worker.tracebacks == []
    happened("LiveKit takes 524,288 bytes: metadata-too-large, brisk stays; refuses one more")


async def test_fault_51_unknown_profile_falls_back_to_default(
    shared_worker: Worker, happened: Happened
) -> None:
    """In every layer and form; the log lists the profiles."""
    found = await each(shared_worker, UNKNOWN)
    assert found == dict.fromkeys(UNKNOWN, ("default", ("profile-unknown",)))
    log = await shared_worker.logs("../../etc/passwd")
    assert "; available: brisk, courier" in log
    assert "did you mean patient?" in log
    assert shared_worker.tracebacks == []
    happened(f"{len(found)} calls with default and profile-unknown, in every layer")


async def test_fault_58_63_overrides_that_would_end_the_call_are_refused(
    shared_worker: Worker, happened: Happened
) -> None:
    """All at once: values on which the SDK raises, and values after which it never answers."""
    dial = telling(
        profile="brisk",
        turn_detection="manual",
        min_interruption_duration=0,
        overrides={
            "vad": {"min_silence_duration": 0.1},
            "turn_handling": {"endpointing": {"mode": "dynamic", "alpha": 0}},
            "stt": {"flux": {"eager_eot_threshold": 0.8, "eot_threshold": 0.6}},
        },
    )
    made = await call(shared_worker.connection, dial, YES, to_the_end=False)
    assert made.profile == "brisk"
    assert sorted(made.problems) == ["override-conflict", "override-forbidden", "override-range"]
    assert made.waits[0] is not None
    assert shared_worker.tracebacks == []
    happened(f"refused ({', '.join(sorted(made.problems))}), answered in {made.waits[0]:.2f} s")


async def test_call_with_any_metadata_is_answered(shared_worker: Worker) -> None:
    """Each request ends in a working call, with the profile in force and the code that is due."""
    expected = {
        **{name: (text, (code,)) for name, (text, code) in LEFT_OUT.items()},
        **{name: (text, ()) for name, text in RIGHT.items()},
    }
    gate = asyncio.Semaphore(AT_ONCE)

    async def outcome(metadata: str) -> tuple[str, tuple[str, ...], bool]:
        async with gate:
            made = await call(
                shared_worker.connection, Dial(metadata=metadata), YES, to_the_end=False
            )
            return made.profile, made.problems, made.waits[0] is not None

    outcomes = await asyncio.gather(*(outcome(text) for text, _ in expected.values()))
    assert dict(zip(expected, outcomes, strict=True)) == {
        name: ("brisk", codes, True) for name, (_, codes) in expected.items()
    }
    assert shared_worker.tracebacks == []


NAME = "\x1b[31mforged\x1b[0m\r\nERROR forged\x00\u202e" + "\x07" * 200

HOSTILE = json.dumps(
    {
        "profile": NAME,
        "turn_detection": "manual",
        "endpointing_ms": 99_999,
        "min_endpointing_delay": 9e9,
        "allow": ["*"],
        "overrides": {
            "allow": ["*"],
            "overrides": {"allow": ["*"]},
            NAME: NAME,
            "stt": {"engine": "flux", "nova": {"model": NAME, "language": NAME}},
            "vad": NAME,
            "tts": {"speed": NAME},
            **{f"\x1b{n}": n for n in range(1_000)},
        },
    }
)
ATTRIBUTE = {"timing.profile": NAME + "x" * 60_000}  # of attributes, LiveKit takes 64 KiB
LONG = json.dumps({"profile": "x" * 100_000})

FROM_EVERYWHERE = {
    "the room": Dial(room_metadata=HOSTILE),
    "the dispatch": Dial(dispatch_metadata=HOSTILE),
    "the participant": Dial(metadata=HOSTILE),
    "the attribute": Dial(attributes=ATTRIBUTE),
    "all of them": Dial(
        room_metadata=HOSTILE,
        dispatch_metadata=HOSTILE,
        metadata=HOSTILE,
        attributes=ATTRIBUTE,
    ),
    "names of 100,000 characters": Dial(room_metadata=LONG, dispatch_metadata=LONG, metadata=LONG),
}

CALLS_WITH_DEFAULT = ("timing_profiles_calls_total", frozenset({("profile", "default")}))

CODES = {
    *("metadata-too-large", "profile-unknown", "override-unknown", "override-type"),
    *("override-range", "override-forbidden"),
}


async def test_fault_54_hostile_metadata_is_contained_in_every_layer(
    shared_worker: Worker, metrics_port: int, happened: Happened
) -> None:
    """Each layer alone, and all at once: policy and bounds hold, nothing is logged unescaped."""
    assert len(HOSTILE) <= request.MAX_BYTES
    running, port = shared_worker, metrics_port
    default = timing_profiles.resolve(profiles_dir=running.profiles).values
    before = await scraped(port)
    counted = before.get(CALLS_WITH_DEFAULT, 0.0)
    requests, said_before = len(running.deepgram.requests), len(records(running))
    codes: set[str] = set()
    for dial in FROM_EVERYWHERE.values():
        async with join(running.connection, dial) as caller:
            await caller.agent_listens()
            told = attributes(caller)
            delays = (await session_options(caller))["endpointing"]
        assert told["timing.profile"] == "default"
        codes |= set(told["timing.problems"].split(","))
        assert delays["min_delay"] == default["turn_handling.endpointing.min_delay"]
    calls = len(FROM_EVERYWHERE)
    await until(port, CALLS_WITH_DEFAULT[0], counted + calls, profile="default")
    metrics = await page(port)
    labels = {labels for name, labels in await scraped(port) if (name, labels) not in before}
    new = running.deepgram.requests[requests:]
    heard = [request.query for request in new if request.path == "/v1/listen"]
    said = records(running)[said_before:]
    assert codes <= CODES
    assert [(query["model"], query["endpointing"]) for query in heard] == [
        ([default["stt.nova.model"]], [str(default["stt.nova.endpointing_ms"])])
    ] * calls
    assert not [request for request in new if request.path == "/v2/listen"]
    # In the log, in the metrics: printable, short, and not many.
    assert "forged" not in metrics
    assert {value for label in labels for name, value in label if name == "code"} <= CODES
    assert not [letter for letter in running.log if not (letter.isprintable() or letter == "\n")]
    ours = [record["message"] for record in said if record["name"] == "timing_profiles"]
    assert not [message for message in ours if not message.isascii() or not message.isprintable()]
    longest = max(len(message) for message in ours)
    assert longest < 600
    assert len(ours) < 40 * calls
    assert [message for message in ours if r"\u001b[31mforged" in message]
    assert not [
        record for record in said if "forged" in str(record) and record["message"] not in ours
    ]
    assert running.tracebacks == []
    happened(
        f"{calls} calls with default, Deepgram asked as default says; {len(ours)} lines of log, "
        f"the longest of {longest} characters"
    )


LAYERS = {
    "the room": (Dial(room_metadata='{"profile": "patient"}'), "patient"),
    "the dispatch over the room": (
        Dial(room_metadata='{"profile": "patient"}', dispatch_metadata='{"profile": "brisk"}'),
        "brisk",
    ),
    "an attribute over the dispatch": (
        Dial(dispatch_metadata='{"profile": "brisk"}', attributes={"timing.profile": "courier"}),
        "courier",
    ),
    "the metadata over the attribute": (
        Dial(metadata='{"profile": "brisk"}', attributes={"timing.profile": "courier"}),
        "brisk",
    ),
}


async def test_the_latest_layer_that_names_a_profile_wins(shared_worker: Worker) -> None:
    """Room, dispatch, attribute and participant metadata, in this order."""
    dials = {name: dial for name, (dial, _) in LAYERS.items()}
    assert await each(shared_worker, dials) == {
        name: (profile, ()) for name, (_, profile) in LAYERS.items()
    }


async def test_a_sip_caller_is_a_caller(shared_worker: Worker) -> None:
    """SIP headers become attributes, and these name the profile."""
    dial = Dial(kind="sip", attributes={"timing.profile": "brisk"})
    made = await call(shared_worker.connection, dial, YES, to_the_end=False)
    assert (made.profile, made.problems) == ("brisk", ())
