"""An event loop whose clock jumps to whatever is due next, for code that waits for seconds."""

import asyncio
import contextlib
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
Parameters = ParamSpec("Parameters")


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting, it lets the time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.passed += timeout or 0.0
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes in it only where everybody waits; nothing outside of it may be waited for."""

    def __init__(self) -> None:
        """Begin at 0 seconds."""
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds of the jumping clock."""
        return self._jumping.passed


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run a story in virtual time, to its end; what still runs beside it is cancelled."""
    # Not by asyncio.Runner, which leaves no event loop to the tests that come after it.
    with contextlib.closing(VirtualLoop()) as loop:
        return loop.run_until_complete(_alone(story))


def in_virtual_time(
    test: Callable[Parameters, Coroutine[Any, Any, None]],
) -> Callable[Parameters, None]:
    """Make a test of a coroutine function, which runs in virtual time."""

    @functools.wraps(test)
    def story(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        run(test(*args, **kwargs))

    return story


async def _alone(story: Coroutine[Any, Any, T]) -> T:
    try:
        return await story
    finally:
        beside = asyncio.all_tasks() - {asyncio.current_task()}
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
