"""Serve the page and its API on this machine."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import Any

from aiohttp import web

from timing_profiles.problems import ProfilesError
from timing_profiles.resolution import request as metadata_request
from timing_profiles.tuner import (
    asked,
    draft,
    guard,
    overview,
    page_files,
    preview,
    save,
    turn_process,
)
from timing_profiles.tuner.asked import Asked, Refused
from timing_profiles.tuner.calls import Calls, NotEnded
from timing_profiles.tuner.draft import Draft
from timing_profiles.tuner.follower import Follower
from timing_profiles.tuner.guard import Guard
from timing_profiles.tuner.listening import location
from timing_profiles.tuner.livekit_access import Access
from timing_profiles.tuner.profile_set import ProfileSet
from timing_profiles.tuner.save import NotSaved
from timing_profiles.tuner.turn_process import Busy, NoTurn, TurnProcess

LARGEST_JSON = 64 * 1024
"""The most bytes of a request of the page."""

TUNED = "tuned"
"""The name of a profile with the page's overrides, in the answers about a turn."""

MOST_SOCKETS = 32
"""The WebSockets that may be open at the same time, of all tabs together."""

_MOST_WAITING = 1000  # messages that a page has not taken yet
_LARGEST_MESSAGE = 1024  # bytes from the page: it sends nothing on a WebSocket
_LINGERING = 1.0  # seconds in which the remainder of a refused body is read
_ENDING = 1.0
_OBSERVER = "timing_profiles.tuner.observer"
_SDK = "livekit.agents.voice"  # takes seconds to load

_logger = logging.getLogger("timing_profiles")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Options:
    """The parts that a server serves.

    Attributes:
        access: The LiveKit server.
        agent: The agent that is dispatched to a call; empty for the one that takes every call.
        profile: The profile that the page begins with; None for its own choice.
        write: Whether the page may write files.
    """

    access: Access
    agent: str = ""
    profile: str | None = None
    write: bool = False


