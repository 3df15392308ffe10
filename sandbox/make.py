"""Detect that the make which runs a recipe was interrupted."""

import asyncio
import os
import re
import signal
from pathlib import Path

_LOOK_EVERY = 0.2  # seconds

_ENDINGS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_MASK = re.compile(r"^Sig(?:Cgt|Ign):\s*([0-9a-f]+)$", re.MULTILINE)


async def interrupted(make: int) -> None:
    """Wait until make has received a signal to end, or has ended.

    Ctrl-C reaches a recipe without help: it goes to all processes of the terminal. A signal to make
    alone does not: GNU make waits for the recipe to end and does not signal it. The only trace is
    that it no longer handles that signal; without /proc, only its end is visible.

    Args:
        make: the process id of the parent.
    """
    while os.getppid() == make and _handles_endings(make):  # noqa: ASYNC110 (no event reports it)
        await asyncio.sleep(_LOOK_EVERY)


def _handles_endings(process: int) -> bool:
    """Return whether a process catches or ignores all of these signals, as far as is known."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    caught_or_ignored = 0
    for mask in _MASK.findall(status):
        caught_or_ignored |= int(mask, 16)
    return not caught_or_ignored or all(caught_or_ignored >> (n - 1) & 1 for n in _ENDINGS)
