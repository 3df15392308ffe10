"""The environment of a worker that uses the stand-ins."""

import os
from pathlib import Path

from sandbox.connection import Connection
from sandbox.deepgram import Deepgram
from sandbox.inference import Inference
from sandbox.worker_variables import LOOP_MONITOR, OF_WORKERS

ANY_LOAD = {"NUM_CPUS": "1000"}
"""Lets a worker take calls on a busy machine: its load is the CPU time per core that it has.

A LiveKit server gives no call to a worker that reports a load of 1, in development mode either.
"""

_FOREIGN = (*OF_WORKERS, "SSL_CERT_FILE")


def environment(connection: Connection, deepgram: Deepgram, llm: Inference) -> dict[str, str]:
    """Return this process's environment with these services in place of its own."""
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN) or name == LOOP_MONITOR
    }
    return {
        **own,
        **ANY_LOAD,
        **connection.environment(),
        # The stand-ins have no certificates; each job would read all of the system's for its LLM.
        "SSL_CERT_DIR": str(Path(__file__).parent),
        "DEEPGRAM_API_KEY": "any",
        "DEEPGRAM_BASE_URL": deepgram.url,
        "LIVEKIT_INFERENCE_URL": llm.url,
    }
