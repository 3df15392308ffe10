"""The page to tune by ear beside a worker: `timing-profiles tune` in a process of its own."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path

from sandbox.child import child

_COMMAND = (sys.executable, "-m", "timing_profiles.cli", "tune", "--write")
_ADDRESS = re.compile(r"page: (\S+)")


@contextlib.asynccontextmanager
async def tuning_page(
    environment: Mapping[str, str],
    log_file: Path,
    *,
    after: asyncio.Event,
    serves: Callable[[str], None],
    fails: Callable[[str], None],
) -> AsyncGenerator[None]:
    """Serve the page, with the right to write, until the block ends.

    Args:
        environment: with the LiveKit server, and the directory of profiles.
        log_file: gets all that the command prints, but for the address.
        after: when to start; the worker's own start is not slowed down.
        serves: called with the address to open.
        fails: called with the reason where the page is not served.
    """
    serving = asyncio.create_task(_serve(environment, log_file, after, serves, fails))
    try:
        yield
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def _serve(
    environment: Mapping[str, str],
    log_file: Path,
    after: asyncio.Event,
    serves: Callable[[str], None],
    fails: Callable[[str], None],
) -> None:
    await after.wait()
    printed = ""
    with log_file.open("wb", buffering=0) as log:
        async with child(_COMMAND, env=environment, output=asyncio.subprocess.PIPE) as page:
            while page.stdout and (line := await page.stdout.readline()):
                if found := _ADDRESS.match(line.decode(errors="replace")):
                    serves(found[1])
                else:  # the address has the token
                    log.write(line)
                    printed = line.decode(errors="replace").strip()
    fails(printed or "ended without a message")
