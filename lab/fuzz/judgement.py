"""Inputs, judged by code without instrumentation; faulty ones are kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.fuzz.exploration import FAULTY, Exploration
from lab.fuzz.targets import Target

KEPT = Path(".dev") / "fuzz"
"""Directory of faulty inputs, and of the slowest ones."""

_TIMES = 3
_TIMES_IF_SLOW = 20
_PAUSE = 0.1  # s; until a busy machine is less busy

_GROWTH_WITHIN = 16 * 2**20  # bytes; libFuzzer itself keeps every input that reached new code
_OBJECTS_WITHIN = 2_000  # blocks; one that is left behind by each input would be a million

_LIBFUZZER_KEEPS = ("timeout-*", "oom-*", "leak-*", "crash-*")


@dataclass(frozen=True, slots=True)
class Slow:
    """An input and the time that it takes.

    Attributes:
        seconds: Of CPU.
        data: The input.
    """

    seconds: float
    data: bytes


def seconds(target: Target, data: bytes) -> float:
    """Measure the CPU time of an input."""
    return best(lambda: _once(target, data), target.within)


def best(measure: Callable[[], float], within: float) -> float:
    """Return the least of some measurements: a busy machine is no fault of an input.

    Args:
        measure: Measures once.
        within: The bound. More measurements follow, with pauses, while all are above it.
    """
    least = min(measure() for _ in range(_TIMES))
    for _ in range(_TIMES_IF_SLOW):
        if least <= within:
            break
        time.sleep(_PAUSE)
        least = min(least, measure())
    return least


def slowest(target: Target, inputs: Iterable[Path]) -> Slow:
    """Return the slowest of some files."""
    found = [Slow(seconds(target, data), data) for data in (path.read_bytes() for path in inputs)]
    return max(found, key=lambda slow: slow.seconds, default=Slow(0, b""))


def faults(target: Target, data: bytes, taken: float) -> Iterator[str]:
    """Yield the faults of an input that took so many seconds."""
    yield from target.faults(target.read(data))
    yield from _too_slow(target, taken)


def messages(target: Target, folder: Path, slow: Slow) -> Iterator[str]:
    """Yield the faults that an exploration left in its directory.

    Args:
        target: The explored target.
        folder: Of the exploration.
        slow: The slowest input.
    """
    explored = Exploration.read(folder)
    if explored and explored.fault:
        yield _message(target, explored.fault, (folder / FAULTY).read_bytes())
    for pattern in _LIBFUZZER_KEEPS:
        for path in sorted(folder.glob(pattern)):
            yield _message(target, f"{path.name.partition('-')[0]} (libFuzzer)", path.read_bytes())
    for fault in _too_slow(target, slow.seconds):
        yield _message(target, fault, slow.data)
    if explored and explored.growth > _GROWTH_WITHIN:
        yield f"{target.name}: memory grew by {explored.growth} bytes, more than {_GROWTH_WITHIN}"
    if explored and explored.objects > _OBJECTS_WITHIN:
        yield f"{target.name}: {explored.objects} objects stayed, more than {_OBJECTS_WITHIN}"


def log(folder: Path) -> Path:
    """Return the output file of the exploring process."""
    return folder / "log"


def kept(target: Target, data: bytes, name: str) -> str:
    """Keep an input; return its path, its length and its beginning, escaped."""
    path = KEPT / f"{target.name}-{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return f"{path}, {len(data)} bytes: {data[:60].decode('latin-1')!a}"


def _once(target: Target, data: bytes) -> float:
    started = time.thread_time()
    target.read(data)
    return time.thread_time() - started


def _too_slow(target: Target, taken: float) -> Iterator[str]:
    if taken > target.within:
        yield f"{taken * 1000:.1f} ms of CPU, more than {target.within * 1000:.0f} ms"


def _message(target: Target, fault: str, data: bytes) -> str:
    name = hashlib.sha256(data).hexdigest()[:12]
    input_ = kept(target, data, name)
    path = KEPT / f"{target.name}-{name}"
    lines = [
        f"{target.name}: {fault.strip()}",
        f"input: {input_}",
        f"again: make fuzz ARGS='{target.name} --input {path}'",
        f"once it is fixed: cp {path} lab/fuzz/corpus/{target.name}/WHAT-IT-IS",
    ]
    return "\n".join(lines).replace("\n", "\n  ")
