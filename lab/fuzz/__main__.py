"""`python -m lab.fuzz [NAME...] [--inputs N] [--seconds S]`: make up hostile inputs.

For the three readers of foreign text (yaml, metadata, schema), and for what commands print.

Prints one table. `--input FILE` reads that one input again, and says what comes of it.
Exit status: 0 where every input was read as it must be, 1 where one was not, 2 for a wrong word.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.fuzz import judgement, table
from lab.fuzz.exploration import SLOW, Exploration
from lab.fuzz.targets import CORPUS, ROOT, TARGETS, Target


def main(command_line: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m lab.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=" or ".join(TARGETS))
    parser.add_argument("--inputs", type=int, default=1_000_000, help="of each reader; a million")
    parser.add_argument("--seconds", type=float, default=0, help="at most, all at once; no limit")
    parser.add_argument("--input", type=Path, metavar="FILE", help="read one input again")
    arguments = parser.parse_args(command_line)
    unknown = [name for name in arguments.names if name not in TARGETS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(TARGETS)}")
    targets = [TARGETS[name] for name in arguments.names or TARGETS]
    if arguments.input:
        if len(arguments.names) != 1:
            parser.error(f"--input goes with one of {', '.join(TARGETS)}")
        return _again(targets[0], arguments.input)
    if not importlib.util.find_spec("atheris"):
        _say("atheris is not installed; there are wheels for Linux on x86-64, Python 3.11 to 3.14")
        return 1
    return _explore(targets, arguments.inputs, arguments.seconds)


def _again(target: Target, path: Path) -> int:
    """Print the outcome of one input; show an uncaught exception whole."""
    try:
        data = path.read_bytes()
    except OSError as error:
        _say(f"{path} cannot be read: {error.strerror}")
        return 2
    print(*target.printed(target.read(data)), sep="\n")
    seconds = judgement.seconds(target, data)
    faults = list(judgement.faults(target, data, seconds))
    print(f"{seconds * 1000:.1f} ms of CPU", *faults or ["read as it must be"], sep="\n")
    return 1 if faults else 0


def _explore(targets: Sequence[Target], inputs: int, seconds: float) -> int:
    rows: list[table.Row] = []
    messages: list[str] = []
    with tempfile.TemporaryDirectory(prefix="timing-profiles-fuzz-") as above:
        folders = {target.name: Path(above, target.name) for target in targets}
        counts = {target.name: max(1, round(target.share * inputs)) for target in targets}
        statuses = _run_all(folders, counts, seconds)
        for target in targets:
            folder = folders[target.name]
            timed = [*folder.glob(f"{SLOW}*"), *(CORPUS / target.name).iterdir()]
            slow = judgement.slowest(target, timed)
            _say(f"{target.name}: the slowest was {judgement.kept(target, slow.data, 'slowest')}")
            messages += judgement.messages(target, folder, slow)
            explored = Exploration.read(folder)
            if explored:
                rows.append(table.row(target, explored, slow.seconds))
            else:
                messages.append(_no_end(target, folder, statuses[target.name]))
    print(table.text(rows))
    for message in messages:
        _say(message)
    return 1 if messages else 0


def _run_all(
    folders: Mapping[str, Path], inputs: Mapping[str, int], seconds: float
) -> dict[str, int]:
    """Run all targets at once, each in its own process; return their exit statuses."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, folder in folders.items():
            folder.mkdir()
            words = [name, str(inputs[name]), str(seconds), str(folder)]
            with judgement.log(folder).open("wb") as log:
                running[name] = subprocess.Popen(  # noqa: S603 (ourselves)
                    [sys.executable, "-m", "lab.fuzz.explorer", *words],
                    stdout=log,
                    stderr=log,
                    cwd=ROOT,
                )
        return {name: process.wait() for name, process in running.items()}
    finally:
        for process in running.values():
            process.kill()


def _no_end(target: Target, folder: Path, status: int) -> str:
    last = judgement.log(folder).read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
    return "\n  ".join([f"{target.name}: ended early, with status {status}", *last])


def _say(message: str) -> None:
    print(f"fuzz: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
