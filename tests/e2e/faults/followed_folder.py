"""A folder of profiles that a process of its own follows; what that process serves, and says."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from prometheus_client.parser import text_string_to_metric_families

from sandbox.polling import eventually_blocking
from timing_profiles.catalog import catalog
from timing_profiles.handoff.snapshot import Snapshot
from timing_profiles.profile import Profile

ROOT = Path(__file__).parents[3]
PROFILES = ROOT / "profiles"
FOLLOWER = Path(__file__).with_name("follower.py")

PATIENCE = 60.0
"""Seconds until what should happen counts as not happening: machines are loaded."""

NO_EVENTS = "WARNING no file system events, "
"""How the log line begins that there are none."""

Published = tuple[str, Mapping[str, Profile | None]]
"""A revision, and its profiles by name."""

Seen = TypeVar("Seen")

_GRACE = 10.0
_SERVED = re.compile(
    r"^INFO (?:\d+ profiles active|profiles changed), revision (?:\w+ -> )?([0-9a-f]{12})",
    re.MULTILINE,
)


class FollowedFolder:
    """A folder, and the process that follows it.

    Attributes:
        folder: The folder.
        process: What follows it.
        temporary: The process's folder for temporary files.
        published_file: What it publishes.
        in_force: The revision that was last seen to be in force.
    """

    def __init__(self, folder: Path, process: subprocess.Popen[bytes], temporary: Path) -> None:
        """Wait until the process says that it serves the folder."""
        self.folder = folder
        self.process = process
        self.temporary = temporary
        said = until(self._announced, "the follower serves the folder", self)
        self._port, self.published_file = int(said[0]), Path(said[1])
        self.in_force = self.served()[0]

    def _announced(self) -> list[str]:
        assert self.process.poll() is None, self.log
        text = (self.temporary / "out").read_text(encoding="utf-8")
        return text.split() if text.endswith("\n") else []

    @property
    def log(self) -> str:
        """Everything that the process has logged."""
        return (self.temporary / "err").read_text(encoding="utf-8", errors="replace")

    def inside(self, path: Path) -> Path:
        """A path as the process sees it, with the mounts of its own."""
        return Path(f"/proc/{self.process.pid}/root{path}")

    def metric(self, name: str) -> float | None:
        """A metric of ours without labels, by the rest of its name; None where there is none."""
        # No proxy of the environment stands between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self._port}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == f"timing_profiles_{name}":
                    return sample.value
        return None

    def gauge(self) -> float | None:
        """1 where the folder's present state is in force."""
        return self.metric("last_reload_successful")

    def published(self) -> Published:
        """What a call gets that begins now."""
        if self.published_file.exists():
            return published(self.published_file)
        # It lies on a mount of the process. SQLite resolves the link below /proc, and misses it.
        copied = self.temporary / "copied.sqlite"
        shutil.copyfile(self.inside(self.published_file), copied)
        return published(copied)

    def served(self) -> list[str]:
        """Every revision that was ever published, in order."""
        return _SERVED.findall(self.log)

    def lies(self) -> Published:
        """What a call should get of the folder as it lies there now."""
        return lies(self.inside(self.folder))

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file of the folder in place."""
        data = content.encode() if isinstance(content, str) else content
        (self.inside(self.folder) / name).write_bytes(data)

    def serves(self) -> float:
        """Wait until the folder, as it lies there now, is in force; the seconds that this took."""
        begun = time.time()
        revision, profiles = self.lies()
        until(lambda: self._is_in_force(revision), f"revision {revision} is in force", self)
        assert self.published() == (revision, profiles)
        self.in_force = revision
        return max(0.0, (self.metric("last_reload_success_timestamp_seconds") or begun) - begun)

    def _is_in_force(self, revision: str) -> bool:
        said = revision == self.served()[-1]
        return said and self.published()[0] == revision and self.gauge() == 1

    def keeps(self, *problems: str) -> str:
        """Wait until the folder is refused; the revision that stays in force.

        Args:
            problems: All that the log says of it, as it says it.
        """
        lines = "".join(f"  {problem}\n" for problem in problems)
        refusal = f"ERROR profiles rejected, revision {self.in_force} stays active:\n{lines}"
        # The last thing that it said: an earlier refusal may read the same.
        until(lambda: self._log_of_sets().endswith(refusal) and self.gauge() == 0, refusal, self)
        assert (self.published()[0], self.served()[-1]) == (self.in_force, self.in_force)
        return f"kept {self.in_force}, gauge 0"

    def _log_of_sets(self) -> str:
        """Return the log without the lines on events, which come at any time."""
        lines = self.log.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith(NO_EVENTS))


@contextlib.contextmanager
def following(
    folder: Path,
    *,
    within: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    program: Path = FOLLOWER,
    start: Path | None = None,
) -> Iterator[FollowedFolder]:
    """Follow a folder, for as long as the block runs; a traceback in the log is an error.

    Args:
        folder: The folder.
        within: A command that runs the program with its arguments.
        env: More of its environment.
        program: The program.
        start: Its working directory, from which it gets the path of the folder.
    """
    # Not beside the folder: the folder above it is watched, too.
    with tempfile.TemporaryDirectory(prefix="follower-") as temporary:
        everything = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": temporary,
            **({"PWD": str(start)} if start else {}),
            **(env or {}),
        }
        path = folder.relative_to(start) if start else folder
        command = [*within, sys.executable, str(program), str(path)]
        with _process(command, everything, Path(temporary), start) as process:
            found = FollowedFolder(folder, process, Path(temporary))
            yield found
        assert "Traceback" not in found.log, found.log


@contextlib.contextmanager
def _process(
    command: Sequence[str], env: Mapping[str, str], temporary: Path, start: Path | None
) -> Iterator[subprocess.Popen[bytes]]:
    with (temporary / "out").open("wb") as out, (temporary / "err").open("wb") as err:
        process = subprocess.Popen(  # noqa: S603 - the commands of the tests
            command, env=env, cwd=start, stdin=subprocess.PIPE, stdout=out, stderr=err
        )
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        process.kill()
        process.wait()


def until(look: Callable[[], Seen], what: str, followed: FollowedFolder | None = None) -> Seen:
    """Look until there is something to see.

    Raises:
        TimeoutError: There is nothing within `PATIENCE`.
    """
    try:
        return eventually_blocking(look, PATIENCE, what)
    except TimeoutError as error:
        raise TimeoutError(f"{error}\n{followed.log if followed else ''}") from None


def away(seconds: float) -> str:
    """A profile that sets one field; those for 20 to 99 are of one size."""
    return f"session: {{user_away_timeout: {seconds}}}\n"


def lies(folder: Path) -> Published:
    """What a call should get of a folder as it lies there now."""
    found = catalog.load(folder)
    return found.revision, {name: found.profile(name) for name in found.names()}


def published(path: Path) -> Published:
    """What a published file holds, read to its end."""
    with closing(Snapshot(path)) as found:
        return found.revision, {name: found.profile(name) for name in found.names()}
