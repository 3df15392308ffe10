"""A command on a terminal of its own, as a person has it."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.repository import environment

# The terminal is the one that Ctrl-C is typed at.
_AT_THE_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    " os.execvp(sys.argv[1], sys.argv[1:])"
)

# What the environment of the tests says of another terminal.
_WISHES = frozenset({"NO_COLOR", "COLUMNS", "LINES", "TERM"})


@dataclass(frozen=True, slots=True)
class PseudoTerminal:
    """A command that runs, and the screen and keyboard that it runs at."""

    process: subprocess.Popen[bytes]
    screen: int

    def type(self, keys: str) -> None:
        """Type something."""
        os.write(self.screen, keys.encode())

    def read_some(self) -> str:
        """The first of what there is to see; the command goes on."""
        return os.read(self.screen, 100).decode()

    def read(self) -> str:
        """What there is to see by the end of the command."""
        seen = b""
        while True:
            try:
                more = os.read(self.screen, 65_536)
            except OSError:  # Linux says so when the last writer has closed
                more = b""
            if not more:
                return seen.decode().replace("\r\n", "\n")
            seen += more


@contextmanager
def at_terminal(
    command: Sequence[str | Path],
    folder: Path,
    columns: int = 80,
    more: Mapping[str, str] | None = None,
) -> Iterator[PseudoTerminal]:
    """Run a command in a folder, on a terminal with that many columns."""
    screen, end = os.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    own = {"TERM": "xterm-256color", **(more or {})}
    clean = {name: value for name, value in environment().items() if name not in _WISHES}
    with subprocess.Popen(  # noqa: S603 - the commands of the tests
        [sys.executable, "-c", _AT_THE_TERMINAL, *command],
        cwd=folder,
        env={**clean, **own},
        stdin=end,
        stdout=end,
        stderr=end,
    ) as process:
        os.close(end)
        try:
            yield PseudoTerminal(process, screen)
        finally:
            process.kill()
            os.close(screen)


def plain(text: str) -> str:
    """Text without its colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
