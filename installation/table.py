"""How it went, as a table for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from installation.environments import Plan

_HEAD = ("environment", "Python", "livekit-agents", "install", "call", "unit tests")
_NOT_TRIED = "-"


@dataclass(slots=True)
class Row:
    """An environment, and what became of it.

    Attributes:
        plan: Which.
        python: The version of Python; empty where nothing could be installed.
        sdk: The version of livekit-agents, likewise.
        seconds: How long the installation took.
        call: How the call was answered; empty where it was not.
        tests: What pytest counted; empty where a test failed.
        found: Whether this machine has its Python.
        failed: The steps that failed: `install`, `call`, `unit tests`.
    """

    plan: Plan
    python: str = ""
    sdk: str = ""
    seconds: float = 0.0
    call: str = ""
    tests: str = ""
    found: bool = True
    failed: list[str] = field(default_factory=list)

    def cells(self) -> tuple[str, ...]:
        """Return the texts below `_HEAD`."""
        installed = f"{self.seconds:.1f} s" if self.seconds else ""
        texts = {"install": installed, "call": self.call, "unit tests": self.tests}
        steps = ("FAILED" if step in self.failed else text for step, text in texts.items())
        python = self.python or ("" if self.found else "not on this machine")
        return tuple(text or _NOT_TRIED for text in (str(self.plan), python, self.sdk, *steps))


def table(rows: Sequence[Row]) -> str:
    """Draw the table, each column as wide as its longest text."""
    lines = [_HEAD, *(row.cells() for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (map(str.ljust, line, widths) for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)
