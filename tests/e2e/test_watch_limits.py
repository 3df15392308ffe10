"""A machine that has no inotify instance left: an edit is found all the same."""

import asyncio
import sys
from pathlib import Path

from tests.e2e.worker import ROOT

PROGRAM = Path(__file__).with_name("watch_without_events.py")

# The limit of a user namespace of its own, so that nobody else is hit by it.
NO_INOTIFY = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"'


async def test_an_edit_is_found_without_events(tmp_path: Path) -> None:
    """By reading the folder again; and that is said once."""
    command = ("unshare", "--user", "--map-root-user", "sh", "-c", NO_INOTIFY, "sh")
    process = await asyncio.create_subprocess_exec(
        *(*command, sys.executable, str(PROGRAM), str(ROOT / "profiles"), str(tmp_path)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert (process.returncode, out) == (0, b"0.35\n"), err
    assert err.count(b"no events, the profiles are read again each second: ") == 1
