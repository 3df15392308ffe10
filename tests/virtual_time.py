"""An event loop whose clock jumps to the next timer, for code that waits for seconds.

Sockets between tasks of the loop work: loopback delivers within the call that sends. So does work
in threads that the loop is asked to run: the clock stands still until it is done.
"""

import asyncio
import contextlib
import functools
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from typing import Any, ParamSpec, TypeVar
from unittest import mock

from typing_extensions import TypeVarTuple, Unpack

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")
Parameters = ParamSpec("Parameters")

_TURN = 1e-6  # seconds that a turn of the loop takes: some code divides by what it measured
_LOOK = 0.05  # seconds of real time after which the loop looks again for a thread or a socket


class _JumpingSelector(selectors.DefaultSelector):
    """Let time pass instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        self.in_threads = 0

    def select(self, timeout: float | None = None) -> Any:
        self.passed += _TURN
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.in_threads or timeout is None:
            return super().select(_LOOK)
        self.passed += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop in which time passes only while every task waits."""

    def __init__(self) -> None:
        """Begin at 0 seconds."""
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the seconds of the jumping clock."""
        return self._jumping.passed

    def run_in_executor(
        self,
        executor: Executor | None,
        func: Callable[[Unpack[Arguments]], T],
        *args: Unpack[Arguments],
    ) -> asyncio.Future[T]:
        """Run a function in a thread; the clock stands still until it returns."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.in_threads += 1
        future.add_done_callback(self._returned)
        return future

    def _returned(self, _future: asyncio.Future[Any]) -> None:
        self._jumping.in_threads -= 1


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a story in virtual time, to its end; what still runs beside it is cancelled.

    The functions of the module `time` follow the loop's clock, but those that were taken from it
    before, as in `default_factory=time.time`.
    """
    # Not by asyncio.Runner, which leaves no event loop to the tests that come after it.
    with contextlib.closing(VirtualLoop()) as loop, _clocks(loop):
        return loop.run_until_complete(_alone(story))


def in_virtual_time(
    test: Callable[Parameters, Coroutine[Any, Any, None]],
) -> Callable[Parameters, None]:
    """Make a test of a coroutine function, which runs in virtual time."""

    @functools.wraps(test)
    def story(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        run(test(*args, **kwargs))

    return story


@contextlib.contextmanager
def _clocks(loop: VirtualLoop) -> Iterator[None]:
    began: dict[str, float] = {
        name: getattr(time, name)() for name in ("time", "monotonic", "perf_counter")
    }

    def clock(name: str) -> Callable[[], float]:
        return lambda: began[name] + loop.time()

    def nanoseconds() -> int:
        return round(1e9 * (began["time"] + loop.time()))

    with contextlib.ExitStack() as patches:
        for name in began:
            patches.enter_context(mock.patch.object(time, name, clock(name)))
        patches.enter_context(mock.patch.object(time, "time_ns", nanoseconds))
        yield


async def _alone(story: Coroutine[Any, Any, T]) -> T:
    try:
        return await story
    finally:
        beside = asyncio.all_tasks() - {asyncio.current_task()}
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
