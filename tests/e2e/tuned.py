"""A server of the page to tune by ear, in this process, with real sockets."""

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from timing_profiles.tuner import listening
from timing_profiles.tuner.livekit_access import Access
from timing_profiles.tuner.profile_set import ProfileSet
from timing_profiles.tuner.server import Options, Tuner

NOWHERE = Access("ws://127.0.0.1:9", "key", "a secret of 32 characters or more")
"""A LiveKit server that nothing listens at."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a browser has of a server.

    Attributes:
        origin: Its address, without the token.
        token: The token.
        profiles: The directory of its profiles.
        http: Sends the token with each request.
        stop: Ends the server.
    """

    origin: str
    token: str
    profiles: Path
    http: aiohttp.ClientSession
    stop: Callable[[], Awaitable[None]]

    async def get(self, path: str) -> Any:
        """Get an answer that must be one."""
        return await self.asked("GET", path)

    async def post(self, path: str, data: Any) -> Any:
        """Post JSON, and get an answer that must be one."""
        return await self.asked("POST", path, json=data)

    async def asked(self, method: str, path: str, **options: Any) -> Any:
        """Return the answer to a request, which must be 200."""
        status, answer = await self.answer(method, path, **options)
        assert status == 200, answer
        return answer

    async def answer(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Return status and JSON of the answer to a request."""
        async with self.http.request(method, f"{self.origin}{path}", **options) as response:
            return response.status, await response.json()

    def socket(self, path: str) -> Any:
        """Open a WebSocket as a browser does: the token is in the address."""
        return self.http.ws_connect(f"{self.origin}{path}?token={self.token}")


@contextlib.asynccontextmanager
async def page(
    profiles: Path,
    access: Access = NOWHERE,
    *,
    write: bool = False,
    agent: str = "",
    host: str = listening.LOOPBACK,
) -> AsyncGenerator[Page]:
    """Serve a directory of profiles until the block ends."""
    options = Options(access, agent=agent, profile="patient", write=write)
    tuner = Tuner(ProfileSet(profiles), options)
    with listening.listen(host, 0) as listener:
        address = await tuner.start(listener, host)
        origin, token = address.split("/?token=")
        try:
            headers = {"Authorization": f"Bearer {token}"}
            async with aiohttp.ClientSession(headers=headers) as http:
                yield Page(origin, token, profiles, http, tuner.stop)
        finally:
            await tuner.stop()
