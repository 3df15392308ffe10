"""The worker's log, for people: all of it goes to a file, what matters to the terminal."""

import asyncio
import re
from pathlib import Path

# livekit-agents in dev mode: "2026-11-22 18:53:38,078 - INFO logger - message {extra}", in colours,
# of which grey begins the extra fields.
_RECORD = re.compile(r"\S+ (?P<time>\S+),\d+ - (?P<level>\w+)\s+(?P<logger>\S+) - (?P<message>.*)")
_COLOUR = re.compile(r"\x1b\[\d+(?:;\d+)*m")
_EXTRA = "\x1b[90m"

# What the SDK says at nearly every start or call, and nobody has to do anything about.
_NO_NEWS = (
    "use `lk agent dev`",
    "event loop blocked",
    "no warmed process available",
    "drop unknown FFI handle",
)

REGISTERED = "registered worker"


class WorkerLog:
    """Follows what a worker prints.

    Attributes:
        registered: set once the worker can take calls.
    """

    def __init__(self, file: Path) -> None:
        """Everything will be in `file`."""
        self.registered = asyncio.Event()
        self._file = file

    async def follow(self, output: asyncio.StreamReader) -> None:
        """Write and show, until the output ends."""
        with self._file.open("wb", buffering=0) as file:
            async for line in output:
                file.write(line)
                text = line.decode(errors="replace").rstrip()
                if REGISTERED in text:
                    self.registered.set()
                if news := _news(text):
                    print(news, flush=True)  # noqa: T201 (the terminal is what this is for)


def _news(line: str) -> str:
    """The line as it is shown; empty when it is not."""
    if any(phrase in line for phrase in _NO_NEWS):
        return ""
    message = _COLOUR.sub("", line.partition(_EXTRA)[0]).rstrip()
    record = _RECORD.fullmatch(message)
    return _shown(**record.groupdict()) if record else message


def _shown(time: str, level: str, logger: str, message: str) -> str:
    if level == "DEBUG" or (level == "INFO" and logger.startswith("livekit")):
        return ""
    return f"{time}  {message}" if level == "INFO" else f"{time}  {level}: {message}"
