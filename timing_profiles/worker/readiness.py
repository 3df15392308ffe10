"""Whether calls may be sent to a worker, and what they get there: an answer over HTTP."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

from aiohttp import web

from timing_profiles.problems import Problem, ProfilesError
from timing_profiles.worker import ports
from timing_profiles.worker.reload_status import Serving

PATH = "/ready"


class Readiness:
    """Answers `GET /ready`: 200 where calls may come, else 503; and what is served, either way."""

    def __init__(self, serving: Callable[[], Serving | None], not_ready: Callable[[], str]) -> None:
        """Nobody is answered yet.

        Args:
            serving: What calls get; None where nothing was published yet.
            not_ready: Why no calls may come; an empty text where they may.
        """
        self._serving = serving
        self._not_ready = not_ready
        self._listening: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen at `READY_PORT`, on all interfaces as the SDK's health check does, if it is set.

        Raises:
            ProfilesError: The port is taken.
        """
        port = ports.port(ports.READY)
        if port is None:
            return
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(web.Server(self._answer), port=port)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else str(error)
            problem = Problem("environment", f"cannot listen at {port}: {reason}", ports.READY)
            raise ProfilesError([problem]) from None

    def stop(self) -> None:
        """Listen no more."""
        if self._listening:
            self._listening.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path != PATH:
            return web.Response(status=404, text=f"there is only {PATH}\n")
        missing, serving = self._not_ready(), self._serving()
        words = "; ".join(str(part) for part in (missing, serving) if part)
        return web.Response(status=503 if missing else 200, text=f"{words}\n")
