"""`tune`: serve a page on which a person hears a profile, changes it, and takes the YAML along."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from timing_profiles.catalog import folder
from timing_profiles.cli import UsageError, chosen, terminal
from timing_profiles.cli.output import print_text
from timing_profiles.resolution import request

if TYPE_CHECKING:
    from timing_profiles.tuner.server import Tuner


def run(profile: str | None, port: int | None, host: str, agent: str, *, write: bool) -> int:
    """Serve the page until Ctrl-C.

    Args:
        profile: The profile that the page begins with.
        port: The port; None for the default one, or any other where that is taken.
        host: The address to listen at.
        agent: The agent to call; `LIVEKIT_AGENT_NAME` of the environment by default.
        write: Whether the page may write profiles.

    Returns:
        0.
    """
    from timing_profiles.tuner import listening, livekit_access
    from timing_profiles.tuner.listening import CannotListen
    from timing_profiles.tuner.livekit_access import AccessMissing

    host = listening.normalized(host)
    request.check_metadata_key()
    found = chosen.profiles_with(*([] if profile is None else [profile]))
    name = None if profile is None else chosen.profile(found, profile).name
    try:
        access = livekit_access.from_environment()
        socket_ = listening.listen(host, port)
    except (AccessMissing, CannotListen) as error:
        raise UsageError(str(error)) from None
    livekit_access.bypass_proxies(access.url)
    named = agent or os.environ.get(livekit_access.AGENT_NAME, "")

    from timing_profiles.tuner.profile_set import ProfileSet
    from timing_profiles.tuner.server import Options, Tuner

    # The page shows why a room cannot be joined; the SDK's records of it quote tokens.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    with socket_:
        tuner = Tuner(ProfileSet(folder.profiles_dir()), Options(access, named, name, write))
        if not listening.is_loopback(host):
            print_text(look_out(host), sys.stderr)
        with suppress(KeyboardInterrupt):  # where signals are no matter of the loop
            asyncio.run(_serve(tuner, socket_, host))
    return 0


def look_out(host: str) -> str:
    """Return what an address other than the loopback means."""
    text = (
        f"--host {host}: other machines can reach this page. Who has its address with the token "
        "can call the agent, and with --write change profiles; the connection is not encrypted, "
        "and browsers give the microphone to https and to localhost only"
    )
    return terminal.style(sys.stderr).wrapped(text, later="    ")


async def _serve(tuner: Tuner, listening: socket.socket, host: str) -> None:
    """Serve until a signal."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows
            loop.add_signal_handler(number, ending.set)
    try:
        address = await tuner.start(listening, host)
        print(f"page: {address}", "open it in a browser; Ctrl-C ends it", sep="\n", flush=True)
        await ending.wait()
    finally:
        await tuner.stop()
