"""The result that the exploring process hands to the judging one."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from typing_extensions import Self

RESULT = "result.json"


@dataclass(frozen=True, slots=True)
class Exploration:
    """The result of the exploration of one target.

    Attributes:
        inputs: How many were read.
        seconds: How long that took.
        peak: The most memory that the process held, in bytes.
        growth: What the memory of the process grew by after the first tenth, in bytes.
        objects: What the number of Python's allocated blocks grew by after the first tenth.
        fault: What was wrong with the last input, which is in `FAULTY`; empty where nothing was.
    """

    inputs: int
    seconds: float
    peak: int
    growth: int
    objects: int
    fault: str

    def write(self, folder: Path) -> None:
        """Write it to the directory of the exploration."""
        (folder / RESULT).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Read it from a directory; None where the process was ended."""
        try:
            return cls(**json.loads((folder / RESULT).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None


SLOW = "slow-"
"""The names of the inputs that took longest begin so."""

FAULTY = "faulty"
"""The input that was not read as it must be; libFuzzer has names of its own, such as `timeout-`."""
