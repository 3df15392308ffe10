"""Fixtures that the tests of the library and of the lab share: a plugin of pytest."""

import functools
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from sandbox.worker_variables import LOOP_MONITOR, OF_WORKERS
from timing_profiles.tuner import livekit_access

ROOT = Path(__file__).parents[1]

_MARKS = ("behind", "measured")
_E2E = (ROOT / "tests" / "e2e", ROOT / "lab" / "tests" / "e2e")


# The files that take 20 seconds or more, as they begin. The longest of a part begin first, or the
# last one runs alone; those that use most of the processor begin beside those that mostly wait.
FIRST = (
    # One measured test of 30 seconds: a process with two tests or less gets the next file, too.
    "tests/e2e/test_borrow.py",
    "tests/e2e/test_flux_call.py",
    "lab/tests/e2e/test_fidelity.py",
    "tests/e2e/tune/test_talk.py",
    "tests/e2e/faults/test_processes.py",
    "tests/e2e/test_ends.py",
    "tests/e2e/faults/test_under_fire.py",
    "tests/e2e/faults/test_events.py",
    "tests/e2e/faults/test_edits.py",
    "tests/e2e/test_call.py",
    "tests/e2e/test_follow.py",
    "tests/e2e/test_asked_aloud.py",
    "tests/e2e/tune/test_waits.py",
    "tests/e2e/test_metadata.py",
    "tests/e2e/faults/test_workers.py",
    "tests/e2e/faults/test_folders.py",
    "tests/e2e/test_init.py",
    "tests/e2e/test_first_minutes.py",
    "tests/e2e/tune/test_page.py",
    "tests/e2e/test_dev.py",
    "tests/e2e/test_fields.py",
    "tests/e2e/test_call_command.py",
    "tests/e2e/test_recipes.py",
    "tests/e2e/test_pre_commit.py",
    "tests/e2e/test_rehearse_sdk.py",
    "tests/e2e/test_idle_settings.py",
)


# Variables that a shell, make or a CI service may set, and that this project, the SDK or argparse
# reads.
_FOREIGN_PREFIXES = (*OF_WORKERS, "OPENAI_", "OTEL_", "PROMETHEUS_", "GITHUB_", "MAKE")
_FOREIGN = {
    *("PROFILES_DIR", "LLM_MODEL"),
    *("PROFILE", "METADATA", "SAY", "VOICE", "RATE", "ATTRIBUTES", "KIND", "ROOM_METADATA"),
    *("DISPATCH_METADATA", "OBSERVER", "PRECONNECT", "RECORD", "WAIT", "FORMAT"),  # `make call`
    *("PYTHON", "MFLAGS", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"),
}


@functools.cache
def _is_e2e(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in _E2E)


# An example must not fail on a slow machine.
_PATIENT = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
settings.register_profile("few", _PATIENT, max_examples=25)
settings.register_profile("many", _PATIENT, max_examples=100)
settings.load_profile("many" if os.environ.get("CI") else "few")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `python -m tests`."""
    group = parser.getgroup("timing profiles")
    group.addoption(
        "--part",
        choices=["units", "behind", "measured", "beside"],
        help="run unit tests, end-to-end tests that are marked by the part, or all others",
    )
    group.addoption(
        "--fail-on-skipped-e2e",
        action="store_true",
        help="fail if an end-to-end test was skipped: it would prove nothing",
    )


def pytest_configure() -> None:
    """Remove foreign variables from the environment, before tests are imported."""
    for name in [name for name in os.environ if is_foreign(name)]:
        del os.environ[name]


def is_foreign(name: str) -> bool:
    """Return whether a variable is removed from the environment of all tests."""
    return name in _FOREIGN or name.startswith(_FOREIGN_PREFIXES)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip files of other parts."""
    part = config.getoption("--part")
    if not part or (collection_path.is_dir() and collection_path not in _E2E):
        return None
    is_of_others = _is_e2e(collection_path) == (part == "units")
    return is_of_others or _has_no_test_of(part, collection_path) or None


def _has_no_test_of(part: str, path: Path) -> bool:
    # It is not imported for this: each process of pytest imports what it collects.
    if part == "units" or path.suffix != ".py":
        return False
    text = path.read_text(encoding="utf-8")
    if part == "beside":
        return any(f"\npytestmark = pytest.mark.{mark}\n" in text for mark in _MARKS)
    return f"mark.{part}" not in text


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep one part of the tests; begin with the longest files, or the last one runs alone."""
    part = config.getoption("--part")
    if part:
        others = [item for item in items if _part(item) != part]
        items[:] = [item for item in items if _part(item) == part]
        config.hook.pytest_deselected(items=others)
    items.sort(key=lambda item: _rank(item.path))


def _part(item: pytest.Item) -> str:
    if not _is_e2e(item.path):
        return "units"
    marks = (mark for mark in _MARKS if item.get_closest_marker(mark))
    return next(marks, "beside")


@functools.cache
def _rank(path: Path) -> int:
    file = path.relative_to(ROOT).as_posix()
    return FIRST.index(file) if file in FIRST else len(FIRST)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail if requested and an end-to-end test was skipped, or none was found."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not session.config.getoption("--fail-on-skipped-e2e"):
        return
    skipped = [report.nodeid for report in reporter.getreports("skipped")]
    is_skipped = any(_is_e2e(ROOT / nodeid.partition("::")[0]) for nodeid in skipped)
    if is_skipped or session.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


class Happened:
    """Record the reaction to a fault."""

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(self, what: str, recovered: float | None = None) -> None:
        """Record the reaction.

        Args:
            what: A few words, as measured: `kept 59c62fecb090, gauge 0`.
            recovered: Seconds from the repair until the worker was as before, where there is one.
        """
        self._properties.append(("happened", what))
        if recovered is not None:
            self._properties.append(("recovered", recovered))


@pytest.fixture(scope="session", autouse=True)
async def the_loop_of_all_tests() -> None:
    """Make it before the first test: the SDK's objects take the loop that they find."""


@pytest.fixture(scope="session", autouse=True)
def unmonitored_loops() -> Iterator[None]:
    """Two threads of each process would wake 50 times a second, to report a busy machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(LOOP_MONITOR, "0")
        yield


@pytest.fixture(scope="session", autouse=True)
def proxies() -> Iterator[Mapping[str, str]]:
    """Remove the proxies, which cannot reach this machine; return them, for installs."""
    with pytest.MonkeyPatch.context() as patch:
        removed = {name: os.environ[name] for name in livekit_access.proxies()}
        for name in removed:
            patch.delenv(name)
        yield removed


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Return a directory for the temporary files of workers.

    It is not below `tmp_path`: sockets of job processes lie in it, whose paths may have 107 bytes.
    """
    with tempfile.TemporaryDirectory(prefix="tp-") as folder:
        yield Path(folder)


@pytest.fixture
def starters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the starter profiles, `profiles` of the working directory."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    return tmp_path / "profiles"


@pytest.fixture
def happened(request: pytest.FixtureRequest) -> Happened:
    """Return the recorder for the table of `make faults`."""
    return Happened(request.node.user_properties)
