"""The table of faults: what each was answered with, and how soon the worker was as before.

A plugin of pytest, for `make faults`. A test belongs to a fault by its name: `test_fault_07_...`,
or `test_fault_12_26_...` for two of them. The faults are those of docs/faults.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "faults.md"

_NAME = re.compile(r"test_fault((?:_\d\d)+)_")
_ROW = re.compile(r"\| (\d+) \| (.+?) \|")


def faults() -> dict[int, str]:
    """Every fault, by its number, as the page names it."""
    rows = _ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {int(number): fault for number, fault in rows}


def numbers(nodeid: str) -> list[int]:
    """The faults that a test is of."""
    found = _NAME.search(nodeid)
    return [int(number) for number in found[1].split("_")[1:]] if found else []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of faults alone."""
    items[:] = [item for item in items if numbers(item.nodeid)]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    reports = [
        report
        for outcome in ("passed", "failed", "skipped", "error")
        for report in terminalreporter.getreports(outcome)
        if isinstance(report, pytest.TestReport)
    ]
    terminalreporter.section("faults")
    for number, fault in faults().items():
        of_it = [report for report in reports if number in numbers(report.nodeid)]
        for line in _lines(number, fault, of_it):
            terminalreporter.write_line(line)


def _lines(number: int, fault: str, reports: Iterable[pytest.TestReport]) -> Iterable[str]:
    yield f"{number:2}  {fault}"
    for report in reports:
        said = dict(report.user_properties)
        happened = said.get("happened") or _name(report.nodeid)
        recovered = said.get("recovered")
        seconds = f"{recovered:7.2f} s" if isinstance(recovered, float) else " " * 9
        yield f"    {_outcome(report):8}{seconds}  {happened}"
    if not reports:
        yield "    not run"


def _outcome(report: pytest.TestReport) -> str:
    return {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[report.outcome]


def _name(nodeid: str) -> str:
    """What a test is called, as words."""
    words = nodeid.rpartition("::")[2]
    return _NAME.sub("", words).replace("_", " ")
