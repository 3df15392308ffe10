"""`python -m lab.scale [--workers 4] [--calls 40]`: several workers, two LiveKit nodes, one table.

Exit status: 0 when all of it held, 1 when something did not or Redis is missing.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lab.scale import table
from lab.scale.redis_server import RedisMissingError
from lab.scale.scenario import APART, Plan, run
from sandbox.caller import NotAnsweredError
from sandbox.ending import end
from sandbox.livekit_binary import LiveKitServerError

_PAGE = Path(__file__).parents[2] / "docs" / "scale.md"
_FEWEST_WORKERS = 2


def main(command_line: Sequence[str] | None = None) -> int:
    """Run the scenario, and print what was seen."""
    parser = argparse.ArgumentParser(prog="python -m lab.scale", description=__doc__)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--at-once", type=int, choices=range(1, 5), default=3)
    parser.add_argument("--write", action="store_true", help="the table, into docs/scale.md")
    arguments = parser.parse_args(command_line)
    plan = Plan(arguments.workers, arguments.calls, arguments.at_once)
    if plan.workers < _FEWEST_WORKERS:
        parser.error(f"--workers {plan.workers} is too few: one of them is killed; 2 is the least")
    if plan.calls <= plan.changes:
        parser.error(f"--calls {plan.calls} is too few for {plan.changes} changes among them")
    for name in ("livekit", "aiohttp.server"):  # what matters of it becomes an error
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        return _run(plan, _PAGE if arguments.write else None)
    except (RedisMissingError, LiveKitServerError, NotAnsweredError, TimeoutError) as error:
        _say(f"scale: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(plan: Plan, page: Path | None) -> int:
    started, load_before = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        found = asyncio.run(run(plan, Path(folder), _say))
    rows = table.rows(found)
    load_after, seconds = os.getloadavg()[0], time.monotonic() - started
    head = (
        f"{plan.workers} workers, {plan.calls} calls, {plan.at_once} at once. A change comes to one"
        f" machine {APART:g} s after the other,\nand has to be published within"
        f" {table.PUBLISHED_WITHIN:g} s. {os.cpu_count()} cores, load {load_before:.1f} before and"
        f" {load_after:.1f} after; {seconds:.0f} s long."
    )
    result = f"{head}\n\n{table.text(rows)}"
    print(result)  # noqa: T201 (the command's result)
    if page:
        table.write(page, result)
    return 1 if any(row.held is False for row in rows) else 0


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)  # noqa: T201 (progress, for people)


if __name__ == "__main__":
    end(main())
