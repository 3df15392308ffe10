"""A program that follows a folder as a worker's main process does, without LiveKit.

It prints the port of its metrics and the path of what it publishes, and ends on SIGTERM, or when
its standard input closes: with the test that started it.
"""

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path

from prometheus_client import start_http_server

from timing_profiles.catalog import location
from timing_profiles.handoff import variables
from timing_profiles.problems import ProfilesError
from timing_profiles.worker.publisher import Publisher


async def main(profiles: Path) -> None:
    """Publish a folder until told to end."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_reader(sys.stdin.fileno(), told.set)
    publisher = Publisher(location.find(profiles))
    try:
        publisher.start()
        server, _ = start_http_server(0, "127.0.0.1")
        print(server.server_port, os.environ[variables.PUBLISHED], flush=True)  # noqa: T201
        await told.wait()
    except ProfilesError as error:
        sys.exit("\n".join(str(problem) for problem in error.problems))
    finally:
        publisher.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # as the SDK does
    asyncio.run(main(Path(sys.argv[1])))
