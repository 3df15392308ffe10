"""Have turns played by `turn` in a process of its own: its sessions take the process's clock."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Final

from timing_profiles.turns.fields import Values

LARGEST: Final = 4 * 1024 * 1024
"""The most bytes of a sound: two minutes."""

_PROGRAM: Final = "timing_profiles.tuner.turn"
_LONGEST_WAIT: Final = 60.0  # seconds for one turn; the first one waits for the SDK
_MOST_PLACES: Final = 4  # turns in memory: one is played, the others wait
_LONGEST_LINE: Final = 16 * 1024 * 1024


class NoTurn(ValueError):
    """A sound that is not a turn; the text is one message for people."""


class Busy(Exception):
    """The turn was not played; the text is one message for people."""


class TurnProcess:
    """A process that plays turns, one at a time."""

    def __init__(self) -> None:
        """Start nothing before it is needed."""
        self._process: asyncio.subprocess.Process | None = None
        self._free = asyncio.Lock()
        self._places = 0

    async def warm_up(self) -> None:
        """Start the process, so that the first turn does not wait for it."""
        async with self._free:
            await self._running()

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Take one of few places, before the sound is in memory.

        Raises:
            Busy: Other turns have them all.
        """
        if self._places >= _MOST_PLACES:
            raise Busy("other turns are being played; try again in a second")
        self._places += 1
        try:
            yield
        finally:
            self._places -= 1

    async def judge(self, sound: bytes, profiles: Sequence[tuple[str, Values]]) -> dict[str, Any]:
        """Return the decision of each profile; see `turn.judge`.

        Args:
            sound: A WAV file.
            profiles: The name and the values of each profile, the most important first.

        Raises:
            NoTurn: The sound is not a turn.
            Busy: It took too long, or the process ended.
        """
        try:
            async with self._free:
                return await asyncio.wait_for(self._asked(sound, profiles), _LONGEST_WAIT)
        except NoTurn:
            raise
        except (asyncio.TimeoutError, asyncio.IncompleteReadError, OSError, ValueError):
            await self.stop()
            raise Busy("this turn could not be played; the server's terminal may say why") from None

    async def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _asked(self, sound: bytes, profiles: Sequence[tuple[str, Values]]) -> dict[str, Any]:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise OSError("no pipes")
        named = [(name, dict(values)) for name, values in profiles]
        request = {"bytes": len(sound), "profiles": named}
        process.stdin.write(json.dumps(request).encode() + b"\n" + sound)
        await process.stdin.drain()
        answer: dict[str, Any] = json.loads(await process.stdout.readuntil(b"\n"))
        if "no_turn" in answer:
            raise NoTurn(answer["no_turn"])
        return answer

    async def _running(self) -> asyncio.subprocess.Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", _PROGRAM),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
                start_new_session=True,  # out of reach of the terminal's Ctrl-C
            )
        return self._process
