"""agent.py's entrypoint in a worker that reports load above 0.7, whatever it does."""

import itertools

from livekit.agents import AgentServer, cli

import timing_profiles
from agent import entrypoint

# The SDK asks twice a second, and tells LiveKit every 2.5 s.
_TOLD = 8
_asked = itertools.count(1)


def _load() -> float:
    if next(_asked) % _TOLD == 0:
        print("LiveKit knows of the load", flush=True)  # noqa: T201 - for who waits
    return 0.95


server = AgentServer(port=0, load_fnc=_load, num_idle_processes=1)
timing_profiles.attach(server)
server.rtc_session(entrypoint)

if __name__ == "__main__":
    cli.run_app(server)
