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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from lab.fidelity import calls, live, rehearsed, table
from lab.fidelity.rows import MODES, Plan, Row, plan
from sandbox.livekit_binary import LiveKitServerError
from timing_profiles.problems import ProfilesError

AnyRow = TypeVar("AnyRow", Row, live.Row)

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
        everything, spoken = plan(_PROFILES), live.plan(_PROFILES)
        for name in arguments.names:
            if not _chosen(everything.rows, [name]) and not _chosen(spoken, [name]):
                parser.error(f"there is no row {name}; {_what_there_is(everything, name)}")
        chosen = _chosen(everything.rows, arguments.names)
        left_out = {} if arguments.names else everything.left_out
        missed = _run(chosen, left_out, 2 if arguments.quick else 5, arguments.at_once)
        heard = _chosen(spoken, arguments.names)
        return missed | _rehearse(heard, 2 if arguments.quick else 6, arguments.at_once)
    except (ProfilesError, LiveKitServerError) as error:
        _say(f"fidelity: {error}")
        return 1
    except KeyboardInterrupt:
        return 130


def _chosen(rows: Sequence[AnyRow], names: Sequence[str]) -> list[AnyRow]:
    return [row for row in rows if not names or {row.name, row.profile, row.mode} & {*names}]


def _what_there_is(everything: Plan, name: str) -> str:
    if name in everything.left_out:
        return f"it is left out: {everything.left_out[name]}"
    profiles = sorted({row.profile for row in everything.rows})
    modes = ", ".join(dict.fromkeys([*MODES, *live.MODES]))
    return f"there are the profiles {', '.join(profiles)}, and the modes {modes}"


def _run(rows: Sequence[Row], left_out: Mapping[str, str], turns: int, at_once: int) -> int:
    if not rows:
        return 0
    machine, started = _machine(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        measuring = calls.measure(
            rows, _PROFILES, Path(folder), turns=turns, at_once=at_once, progress=_say
        )
        measured = asyncio.run(measuring)
    head = f"{len(rows)} rows of {turns} turns, {at_once} calls at once; {machine}."
    print(head, _UNITS, table.text(measured), sep="\n\n")  # noqa: T201 (the command's result)
    for name, why in left_out.items():
        print(f"\n{name} is left out: {why}")  # noqa: T201 (likewise)
    missed = sum(bool(table.missed(row)) for row in measured)
    _say(f"{len(rows) - missed} of {len(rows)} rows held; {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


def _rehearse(rows: Sequence[live.Row], turns: int, at_once: int) -> int:
    if not rows:
        return 0
    machine, started = _machine(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        measuring = live.measure(
            rows, _PROFILES, Path(folder), turns=turns, at_once=at_once, progress=_say
        )
        compared = rehearsed.compare(asyncio.run(measuring), Path(folder))
    head = f"\n{len(rows)} rows of {turns} turns, {at_once} calls at once; {machine}."
    print(head, _REHEARSED, rehearsed.text(compared), sep="\n\n")  # noqa: T201 (likewise)
    _say(f"{rehearsed.share(compared):.0%} as rehearsed; {time.monotonic() - started:.0f} s")
    return 0 if rehearsed.holds(compared) else 1


def _machine() -> str:
    load, _, _ = os.getloadavg()
    return f"{os.cpu_count()} cores, load {load:.1f} before"


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)  # noqa: T201 (progress, for people)


if __name__ == "__main__":
    sys.exit(main())
