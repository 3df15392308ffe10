"""The page to tune by ear beside a worker: `timing-profiles tune` in a process of its own."""

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncGenerator, Callable, Mapping
from pathlib import Path

from sandbox.child import child

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
    """Serve the page, with the right to write, until the block ends; nothing waits for its start.

    Args:
        environment: with the LiveKit server, and the directory of profiles.
        log_file: gets all that the command prints, but for the address.
        after: nothing is called before it.
        serves: called with the address to open.
        fails: called with the reason where the page is not served.
    """
    command = [sys.executable, "-m", "timing_profiles.cli", "tune", "--write"]
    async with child(command, env=environment, output=asyncio.subprocess.PIPE) as page:
        following = asyncio.create_task(_follow(page, log_file, after, serves, fails))
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


async def _follow(
    page: asyncio.subprocess.Process,
    log_file: Path,
    after: asyncio.Event,
    serves: Callable[[str], None],
    fails: Callable[[str], None],
) -> None:
    if page.stdout is None:
        return
    printed = ""
    with log_file.open("wb", buffering=0) as log:
        async for line in page.stdout:
            if found := _ADDRESS.match(line.decode(errors="replace")):
                await after.wait()
                serves(found[1])
            else:  # the address has the token
                log.write(line)
                printed = line.decode(errors="replace").strip()
    await after.wait()
    fails(printed or f"ended with status {await page.wait()}")
