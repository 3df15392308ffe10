"""What an operator sees of a worker, at its end point for Prometheus."""

import json
from pathlib import Path

from sandbox.caller import Dial, join
from sandbox.scrape import free_port, until
from sandbox.worker import Worker, worker


async def answered(running: Worker, metadata: str) -> str:
    """The revision that a call got."""
    async with join(running.connection, Dial(metadata=metadata)) as caller:
        await caller.agent_listens()
        assert caller.agent
        return caller.agent.attributes["timing.revision"]


async def test_reloads_and_calls_are_counted(tmp_path: Path) -> None:
    """A start, a call with a mistake in it, a broken edit, and its repair."""
    port = free_port()
    async with worker(tmp_path, env={"METRICS_PORT": str(port)}) as running:
        asked = {"profile": "patient", "overrides": {"tts": {"speed": 9}, "vat": {"x": 1}}}
        revision = await answered(running, json.dumps(asked))
        found = await until(port, "timing_profiles_calls_total", 1, profile="patient")
        found = await until(
            port, "timing_profiles_override_rejected_total", 1, code="override-range"
        )
        plain: frozenset[tuple[str, str]] = frozenset()
        assert found[("timing_profiles_last_reload_successful", plain)] == 1
        assert found[("timing_profiles_watcher_alive", plain)] == 1
        assert found[("timing_profiles_revision_info", frozenset({("revision", revision)}))] == 1
        assert found[("timing_profiles_reloads_total", frozenset({("result", "success")}))] == 1
        unknown = frozenset({("code", "override-unknown")})
        assert found[("timing_profiles_override_rejected_total", unknown)] == 1
        since = found[("timing_profiles_last_reload_success_timestamp_seconds", plain)]

        brisk = running.profiles / "brisk.yaml"
        sound = brisk.read_bytes()
        brisk.write_bytes(b"nonsense: 1\n")
        found = await until(port, "timing_profiles_last_reload_successful", 0)
        assert found[("timing_profiles_reloads_total", frozenset({("result", "failure")}))] == 1
        assert found[("timing_profiles_last_reload_success_timestamp_seconds", plain)] == since
        brisk.write_bytes(sound)
        found = await until(port, "timing_profiles_last_reload_successful", 1)
        assert found[("timing_profiles_last_reload_success_timestamp_seconds", plain)] > since
        assert running.tracebacks == []
