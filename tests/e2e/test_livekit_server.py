"""The real LiveKit server: where its program comes from, how it starts and ends."""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from livekit import api

from sandbox.child import child
from sandbox.livekit_binary import LiveKitServerError, ensure_binary
from sandbox.livekit_server import LiveKitServer
from sandbox.polling import eventually
from sandbox.worker import ROOT

Program = Callable[[str, str], Path]

BUILDING = (
    "building LiveKit server 1.13.5, as livekit-server is not on PATH: about two minutes, "
    "once (75 MB in the user's cache)"
)
INSTALL_FAILED = "`go install -v github.com/livekit/livekit-server/cmd/server@v1.13.5` failed:"

# As much of Go as is asked for here: what it is, and to put a program into GOBIN.
GO = """
[ "$1" = env ] && { echo "go1.26.3"; echo "auto"; exit; }
echo build >> "$HOME/builds"
sleep 0.3
echo '#!/bin/sh' > "$GOBIN/server"
chmod +x "$GOBIN/server"
"""


@pytest.fixture(scope="session")
async def real() -> Path:
    """The program that the other tests run."""
    return await ensure_binary()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts shell scripts on a PATH that has little else, before an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)

    def write(name: str, text: str) -> Path:
        (folder / name).write_text(f"#!/bin/sh\n{text}")
        (folder / name).chmod(0o755)
        return folder / name

    return write


def files(folder: Path) -> list[str]:
    """What is left in the cache."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


async def test_the_program_on_path_comes_first(program: Program) -> None:
    """An installed livekit-server is used, and nothing is built."""
    program("go", "exit 1")
    installed = program("livekit-server", "")
    assert await ensure_binary() == installed


async def test_server_is_built_once_into_the_cache(program: Program, tmp_path: Path) -> None:
    """Two simultaneous starts and a later one build it once, and print why it takes so long."""
    program("go", GO)
    lines: list[str] = []
    both = await asyncio.gather(ensure_binary(lines.append), ensure_binary(lines.append))
    later = await ensure_binary(lines.append)
    assert {*both, later} == {later}
    assert os.access(later, os.X_OK)
    assert (tmp_path / "builds").read_text() == "build\n"
    assert sorted(lines) == [
        "another process is building the LiveKit server: waiting for it",
        BUILDING,
        f"built {later}",
    ]
    assert files(tmp_path / "cache") == ["livekit-server", "livekit-server.lock"]


@pytest.mark.parametrize(
    ("go", "reason"),
    [
        (None, "Go is not on PATH"),
        ("echo go1.20.14; echo auto", "Go on PATH is go1.20.14 with GOTOOLCHAIN=auto"),
        ("echo go1.25.1; echo local", "Go on PATH is go1.25.1 with GOTOOLCHAIN=local"),
        (
            '[ "$1" = env ] && { echo go1.21.0; echo auto; exit; }; echo no network; exit 1',
            f"{INSTALL_FAILED}\nno network",
        ),
    ],
)
async def test_build_failure_names_alternatives(
    program: Program, tmp_path: Path, go: str | None, reason: str
) -> None:
    """One message has the attempts and the remedies. The cache stays empty."""
    if go:
        program("go", go)
    with pytest.raises(LiveKitServerError) as caught:
        await ensure_binary()
    message = str(caught.value)
    start = f"""\
