"""Run the tests in three parts: units, then what runs side by side, then what must run alone.

`--part NAME` runs one of them. Everything else goes to pytest, as in `python -m tests -k reload`.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

_CORES = os.cpu_count() or 1

# A test on real calls waits most of the time, so two fit on one core; where waits are measured,
# one has a core to itself.
_PARTS: Mapping[str, Sequence[str]] = {
    "units": ["-n", str(_CORES), "--dist", "loadfile"],
    "beside": ["-n", str(2 * _CORES), "--dist", "loadfile", "--no-loadscope-reorder"],
    "alone": ["-n", str(_CORES), "--dist", "loadfile", "--no-loadscope-reorder"],
}

# Every unit test runs there, so that the floor of pyproject.toml can be held.
_COVERAGE = ["--cov", "--cov-report="]

_PASSED, _INTERRUPTED, _NO_TESTS = 0, 2, 5  # exit statuses of pytest


def main(arguments: Sequence[str]) -> int:
    """Run the parts; return the first status that is a failure, or pytest's for no tests."""
    parser = argparse.ArgumentParser("python -m tests", add_help=False, allow_abbrev=False)
    parser.add_argument("--part", choices=_PARTS, action="append")
    ours, pytests = parser.parse_known_args(arguments)
    # Or each of some hundred processes that tests start would compile the library.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    statuses = [_run(part, pytests) for part in ours.part or _PARTS]
    failed = [status for status in statuses if status not in {_PASSED, _NO_TESTS}]
    return failed[0] if failed else min(statuses)


def _run(part: str, arguments: Sequence[str]) -> int:
    coverage = _COVERAGE if part == "units" and os.environ.get("CI") else []
    command = [sys.executable, "-m", "pytest", "--part", part, *_PARTS[part], *coverage]
    with subprocess.Popen([*command, *arguments]) as tests:  # noqa: S603 - pytest
        try:
            return tests.wait()
        except KeyboardInterrupt:  # pytest got it as well, and says so
            tests.wait()
            sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
