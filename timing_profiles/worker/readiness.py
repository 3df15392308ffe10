"""Whether calls may be sent to a worker, and what they get there: an answer over HTTP."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
from collections.abc import Callable
from http import HTTPStatus

from timing_profiles.problems import Problem, ProfilesError
from timing_profiles.worker import ports
from timing_profiles.worker.reload_status import Serving

PATH = "/ready"

MOST_CONNECTIONS = 32
"""Connections that are open at the same time; one more closes the oldest of them."""

LONGEST = 5.0
"""Seconds from a connection to its end, whatever the other side sends or reads."""

_LONGEST_HEAD = 8192
_REQUEST = re.compile(rb"([A-Z]+) ([^ ?\r\n]+)[^ \r\n]* HTTP/1\.[01]\r\n")

_logger = logging.getLogger("timing_profiles")


class Readiness:
    """Answers `GET /ready`: 200 where calls may come, else 503; and what is served, either way.

    One request for each connection. A worker needs its files for calls, so strangers get few
    connections, and none for long; a probe is answered while they hold all of them.

    Args:
        serving: Returns what calls get; None where nothing was published yet.
        not_ready: Returns why no calls may come; an empty text where they may.
    """

    def __init__(self, serving: Callable[[], Serving | None], not_ready: Callable[[], str]) -> None:
        self._serving = serving
        self._not_ready = not_ready
        self._listening: asyncio.Server | None = None
        self._open: dict[asyncio.WriteTransport, None] = {}

    async def start(self) -> None:
        """Listen at `READY_PORT` of `READY_HOST`, if the port is set.

        Raises:
            ProfilesError: The port is taken, or the address is not one of this machine.
        """
        port, host = ports.port(ports.READY), ports.ready_host()
        if port is None:
            return
        try:
            self._listening = await asyncio.start_server(
                self._connected, host, port, limit=_LONGEST_HEAD
            )
        except OSError as error:
            at, variable = str(port), ports.READY
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                at, variable = host, ports.READY_HOST
            reason = os.strerror(error.errno) if error.errno else str(error)
            problem = Problem("environment", f"cannot listen at {at}: {reason}", variable)
            raise ProfilesError([problem]) from None

    def stop(self) -> None:
        """Stop listening, and close every connection."""
        if self._listening:
            self._listening.close()
        for transport in self._open:
            transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport = writer.transport
        if len(self._open) == MOST_CONNECTIONS:
            oldest = next(iter(self._open))
            del self._open[oldest]
            oldest.abort()
        self._open[transport] = None
        end = asyncio.get_running_loop().call_later(LONGEST, transport.abort)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(self._answer(head))
            writer.close()
            await writer.wait_closed()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            _logger.debug("%s: no request was read: %s", PATH, type(error).__name__)
            transport.abort()
        finally:
            end.cancel()
            self._open.pop(transport, None)

    def _answer(self, head: bytes) -> bytes:
        request = _REQUEST.match(head)
        if not request:
            _logger.debug("%s: malformed request", PATH)
            return _response(HTTPStatus.BAD_REQUEST, "malformed request\n")
        method, path = request[1].decode(), request[2].decode("latin-1")
        is_head = method == "HEAD"
        if not is_head and method != "GET":
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD\n")
        if path != PATH:
            return _response(HTTPStatus.NOT_FOUND, f"there is only {PATH}\n", is_head=is_head)
        missing, serving = self._not_ready(), self._serving()
        words = "; ".join(str(part) for part in (missing, serving) if part)
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        return _response(status, f"{words}\n", is_head=is_head)


def _response(status: HTTPStatus, text: str, *, is_head: bool = False) -> bytes:
    body = text.encode("utf-8", "backslashreplace")
    allow = "Allow: GET, HEAD\r\n" if status == HTTPStatus.METHOD_NOT_ALLOWED else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\n{allow}Content-Type: text/plain; "
        f"charset=utf-8\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if is_head else body)
