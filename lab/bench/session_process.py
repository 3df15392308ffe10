"""A process as a worker starts it for a call: imports, then one session.

`python -m lab.bench.session_process profiled|literal` prints, as JSON, the seconds that it took
to import the SDK (`sdk`) and what timing profiles bring (`ours`), to make the session's arguments
(`arguments`), and for the rest of its start (`rest`).
"""

import asyncio
import importlib
import json
import sys
import time
from dataclasses import asdict

# What every job process has, and what an agent with timing profiles imports beside.
_SDK = ("livekit.agents", "livekit.plugins.deepgram", "livekit.agents.ipc._preload")
_OURS = ("timing_profiles.worker.server", "timing_profiles.call.timing")


def main() -> None:
    """Import, start a session, print."""
    imports = {"sdk": _seconds_to_import(_SDK), "ours": _seconds_to_import(_OURS)}
    # Imported here: what it imports itself would not be timed.
    from lab.bench.session import start  # noqa: PLC0415

    started = asyncio.run(start(profiled=sys.argv[1] == "profiled"))
    print(json.dumps({**imports, **asdict(started)}))


def _seconds_to_import(names: tuple[str, ...]) -> float:
    started = time.perf_counter()
    for name in names:
        importlib.import_module(name)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