livekit-server is not on PATH, and LiveKit server 1.13.5 cannot be built:
- {reason}
- `{shlex.quote(sys.executable)} -m pip install --quiet --disable-pip-version-check --no-deps"""
    end = """
do one of these:
- install livekit-server, so that it is on PATH (https://docs.livekit.io)
- install Go 1.26 or newer
- give pip and Go access to their package registries, and try again
- set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET of another server"""
    assert message[: len(start)] == start
    assert message[-len(end) :] == end
    assert files(tmp_path / "cache") == ["livekit-server.lock"]


async def test_interrupted_build_leaves_no_files(program: Program, tmp_path: Path) -> None:
    """Ctrl-C ends the compiler and removes its files; the next build starts from the beginning."""
    program("go", GO.replace("sleep 0.3", 'echo $$ > "$HOME/pid"; sleep 60'))
    building = asyncio.create_task(ensure_binary())
    compiler = await eventually(lambda: content(tmp_path / "pid"), 10, "the build")
    building.cancel()
    with pytest.raises(asyncio.CancelledError):
        await building
    assert files(tmp_path / "cache") == ["livekit-server.lock"]
    assert not runs(int(compiler))


async def test_server_answers_until_the_end_of_the_block() -> None:
    """The server has its own key inside the block, and is gone after it."""
    async with LiveKitServer() as server:
        assert len(server.api_secret) >= 32
        assert await rooms(server, server.api_secret) == []
        with pytest.raises(api.TwirpError):
            await rooms(server, "somebody else's secret, also of 32 characters")
    assert not await answers(server.url)


async def test_restarted_server_keeps_its_ports() -> None:
    """Killed inside the block and started again, it has the same port and the same key."""
    async with LiveKitServer() as server:
        url = server.url
        await server.aclose()
        assert not await answers(url)
        await server.start()
        assert server.url == url
        assert await rooms(server, server.api_secret) == []
    assert not await answers(url)


async def test_two_servers_run_side_by_side() -> None:
    """Each has ports and a key of its own."""
    async with LiveKitServer() as one, LiveKitServer() as other:
        assert one.url != other.url
        assert one.api_key != other.api_key
        assert await answers(one.url)
        assert await answers(other.url)


async def test_server_listens_on_loopback_only() -> None:
    """It listens on 127.0.0.1, and on no other address."""
    async with LiveKitServer() as server:
        assert not await answers(server.url.replace("127.0.0.1", "127.0.0.2"))


async def test_taken_port_is_retried(real: Path, program: Program, tmp_path: Path) -> None:
    """When somebody takes the port first, the server starts on another one."""
    tried, server = shlex.quote(str(tmp_path / "tried")), shlex.quote(str(real))
    program(
        "livekit-server",
        f'[ -e {tried} ] && exec {server}\n: > {tried}\necho "listen: address already in use"',
    )
    async with LiveKitServer() as running:
        assert await answers(running.url)


async def test_failed_start_quotes_the_log(program: Program) -> None:
    """The message ends with the last output of the server, which exits with 0 then."""
    binary = program("livekit-server", "seq 20; echo out of luck")
    with pytest.raises(LiveKitServerError) as caught:
        async with LiveKitServer():
            pass
    last = [*map(str, range(12, 21)), "out of luck"]
    assert str(caught.value) == "\n".join([f"{binary} did not start. Its last lines:", *last])


async def test_server_ends_with_its_killed_parent(tmp_path: Path) -> None:
    """No server is left when the process that started it gets SIGKILL."""
    start = f"""
import asyncio, pathlib
from sandbox.livekit_server import LiveKitServer

async def main():
    async with LiveKitServer() as server:
        pathlib.Path({str(tmp_path / "url")!r}).write_text(server.url)
        await asyncio.sleep(60)

asyncio.run(main())
"""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    output = asyncio.subprocess.DEVNULL
    async with child([sys.executable, "-c", start], env=env, output=output) as parent:
        url = await eventually(lambda: content(tmp_path / "url"), 20, "the server")
        assert await answers(url)
        os.kill(parent.pid, signal.SIGKILL)
        await eventually(lambda: ends(url), 5, "the end of the server")


def content(file: Path) -> str | None:
    """What has been written to a file, if anything."""
    return file.read_text().strip() if file.exists() else None


async def answers(url: str) -> bool:
    """Whether there is a server."""
    try:
        async with aiohttp.ClientSession() as http, http.get(url.replace("ws://", "http://")) as r:
            return r.ok
    except aiohttp.ClientError:
        return False


async def ends(url: str) -> bool:
    """Report whether no server listens."""
    return not await answers(url)


async def rooms(server: LiveKitServer, api_secret: str) -> list[str]:
    """The names of the rooms, asked for with a key."""
    async with api.LiveKitAPI(server.url, server.api_key, api_secret) as asking:
        return [room.name for room in (await asking.room.list_rooms(api.ListRoomsRequest())).rooms]


def runs(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
