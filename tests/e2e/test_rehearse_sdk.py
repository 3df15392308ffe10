"""`rehearse --sdk`: the decisions that differ under another release, with a real second process."""

import json
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from sandbox.repository import Repository, run
from tests import recorded
from timing_profiles.rehearsal import environment, stored
from timing_profiles.rehearsal.environment import EnvironmentUnavailableError

pytestmark = pytest.mark.behind

INSTALLED = metadata.version("livekit-agents")
OTHER = next(one for one in ("1.8.0", "1.8.1") if one != INSTALLED)
SILENCE = "turn_handling: {turn_detection: vad, endpointing: {min_delay: 0.6}}\n"

# Loaded by every Python that has it on its path: a VAD that takes 0.25 s longer.
LATER = """\
from livekit.agents import inference

made = inference.VAD.__init__

def later(self, *, min_silence_duration=0.25, **options):
    if min_silence_duration > 0.2:  # not the one that finds the turns
        min_silence_duration += 0.25
    made(self, min_silence_duration=min_silence_duration, **options)

inference.VAD.__init__ = later
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache of this process, and of those that it starts."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    monkeypatch.setattr(stored, "directory", lambda: folder / "timing-profiles" / "rehearsal")
    return folder / "timing-profiles"


@pytest.fixture(name="release")
def _release(tmp_path: Path) -> Path:
    """A folder whose modules the other environment loads; it has the installed SDK otherwise."""
    more = tmp_path / "release"
    more.mkdir()
    python = environment.place(OTHER)
    python.parent.mkdir(parents=True)
    own = tmp_path / "its-cache"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH{os.pathsep}{more}" XDG_CACHE_HOME="{own}"'
        f' exec "{sys.executable}" "$@"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    return more


@pytest.fixture(name="calls")
def _calls(repository: Repository) -> Path:
    """A repository with a call, and a profile that ends turns by silence."""
    folder = repository.folder
    pause = "My number is five five five [0.7] zero one two three."
    recorded.write(folder / "call.wav", *recorded.sides(pause, "Yes please."))
    repository.write("profiles/slow.yaml", SILENCE)
    return folder


def rehearsed(folder: Path, *words: str) -> tuple[int, Any, str]:
    """The status, the JSON and the messages of a rehearsal."""
    command = ["timing-profiles", "rehearse", "call.wav", "--format", "json", *words]
    ran = run(command, folder)
    return ran.returncode, json.loads(ran.stdout) if ran.stdout else None, ran.stderr


def test_release_that_decides_the_same_has_no_difference(calls: Path, release: Path) -> None:
    """All profiles are judged in the other environment; the status is 0."""
    assert release.is_dir()
    profiles = ("--profile", "slow", "--profile", "default")
    status, found, errors = rehearsed(calls, "--sdk", OTHER, *profiles)
    assert (status, errors) == (0, "")
    assert found["sdk"]["differences"] == []
    assert found["sdk"]["decisions"] == 4
    assert found["sdk"]["installed"]["livekit-agents"] == INSTALLED


def test_decisions_that_differ_are_listed(calls: Path, release: Path) -> None:
    """A turn that is no longer cut, and a wait that is longer; the status is 1."""
    (release / "sitecustomize.py").write_text(LATER, encoding="utf-8")
    status, found, errors = rehearsed(calls, "--sdk", OTHER, "--profile", "slow")
    assert (status, errors) == (1, "")
    pause, yes = found["sdk"]["differences"]
    assert [one["profile"] for one in (pause, yes)] == ["slow", "slow"]
    assert (pause["before"]["cut_at"] is None, pause["after"]["cut_at"]) == (False, None)
    assert yes["after"]["wait"] > yes["before"]["wait"] + 0.1
    command = ["timing-profiles", "rehearse", "call.wav", "--sdk", OTHER, "--profile", "slow"]
    assert "\n2 of 2 decisions differ\n  slow  call.wav " in run(command, calls).stdout


def test_release_that_cannot_run_this_library_is_a_message(calls: Path, release: Path) -> None:
    """The last line of its error, and status 2."""
    (release / "sitecustomize.py").write_text(
        "import sys\nsys.modules['livekit.agents.inference'] = None\n", encoding="utf-8"
    )
    status, found, errors = rehearsed(calls, "--sdk", OTHER, "--profile", "slow")
    assert (status, found) == (2, None)
    assert errors.startswith("timing-profiles: --sdk: cannot rehearse under that release: ")
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("has_uv", [True, False])
def test_missing_packages_give_one_message(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_uv: bool
) -> None:
    """With uv, and with venv and pip where there is none; nothing is left behind."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    here = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(here) if has_uv else "")
    with pytest.raises(EnvironmentUnavailableError) as raised:
        environment.python(OTHER, lambda _: None)
    message = str(raised.value)
    assert message.startswith(f"livekit-agents {OTHER}: the package index cannot be reached: ")
    assert len(message.splitlines()) == 1
    assert [*(cache / "sdk").iterdir()] == []
