"""What an operator sees of a worker, at its end point for Prometheus."""

import json

from sandbox.caller import Dial, join
from sandbox.scrape import Samples, scraped, until
from sandbox.worker import Worker

CALLS = "timing_profiles_calls_total"
LEFT_OUT = "timing_profiles_override_rejected_total"
RELOADS = "timing_profiles_reloads_total"
SUCCESSFUL = "timing_profiles_last_reload_successful"
SINCE = "timing_profiles_last_reload_success_timestamp_seconds"


async def answered(running: Worker, metadata: str) -> str:
    """The revision that a call got."""
    async with join(running.connection, Dial(metadata=metadata)) as caller:
        await caller.agent_listens()
        assert caller.agent
        return caller.agent.attributes["timing.revision"]


def value(samples: Samples, name: str, **labels: str) -> float:
    """A sample; 0 where nothing has been counted yet."""
    return samples.get((name, frozenset(labels.items())), 0.0)


async def test_reloads_and_calls_are_counted(edited_worker: Worker, metrics_port: int) -> None:
    """A start, a call with a mistake in it, a broken edit, and its repair."""
    worker, port = edited_worker, metrics_port
    before = await scraped(port)
    assert value(before, RELOADS, result="success") >= 1

    def more(samples: Samples, name: str, **labels: str) -> float:
        return value(samples, name, **labels) - value(before, name, **labels)

    asked = {"profile": "patient", "overrides": {"tts": {"speed": 9}, "vat": {"x": 1}}}
    revision = await answered(worker, json.dumps(asked))
    await until(port, CALLS, value(before, CALLS, profile="patient") + 1, profile="patient")
    due = value(before, LEFT_OUT, code="override-range") + 1
    found = await until(port, LEFT_OUT, due, code="override-range")
    assert value(found, SUCCESSFUL) == 1
    assert value(found, "timing_profiles_watcher_alive") == 1
    assert value(found, "timing_profiles_revision_info", revision=revision) == 1
    assert more(found, RELOADS, result="success") == 0
    assert more(found, LEFT_OUT, code="override-unknown") == 1
    since = value(found, SINCE)

    brisk = worker.profiles / "brisk.yaml"
    sound = brisk.read_bytes()
    brisk.write_bytes(b"nonsense: 1\n")
    found = await until(port, SUCCESSFUL, 0)
    assert more(found, RELOADS, result="failure") == 1
    assert value(found, SINCE) == since
    brisk.write_bytes(sound)
    found = await until(port, SUCCESSFUL, 1)
    assert value(found, SINCE) > since
    assert worker.tracebacks == []
