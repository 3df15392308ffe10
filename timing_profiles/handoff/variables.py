"""The environment variables that a worker sets for its jobs."""

from __future__ import annotations

PUBLISHED = "TIMING_PROFILES_PUBLISHED"
"""The path of the published file."""

REPORTS = "TIMING_PROFILES_REPORTS"
"""The path of the socket for reports of calls."""
