"""The worker's log, for people: all of it goes to a file, the relevant lines to the terminal."""

import asyncio
import contextlib
import re
import sys
from collections.abc import Callable
from pathlib import Path

from timing_profiles.cli import terminal

# livekit-agents in dev mode: "2026-11-22 18:53:38,078 - INFO logger - message {extra}", in colours,
# of which grey begins the extra fields.
_RECORD = re.compile(r"\S+ (?P<time>\S+),\d+ - (?P<level>\w+)\s+(?P<logger>\S+) - (?P<message>.*)")
_COLOUR = re.compile(r"\x1b\[\d+(?:;\d+)*m")
_EXTRA = "\x1b[90m"

# Lines that the SDK logs at nearly every start or call, and that need no action.
_IRRELEVANT = (
    "use `lk agent dev`",
    "event loop blocked",
    "no warmed process available",
    "drop unknown FFI handle",
    "closed unexpectedly",  # the data channels of a call, when it ends
    "failed to send session event",  # to a caller who has just hung up
)
# Of these, a traceback follows.
_WITH_TRACEBACK = ("failed to send session event",)

_REGISTERED = "registered worker"


async def follow(output: asyncio.StreamReader, file: Path, ready: Callable[[], None]) -> None:
    """Write the output of a worker, and show its relevant lines, until it ends.

    Args:
        output: of the worker.
        file: gets all of it.
        ready: called when the worker can take calls.
    """
    hushed = False  # a traceback belongs to the record before it
    with file.open("wb", buffering=0) as log:
        async for line in output:
            log.write(line)
            text = line.decode(errors="replace").rstrip()
            if _is_record(text):
                hushed = any(phrase in text for phrase in _WITH_TRACEBACK)
            if not hushed and (news := _news(text)):
                with contextlib.suppress(OSError):  # the terminal was closed
                    print(news, flush=True)  # noqa: T201 (the terminal is what this is for)
            if _REGISTERED in text:
                ready()


def _is_record(line: str) -> bool:
    return _RECORD.fullmatch(_COLOUR.sub("", line.partition(_EXTRA)[0]).rstrip()) is not None


def _news(line: str) -> str:
    """Return the line as it is shown; empty where it is not."""
    if any(phrase in line for phrase in _IRRELEVANT):
        return ""
    message = _COLOUR.sub("", line.partition(_EXTRA)[0]).rstrip()
    record = _RECORD.fullmatch(message)
    return _shown(**record.groupdict()) if record else message


def _shown(time: str, level: str, logger: str, message: str) -> str:
    if level == "DEBUG" or (level == "INFO" and logger.startswith("livekit")):
        return ""
    text = message if level == "INFO" else f"{level}: {message}"
    return terminal.style(sys.stdout).wrapped(text, f"{time}  ", "    ")
