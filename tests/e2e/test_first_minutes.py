"""The first `make` on a machine that lacks something, in a copy of the checkout."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.polling import eventually
from sandbox.repository import environment
from sandbox.worker import ROOT
from tests.e2e.faults.namespaces import namespaces

BUILDING = f"building the environment in .venv with {sys.executable}: half a minute, once\n"
WAITING = "make: another make is at work in .venv: waiting for it\n"
INCOMPLETE = (
    "make: the environment is not complete, for the reason above. Packages come from the network, "
    "and .venv takes 1 GB of the disk; once both are there, run this again\n"
)
FORMER = (
    "make: the former environment is back; "
    "to use it until then, add --old-file=.venv/.ready to make\n"
)
INSTALL_ONE = "make: install one (Debian: python3 and python3-venv), or name one with PYTHON=...\n"
NEEDED = "make: Python 3.10 or newer is needed, with the modules venv and ensurepip. "

MAKE = ["make"]

# No index answers, and no folder of wheels either.
OFFLINE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9",
    "PIP_RETRIES": "0",
    "PIP_FIND_LINKS": "",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_NO_CACHE_DIR": "1",
}


@dataclass(frozen=True, slots=True)
class Built:
    """A checkout whose environment was interrupted twice, and then built by two at once.

    Attributes:
        checkout: The checkout; a test leaves it as it was.
        statuses: Those of the four, in the order of their start.
        terminals: What each wrote.
        was_complete: Whether the environment counted as complete after each interruption.
    """

    checkout: Path
    statuses: Sequence[int]
    terminals: Sequence[str]
    was_complete: Sequence[bool]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout whose lock names nothing, so that its environment takes seconds and no network."""
    return small_checkout(tmp_path)


