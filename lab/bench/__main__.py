"""`python -m lab.bench [--quick] [NAME...]`: measure, and print one table.

What takes longer than its bound is marked, and no error: another machine is another number.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from lab.bench import (
    commands,
    follow,
    join,
    many,
    memory,
    rehearsal,
    reload,
    resolve,
    session_start,
    snapshot,
    table,
)
from lab.bench.table import Row
from sandbox.ending import end
from sandbox.livekit_binary import LiveKitServerError

_SUBJECTS: Mapping[str, Callable[..., Sequence[Row]]] = MappingProxyType(
    {
        "resolve": resolve.rows,
        "snapshot": snapshot.rows,
        "session_start": session_start.rows,
        "commands": commands.rows,
        "follow": follow.rows,
        "join": join.rows,
        "many": many.rows,
        "reload": reload.rows,
        "memory": memory.rows,
        "rehearsal": rehearsal.rows,
    }
)


def main() -> int:
    """Measure the named groups, or all.

    Returns:
        The exit status: 1 where something could not be measured.
    """
    parser = argparse.ArgumentParser(prog="python -m lab.bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(_SUBJECTS))
    parser.add_argument("--quick", action="store_true", help="fewer rounds: about a minute")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.names if name not in _SUBJECTS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(_SUBJECTS)}")
    return _run(arguments.names or list(_SUBJECTS), quick=arguments.quick)


def _run(names: Sequence[str], *, quick: bool) -> int:
    machine = _machine()
    rows: list[Row] = []
    status = 0
    for name in names:
        print(f"measuring {name}", file=sys.stderr)
        try:
            rows += _SUBJECTS[name](quick=quick)
        except LiveKitServerError as error:
            print(f"{name} is not measured: {error}", file=sys.stderr)
            status = 1
    print(machine, table.text(rows), sep="\n\n")
    return status


def _machine() -> str:
    load, _, _ = os.getloadavg()
    cores = f"{os.cpu_count()} cores, load {load:.1f} before the first measurement"
    return f"Python {platform.python_version()}, {cores}"


if __name__ == "__main__":
    end(main())
