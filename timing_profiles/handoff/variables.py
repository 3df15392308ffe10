"""The environment variables by which a worker tells its jobs where things are."""

from __future__ import annotations

PUBLISHED = "TIMING_PROFILES_PUBLISHED"
"""The environment variable by which a worker hands the published file's path to its jobs."""

REPORTS = "TIMING_PROFILES_REPORTS"
"""The environment variable by which a worker hands the socket's path to its jobs."""