@pytest.fixture(scope="module")
async def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The environment of several tests: each takes the processor five seconds."""
    checkout = small_checkout(tmp_path_factory.mktemp("built"))
    begun, complete = checkout / ".venv" / "pyvenv.cfg", checkout / ".venv" / ".locked"
    statuses, was_complete = [], []
    for sent in (signal.SIGKILL, signal.SIGINT):
        process = locked(checkout)
        await eventually(begun.exists, 30, "building")
        os.killpg(process.pid, sent)
        statuses.append(process.wait(30))
        was_complete.append(complete.exists())
        begun.unlink()  # which shows that the next one has begun
    first = locked(checkout)
    await eventually(begun.exists, 30, "building")
    second = locked(checkout)
    statuses += [first.wait(60), second.wait(60)]
    terminals = [(checkout / f"terminal-{number}").read_text() for number in range(4)]
    return Built(checkout, statuses, terminals, was_complete)


def small_checkout(folder: Path) -> Path:
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements.lock").write_text("# nothing\n")
    return folder


def make(
    checkout: Path, *arguments: str, more: Mapping[str, str] | None = None, **options: str
) -> subprocess.CompletedProcess[str]:
    """Run make in the checkout, with this test's Python unless there is another one."""
    variables = [f"{name}={value}" for name, value in {"PYTHON": sys.executable, **options}.items()]
    return subprocess.run(  # noqa: S603 - ours
        [*MAKE, *arguments, *(given for given in variables if not given.endswith("="))],
        cwd=checkout,
        env=environment(more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def locked(checkout: Path) -> "subprocess.Popen[str]":
    """Start to build the environment, in a process group of its own."""
    with (checkout / f"terminal-{len(list(checkout.glob('terminal-*')))}").open("w") as terminal:
        return subprocess.Popen(  # noqa: S603 - ours
            [*MAKE, ".venv/.locked", f"PYTHON={sys.executable}"],
            cwd=checkout,
            env=environment(),
            stderr=terminal,
            text=True,
            start_new_session=True,
        )


def require_distribution(checkout: Path) -> None:
    """Let the lock name a package, as an update of it does."""
    lock = checkout / "requirements.lock"
    lock.write_text(f"some-package==1.0 --hash=sha256:{'0' * 64}\n")
    later = (checkout / ".venv" / ".locked").stat().st_mtime + 10
    os.utime(lock, (later, later))


def bare_path(folder: Path, python: str = "") -> dict[str, str]:
    """A PATH with what make needs, and a `python3` that runs a line of this test's Python."""
    programs = folder / "programs"
    programs.mkdir()
    for name in ("sh", "make"):
        found = shutil.which(name)
        assert found
        (programs / name).symlink_to(found)
    if python:
        stand_in = programs / "python3"
        line = f"import sys; {python}; exec(sys.argv[1])"
        command = shlex.join([sys.executable, "-c", line])
        stand_in.write_text(f'#!/bin/sh\nexec {command} "$2"\n')
        stand_in.chmod(0o755)
    return {"PATH": str(programs)}


@pytest.mark.parametrize(
    ("python", "reason"),
    [
        pytest.param("", "python3: not found\n", id="none"),
        pytest.param(
            "sys.version_info = (3, 9, 18, 'final', 0)", "python3: it is Python 3.9\n", id="old"
        ),
        pytest.param(
            "sys.modules['ensurepip'] = None",
            "python3: import of ensurepip halted; None in sys.modules\n",
            id="no ensurepip",
        ),
    ],
)
def test_unsuitable_python_gets_one_message(checkout: Path, python: str, reason: str) -> None:
    """Without a suitable Python, make names what is needed and builds nothing."""
    ran = make(checkout, "dev", PYTHON="", more=bare_path(checkout, python))
    said, _, error = ran.stderr.partition(INSTALL_ONE)
    assert (ran.returncode, ran.stdout, said) == (2, "", NEEDED + reason)
    assert error.startswith("make: *** [Makefile:")
    assert not (checkout / ".venv").exists()


def test_missing_python_is_named(checkout: Path) -> None:
    """PYTHON=... is taken at its word: no other Python replaces a missing one."""
    ran = make(checkout, "dev", PYTHON="/nowhere/python")
    assert ran.stderr.startswith(f"{NEEDED}/nowhere/python: not found\n{INSTALL_ONE}")


def test_install_without_network_prints_the_reason(checkout: Path) -> None:
    """Without network the reason stays on the terminal, and nothing counts as complete."""
    lock = checkout / "requirements.lock"
    lock.write_text(f"some-package==1.0 --hash=sha256:{'0' * 64}\n")
    ran = make(checkout, ".venv/.locked", more=OFFLINE)
    assert ran.returncode != 0
    assert ran.stderr.startswith(BUILDING)
    assert "ERROR: No matching distribution found for some-package==1.0" in ran.stderr
    assert INCOMPLETE in ran.stderr
    assert FORMER not in ran.stderr
    assert not (checkout / ".venv" / ".locked").exists()


def test_lock_update_without_network_keeps_the_former_environment(
    built: Built, tmp_path: Path
) -> None:
    """A new lock that cannot be installed leaves the former environment usable."""
    checkout = tmp_path / "checkout"
    shutil.copytree(built.checkout, checkout, symlinks=True)
    kept = checkout / ".venv" / "kept"
    kept.touch()
    require_distribution(checkout)
    ran = make(checkout, ".venv/.locked", more=OFFLINE)
    assert ran.returncode != 0
    assert INCOMPLETE + FORMER in ran.stderr
    assert kept.exists()
    assert not (checkout / ".venv.former").exists()


def test_full_disk_prints_the_reason(checkout: Path) -> None:
    """A full disk ends it with the reason and with the needs of the environment."""
    (checkout / ".venv").mkdir()
    small = namespaces(f"mount -t tmpfs -o size=1m tmpfs {shlex.quote(str(checkout / '.venv'))}")
    ran = subprocess.run(  # noqa: S603 - ours
        [*small, "make", ".venv/.locked", f"PYTHON={sys.executable}"],
        cwd=checkout,
        env=environment(OFFLINE),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode != 0
    assert ran.stderr.startswith(BUILDING)
    assert INCOMPLETE in ran.stderr


def test_two_at_once_build_one_environment(built: Built) -> None:
    """A second make waits for the first one, and then has nothing left to do."""
    assert built.statuses[2:] == [0, 0]
    first, second = built.terminals[2:]
    assert [first.count(BUILDING), second] == [1, WAITING]


def test_next_make_repairs_an_interrupted_one(built: Built) -> None:
    """An interrupted environment is never taken for a complete one."""
    assert 0 not in built.statuses[:2]
    assert built.was_complete == [False, False]
    assert [terminal.startswith(BUILDING) for terminal in built.terminals[:3]] == [True] * 3
    assert (built.checkout / ".venv" / "bin" / "pip").exists()
