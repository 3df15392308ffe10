"""agent.py's entrypoint in a worker that cannot publish a folder with a profile `odd` in it.

It raises what nobody has thought of, once for each attempt.
"""

import os
from pathlib import Path
from typing import Any

from livekit.agents import AgentServer, cli

import timing_profiles
from agent import entrypoint
from timing_profiles.handoff import snapshot

publish = snapshot.publish


def _publish(*args: Any, **kwargs: Any) -> None:
    if (Path(os.environ["PROFILES_DIR"]) / "odd.yaml").exists():
        raise ZeroDivisionError("odd")
    publish(*args, **kwargs)


snapshot.publish = _publish

metrics = timing_profiles.metrics_port()
server = AgentServer(port=0, load_fnc=lambda: 0.0, num_idle_processes=1, prometheus_port=metrics)
timing_profiles.attach(server)
server.rtc_session(entrypoint)

if __name__ == "__main__":
    cli.run_app(server)
