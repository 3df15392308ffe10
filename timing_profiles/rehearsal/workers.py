"""Run functions in this process at first, and in several once that is worth their start."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, Final, TypeVar

T = TypeVar("T")

_WORTH_PROCESSES: Final = 4.0  # seconds of work: about as long as a process imports the SDK


class Workers(Executor):
    """An executor that begins in this process.

    Args:
        processes: How many processes work, from the start on; 1 is this process alone. By default
            one for each processor, after a few seconds of work.

    Attributes:
        workers: How many functions run at once at most.
    """

    def __init__(self, processes: int | None = None) -> None:
        self.workers = processes or os.cpu_count() or 1
        self._left = 0.0 if processes else _WORTH_PROCESSES
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run a function, or have it run."""
        if self.workers > 1 and self._left <= 0:
            return self._processes().submit(fn, *args, **kwargs)
        future: Future[T] = Future()
        started = time.process_time()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - it belongs to who asks for the result
            future.set_exception(error)
        self._left -= time.process_time() - started
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: FBT001, FBT002 - as Executor has it
        """End the processes."""
        if self._pool:
            self._pool.shutdown(wait, cancel_futures=cancel_futures)

    def _processes(self) -> ProcessPoolExecutor:
        """Return processes that each import the SDK: its threads survive no fork."""
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, mp_context=spawn)
        return self._pool
