"""Prometheus metrics of a worker's main process."""

from __future__ import annotations

import time

from prometheus_client import Counter, Gauge, Info

from timing_profiles.handoff.call_reports import CallReport
from timing_profiles.worker import ports

ALIVE_WITHIN = 15.0
"""Seconds after the last comparison when the watcher counts as dead: three rescans."""

_successful = Gauge(
    "timing_profiles_last_reload_successful",
    "1 if the current files are active, 0 if the last valid revision stays active.",
)
_success_timestamp = Gauge(
    "timing_profiles_last_reload_success_timestamp_seconds",
    "When the current files were last activated, or found valid again.",
)
_reloads = Counter("timing_profiles_reloads", "Reloads, by result.", ["result"])
_revision = Info("timing_profiles_revision", "The active revision.")
_watcher_alive = Gauge(
    "timing_profiles_watcher_alive", "1 if the watcher has examined the directory within 15 s."
)
_watching_events = Gauge(
    "timing_profiles_watching_events",
    "1 if file system events arrive, 0 if only comparing contents finds changes.",
)
_watcher_restarts = Counter(
    "timing_profiles_watcher_restarts", "How often file system events failed."
)
_calls = Counter(
    "timing_profiles_calls", "Calls, by the profile that was active at their start.", ["profile"]
)
_override_rejected = Counter(
    "timing_profiles_override_rejected", "Problems of requests, by code.", ["code"]
)


def metrics_port() -> int | None:
    """Return the port for `AgentServer(prometheus_port=...)`; None for no metrics."""
    return ports.port(ports.METRICS)


def activated(revision: str) -> None:
    """Record that a revision is active: the first, a new one, or the same after an error."""
    _successful.set(1)
    _success_timestamp.set_to_current_time()
    _revision.info({"revision": revision})
    _reloads.labels("success").inc()


def rejected() -> None:
    """Record that the current files were rejected; the last valid revision stays active."""
    _successful.set(0)
    _reloads.labels("failure").inc()


def looked() -> None:
    """Record that the watcher has examined the directory."""
    now = time.monotonic()
    _watcher_alive.set_function(lambda: float(time.monotonic() - now < ALIVE_WITHIN))


def events(*, alive: bool) -> None:
    """Record whether file system events arrive."""
    _watching_events.set(alive)


def events_failed() -> None:
    """Record that events ended, or could not begin."""
    _watcher_restarts.inc()


def called(report: CallReport) -> None:
    """Record the start of a call, or what was found in it later."""
    if report.profile is not None:
        _calls.labels(report.profile).inc()
    for code in report.codes:
        _override_rejected.labels(code).inc()
