"""The variables that decide how a worker runs."""

LOOP_MONITOR = "LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS"
"""Milliseconds from which the SDK reports that an event loop stood still; 0 for never."""

OF_WORKERS = (
    "LIVEKIT_",
    "DEEPGRAM_",
    "TIMING_PROFILES_",
    "CALLER_TIMEOUT",
    "TIMING_METADATA_KEY",
    "METRICS_PORT",
    "READY_PORT",
    "READY_HOST",
)
"""How their names begin; a test's worker gets none of the shell's."""
