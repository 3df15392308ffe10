"""The entrypoint of agent.py, in a worker that is set up like the bare one."""

from livekit.agents import AgentServer, cli

import timing_profiles
from agent import entrypoint

server = AgentServer(port=0, load_fnc=lambda: 0.0, num_idle_processes=1)
timing_profiles.attach(server)
server.rtc_session(entrypoint)

if __name__ == "__main__":
    cli.run_app(server)
