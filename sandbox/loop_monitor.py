"""How the SDK watches the event loops of a worker."""

LOOP_MONITOR = "LIVEKIT_AGENTS_LOOP_BLOCK_WARN_MS"
"""Milliseconds from which it reports that a loop stood still; 0 for never."""
