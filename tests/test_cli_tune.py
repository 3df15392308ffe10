"""`timing-profiles tune`: what it refuses before it serves anything."""

import asyncio
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import CommandLine
from timing_profiles.rehearsal import virtual_time
from timing_profiles.tuner import livekit_access
from timing_profiles.tuner.server import Options, Tuner

VARIABLES = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


@pytest.fixture
def livekit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables of a LiveKit server that nothing listens at."""
    for name, value in zip(VARIABLES, ("ws://127.0.0.1:9", "key", "secret"), strict=True):
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("starters")
def test_missing_variables_name_make_dev(run: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One message: what is missing, and both ways to have it."""
    assert run("tune") == (
        2,
        "",
        (
            "timing-profiles: LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET not set: the page"
            " calls an agent through a LiveKit server. `make dev` starts a local one with an agent"
            " and serves this page itself; for your own deployment set LIVEKIT_URL,"
            " LIVEKIT_API_KEY, LIVEKIT_API_SECRET, and name the agent with --agent. Files such as"
            " .env.local are not read: `uv run --env-file .env.local timing-profiles tune` sets"
            " what they contain\n"
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


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A server that takes no connection, and gets the signal `signal` as it starts.

    Its options, host and whether it was stopped are added.
    """
    seen: dict[str, Any] = {"signal": signal.SIGINT}

    def init(_: Tuner, __: Any, options: Options) -> None:
        seen["options"] = options

    async def start(_: Tuner, listening: socket.socket, host: str) -> str:
        seen["host"], seen["name"] = host, listening.getsockname()[0]
        signal.raise_signal(seen["signal"])
        return "http://127.0.0.1:1/?token=x"

    async def stop(_: Tuner) -> None:
        seen["stopped"] = True

    for method in (init, start, stop):
        name = "__init__" if method is init else method.__name__
        monkeypatch.setattr(Tuner, name, method)
    # asyncio.run would leave no event loop to the tests that come after it.
    monkeypatch.setattr(asyncio, "run", virtual_time.run)
    return seen


_PAGE = "page: http://127.0.0.1:1/?token=x\nopen it in a browser; Ctrl-C ends it\n"


@pytest.mark.usefixtures("starters", "livekit")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_the_server(
    run: CommandLine, served: dict[str, Any], number: signal.Signals
) -> None:
    """The command prints the address, and ends with status 0."""
    served["signal"] = number
    assert run("tune", "--port", "0") == (0, _PAGE, "")
    assert (served["host"], served["name"], served["stopped"]) == ("127.0.0.1", "127.0.0.1", True)


@pytest.mark.usefixtures("starters", "livekit")
def test_options_reach_the_server(
    run: CommandLine, served: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """--agent precedes LIVEKIT_AGENT_NAME; without --write the page cannot write."""
    monkeypatch.setenv("LIVEKIT_AGENT_NAME", "of-the-environment")
    run("tune", "--port", "0")
    first = served["options"]
    run("tune", "--profile", "patient", "--port", "0", "--agent", "desk", "--write")
    second = served["options"]
    assert (first.agent, first.profile, first.write) == ("of-the-environment", None, False)
    assert (second.agent, second.profile, second.write) == ("desk", "patient", True)
    assert (first.access.url, first.access.api_key) == ("ws://127.0.0.1:9", "key")


@pytest.mark.usefixtures("starters", "livekit")
@pytest.mark.parametrize("host", ["::1", "[::1]", "0:0:0:0:0:0:0:1", "localhost"])
def test_no_warning_about_this_machines_own_addresses(
    run: CommandLine, served: dict[str, Any], host: str
) -> None:
    """IPv6 is written in any of its forms, also with brackets."""
    assert run("tune", "--port", "0", "--host", host) == (0, _PAGE, "")
    expected = "localhost" if host == "localhost" else "::1"
    assert served["host"] == expected


@pytest.mark.usefixtures("starters", "livekit", "served")
def test_address_for_other_machines_is_warned_about(run: CommandLine) -> None:
    """The warning names the address and the consequences."""
    ran = run("tune", "--port", "0", "--host", "0.0.0.0")  # noqa: S104 - the case
    assert (ran.status, ran.out) == (0, _PAGE)
    assert " ".join(ran.err.split()) == (
        "--host 0.0.0.0: other machines can reach this page. Who has its address with the token "
        "can call the agent, and with --write change profiles; the connection is not encrypted, "
        "and browsers give the microphone to https and to localhost only"
    )


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("ws://127.0.0.1:7880", []),
        ("ws://[::1]:7880", []),
        ("ws://LOCALHOST:7880", []),
        ("wss://example.livekit.cloud", ["HTTP_PROXY", "https_proxy"]),
        ("ws://192.0.2.1:7880", ["HTTP_PROXY", "https_proxy"]),
    ],
)
def test_livekit_on_this_machine_is_reached_without_proxies(
    url: str, left: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The localhost of a proxy is the proxy's own."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example")
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    livekit_access.bypass_proxies(url)
    assert livekit_access.proxies() == left
