"""Metadata on real calls: every layer, and everything that can be wrong with it."""

import asyncio
import json
from typing import Any

import pytest

from sandbox.caller import Dial, Script, call
from tests.e2e.worker import Worker

AT_ONCE = 2  # a busy server has been seen to leave the fourth of four without a job

YES = Script("Yes please.")


def overriding(path: str, value: Any) -> str:
    """Metadata that overrides one field of a profile, so that calls stay short."""
    nested = value
    for key in reversed(path.split(".")):
        nested = {key: nested}
    return json.dumps({"profile": "brisk", "overrides": nested})


NOT_OURS = {
    "none at all": "",
    "text that is no JSON": "hello there",
    "JSON that is no object": "[1, 2]",
    "an object without our keys": '{"language": "de", "user": {"id": 7}}',
}

WRONG = {
    "broken JSON": ('{"profile": "brisk"', "metadata-invalid"),
    "65 KiB": (json.dumps({"profile": "brisk", "notes": "x" * 65 * 1024}), "metadata-too-large"),
    "100,000 levels": ('{"a":' * 100_000, "metadata-too-large"),
    "10,000 levels": ('{"a":' * 10_000, "metadata-invalid"),
    "duplicate keys": ('{"profile": "brisk", "profile": "patient"}', "metadata-invalid"),
    "NaN": ('{"overrides": {"vad": {"activation_threshold": NaN}}}', "metadata-invalid"),
    "a profile that is no string": ('{"profile": 5}', "profile-unknown"),
    "an unknown profile": ('{"profile": "../../etc/passwd"}', "profile-unknown"),
}

LEFT_OUT = {
    "an unknown field": (overriding("stt.nova.endpoint_ms", 300), "override-unknown"),
    "a forbidden field": (overriding("stt.nova.model", "nova-2"), "override-forbidden"),
    "manual": (overriding("turn_handling.turn_detection", "manual"), "override-forbidden"),
    "out of range": (overriding("stt.nova.endpointing_ms", 99_999), "override-range"),
    "a number as text": (overriding("stt.nova.endpointing_ms", "800"), "override-type"),
    "true for a number": (overriding("stt.nova.endpointing_ms", value=True), "override-type"),
    "two that break a rule together": (
        json.dumps(
            {"profile": "brisk", "min_endpointing_delay": 0.7, "max_endpointing_delay": 0.4}
        ),
        "override-conflict",
    ),
    "one that makes the SDK raise": (
        overriding("vad.min_silence_duration", 0.1),
        "override-conflict",
    ),
    "one that mutes the agent": (
        overriding("turn_handling.interruption.min_duration", 0),
        "override-range",
    ),
}

RIGHT = {"800.0 for an integer": overriding("stt.nova.endpointing_ms", 800.0)}


async def test_whatever_a_caller_sends_the_call_is_answered(shared_worker: Worker) -> None:
    """Each request ends in a working call, with the profile in force and the code that is due."""
    expected = {
        **{name: (text, "default", ()) for name, text in NOT_OURS.items()},
        **{name: (text, "default", (code,)) for name, (text, code) in WRONG.items()},
        **{name: (text, "brisk", (code,)) for name, (text, code) in LEFT_OUT.items()},
        **{name: (text, "brisk", ()) for name, text in RIGHT.items()},
    }
    gate = asyncio.Semaphore(AT_ONCE)

    async def outcome(metadata: str) -> tuple[str, tuple[str, ...], bool]:
        async with gate:
            made = await call(shared_worker.connection, Dial(metadata=metadata), YES)
            return made.profile, made.problems, made.waits[0] is not None

    outcomes = await asyncio.gather(*(outcome(text) for text, _, _ in expected.values()))
    assert dict(zip(expected, outcomes, strict=True)) == {
        name: (profile, codes, True) for name, (_, profile, codes) in expected.items()
    }
    # Nothing of a refused value reaches the log but what is shown of it on purpose.
    assert "xxxxxxxxxx" not in shared_worker.log
    assert shared_worker.tracebacks == []


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


@pytest.mark.parametrize(("dial", "profile"), LAYERS.values(), ids=LAYERS.keys())
async def test_the_latest_layer_that_names_a_profile_wins(
    shared_worker: Worker, dial: Dial, profile: str
) -> None:
    """Room, dispatch, attribute and participant metadata, in this order."""
    made = await call(shared_worker.connection, dial, YES)
    assert (made.profile, made.problems) == (profile, ())


async def test_a_sip_caller_is_a_caller(shared_worker: Worker) -> None:
    """SIP headers become attributes, and these name the profile."""
    dial = Dial(kind="sip", attributes={"timing.profile": "brisk"})
    made = await call(shared_worker.connection, dial, YES)
    assert (made.profile, made.problems) == ("brisk", ())
