"""A server on 127.0.0.1 that records its requests."""

import dataclasses
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, Generic, TypeVar

from aiohttp import web
from typing_extensions import Self

Record = TypeVar("Record")

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def _ignoring_disconnects(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ConnectionResetError:  # aiohttp would log it with a traceback
        return web.Response()


class LoopbackServer(Generic[Record]):
    """The life of a stand-in: `async with` it, or `start()` and `aclose()`.

    `requests` holds one record (a dataclass) for each request, oldest first. The same is served as
    JSON at `GET /sandbox/requests`, for people and for other processes.
    """

    def __init__(self, *, port: int = 0) -> None:
        """Bind at the start; port 0 selects a free port."""
        self.port = port
        self.requests: list[Record] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Return the root, such as `http://127.0.0.1:8080`, once the server has started."""
        return f"http://127.0.0.1:{self.port}"

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Return the routes of a stand-in beside `/sandbox/requests`."""
        raise NotImplementedError

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: The port is taken.
        """
        app = web.Application(middlewares=[_ignoring_disconnects])
        app.add_routes([web.get("/sandbox/requests", self._show_requests), *self.routes()])
        # A client that hangs up must be noticed at once, also while nothing is being sent to it.
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.port = self._runner.addresses[0][1]

    async def aclose(self) -> None:
        """Close all connections and free the port."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close."""
        await self.aclose()

    async def _show_requests(self, _: web.Request) -> web.Response:
        return web.json_response([_as_dict(request) for request in self.requests])


def _as_dict(record: Any) -> dict[str, Any]:
    return dataclasses.asdict(record)
