"""What a worker takes of the machine, read from /proc."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

_KIB = 1024 / 1e6  # MB


@dataclass(frozen=True, slots=True)
class Bound:
    """The largest allowed growth of a quantity over a run: the larger of two bounds.

    Attributes:
        at_most: However short the run is.
        per_thousand: For each 1,000 reloads.
    """

    at_most: float
    per_thousand: float = 0.0

    def of(self, reloads: int) -> float:
        """The bound of a run with so many reloads."""
        return max(self.at_most, self.per_thousand * reloads / 1000)


BOUNDS: Mapping[str, Bound] = MappingProxyType(
    {
        "own memory (MB)": Bound(5.0, per_thousand=1.0),
        "RSS (MB)": Bound(5.0, per_thousand=1.0),
        "open files": Bound(6.0),
        "threads": Bound(4.0),
        "files in state folder": Bound(1.0),
        "job processes": Bound(2.0),
    }
)


def sample(main: int, temporary: Path) -> dict[str, float]:
    """Measure every quantity.

    Args:
        main: The id of the worker's main process.
        temporary: Its folder of temporary files, which it shares with no other worker.

    Raises:
        OSError: It does not run.
    """
    process = Path(f"/proc/{main}")
    memory = _memory(process / "smaps_rollup")
    values = (
        memory["Anonymous"],
        memory["Rss"],
        len(list((process / "fd").iterdir())),
        len(list((process / "task").iterdir())),
        len(list(temporary.glob("timing-profiles-*/**/*"))),
        # The server that forks them is the main process's child.
        sum(len(_children(child)) for child in _children(main)),
    )
    return dict(zip(BOUNDS, values, strict=True))


def _memory(smaps: Path) -> dict[str, float]:
    """Return the memory in MB, by name."""
    lines = [line.split() for line in smaps.read_text(encoding="utf-8").splitlines()[1:]]
    return {name.removesuffix(":"): int(kib) * _KIB for name, kib, _ in lines}


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="utf-8").split()]
