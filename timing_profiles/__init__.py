"""Named timing profiles for LiveKit voice agents, chosen by each caller's metadata.

server = AgentServer()
timing_profiles.attach(server)

@server.rtc_session()
async def entrypoint(ctx: JobContext) -> None:
    timing = await timing_profiles.for_call(ctx)
    session = AgentSession(**timing.session_kwargs(llm=...))
    await session.start(agent=..., room=ctx.room, room_options=timing.room_options())
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from timing_profiles.problems import Problem, ProfilesError

__version__ = "0.1.0"

if TYPE_CHECKING:
    from timing_profiles.call.timing import Timing, for_call
    from timing_profiles.resolution.settings import Settings
    from timing_profiles.resolution.without_a_room import resolve
    from timing_profiles.worker.metrics import metrics_port
    from timing_profiles.worker.server import attach

__all__ = [
    "Problem",
    "ProfilesError",
    "Settings",
    "Timing",
    "attach",
    "for_call",
    "metrics_port",
    "resolve",
]

# Where each public name lives. Loaded when it is asked for: the command line runs without the
# SDK, and a job process without YAML.
_HOMES = {
    "Settings": "resolution.settings",
    "Timing": "call.timing",
    "attach": "worker.server",
    "for_call": "call.timing",
    "metrics_port": "worker.metrics",
    "resolve": "resolution.without_a_room",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
