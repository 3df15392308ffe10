"""The environment of a worker that uses the stand-ins."""

import os

from sandbox.connection import Connection
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference

_FOREIGN = (
    "LIVEKIT_",
    "DEEPGRAM_",
    "TIMING_PROFILES_",
    "CALLER_TIMEOUT",
    "METRICS_PORT",
    "READY_PORT",
    "READY_HOST",
)


def environment(connection: Connection, deepgram: Deepgram, llm: Inference) -> dict[str, str]:
    """Return this process's environment with these services in place of its own."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {
        **own,
        **connection.environment(),
        "DEEPGRAM_API_KEY": "any",
        "DEEPGRAM_BASE_URL": deepgram.url,
        "LIVEKIT_INFERENCE_URL": llm.url,
    }
