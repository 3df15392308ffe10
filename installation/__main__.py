"""`python -m installation [3.12 3.13:lowest ...]`: install the wheel, and print how it went.

Each word is an environment: a Python, and after a colon the versions to choose (lowest, lock or
newest). Without one, every supported Python is tried. Exit status: 0 when all went well, 1 when
something did not, 2 when an argument is invalid, 130 after Ctrl-C or SIGTERM.
"""

import argparse
import asyncio
import logging
import signal
import tempfile
import time
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import TypeVar

from installation import call, environments, package, unit_tests
from installation.command import StepError
from installation.environments import PLANS, Plan
from installation.package import Package
from installation.table import Row, table
from sandbox.ending import end
from sandbox.livekit_binary import LiveKitServerError

_SIDE_BY_SIDE = 4

T = TypeVar("T")


def main(command_line: Sequence[str] | None = None) -> int:
    """Install, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m installation", description=__doc__)
    parser.add_argument("environment", nargs="*")
    try:
        asked = [environments.plan(text) for text in parser.parse_args(command_line).environment]
    except ValueError as error:
        parser.error(str(error))
    for name in ("livekit", "aiohttp"):  # what matters of them becomes an error
        logging.getLogger(name).setLevel(logging.CRITICAL)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # which removes what was installed
    try:
        with tempfile.TemporaryDirectory(prefix="install-check-") as folder:
            rows = asyncio.run(_check(asked or PLANS, Path(folder)))
    except StepError as error:
        _say(f"install-check: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    _say("\n" + table(rows))
    # A Python that was asked for by name has to be there, and one of them in any case.
    there = (all if asked else any)(row.found for row in rows)
    return int(not there or any(row.failed for row in rows))


async def _check(plans: Sequence[Plan], folder: Path) -> list[Row]:
    started = time.monotonic()
    built = await package.build(folder)
    _say(f"{built.wheel.name}: built in {time.monotonic() - started:.1f} s, the same by the sdist")
    slots = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(number: int, plan: Plan) -> Row:
        async with slots:
            with tempfile.TemporaryDirectory(prefix=f"{number}-", dir=folder) as own:
                return await _one(plan, built, Path(own))

    return await asyncio.gather(*(one(number, plan) for number, plan in enumerate(plans)))


async def _one(plan: Plan, built: Package, folder: Path) -> Row:
    """Take every step in one environment: the call first, so that no test's package can help it."""
    row = Row(plan)
    python = environments.find(plan.python)
    if python is None:
        row.found = False
        _say(f"{plan}: skipped, no Python {plan.python} on this machine")
        return row
    started = time.monotonic()
    install = environments.install(plan, python, built, folder / "environment")
    made = await _attempt(row, "install", install)
    if made is None:
        return row
    row.python, row.sdk, row.seconds = made.python, made.sdk, time.monotonic() - started
    _say(f"{plan}: installed in {row.seconds:.1f} s, with livekit-agents {row.sdk}")
    (folder / "project").mkdir()
    wait = await _attempt(row, "call", call.answered(made, folder / "project"))
    if wait is not None:
        row.call = f"answered after {wait:.2f} s"
        _say(f"{plan}: init, check, and a call {row.call}")
    tests = await _attempt(row, "unit tests", unit_tests.passed(made, built, folder / "tests"))
    if tests is not None:
        row.tests = tests
        _say(f"{plan}: unit tests {tests}")
    return row


async def _attempt(row: Row, step: str, doing: Awaitable[T]) -> T | None:
    """Take a step; print and record a failure, and return None."""
    try:
        return await doing
    except (StepError, LiveKitServerError) as error:
        row.failed.append(step)
        _say(f"{row.plan}: {step} FAILED: {error}")
        return None


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (for people)


if __name__ == "__main__":
    end(main())
