"""`python -m lab.soak [--minutes 60]`: run a worker under load, and print what has grown.

Exit status: 0 when nothing grew and every call was answered.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.soak import growth
from lab.soak.growth import Sample
from lab.soak.sample import sample
from lab.soak.unrest import Unrest
from sandbox.caller import Dial, NotAnsweredError, Script, call
from sandbox.ending import end
from sandbox.livekit_binary import LiveKitServerError
from sandbox.worker import Worker, worker

_AT_ONCE = 2  # calls
_SAMPLES = 3.0  # seconds from one to the next
_REPORTS = 60.0  # likewise
_CALL = Dial(metadata='{"profile": "brisk"}')
_SENTENCE = Script("Yes please.")
_RELOADS = (b'"profiles changed', b'"profiles rejected', b'"profiles valid again')

Progress = Callable[[str], None]


@dataclass(slots=True)
class Run:
    """The observations of a run.

    Attributes:
        samples: Every look at the worker.
        answered: How many calls were answered as they should be.
        failures: Why others were not.
        edits: How often the folder was edited.
    """

    samples: list[Sample] = field(default_factory=list)
    answered: int = 0
    failures: list[str] = field(default_factory=list)
    edits: int = 0


def main(command_line: Sequence[str] | None = None) -> int:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m lab.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args(command_line).minutes
    if minutes < 1:
        parser.error(f"{minutes:g} minutes are too few to see anything grow; 1 is the least")
    for name in ("livekit", "aiohttp"):  # what matters of them becomes an error
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            found = asyncio.run(run(Path(folder), minutes * 60, _say))
    except LiveKitServerError as error:
        _say(f"soak: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return _report(found, minutes)


async def run(folder: Path, seconds: float, progress: Progress) -> Run:
    """Keep a worker of its own under load.

    Args:
        folder: For what belongs to the worker.
        seconds: For how long, once it runs.
        progress: Gets a line now and then.

    Raises:
        LiveKitServerError: There is no LiveKit server, and none can be built.
    """
    temporary = folder / "tmp"
    temporary.mkdir()
    found, ends = Run(), time.monotonic() + seconds
    async with worker(folder, env={"TMPDIR": str(temporary)}) as running:
        running.llm.reply = "Good."
        unrest = Unrest(running.profiles)
        with unrest.going_on():
            calling = [_call_until(ends, running, found) for _ in range(_AT_ONCE)]
            looking = _look_until(ends, running, temporary, found, progress)
            await asyncio.gather(looking, *calling)
        found.edits = unrest.edits
        found.failures += running.tracebacks
    return found


async def _call_until(ends: float, running: Worker, found: Run) -> None:
    while time.monotonic() < ends:
        try:
            made = await call(running.connection, _CALL, _SENTENCE)
        except NotAnsweredError as error:
            found.failures.append(str(error))
            continue
        if (made.profile, made.problems) == ("brisk", ()) and made.waits[0] is not None:
            found.answered += 1
        else:
            found.failures.append(f"a call got {made.profile} with {made.problems or made.waits}")


async def _look_until(
    ends: float, running: Worker, temporary: Path, found: Run, progress: Progress
) -> None:
    reported = time.monotonic()
    with running.log_file.open("rb") as log:
        reloads = 0
        while (now := time.monotonic()) < ends:
            # What the stand-ins remember would make this process grow, not the worker.
            running.deepgram.requests.clear()
            running.llm.requests.clear()
            reloads += _reloads(log.read())
            values = await asyncio.to_thread(sample, running.process.pid, temporary)
            found.samples.append(Sample(reloads, values))
            if now - reported >= _REPORTS:
                reported = now
                progress(f"{_so_far(found)}, {(ends - now) / 60:.0f} minutes to go")
            await asyncio.sleep(_SAMPLES)


def _reloads(log: bytes) -> int:
    return sum(log.count(line) for line in _RELOADS)


def _so_far(found: Run) -> str:
    reloads = found.samples[-1].reloads
    calls = found.answered + len(found.failures)
    return f"{reloads} reloads, {calls} calls, {len(found.failures)} failed"


def _report(found: Run, minutes: float) -> int:
    grown = growth.growths(found.samples)
    head = f"{minutes:g} minutes, {found.edits} edits, {_so_far(found)}."
    how = "Medians; the first third of the run is warm-up. Own memory is RSS without files."
    print(head, how, "", growth.text(grown), sep="\n")  # noqa: T201 (the command's result)
    for failure in found.failures:
        print(f"FAILED: {failure}")  # noqa: T201 (likewise)
    return 1 if found.failures or not all(one.held for one in grown) else 0


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)  # noqa: T201 (progress, for people)


if __name__ == "__main__":
    end(main())