class Tuner:
    """The server between one person's browser, a set of profiles and LiveKit."""

    def __init__(self, profiles: ProfileSet, options: Options) -> None:
        """Serve nothing before `start`."""
        self._profiles = profiles
        self._options = options
        self._calls = Calls(options.access, options.agent)
        self._follower = Follower(profiles)
        self._token = secrets.token_urlsafe(32)
        self._files = page_files.found()
        self._open = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._turns = TurnProcess()
        self._writing = asyncio.Lock()
        self._sdk: asyncio.Future[Any] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._guard = Guard("", 0, self._token)
        self._headers: dict[str, str] = {}
        self._runner: web.AppRunner | None = None

    async def start(self, listening: socket.socket, host: str) -> str:
        """Serve on a listening socket; return the address to open.

        Args:
            listening: The socket.
            host: The address that it listens at, as the user gave it.
        """
        runner, address = await self.prepare(host, listening.getsockname()[1])
        await web.SockSite(runner, listening).start()
        return address

    async def prepare(self, host: str, port: int) -> tuple[web.AppRunner, str]:
        """Prepare to serve without listening; return the runner and the address to open.

        Args:
            host: The address to listen at, as the user gave it.
            port: The port there.
        """
        self._guard = Guard(host, port, self._token)
        here = location(host, port)
        names = dict.fromkeys((f"127.0.0.1:{port}", f"localhost:{port}", here))
        # A policy cannot name an IPv6 address; where the page has one, 'self' is enough.
        own = [f"ws://{name}" for name in names if "[" not in name]
        self._headers = guard.headers(own, self._options.access.origins())
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            lingering_time=_LINGERING,
            shutdown_timeout=_ENDING,
            handle_signals=False,
        )
        await self._runner.setup()
        return self._runner, f"http://{here}/?{guard.TOKEN}={self._token}"

    async def stop(self) -> None:
        """Close every connection, leave every room and stop listening."""
        if self._runner:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guarded], client_max_size=LARGEST_JSON)
        application.on_shutdown.append(self._close_sockets)
        application.on_cleanup.append(lambda _: self._turns.stop())
        application.add_routes(
            [
                web.get("/api/set", self._get_set),
                web.post("/api/preview", self._post_preview),
                web.post("/api/call", self._post_call),
                web.post("/api/turn", self._post_turn),
                web.post("/api/yaml", self._post_yaml),
                web.post("/api/write", self._post_write),
                web.delete("/api/calls/{room}", self._delete_call),
                web.get("/api/calls/{room}/events", self._events),
                web.get("/api/changes", self._changes),
                web.get("/{path:.*}", self._file),
            ]
        )
        return application

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse foreign requests, and answer every error in one form."""
        refusal = self._guard.refusal(request)
        if refusal:
            response: web.StreamResponse = _error(*refusal)
        else:
            response = await self._answered(request, handler)
        if not response.prepared:
            response.headers.update(self._headers)
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    async def _answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as error:
            return _error(400, str(error))
        except ProfilesError as error:
            return _error(409, str(error), problems=overview.as_json(error.problems))
        except web.HTTPRequestEntityTooLarge as error:
            return _error(413, f"the request is too long: {error.text}", close=True)
        except web.HTTPException as error:
            return _error(error.status, f"{request.method} {request.path}: {error.reason}")
        except Exception:
            _logger.exception("%s %s failed", request.method, request.path)
            return _error(500, "the server failed; its terminal says why")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        file = self._files.get(request.path)
        if file is None:
            raise web.HTTPNotFound
        content = await asyncio.to_thread(file.path.read_bytes)
        headers = {"Content-Type": file.kind, "Cache-Control": "no-cache"}
        return web.Response(body=content, headers=headers)

    async def _get_set(self, _: web.Request) -> web.StreamResponse:
        found = await asyncio.to_thread(overview.of_set, self._profiles)
        options = self._options
        return web.json_response(
            {
                **found,
                "write": options.write,
                "agent": options.agent or None,
                "livekit_url": options.access.url,
                "profile": options.profile,
                "metadata_key": metadata_request.metadata_key(),
                "sentences": page_files.sentences(),
            }
        )

    async def _post_preview(self, request: web.Request) -> web.StreamResponse:
        wanted = await self._asked(request)
        return web.json_response(preview.of(wanted, self._profiles.catalog))

    async def _post_call(self, request: web.Request) -> web.StreamResponse:
        wanted = await self._asked(request)
        self._warm_up()
        return web.json_response(asdict(self._calls.new(wanted.metadata())))

    async def _post_turn(self, request: web.Request) -> web.StreamResponse:
        wanted = await self._asked_in_query(request)
        found = self._profiles.catalog
        tuned = [(TUNED, wanted.settings(found).values)] if wanted.overrides else []
        names = dict.fromkeys((wanted.profile, *found.names()))
        profiles = [(name, profile.values) for name in names if (profile := found.profile(name))]
        try:
            with self._turns.place():
                sound = await _body(request, turn_process.LARGEST)
                return web.json_response(await self._turns.judge(sound, [*tuned, *profiles]))
        except NoTurn as error:
            raise Refused(str(error)) from None
        except Busy as error:
            return _error(503, str(error))

    async def _post_yaml(self, request: web.Request) -> web.StreamResponse:
        drafted = await self._drafted(request)
        return web.json_response(drafted.to_json())

    async def _post_write(self, request: web.Request) -> web.StreamResponse:
        if not self._options.write:
            return _error(403, "this page may not write: start timing-profiles tune with --write")
        async with self._writing:
            drafted = await self._drafted(request)
            if not drafted.is_valid:
                message = f"{drafted.label} was not written: the profiles would be invalid"
                return _error(409, message, **drafted.to_json())
            try:
                await asyncio.to_thread(save.save, self._profiles.directory, drafted)
            except NotSaved as error:
                return _error(409, str(error), **drafted.to_json())
        return web.json_response(drafted.to_json())

    async def _drafted(self, request: web.Request) -> Draft:
        data = await _json(request)
        base = data.get("base") if isinstance(data, dict) else None
        given = {**data, "profile": base} if isinstance(data, dict) else data
        wanted = asked.read(given, await asyncio.to_thread(self._profiles.read))
        name, description = data.get("name"), data.get("description") or ""
        return await asyncio.to_thread(draft.make, self._profiles, wanted, name, description)

    async def _delete_call(self, request: web.Request) -> web.StreamResponse:
        room = self._room(request)
        try:
            await self._calls.end(room)
        except NotEnded as error:
            return _error(502, f"the LiveKit server did not end the call: {error}")
        return web.json_response({})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        room = self._room(request)
        with self._socket():
            await self._load_sdk()
            from timing_profiles.tuner.observer import Observer, reported  # noqa: PLC0415

            stream = _Stream()
            observer = Observer(stream.tell)
            try:
                # A browser does not show why a WebSocket is refused: an open one gets the reason.
                with reported(observer):
                    await observer.join(self._options.access.url, self._calls.observer(room))
                return await self._streamed(request, stream)
            finally:
                await observer.leave()

    async def _changes(self, request: web.Request) -> web.StreamResponse:
        with self._socket():
            self._load_sdk()  # the page is shown by now
            stream = _Stream()
            await self._follower.add(stream.tell)
            try:
                return await self._streamed(request, stream)
            finally:
                self._follower.remove(stream.tell)

    async def _streamed(self, request: web.Request, stream: _Stream) -> web.WebSocketResponse:
        """Send the items of a stream until the page closes its end, or the stream ends."""
        page = web.WebSocketResponse(max_msg_size=_LARGEST_MESSAGE, timeout=_ENDING)
        page.headers.update(self._headers)
        self._sockets.add(page)
        try:
            await page.prepare(request)
            sending = asyncio.create_task(stream.send_to(page))
            try:
                async for _ in page:
                    pass
            finally:
                sending.cancel()
                with suppress(asyncio.CancelledError, ConnectionError):
                    await sending
        finally:
            self._sockets.discard(page)
        return page

    @contextmanager
    def _socket(self) -> Iterator[None]:
        """Take one of the WebSockets that may be open."""
        if self._open >= MOST_SOCKETS:
            raise web.HTTPTooManyRequests(reason="too many open tabs, close some")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    def _room(self, request: web.Request) -> str:
        room = request.match_info["room"]
        if room not in self._calls:
            raise web.HTTPNotFound(reason="no such call")
        return room

    async def _asked(self, request: web.Request) -> Asked:
        """Read a request of the page, for the set in the present state of its files."""
        data = await _json(request)
        return asked.read(data, await asyncio.to_thread(self._profiles.read))

    async def _asked_in_query(self, request: web.Request) -> Asked:
        text = request.query.get("overrides") or "{}"
        data = {"profile": request.query.get("profile"), "overrides": _parsed(text)}
        return asked.read(data, await asyncio.to_thread(self._profiles.read))

    def _load_sdk(self) -> asyncio.Future[Any]:
        """Load the modules of a call, beside the loop, once a page is open."""
        if self._sdk is None:
            self._sdk = asyncio.ensure_future(asyncio.to_thread(_import, _OBSERVER, _SDK))
        return self._sdk

    def _warm_up(self) -> None:
        """Start what plays turns while the call begins."""
        if self._warming is None:
            self._warming = asyncio.create_task(self._turns.warm_up())

    async def _close_sockets(self, _: web.Application) -> None:
        for page in [*self._sockets]:
            await page.close(code=1001, message=b"timing-profiles tune has ended")


class _Stream:
    """Messages on their way to a page."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue(_MOST_WAITING)

    def tell(self, message: Mapping[str, Any]) -> None:
        """Queue a message; a page that takes none loses the newest."""
        with suppress(asyncio.QueueFull):
            self._waiting.put_nowait(message)

    async def send_to(self, page: web.WebSocketResponse) -> None:
        """Send each message; close the page's end after the last one."""
        while True:
            message = await self._waiting.get()
            await page.send_str(json.dumps(message))
            if message["type"] == "ended":
                await page.close()


async def _json(request: web.Request) -> Any:
    return _parsed(await _body(request, LARGEST_JSON))


async def _body(request: web.Request, most: int) -> bytes:
    """Read a body; a longer one is refused before it is read.

    Raises:
        HTTPRequestEntityTooLarge: It is longer than `most` bytes.
    """
    length = request.content_length
    if length is not None and length > most:
        raise web.HTTPRequestEntityTooLarge(most, length)
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > most:
            raise web.HTTPRequestEntityTooLarge(most, len(body))
    return bytes(body)


def _parsed(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Refused("the request is not JSON") from None


def _error(status: int, message: str, *, close: bool = False, **more: Any) -> web.Response:
    response = web.json_response({"error": message, **more}, status=status)
    if close:
        response.force_close()
    return response


def _import(*names: str) -> None:
    for name in names:
        import_module(name)
