"""agent.py's entrypoint in a production worker that keeps processes warm on a busy machine.

IDLE_PROCESSES is their number; by default two.
"""

import os

from livekit.agents import AgentServer, cli

import timing_profiles
from agent import entrypoint

# A port of its own for each worker, no call refused because the machine is busy, and no walk
# through the memory of each process every few seconds.
metrics = timing_profiles.metrics_port()
server = AgentServer(
    port=0,
    load_fnc=lambda: 0.0,
    job_memory_warn_mb=0,
    num_idle_processes=int(os.environ.get("IDLE_PROCESSES", "2")),
    initialize_process_timeout=60,
    prometheus_port=metrics,
)
timing_profiles.attach(server)
server.rtc_session(entrypoint)

if __name__ == "__main__":
    cli.run_app(server)
