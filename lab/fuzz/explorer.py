"""`python -m lab.fuzz.explorer TARGET INPUTS SECONDS FOLDER`: explore one target by coverage.

A process of its own: its code is instrumented, and libFuzzer, which never returns, runs in it.
"""

from __future__ import annotations

import gc
import heapq
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import atheris

from lab.fuzz.exploration import FAULTY, SLOW, Exploration

if TYPE_CHECKING:
    from lab.fuzz.mutation import Language
    from lab.fuzz.targets import Target

_HANGS_AFTER = 10  # seconds
_MOST_MEMORY = 1024  # MiB
_SLOWEST = 20  # inputs, for instrumented code is slow in another order than plain code
_NEVER = float("inf")


def main() -> None:
    """Explore the named target, and end the process."""
    name, inputs, seconds, folder = sys.argv[1:]
    with atheris.instrument_imports(include=["timing_profiles"]):
        # Only what is imported here is instrumented.
        from lab.fuzz.mutation import LANGUAGES  # noqa: PLC0415
        from lab.fuzz.targets import CORPUS, ROOT, TARGETS  # noqa: PLC0415
    explorer = _Explorer(
        TARGETS[name], LANGUAGES[name], int(inputs), float(seconds) or _NEVER, Path(folder)
    )
    seeds = [CORPUS / name, ROOT / "profiles", ROOT / "tests" / "cases"]
    own = Path(folder) / "seeds"
    own.mkdir()
    for number, seed in enumerate(TARGETS[name].seeds):
        (own / str(number)).write_bytes(seed)
    explorer.run([own, *(seeds if name == "yaml" else seeds[:1])])


class _Explorer:
    """Reads the inputs of libFuzzer, and counts them."""

    def __init__(
        self, target: Target, language: Language, inputs: int, seconds: float, folder: Path
    ) -> None:
        self._target = target
        self._language = language
        self._inputs = inputs
        self._seconds = seconds
        self._folder = folder
        self._parent = os.getppid()
        self._started = time.monotonic()
        self._count = 0
        self._at_first: tuple[int, int] | None = None
        self._slowest: list[tuple[float, int, bytes]] = []

    def run(self, seeds: list[Path]) -> None:
        self._target.load()
        found = self._folder / "corpus"
        found.mkdir()
        options = [
            *(f"-max_len={self._target.most_bytes}", f"-artifact_prefix={self._folder}/"),
            *(f"-timeout={_HANGS_AFTER}", f"-rss_limit_mb={_MOST_MEMORY}", "-len_control=0"),
            "-mutate_depth=2",
            # What libFuzzer finds goes to the first folder; it begins with all of them.
            *(str(found), *map(str, seeds)),
        ]
        atheris.Setup([sys.argv[0], *options], self._read, custom_mutator=self._mutated)
        atheris.Fuzz()

    def _mutated(self, data: bytes, most_bytes: int, seed: int) -> bytes:
        return self._language.mutated(data, most_bytes, seed, atheris.Mutate)

    def _read(self, data: bytes) -> None:
        self._count += 1
        try:
            self._note(self._timed(data), data)
        except Exception:  # noqa: BLE001 (whatever is not caught in the library is a finding)
            (self._folder / FAULTY).write_bytes(data)
            self._end(traceback.format_exc())
        done = max(self._count / self._inputs, (time.monotonic() - self._started) / self._seconds)
        if done >= _FIRST_PART and not self._at_first:
            self._at_first = _held()
        if done >= 1 or os.getppid() != self._parent:
            self._end("")

    def _timed(self, data: bytes) -> float:
        started = time.thread_time()
        outcome = self._target.read(data)
        seconds = time.thread_time() - started
        fault = next(self._target.faults(outcome), "")
        if fault:
            raise _InvalidOutcomeError(fault)
        return seconds

    def _note(self, seconds: float, data: bytes) -> None:
        entry = seconds, self._count, data
        if len(self._slowest) < _SLOWEST:
            heapq.heappush(self._slowest, entry)
        else:
            heapq.heappushpop(self._slowest, entry)

    def _end(self, fault: str) -> None:
        for rank, (_, _, data) in enumerate(sorted(self._slowest, reverse=True)):
            (self._folder / f"{SLOW}{rank}").write_bytes(data)
        memory, blocks = _held()
        first_memory, first_blocks = self._at_first or (memory, blocks)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        seconds = time.monotonic() - self._started
        growth = memory - first_memory, blocks - first_blocks
        Exploration(self._count, seconds, peak, *growth, fault).write(self._folder)
        # libFuzzer has no other end that is quiet.
        os._exit(0)


class _InvalidOutcomeError(Exception):
    """The outcome of an input is invalid."""


_FIRST_PART = 0.1


def _held() -> tuple[int, int]:
    """Return the memory of this process in bytes, and the blocks that Python allocated.

    Without the library's caches, which are bounded: an input may fill them at any time.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("timing_profiles"):
            for value in list(vars(module).values()):
                getattr(value, "cache_clear", _nothing)()
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize(), sys.getallocatedblocks()


def _nothing() -> None:
    pass


if __name__ == "__main__":
    main()
