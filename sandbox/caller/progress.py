"""Progress of a call: lines in a file, one line that is replaced on a terminal."""

import os
from typing import TextIO

from timing_profiles.cli import terminal

_CLEAR = "\r\x1b[K"


class Progress:
    """Show the progress of a call."""

    def __init__(self, stream: TextIO) -> None:
        """Show nothing yet.

        Args:
            stream: standard error.
        """
        self._stream = stream
        self._style = terminal.style(stream)
        self._replaces = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._calling = self._named = ""

    def close(self) -> None:
        """Remove the line."""
        if self._replaces:
            self._write(_CLEAR)

    def begin(self, name: str, *, alone: bool) -> None:
        """Show the begin of a call.

        Args:
            name: its name; may be empty.
            alone: whether it is the only one, which lines in a file need not name.
        """
        self._calling = f"calling {name}".rstrip()
        self._named = "" if alone else f"{name}: "
        if self._replaces:
            self._replace(self._calling)

    def show(self, message: str) -> None:
        """Show the progress of the call."""
        if self._replaces:
            self._replace(f"{self._calling}: {message}")
        else:
            self._write(f"{self._named}{message}\n")

    def _replace(self, line: str) -> None:
        # The last column stays free: some terminals wrap once it is written to.
        self._write(f"{_CLEAR}{self._style.cut(line, 1)}")

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
