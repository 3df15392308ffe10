"""`make call` as people and programs run it, but for make itself: what it prints, how it ends."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.repository import ROOT
from sandbox.worker import Worker
from tests.e2e.pseudo_terminal import at_terminal, plain

CALL = [sys.executable, "-m", "sandbox.caller"]

BRISK = "brisk differs from default in:"
PATIENT = "patient differs from default in:"
LEGEND = "· silence   ◆ answer   ✕ cut in   ▶ goes on"


def variables(worker: Worker, **more: str) -> dict[str, str]:
    """Where the worker is, in the folder that its profiles are in, and what varies the call."""
    found = worker.connection.environment()
    return {**found, "LIVEKIT_AGENT_NAME": "", "PYTHONPATH": str(ROOT), **more}


async def piped(folder: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
    """Call without a terminal: status, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        *CALL,
        env={**os.environ, **environment},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, progress = await process.communicate()
    return process.returncode or 0, output.decode(), progress.decode()


async def seen(folder: Path, environment: Mapping[str, str], columns: int) -> tuple[int, str]:
    """Call at a terminal: status, and everything that was on it."""

    def run() -> tuple[int, str]:
        with at_terminal(CALL, folder, columns, environment) as terminal:
            screen = terminal.read()
            return terminal.process.wait(), screen

    return await asyncio.to_thread(run)


@pytest.fixture
def folder(shared_worker: Worker) -> Path:
    """The folder that the worker's profiles are in."""
    return shared_worker.profiles.parent


async def test_two_profiles_are_called_one_after_the_other(
    shared_worker: Worker, folder: Path
) -> None:
    """A terminal gets pictures, a pipe JSON."""
    profiles = {"PROFILE": "brisk,patient", "SAY": "five five [1.2] zero one"}
    (status, screen), (code, output, progress) = await asyncio.gather(
        seen(folder, variables(shared_worker, **profiles), 100),
        piped(folder, variables(shared_worker, **profiles)),
    )
    assert (status, code) == (0, 0), progress

    # The line of progress is gone, and the picture is what is left.
    *gone, left = screen.split("\r\x1b[K")
    assert gone[1] == "calling brisk"
    assert "calling patient: speaking" in gone
    assert "\x1b[1mbrisk\x1b[0m: " in left
    lines = plain(left).splitlines()
    assert [line for line in lines if len(line) > 100] == []
    titles = [line.partition(":")[0] for line in lines if line.startswith(("brisk", "patient"))]
    assert titles == ["brisk", "patient", BRISK[:-1], PATIENT[:-1]]
    assert [line[:7] for line in lines if line.startswith("seconds")] == ["seconds"] * 2
    assert LEGEND in lines
    assert [line.split()[0] for line in lines[lines.index(PATIENT) + 1 :]] == [
        "stt.nova.endpointing_ms",
        "turn_handling.endpointing.min_delay",
        "turn_handling.endpointing.max_delay",
    ]

    first, later = json.loads(output)
    assert (first["profile"], later["profile"]) == ("brisk", "patient")
    assert list(first) == ["values", "profile", "revision", "problems", "waits", "cut_in"]
    assert later["waits"][0] > 0
    assert progress.splitlines()[1:3] == ["brisk: the agent is listening", "brisk: speaking"]


async def test_skipped_overrides_are_printed(shared_worker: Worker, folder: Path) -> None:
    """A wrong name, and METADATA that the shell has taken the quotes from: both are answered.

    FORMAT=text draws for a pipe, too: 80 columns, no colour.
    """
    short = {"SAY": "five", "FORMAT": "text"}
    (wrong, name, _), (broken, text, _) = await asyncio.gather(
        piped(folder, variables(shared_worker, **short, PROFILE="patinet")),
        piped(folder, variables(shared_worker, **short, METADATA="{profile:patient}")),
    )
    assert (wrong, broken) == (0, 0)
    assert max(map(len, name.splitlines())) <= 80
    assert "\x1b" not in name
    assert name.startswith("default: answered after ")
    assert name.splitlines()[1:5] == [
        'left out: participant: profile: unknown profile "patinet"; available: brisk,',
        "  courier, default, dictation, elderly, flux-conversation, noisy-line, patient,",
        "  phone-menu",
        "  hint: did you mean patient?",
    ]
    assert text.splitlines()[1:3] == [
        "left out: participant: metadata: is not JSON: Expecting property name enclosed",
        "  in double quotes at character 2",
    ]
    assert name.endswith("\n\ndefault: nothing differs from default\n")


async def test_ctrl_c_ends_a_call(shared_worker: Worker, folder: Path) -> None:
    """With one line, and the status of an interrupted command."""

    def run() -> tuple[int, str]:
        with at_terminal(CALL, folder, 40, variables(shared_worker, PROFILE="patient")) as terminal:
            screen = ""
            while "speaking" not in screen:
                screen += terminal.read_some()
            terminal.type("\x03")
            screen += terminal.read()
            return terminal.process.wait(), screen

    status, screen = await asyncio.to_thread(run)
    assert status == 130
    assert screen.rpartition("\r\x1b[K")[2] == "call: interrupted\n"


async def test_invalid_variable_prints_one_line(folder: Path) -> None:
    """Before anybody is called."""
    wrong = {"PROFILE": "brisk", "METADATA": "{}", "PYTHONPATH": str(ROOT)}
    message = "call: PROFILE and METADATA are both set: name the profile in METADATA\n"
    assert await piped(folder, wrong) == (2, "", message)
