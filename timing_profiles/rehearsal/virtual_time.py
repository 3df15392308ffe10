"""An event loop whose clock jumps to the next timer, for code that waits for seconds.

Functions that the loop is asked to run in a thread run at once, in the loop's own: the clock
stands still until they return, and the order of execution never differs. Sockets between tasks
of the loop work: loopback delivers within the call that sends.
"""

from __future__ import annotations

import asyncio
import contextlib
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

_ITERATION = 1e-6  # seconds that one of the loop takes: some code divides by what it measured
_POLL = 0.05  # seconds of real time after which the loop looks again for a socket
_CLOCKS = ("time", "monotonic", "perf_counter")


class _JumpingSelector(selectors.DefaultSelector):
    """Let time pass instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.passed += _ITERATION
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return super().select(_POLL)
        self.passed += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in which time passes only while every task waits."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds of the jumping clock, 0 at first."""
        return self._jumping.passed

    def run_in_executor(  # type: ignore[override] # of one result type, not of many
        self, _: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run a function at once; return its result or exception as a future."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whatever it raises belongs to who awaits it
            future.set_exception(error)
        return future


def run(main: Coroutine[Any, Any, T], *, start: float | None = None) -> T:
    """Run a coroutine in virtual time, to its end; tasks that still run are cancelled.

    The clocks of the module `time` follow the loop's, except for references that were taken
    before, as in `default_factory=time.time`.

    Args:
        main: The coroutine.
        start: The time of all clocks of the module `time` at first, in seconds: two runs then
            compute the same to the last bit. Their real time by default.
    """
    # Not by asyncio.Runner, which leaves no event loop to the code that comes after it.
    with contextlib.closing(VirtualLoop()) as loop, _clocks(loop, start):
        return loop.run_until_complete(_cancelling_others(main))


@contextlib.contextmanager
def _clocks(loop: VirtualLoop, start: float | None) -> Iterator[None]:
    real = {name: getattr(time, name) for name in (*_CLOCKS, "time_ns")}

    def clock(name: str) -> Callable[[], float]:
        base = real[name]() if start is None else start
        return lambda: base + loop.time()

    virtual = {name: clock(name) for name in _CLOCKS}
    for name, read in virtual.items():
        setattr(time, name, read)
    time.time_ns = lambda: round(1e9 * virtual["time"]())
    try:
        yield
    finally:
        for name, read in real.items():
            setattr(time, name, read)


async def _cancelling_others(main: Coroutine[Any, Any, T]) -> T:
    try:
        return await main
    finally:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
