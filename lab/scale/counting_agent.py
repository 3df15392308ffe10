"""agent.py's entrypoint in a production worker whose load is how many calls it has.

By default a worker's load is that of its machine. Here that is one machine for all of them: they
would all be as busy as each other.
"""

from livekit.agents import AgentServer, cli

import timing_profiles
from agent import entrypoint

_WARM = 4  # processes; an idle worker refuses more calls than these at one moment
_FULL = 16  # calls; the SDK takes none above 0.7 of it


def load(worker: AgentServer) -> float:
    """Return the load from 0 to 1, for LiveKit."""
    return min(len(worker.active_jobs) / _FULL, 1.0)


server = AgentServer(port=0, load_fnc=load, num_idle_processes=_WARM)
timing_profiles.attach(server)
server.rtc_session(entrypoint)

if __name__ == "__main__":
    cli.run_app(server)
