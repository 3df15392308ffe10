"""`make drift`, with real environments and a real pip, and with releases made up here."""

import sys
from pathlib import Path

import pytest

from tests.e2e.made_wheel import make_wheel
from tests.sdk import decisions, installed
from tests.sdk.__main__ import main, outcome
from tests.sdk.contracts import CONTRACTS
from tests.sdk.known import Known
from tests.sdk.newest import Release

AGENTS = "livekit_agents-99.0-py3-none-any.whl"
DEEPGRAM = "livekit_plugins_deepgram-99.1-py3-none-any.whl"

STT = """\
class STT:
    def __init__(self, *, endpointing_ms: int = 40, patience: float = 1.0) -> None:
        pass
"""

INSTALLED = ", ".join(f"{package} {version}" for package, version in installed.versions().items())


@pytest.fixture(autouse=True)
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with all packages that pip can find, and another one for what is thrown away."""
    for folder in ("packages", "temporary"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "packages"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    return tmp_path / "packages"


def known(**options: str) -> Known:
    """What was known of `deepgram.STT`, and nothing else."""
    said = {f"deepgram.STT.{name}": written for name, written in options.items()}
    return Known(options=said, fields={}, live={}, ours={}, pinned={})


def test_changes_of_newest_release_are_printed(
    releases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the versions; and nothing of the release stays."""
    make_wheel(releases / AGENTS, {"livekit/agents/__init__.py": ""})
    make_wheel(releases / DEEPGRAM, {"livekit/plugins/deepgram/__init__.py": STT})
    assert main(known(endpointing_ms="int = 25")) == 1
    versions, head, rows, *unreadable, _, broken, _ = capsys.readouterr().out.split("\n\n")
    assert versions == (
        f"installed here: {INSTALLED}\n"
        "newest release: livekit-agents 99.0, livekit-plugins-deepgram 99.1"
    )
    assert head == "The SDK is not as tests/sdk/known.yaml has it:"
    assert (
        rows
        == """\
option                       known     now
deepgram.STT.endpointing_ms  int = 25  int = 40
deepgram.STT.patience        -         float = 1.0"""
    )
    assert unreadable[0] == (
        "Cannot be read: AgentSession, AgentSession.update_options.\n"
        "AttributeError: module 'livekit.agents' has no attribute 'AgentSession'"
    )
    assert broken == (
        "Broken: what timing_profiles/call/sdk_internals.py imports.\nNo call starts.\n"
        "ImportError: cannot import name 'rtc' from 'livekit' (unknown location)"
    )
    assert list((tmp_path / "temporary").iterdir()) == []


def test_release_that_cannot_be_installed_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report states that nothing is compared, and why."""
    assert main(known()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[:2] == [
        "installing the newest release into a temporary folder: half a minute",
        "nothing is compared: the newest release cannot be installed:",
    ]
    assert err.endswith("ERROR: No matching distribution found for livekit-agents\n")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_release_without_drift_is_a_success() -> None:
    """The report states how much was compared."""
    options = {"endpointing_ms": "int = 25", "smart_format": "bool = False"}
    told = (
        "No drift: 2 options, all as tests/sdk/known.yaml has them,"
        f" {len(CONTRACTS)} uses that are not public, and the decisions of all starter profiles on"
        " synthetic calls."
    )
    release = Release({}, {f"deepgram.STT.{name}": of for name, of in options.items()}, {})
    assert outcome(known(**options), release) == (0, told)


def test_broken_contract_is_drift() -> None:
    """The report names the use, what breaks in the library, and the file to change."""
    used, why = "AgentServer.run", "The worker starts without profiles.\nAssertionError: x"
    status, told = outcome(known(), Release({}, {}, {}, {used: why}))
    assert status == 1
    assert told == (
        "Broken: AgentServer.run.\nThe worker starts without profiles.\nAssertionError: x\n\n"
        "Find what the SDK does instead, change timing_profiles/call/sdk_internals.py, and the"
        " contract in\ntests/sdk/contracts.py."
    )


def test_decision_that_differs_is_drift() -> None:
    """The report has the result of the rehearsal."""
    differs = "Decisions on synthetic calls:\n1 of 48 decisions differ"
    assert outcome(known(), Release({}, {}, {}, rehearsed=differs)) == (1, differs)


def test_release_that_is_this_one_decides_the_same() -> None:
    """Every synthetic call is spoken, and rehearsed by a program of its own."""
    assert decisions.differing(Path(sys.executable)) == ""
