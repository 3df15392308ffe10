"""`tune` with the variables of LiveKit in `.env.local`, where its users keep them."""

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from sandbox.child import child
from sandbox.worker import ROOT

_PAGE = (ROOT / "docs" / "tune.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"`([^`]*\.env\.local[^`]* timing-profiles tune)`", _PAGE)


def test_page_names_two_commands() -> None:
    """One for each way to have the project: uv, and a shell."""
    assert [command.split()[0] for command in COMMANDS] == ["uv", "set"]


@pytest.mark.parametrize("command", COMMANDS)
async def test_command_of_the_page_sets_the_variables(command: str, starters: Path) -> None:
    """Without them in its environment, the page is served."""
    env_file = 'LIVEKIT_URL="ws://127.0.0.1:9"\nLIVEKIT_API_KEY=key\nLIVEKIT_API_SECRET=secret\n'
    (starters.parent / ".env.local").write_text(env_file, encoding="utf-8")
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(binaries.parent),
        "UV_OFFLINE": "1",
    }
    shell = ["/bin/sh", "-c", f"{command} --port 0"]
    pipe = asyncio.subprocess.PIPE
    async with child(shell, env=environment, cwd=starters.parent, output=pipe) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
    assert re.fullmatch(r"page: http://127\.0\.0\.1:\d+/\?token=\S+\n", line), line
