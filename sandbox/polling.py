"""Poll for conditions that no event reports."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar, overload

T = TypeVar("T")

# Seconds between two looks: the first ones soon, as most wait shortly; each look takes processor
# time from what is waited for.
_FIRST, _LAST = 0.02, 0.1


def _intervals() -> Iterator[float]:
    interval = _FIRST
    while True:
        yield interval
        interval = min(1.1 * interval, _LAST)


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
    intervals = _intervals()
    while True:
        seen = look()
        if inspect.isawaitable(seen):
            seen = await seen
        if seen:
            return seen
        if clock() > deadline:
            raise _too_late(seconds, what)
        await asyncio.sleep(next(intervals))


def eventually_blocking(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """Poll as `eventually` does, in code without an event loop."""
    deadline = time.monotonic() + seconds
    intervals = _intervals()
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise _too_late(seconds, what)
        time.sleep(next(intervals))
    return seen


def _too_late(seconds: float, what: str) -> TimeoutError:
    return TimeoutError(f"not within {seconds:g} s: {what}")
