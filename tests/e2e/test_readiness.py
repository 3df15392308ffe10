"""What an orchestrator is told by a real worker."""

import asyncio
import contextlib
import os
import re
import signal
import socket
from pathlib import Path

import aiohttp
import pytest
from typing_extensions import Self

import timing_profiles
from sandbox.caller import Dial, join
from sandbox.fixtures import Happened
from sandbox.polling import eventually
from sandbox.scrape import free_port
from sandbox.worker import Worker, worker
from timing_profiles.problems import ProfilesError
from timing_profiles.worker import ports, readiness
from timing_profiles.worker.readiness import Readiness

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


async def test_ready_reports_served_revision_and_refusal(tmp_path: Path) -> None:
    """Ready with the last good set, also after a broken edit; not ready while it ends."""
    port = free_port()
    async with worker(tmp_path, env={"READY_PORT": str(port)}) as running:
        revision = timing_profiles.resolve(profiles_dir=running.profiles).revision
        assert await _answer(port) == (200, f"serving revision {revision} since T\n")
        await _broken_and_mended(running, port, revision)
        async with join(running.connection, Dial()) as caller:
            await caller.agent_listens()
            os.kill(running.process.pid, signal.SIGTERM)
            ending = f"ending: takes no more calls; serving revision {revision} since T\n"
            await _until(port, (503, ending))
        assert await running.process.wait() == 0
    assert running.tracebacks == []


class _Held:
    """A readiness answer of this process, and connections that ask nothing of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, words: str = "") -> None:
        self.port = free_port()
        monkeypatch.setenv("READY_PORT", str(self.port))
        self.readiness = Readiness(lambda: None, lambda: words)

    async def __aenter__(self) -> Self:
        await self.readiness.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.readiness.stop()

    async def sends(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        with contextlib.closing(writer):
            return await asyncio.wait_for(reader.read(), 2 * readiness.LONGEST)


async def test_fault_75_half_open_connections_cost_no_files(
    monkeypatch: pytest.MonkeyPatch, happened: Happened
) -> None:
    """Few are kept, the oldest gives way to a probe, and none is kept for long."""
    async with _Held(monkeypatch) as held:
        with contextlib.ExitStack() as ours:
            for _ in range(200):
                half = await asyncio.to_thread(socket.create_connection, ("127.0.0.1", held.port))
                ours.enter_context(half).sendall(b"GET /ready HT")

            def kept() -> int:
                return _accepted(held.port)

            await eventually(lambda: kept() == readiness.MOST_CONNECTIONS, 10, "few connections")
            assert await _answer(held.port) == (200, "\n")
            await eventually(lambda: kept() == 0, 2 * readiness.LONGEST, "no connection")
    happened(f"200 half-open connections: {readiness.MOST_CONNECTIONS} kept, for 5 s at most")


def _accepted(port: int) -> int:
    """Return the number of connections that were made to a port and hold a file here."""
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    listens, nobodys = "0A", "0"
    return sum(
        int(fields[1].partition(":")[2], 16) == port
        and fields[3] != listens
        and fields[9] != nobodys
        for fields in sockets
    )


async def test_fault_75_only_requests_for_the_answer_are_answered(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`GET` and `HEAD`; a malformed request is one line of the debug log."""
    caplog.set_level("DEBUG")
    async with _Held(monkeypatch, "draining") as held:
        got = await held.sends(b"GET /ready?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert got.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
        assert got.endswith(b"\r\nContent-Length: 9\r\nConnection: close\r\n\r\ndraining\n")
        head = await held.sends(b"HEAD /ready HTTP/1.0\r\n\r\n")
        assert head == got.removesuffix(b"draining\n")
        for request, status in {
            b"POST /ready HTTP/1.1\r\n\r\n": b"405 Method Not Allowed\r\nAllow: GET, HEAD",
            b"GET / HTTP/1.1\r\n\r\n": b"404 Not Found",
            b"\x16\x03\x01\r\n\r\n": b"400 Bad Request",
        }.items():
            assert (await held.sends(request)).startswith(b"HTTP/1.1 " + status)
        assert await held.sends(b"GET /" + b"x" * 70_000) == b""
    ours = [record for record in caplog.records if record.name == "timing_profiles"]
    assert [(record.levelname, record.getMessage()) for record in ours] == [
        ("DEBUG", "/ready: malformed request"),
        ("DEBUG", "/ready: no request was read: LimitOverrunError"),
    ]


async def test_fault_75_only_this_machine_reaches_it_unless_an_address_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An address that is not one, or not of this machine, is named with its variable."""
    async with _Held(monkeypatch) as held:
        with socket.socket() as elsewhere:
            elsewhere.bind(("127.0.0.2", held.port))  # free: only 127.0.0.1 is taken
    monkeypatch.setenv("READY_HOST", "192.0.2.1")
    assert list(ports.host_problems()) == []
    with pytest.raises(ProfilesError, match=r"READY_HOST: cannot listen at 192\.0\.2\.1: "):
        await held.readiness.start()
    monkeypatch.setenv("READY_HOST", "localhost")
    (problem,) = ports.host_problems()
    assert str(problem).startswith('READY_HOST: "localhost" is not an IP address')


async def _broken_and_mended(running: Worker, port: int, revision: str) -> None:
    brisk = running.profiles / "brisk.yaml"
    sound = brisk.read_bytes()
    brisk.write_bytes(b"tts: {speed: fast}\n")
    refused = (
        f"serving revision {revision} since T, last reload failed at T because\n"
        '  profiles/brisk.yaml:1:14: tts.speed: "fast" is not a number or null (factor)\n'
    )
    await _until(port, (200, refused))
    brisk.write_bytes(sound)
    await _until(port, (200, f"serving revision {revision} since T\n"))


async def _until(port: int, expected: tuple[int, str]) -> None:
    async def is_answered() -> bool:
        return await _answer(port) == expected

    await eventually(is_answered, 20, str(expected))


async def _answer(port: int) -> tuple[int, str]:
    """The status and the words, with T for each moment."""
    url = f"http://127.0.0.1:{port}/ready"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status, _TIME.sub("T", await answer.text())
