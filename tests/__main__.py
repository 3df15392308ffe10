"""Run the tests in three parts: units, then both kinds of end-to-end tests at the same time.

`--part NAME` runs one of them. Everything else goes to pytest, as in `python -m tests -k reload`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence

_CORES = os.cpu_count() or 1

# A test on real calls waits most of the time, so several fit on one core.
_PARTS: Mapping[str, Sequence[str]] = {
    "units": ["-n", str(_CORES), "--dist", "loadfile"],
    "beside": ["-n", str(_CORES + 1), "--dist", "loadfile", "--no-loadscope-reorder"],
    "alone": [],
}

# Tests that measure waits leave most of both cores idle. The others take what is left, at the
# lowest priority, so that they do not delay a measured wait.
_GIVE_WAY = ["nice", "-n", "19"]

# Every unit test runs there, so that the floor of pyproject.toml can be held.
_COVERAGE = ["--cov", "--cov-report="]

_PASSED, _NO_TESTS = 0, 5  # exit statuses of pytest


def main(arguments: Sequence[str]) -> int:
    """Run the parts; return the first status that is a failure, or pytest's for no tests."""
    parser = argparse.ArgumentParser("python -m tests", add_help=False, allow_abbrev=False)
    parser.add_argument("--part", choices=_PARTS, action="append")
    ours, pytests = parser.parse_known_args(arguments)
    parts = ours.part or list(_PARTS)
    # Or each of some hundred processes that tests start would compile the library.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if {"beside", "alone"} <= set(parts):
        statuses = [_run(part, pytests) for part in parts if part == "units"]
        statuses += _run_at_once(pytests)
    else:
        statuses = [_run(part, pytests) for part in parts]
    failed = [status for status in statuses if status not in {_PASSED, _NO_TESTS}]
    return failed[0] if failed else min(statuses)


def _run(part: str, arguments: Sequence[str]) -> int:
    return subprocess.run(_command(part, arguments), check=False).returncode  # noqa: S603 - pytest


def _run_at_once(arguments: Sequence[str]) -> list[int]:
    """Run `alone` while `beside` runs; print its output when both have ended."""
    colour = [f"--color={'yes' if sys.stdout.isatty() else 'no'}"]
    with tempfile.TemporaryFile() as output:
        alone = _command("alone", [*colour, *arguments])
        with subprocess.Popen(alone, stdout=output, stderr=subprocess.STDOUT) as running:  # noqa: S603
            beside = [*_GIVE_WAY, *_command("beside", arguments)]
            status = subprocess.run(beside, check=False).returncode  # noqa: S603
        output.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
    return [status, running.returncode]


def _command(part: str, arguments: Sequence[str]) -> list[str]:
    coverage = _COVERAGE if part == "units" and os.environ.get("CI") else []
    return [sys.executable, "-m", "pytest", "--part", part, *_PARTS[part], *coverage, *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
