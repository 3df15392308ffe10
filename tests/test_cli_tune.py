"""`timing-profiles tune`: what it refuses before it serves anything."""

import socket
from pathlib import Path

import pytest

from tests.command_line import CommandLine

VARIABLES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@pytest.fixture
def livekit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of a LiveKit server that nothing listens at."""
    for name, value in zip(VARIABLES, ("ws://127.0.0.1:9", "key", "secret"), strict=True):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("starters")
def test_missing_variables_name_make_dev(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message: what is missing, and both ways to have it."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert run("tune") == (
        2,
        "",
        (
            "timing-profiles: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET not set: the page"
            " calls an agent through a LiveKit server. `make dev` starts a local one with an agent"
            " and serves this page itself; for your own deployment set LIVEKIT_URL,"
            " LIVEKIT_API_KEY, LIVEKIT_API_SECRET, and name the agent with --agent\n"
        ),
    )
    monkeypatch.setenv("LIVEKIT_URL", "ws://127.0.0.1:9")
    monkeypatch.setenv("LIVEKIT_API_KEY", "key")
    assert run("tune").err.startswith("timing-profiles: LIVEKIT_API_SECRET not set: ")


@pytest.mark.usefixtures("starters", "livekit")
@pytest.mark.parametrize("url", ["livekit.example", "ftp://livekit.example", "wss://"])
def test_an_address_that_is_none_is_refused(
    run: CommandLine, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """Before a browser would fail at it."""
    monkeypatch.setenv("LIVEKIT_URL", url)
    assert run("tune") == (
        2,
        "",
        "timing-profiles: LIVEKIT_URL is not an address such as wss://example.livekit.cloud\n",
    )


@pytest.mark.usefixtures("starters", "livekit")
def test_a_port_in_use_is_one_message(run: CommandLine) -> None:
    """And says how to have another one."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run("tune", "--port", str(port)) == (
            2,
            "",
            f"timing-profiles: port {port} is in use; --port 0 takes a free one\n",
        )


@pytest.mark.usefixtures("starters", "livekit")
def test_an_address_of_another_machine_is_refused(run: CommandLine) -> None:
    """192.0.2.1 is for documentation: no machine has it."""
    assert run("tune", "--host", "192.0.2.1", "--port", "0") == (
        2,
        "",
        "timing-profiles: cannot listen at 192.0.2.1:0: Cannot assign requested address\n",
    )


@pytest.mark.usefixtures("starters", "livekit")
@pytest.mark.parametrize("port", ["-1", "65536", "x", "8.0", "٣"])
def test_invalid_port_is_refused(run: CommandLine, port: str) -> None:
    """Words too."""
    ran = run("tune", f"--port={port}")
    assert ran.status == 2
    assert "is not a port from 0 to 65535" in ran.err


@pytest.mark.usefixtures("starters", "livekit")
def test_an_unknown_profile_is_refused(run: CommandLine) -> None:
    """As by the other commands."""
    ran = run("tune", "--profile", "patent")
    assert ran.status == 2
    assert ran.err.startswith('timing-profiles: unknown profile "patent"; available: brisk')


@pytest.mark.usefixtures("livekit")
def test_a_broken_default_is_reported(run: CommandLine, starters: Path) -> None:
    """With the problems of `check`."""
    (starters / "default.yaml").write_text("description: [\n")
    ran = run("tune")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("profiles/default.yaml:")
