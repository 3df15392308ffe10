"""Run the tests: those on real calls; beside them, at the lowest priority, those that only compute.

`--part NAME` runs one part. Everything else goes to pytest, as in `python -m tests -k reload`.

Tests on real calls leave a part of the processor to the others, whose output follows when all have
ended.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_CORES = os.cpu_count() or 1

# A test on real calls waits half of the time, so three fit on two cores. With more, each takes
# longer, and all together need more of the processor. Where waits are measured, one has a core to
# itself.
_PARTS: Mapping[str, Sequence[str]] = {
    "units": ["-n", str(_CORES), "--dist", "loadfile"],
    "behind": ["-n", str(_CORES), "--dist", "loadfile", "--no-loadscope-reorder"],
    "measured": ["-n", str(_CORES), "--dist", "loadfile", "--no-loadscope-reorder"],
    "beside": ["-n", str(_CORES + _CORES // 2), "--dist", "loadfile", "--no-loadscope-reorder"],
}

# Every unit test runs there, so that the floor of pyproject.toml can be held. Coverage makes each
# example slow: `make install-check` runs the many.
_COVERAGE = ["--cov", "--cov-report=", "--hypothesis-profile=few"]

_PASSED, _INTERRUPTED, _NO_TESTS = 0, 2, 5  # exit statuses of pytest
_TERMINATED = 128 + signal.SIGTERM  # as a shell has it

_NICENESS = "19"  # the lowest priority


class _Terminated(BaseException):
    """SIGTERM has come, which make and timeouts send to this process alone."""


def main(arguments: Sequence[str]) -> int:
    """Run the parts; return the first status that is a failure, or pytest's for no tests."""
    parser = argparse.ArgumentParser("python -m tests", add_help=False, allow_abbrev=False)
    parser.add_argument("--part", choices=_PARTS, action="append")
    ours, pytests = parser.parse_known_args(arguments)
    # Or each of some hundred processes that tests start would compile the library.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # numpy would start threads in each that wait for work by running: a tenth of a worker's start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, _terminate)
    try:
        statuses = [_run(part, pytests) for part in ours.part] if ours.part else _run_all(pytests)
    except KeyboardInterrupt:  # pytest got it as well, and says so
        return _INTERRUPTED
    except _Terminated:
        return _TERMINATED
    failed = [status for status in statuses if status not in {_PASSED, _NO_TESTS}]
    return failed[0] if failed else min(statuses)


def _terminate(*_: object) -> None:
    raise _Terminated


def _run(part: str, arguments: Sequence[str]) -> int:
    with subprocess.Popen(_pytest(part, arguments)) as tests:  # noqa: S603 - pytest
        try:
            return tests.wait()
        except _Terminated:
            tests.terminate()
            raise
        finally:
            tests.wait()


def _run_all(arguments: Sequence[str]) -> list[int]:
    computing = ["nice", "-n", _NICENESS, sys.executable, "-m", "tests"]
    computing += ["--part", "units", "--part", "behind", *arguments]
    with (
        tempfile.TemporaryFile() as printed,
        subprocess.Popen(  # noqa: S603 - this program
            computing, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True
        ) as behind,
    ):
        # Linux may share the processor out between sessions first (sched_autogroup_enabled), and
        # then counts niceness within a session only. Each worker has a session of its own.
        with contextlib.suppress(OSError):
            Path(f"/proc/{behind.pid}/autogroup").write_text(_NICENESS, encoding="ascii")
        try:
            return [*(_run(part, arguments) for part in ("measured", "beside")), behind.wait()]
        except (KeyboardInterrupt, _Terminated):  # neither reaches another session
            if behind.poll() is None:
                os.killpg(behind.pid, signal.SIGINT)
            raise
        finally:
            behind.wait()
            printed.seek(0)
            shutil.copyfileobj(printed, sys.stdout.buffer)
            sys.stdout.flush()


def _pytest(part: str, arguments: Sequence[str]) -> list[str]:
    coverage = _COVERAGE if part == "units" and os.environ.get("CI") else []
    own = [*_PARTS[part], *coverage]
    return [sys.executable, "-m", "pytest", "--part", part, *own, *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
