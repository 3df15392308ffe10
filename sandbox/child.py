"""A child process that ends with its parent, also when the parent is killed."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from pathlib import Path
from typing import IO

from async_timeout import timeout

# The shell becomes the command, so that the child has the command's process id and exit status. The
# reader beside it ends the command when the pipe from the parent closes: on purpose, or because the
# parent died, also by SIGKILL.
_GUARD = """
signal=$1
shift
exec 3<&0
(read -r _ <&3; kill -s "$signal" "$$") >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null
"""

_GRACE = 10.0  # seconds
_LONGEST_LINE = 1 << 20  # bytes, for who reads the output line by line


@contextlib.asynccontextmanager
async def child(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    output: int | IO[bytes],
    stop_signal: signal.Signals = signal.SIGTERM,
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run `command` in a session of its own, out of reach of the terminal's Ctrl-C.

    Args:
        command: the program and its arguments.
        env: its whole environment.
        cwd: the folder that it runs in; by default this process's.
        output: where standard output and standard error go: a file, or `asyncio.subprocess.PIPE`.
        stop_signal: the signal to the command when the block is left, or when the parent has died.
            SIGKILL follows after ten seconds. Processes that the command started end with it.

    Raises:
        OSError: `/bin/sh` is missing.
    """
    process = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", _GUARD, "sh", stop_signal.name.removeprefix("SIG"), *command),
        stdin=asyncio.subprocess.PIPE,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        env=env,
        cwd=cwd,
        start_new_session=True,
        limit=_LONGEST_LINE,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        with contextlib.suppress(asyncio.TimeoutError):
            async with timeout(_GRACE):
                while process.returncode is None:  # noqa: ASYNC110 (wait() waits for its children)
                    await asyncio.sleep(0.01)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
