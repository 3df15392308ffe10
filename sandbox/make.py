"""The make that runs a recipe: whether it has been told to end."""

import asyncio
import os
import re
import signal
from pathlib import Path

_LOOK_EVERY = 0.2  # seconds

_MASK = re.compile(r"^Sig(?:Cgt|Ign):\s*([0-9a-f]+)$", re.MULTILINE)


async def interrupted(make: int) -> None:
    """Wait until make has received SIGINT, or has ended.

    Ctrl-C reaches a recipe by itself: it goes to all processes of the terminal. A SIGINT to make
    alone does not: GNU make waits for the recipe to end without a word to it. All that can be seen
    is that it handles no further SIGINT; where there is no /proc to see it in, only its end is.

    Args:
        make: the process id of the parent.
    """
    while os.getppid() == make and _handles_interrupts(make):  # noqa: ASYNC110 (nobody tells)
        await asyncio.sleep(_LOOK_EVERY)


def _handles_interrupts(process: int) -> bool:
    """Whether SIGINT is caught or ignored, as far as is known."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    masks = [int(mask, 16) for mask in _MASK.findall(status)]
    return not masks or any(mask >> (signal.SIGINT - 1) & 1 for mask in masks)
