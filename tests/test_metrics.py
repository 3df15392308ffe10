"""The port of the metrics, and what counts as a report of a call."""

import asyncio
import socket
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from tests.running import Running, publish
from tests.test_apply import MUTE
from timing_profiles.handoff import call_reports, variables
from timing_profiles.handoff.call_reports import CallReport, Reports
from timing_profiles.problems import Problem
from timing_profiles.worker import metrics, ports


@pytest.mark.parametrize(("port", "expected"), [("9100", 9100), ("", None), ("65535", 65535)])
def test_the_environment_names_the_port(
    port: str, expected: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a port, there is no end point."""
    monkeypatch.setenv("METRICS_PORT", port)
    assert (metrics.metrics_port(), list(ports.problems(ports.METRICS))) == (expected, [])


@pytest.mark.parametrize("port", ["ninety", "0", "65536", "-1", "9100.0", "\u0663"])
def test_invalid_port_is_a_problem(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported at the start, and nothing is opened."""
    monkeypatch.setenv("METRICS_PORT", port)
    assert metrics.metrics_port() is None
    (problem,) = ports.problems(ports.METRICS)
    assert str(problem).startswith('METRICS_PORT: "')
    assert str(problem).endswith(" is not a port: use 1 to 65535")


async def test_a_report_of_a_call_arrives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its profile, and the code of every problem."""
    found: asyncio.Queue[CallReport] = asyncio.Queue()
    reports = Reports(tmp_path / "calls", found.put_nowait)
    monkeypatch.setenv(variables.REPORTS, str(tmp_path / "calls"))
    call_reports.report("patient", [Problem("override-range", "too much", "tts.speed")])
    first = await asyncio.wait_for(found.get(), 5)
    reports.close()
    assert (first, found.qsize()) == (CallReport("patient", ("override-range",)), 0)


async def test_problem_found_later_does_not_count_a_second_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its code is counted."""
    publish(tmp_path, monkeypatch)
    found: asyncio.Queue[CallReport] = asyncio.Queue()
    reports = Reports(tmp_path / "calls", found.put_nowait)
    monkeypatch.setenv(variables.REPORTS, str(tmp_path / "calls"))
    timing = Running('{"profile": "flux-conversation"}').timing
    timing.count()
    timing.stt(punctuate=True)
    timing.stt(profanity_filter=True)
    told = [await asyncio.wait_for(found.get(), 5) for _ in range(2)]
    reports.close()
    assert told == [CallReport("flux-conversation"), CallReport(None, ("not-applied",))]
    assert found.empty()
    calls, codes = (_counted(family) for family in ("calls", "override_rejected"))
    for report in told:
        metrics.called(report)
    assert _counted("calls") - calls == 1
    assert _counted("override_rejected") - codes == 1


async def test_field_that_a_live_change_cannot_apply_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, in a call that began without a problem."""
    publish(tmp_path, monkeypatch)
    found: asyncio.Queue[CallReport] = asyncio.Queue()
    reports = Reports(tmp_path / "calls", found.put_nowait)
    monkeypatch.setenv(variables.REPORTS, str(tmp_path / "calls"))
    running = Running(session={**MUTE, "vad": None, "turn_detection": "stt"})
    running.timing.count()
    async with running.follow().started():
        for silence in (0.5, 0.6):
            running.timing.change(overrides={"vad": {"min_silence_duration": silence}})
    told = [await asyncio.wait_for(found.get(), 5) for _ in range(2)]
    reports.close()
    assert told == [CallReport("default"), CallReport(None, ("not-applied",))]
    assert found.empty()


def _counted(family: str) -> float:
    """The sum of a counter over its labels."""
    name = f"timing_profiles_{family}"
    samples = (s for metric in REGISTRY.collect() if metric.name == name for s in metric.samples)
    return sum(sample.value for sample in samples if sample.name == f"{name}_total")


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"{",
        b"[]",
        b'{"profile": "patient"}',
        b'{"profile": 7, "codes": []}',
        b'{"profile": "../patient", "codes": []}',
        b'{"profile": "patient", "codes": ["a b"]}',
        b'{"profile": "patient", "codes": 3}',
        b"\xff",
    ],
)
async def test_invalid_report_is_ignored(told: bytes, tmp_path: Path) -> None:
    """Labels stay few and plain, whatever reaches the socket; the next report is taken."""
    found: asyncio.Queue[CallReport] = asyncio.Queue()
    reports = Reports(tmp_path / "calls", found.put_nowait)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(told, str(tmp_path / "calls"))
        sender.sendto(b'{"profile": "brisk", "codes": []}', str(tmp_path / "calls"))
    first = await asyncio.wait_for(found.get(), 5)
    reports.close()
    assert (first, found.qsize()) == (CallReport("brisk"), 0)


def test_missing_worker_does_not_end_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process listens, or nothing was handed down."""
    monkeypatch.setenv(variables.REPORTS, str(tmp_path / "nobody"))
    call_reports.report("patient", [])
    monkeypatch.delenv(variables.REPORTS)
    call_reports.report("patient", [])
