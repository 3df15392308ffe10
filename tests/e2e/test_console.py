"""The console, where the participant is a mock and its metadata is no string."""

import asyncio
import os
import sys
from pathlib import Path

from sandbox.fixtures import Happened
from sandbox.worker import ROOT

CONSOLE_AGENT = Path(__file__).with_name("console_agent.py")


async def test_fault_61_a_console_session_gets_the_default_profile(happened: Happened) -> None:
    """The mocks are not asked for anything, and no attribute is set."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CONSOLE_AGENT),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ".",
            "DEEPGRAM_API_KEY": "any",
            "LIVEKIT_API_KEY": "any",
            "LIVEKIT_API_SECRET": "any" * 11,
        },
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    text = printed.decode()
    assert process.returncode == 0, text
    assert "call with profile default, revision" in text
    assert "left out" not in text
    assert "Traceback" not in text
    happened("profile default, no problem, the job ends by itself")
