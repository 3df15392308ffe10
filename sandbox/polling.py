"""Poll for conditions that no event reports."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

_INTERVAL = 0.02  # seconds


@overload
async def eventually(look: Callable[[], Awaitable[T | None]], seconds: float, what: str) -> T: ...
@overload
async def eventually(look: Callable[[], T | None], seconds: float, what: str) -> T: ...
async def eventually(look: Callable[[], object], seconds: float, what: str) -> object:
    """Call `look` until it returns a true value, and return this value.

    Args:
        look: A function or a coroutine function.
        seconds: The limit, by the clock of the running event loop.
        what: The condition, for the error.

    Raises:
        TimeoutError: The limit has passed.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while True:
        seen = look()
        if inspect.isawaitable(seen):
            seen = await seen
        if seen:
            return seen
        if clock() > deadline:
            raise _too_late(seconds, what)
        await asyncio.sleep(_INTERVAL)


def eventually_blocking(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """Poll as `eventually` does, in code without an event loop."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise _too_late(seconds, what)
        time.sleep(_INTERVAL)
    return seen


def _too_late(seconds: float, what: str) -> TimeoutError:
    return TimeoutError(f"not within {seconds:g} s: {what}")
