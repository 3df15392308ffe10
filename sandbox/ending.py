"""The end of a program that was in a LiveKit room."""

import contextlib
import os
import sys
from typing import NoReturn


def end(status: int) -> NoReturn:
    """End this process at once, with a status.

    Threads of the SDK call Python until the process has ended. One that calls while the interpreter
    ends aborts the process: SIGABRT, below a message of Rust.
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is closed
            stream.flush()
    os._exit(status)
