"""`python -m lab.fidelity [--quick] [NAME...]`: call, and print two tables: waits and rehearsals.

Exit status: 0 when every row held and 95% of the decisions were as rehearsed, 1 when one missed or
could not be measured, 2 for a wrong name.
"""

import argparse
import asyncio
import logging
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from lab.fidelity import calls, live, rehearsed, table
from lab.fidelity.calls import Measured
from lab.fidelity.live import LiveCall
from lab.fidelity.rows import MODES, REHEARSED, Plan, Row, plan, plan_of_rehearsals
from sandbox.ending import end
from sandbox.livekit_binary import LiveKitServerError
from timing_profiles.problems import ProfilesError

Found = TypeVar("Found")
Measure = Callable[..., Awaitable[list[Found]]]

_UNITS = (
    "Seconds. A row holds when the error of the agent's decision is at most"
    f" {table.DECISION_WITHIN:.3f} and that of the caller's wait {table.WAIT_WITHIN:.3f}.\n"
    "in and out: the path. Deepgram to TTS: their own time, which no profile can promise."
)

_REHEARSED = (
    "Decisions of live calls against those of `rehearse` on the sound that the agent got. Seconds."
    " A decision agrees\nwhen it is the same turn's, cuts in alike, and comes within"
    f" {rehearsed.WITHIN:.3f} of the rehearsal whose frames lie as in the call.\nphase 0: of the"
    " one that `rehearse` prints. largest difference, median: more than 0 is later live.\nspoiled:"
    " turns that were repeated because the machine was late, or the sound did not come whole."
)

_PROFILES = Path(__file__).parents[2] / "profiles"


def main(command_line: Sequence[str] | None = None) -> int:
    """Call the named rows, or all."""
    parser = argparse.ArgumentParser(prog="python -m lab.fidelity", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a profile, a mode, or both: a/b")
    parser.add_argument("--quick", action="store_true", help="two turns for each row, not five")
    parser.add_argument("--at-once", type=int, choices=range(1, 5), default=2, help="calls")
    arguments = parser.parse_args(command_line)
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # what matters of it becomes an error
    try:
        everything, spoken = plan(_PROFILES), plan_of_rehearsals(_PROFILES)
        for name in arguments.names:
            if not _chosen(everything.rows, [name]) and not _chosen(spoken, [name]):
                parser.error(f"there is no row {name}; {_what_there_is(everything, name)}")
        quick, at_once = arguments.quick, arguments.at_once
        left_out = {} if arguments.names else everything.left_out
        chosen = _chosen(everything.rows, arguments.names)
        missed = _table(calls.measure, chosen, 2 if quick else 5, at_once, _predicted)
        for name, why in left_out.items():
            print(f"\n{name} is left out: {why}")  # noqa: T201 (the command's result)
        chosen = _chosen(spoken, arguments.names)
        return missed | _table(live.measure, chosen, 2 if quick else 6, at_once, _rehearsed)
    except (ProfilesError, LiveKitServerError) as error:
        _say(f"fidelity: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _chosen(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    return [row for row in rows if not names or {row.name, row.profile, row.mode} & {*names}]


def _what_there_is(everything: Plan, name: str) -> str:
    if name in everything.left_out:
        return f"it is left out: {everything.left_out[name]}"
    profiles = sorted({row.profile for row in everything.rows})
    modes = ", ".join(dict.fromkeys([*MODES, *REHEARSED]))
    return f"there are the profiles {', '.join(profiles)}, and the modes {modes}"


def _table(
    measure: Measure[Found],
    rows: Sequence[Row],
    turns: int,
    at_once: int,
    tabled: Callable[[list[Found], Path], tuple[str, str, bool]],
) -> int:
    """Call rows, and print a table; 1 where it misses its goal.

    Args:
        measure: Makes the calls.
        rows: What to call; none is no table.
        turns: How many turns of each.
        at_once: How many calls at the same time.
        tabled: Returns the table, a line about it, and whether it holds.
    """
    if not rows:
        return 0
    machine, started = _machine(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        measuring = measure(
            rows, _PROFILES, Path(folder), turns=turns, at_once=at_once, progress=_say
        )
        shown, summary, holds = tabled(asyncio.run(_list(measuring)), Path(folder))
    print(f"\n{len(rows)} rows of {turns} turns, {at_once} calls at once; {machine}.")  # noqa: T201 (likewise)
    print(f"\n{shown}")  # noqa: T201 (likewise)
    _say(f"{summary}; {time.monotonic() - started:.0f} s")
    return 0 if holds else 1


async def _list(measuring: Awaitable[list[Found]]) -> list[Found]:
    return await measuring


def _predicted(measured: list[Measured], _: Path) -> tuple[str, str, bool]:
    missed = sum(bool(table.missed(row)) for row in measured)
    held = f"{len(measured) - missed} of {len(measured)} rows held"
    return f"{_UNITS}\n\n{table.text(measured)}", held, not missed


def _rehearsed(found: list[LiveCall], folder: Path) -> tuple[str, str, bool]:
    compared = rehearsed.compare(found, folder)
    shown = f"{_REHEARSED}\n\n{rehearsed.text(compared)}"
    return shown, f"{rehearsed.share(compared):.0%} as rehearsed", rehearsed.holds(compared)


def _machine() -> str:
    load, _, _ = os.getloadavg()
    return f"{os.cpu_count()} cores, load {load:.1f} before"


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)  # noqa: T201 (progress, for people)


if __name__ == "__main__":
    end(main())
