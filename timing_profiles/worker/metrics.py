"""What an operator watches: Prometheus metrics of a worker's main process."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Info

from timing_profiles.handoff.call_reports import CallReport
from timing_profiles.worker import ports

ALIVE_WITHIN = 15.0
"""Seconds without a look at the folder after which the watcher counts as dead: three rescans."""

_successful = Gauge(
    "timing_profiles_last_reload_successful",
    "1 where the folder's present state is in force, 0 where the last good one is kept.",
)
_success_timestamp = Gauge(
    "timing_profiles_last_reload_success_timestamp_seconds",
    "When a state of the folder was last put in force, or was found sound again.",
)
_reloads = Counter(
    "timing_profiles_reloads", "Changes of the folder, by what became of them.", ["result"]
)
_revision = Info("timing_profiles_revision", "The revision in force.")
_watcher_alive = Gauge(
    "timing_profiles_watcher_alive", "1 while the folder is looked at, at least every 15 s."
)
_watching_events = Gauge(
    "timing_profiles_watching_events",
    "1 while the file system tells of changes, 0 while only comparing contents finds them.",
)
_watcher_restarts = Counter(
    "timing_profiles_watcher_restarts", "How often events failed, to be asked for anew."
)
_calls = Counter(
    "timing_profiles_calls", "Calls, by the profile in force at their start.", ["profile"]
)
_rejected = Counter(
    "timing_profiles_override_rejected", "What callers asked for in vain, by its code.", ["code"]
)


def metrics_port() -> int | None:
    """The port of the metrics, for `AgentServer(prometheus_port=...)`; None for no metrics."""
    return ports.port(ports.METRICS)


def in_force(revision: str) -> None:
    """A state of the folder is in force: the first one, a new one, or the same after a mistake."""
    _successful.set(1)
    _success_timestamp.set_to_current_time()
    _revision.info({"revision": revision})
    _reloads.labels("success").inc()


def kept() -> None:
    """A state of the folder is refused; the last good one stays in force."""
    _successful.set(0)
    _reloads.labels("failure").inc()


def looked() -> None:
    """The watcher has looked at the folder."""
    now = time.monotonic()
    _watcher_alive.set_function(lambda: float(time.monotonic() - now < ALIVE_WITHIN))


def events(*, alive: bool) -> None:
    """Events of the file system come, or come no more."""
    _watching_events.set(alive)


def events_failed() -> None:
    """Events ended, or could not begin; they are asked for anew."""
    _watcher_restarts.inc()


def called(report: CallReport) -> None:
    """A call has begun."""
    _calls.labels(report.profile).inc()
    for code in report.codes:
        _rejected.labels(code).inc()
