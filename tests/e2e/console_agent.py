"""An agent whose job is the console's: a room of mocks, and nobody registered anywhere."""

import asyncio
import logging
import sys

from livekit.agents import AgentServer, JobContext

import timing_profiles

server = AgentServer(port=0)
timing_profiles.attach(server)


@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    """Resolve the timing, build the session's parts, and end."""
    timing = await timing_profiles.for_call(ctx)
    timing.session_kwargs()
    ctx.shutdown(f"resolved {timing.profile}")


async def main() -> None:
    """Run one job as the console does, and end with it."""
    started = asyncio.Event()
    server.on("worker_started", started.set)
    running = asyncio.create_task(server.run(devmode=True, unregistered=True))
    await started.wait()
    await server.simulate_job("console", fake_job=True)
    while server.active_jobs:  # noqa: ASYNC110 - the server tells of no end
        await asyncio.sleep(0.05)
    await server.aclose()
    await running


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
    asyncio.run(main())
