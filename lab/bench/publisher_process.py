"""A process that does what a worker's main process does with profiles, and nothing else.

`python -m lab.bench.publisher_process FOLDER` prints the path of the published file; then, for
each line on standard input, a line of JSON: seconds of CPU (`cpu`) and reloads so far (`reloads`).
It ends with its standard input.
"""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from prometheus_client import REGISTRY

from timing_profiles.handoff import variables
from timing_profiles.worker.publisher import Publisher


async def _run(folder: Path) -> None:
    publisher = Publisher(folder)
    publisher.start()
    try:
        print(os.environ[variables.PUBLISHED], flush=True)
        asked = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(asked)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
        while await asked.readline():
            print(json.dumps({"cpu": time.process_time(), "reloads": _reloads()}), flush=True)
    finally:
        publisher.stop()


def _reloads() -> float:
    value = REGISTRY.get_sample_value("timing_profiles_reloads_total", {"result": "success"})
    return value or 0


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1])))
