"""What `make dev` shows of the worker's log."""

import asyncio
from pathlib import Path

import pytest

from sandbox.worker_log import follow


def record(level: str, logger: str, message: str) -> str:
    """A line as livekit-agents prints it in dev mode."""
    return (
        f"2026-11-22 18:53:38,078 - \x1b[32m{level}\x1b[0m {logger} - {message} "
        '\x1b[90m{"pid": 7}\x1b[0m'
    )


PRINTED = [
    "dev mode is deprecated and will be removed; use `lk agent dev` instead",
    record("INFO", "timing_profiles", "9 profiles active"),
    record("DEBUG", "timing_profiles", "looking again"),
    record("INFO", "livekit.agents", "starting worker"),
    record("WARNING", "livekit.agents", "event loop blocked for 165ms"),
    "READY_PORT: cannot listen at 8080: Address already in use",
    record("WARNING", "livekit.agents", "failed to send session event"),
    "Traceback (most recent call last):",
    "  what belongs to that record",
    record("WARNING", "livekit.agents", "failed to connect to livekit, retrying in 2s"),
    record("INFO", "livekit.agents", "registered worker"),
    "Traceback (most recent call last):",
    "  what an agent prints itself",
]


async def test_relevant_lines_are_shown_and_all_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The SDK's routine stays in the file; warnings, the agent's own lines and prints are shown."""
    output = asyncio.StreamReader()
    output.feed_data("".join(f"{line}\n" for line in PRINTED).encode())
    output.feed_eof()
    registered: list[str] = []
    await follow(output, tmp_path / "worker.log", lambda: registered.append("once"))
    assert (tmp_path / "worker.log").read_text().splitlines() == PRINTED
    assert registered == ["once"]
    assert capsys.readouterr().out.splitlines() == [
        "18:53:38  9 profiles active",
        "READY_PORT: cannot listen at 8080: Address already in use",
        "18:53:38  WARNING: failed to connect to livekit, retrying in 2s",
        "Traceback (most recent call last):",
        "  what an agent prints itself",
    ]
