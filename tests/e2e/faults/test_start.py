"""Starts with a set that is broken, missing, or being edited."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.connection import Connection
from sandbox.fixtures import Happened
from sandbox.repository import Repository
from tests.e2e.faults.followed_folder import FOLLOWER, PROFILES, ROOT, away, following, until

BROKEN = [
    (
        "profiles/a.yaml:1:7: vad.min_silence: unknown field; vad takes "
        "min_speech_duration, min_silence_duration, prefix_padding_duration, "
        "activation_threshold, deactivation_threshold"
    ),
    "  hint: did you mean min_silence_duration?",
    'profiles/b.yaml:1:10: extends: unknown profile "patient"; available: a, b, default',
]
MISSING = f"  hint: {ROOT}/profiles has profiles: PROFILES_DIR can name it"


@pytest.fixture
async def livekit_port() -> AsyncGenerator[tuple[int, list[object]]]:
    """The port of something in the place of LiveKit, and who has knocked there."""
    knocked: list[object] = []

    async def knock(_: object, writer: asyncio.StreamWriter) -> None:
        knocked.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(knock, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], knocked


@pytest.mark.parametrize("broken", [True, False], ids=["broken", "missing"])
async def test_fault_32_a_worker_without_a_valid_set_does_not_start(
    tmp_path: Path, livekit_port: tuple[int, list[object]], happened: Happened, *, broken: bool
) -> None:
    """Every problem is printed, the status is 1, and no worker has connected to LiveKit."""
    port, knocked = livekit_port
    folder = tmp_path / "profiles"
    if broken:
        folder.mkdir()
        shutil.copy(PROFILES / "default.yaml", folder)
        (folder / "a.yaml").write_text("vad: {min_silence: 1}\n", encoding="utf-8")
        (folder / "b.yaml").write_text("extends: patient\n", encoding="utf-8")
    status, printed = await run_worker(
        Connection(f"ws://127.0.0.1:{port}", "key", "secret"), folder
    )
    assert status == 1
    begins = ("profiles", "  hint", str(folder))
    said = [line for line in printed.splitlines() if line.startswith(begins)]
    assert said == (BROKEN if broken else [f"{folder}: directory not found", MISSING])
    assert (knocked, "Traceback" in printed) == ([], False)
    happened(f"exit 1, {len(said)} lines of problems, no connection")


@pytest.mark.parametrize("variable", ["METRICS_PORT", "READY_PORT"])
async def test_fault_92_a_port_in_use_ends_the_start_with_one_message(
    livekit_port: tuple[int, list[object]], happened: Happened, variable: str
) -> None:
    """It names the variable; the status is 1, as for every other problem of the environment."""
    connection = Connection(f"ws://127.0.0.1:{livekit_port[0]}", "key", "secret")
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - where the worker would listen
        taken.listen()
        port = taken.getsockname()[1]
        status, printed = await run_worker(connection, PROFILES, {variable: str(port)})
    message = f"{variable}: cannot listen at {port}: Address already in use"
    assert (status, printed.count(message), "Traceback" in printed) == (1, 1, False)
    happened(f"exit 1: {message}")


COMMAND = Path(sys.executable).with_name("timing-profiles")

NO_FILES = ["sh", "-c", 'ulimit -f 0 && exec "$@"', "sh"]
"""Runs a command that can write to no file, and so has no directory for temporary ones."""

NO_TEMPORARY = "TMPDIR: cannot write temporary files: No usable temporary directory found in ["


@pytest.mark.parametrize(
    ("command", "status"),
    [
        pytest.param([sys.executable, str(FOLLOWER), str(PROFILES)], 1, id="worker"),
        pytest.param([str(COMMAND), "diff", "--git", "HEAD"], 2, id="diff"),
    ],
)
def test_fault_79_no_directory_for_temporary_files_is_one_message(
    tmp_path: Path, command: list[str], status: int
) -> None:
    """It has every directory that was tried."""
    repository = Repository.init(tmp_path)
    repository.add_profiles()
    repository.commit()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": "/nowhere"}
    ran = subprocess.run(  # noqa: S603 - the commands of this test
        [*NO_FILES, *command],
        cwd=repository.folder,
        input="",
        env={**environment, "PROFILES_DIR": str(repository.profiles)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (status, "", 1)
    assert NO_TEMPORARY in ran.stderr


async def run_worker(
    connection: Connection, folder: Path, env: Mapping[str, str] | None = None
) -> tuple[int | None, str]:
    """The status and the output of the agent of this repository."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "agent.py"), "start"),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DEEPGRAM_API_KEY": "a-key",
            "PROFILES_DIR": str(folder),
            **connection.environment(),
            **(env or {}),
        },
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    return process.returncode, printed.decode()


# Seconds after the process has made its temporary folder, which it does between loading the set
# and watching it, or before both.
MOMENTS = [0.0, 0.003, 0.01, 0.03, 0.1]


def test_fault_33_edit_during_the_start_is_published(
    folder: Path, tmp_path: Path, happened: Happened
) -> None:
    """Five starts with one edit each, every time at another moment."""
    slowest = 0.0
    for number, moment in enumerate(MOMENTS):
        temporary = tmp_path / f"tmp-{number}"
        temporary.mkdir()
        with ThreadPoolExecutor() as pool:
            edit = away(20 + number)
            editing = pool.submit(edit_during_start, temporary, moment, folder, edit)
            with following(folder, env={"TMPDIR": str(temporary)}) as followed:
                edited = editing.result()
                followed.serves()
                slowest = max(slowest, time.monotonic() - edited)
    happened(f"served, at each of {len(MOMENTS)} moments", slowest)


def edit_during_start(temporary: Path, moment: float, folder: Path, text: str) -> float:
    """Edit a profile so many seconds after a process has begun to publish; when that was.

    As editors save, beside the file and then in its place: half a file, read at the start, ends it.
    """
    until(lambda: list(temporary.iterdir()), "the process makes its folder")
    time.sleep(moment)
    aside = folder / ".patient.yaml.new"
    aside.write_text(text, encoding="utf-8")
    aside.replace(folder / "patient.yaml")
    return time.monotonic()
