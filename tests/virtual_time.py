"""An event loop whose clock jumps to whatever is due next, for code that waits for seconds."""

import asyncio
import contextlib
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


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


async def _alone(story: Coroutine[Any, Any, T]) -> T:
    try:
        return await story
    finally:
        beside = asyncio.all_tasks() - {asyncio.current_task()}
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)
