"""Tests in virtual time."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from timing_profiles.rehearsal.virtual_time import run

Parameters = ParamSpec("Parameters")


def in_virtual_time(
    test: Callable[Parameters, Coroutine[Any, Any, None]],
) -> Callable[Parameters, None]:
    """Make a test of a coroutine function, which runs in virtual time."""

    @functools.wraps(test)
    def story(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        run(test(*args, **kwargs))

    return story
