"""Audio for the stand-ins of speech services."""

RATE = 16000
"""Samples in a second."""


def silence(seconds: float) -> bytes:
    """Return silence as 16-bit samples."""
    return bytes(round(seconds * RATE) * 2)
