"""The caller's wishes while the call runs: when they change, the session does."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from livekit import rtc
from livekit.agents import JobContext

from timing_profiles.call import announce
from timing_profiles.call.live_session import Live
from timing_profiles.call.requests import Wishes
from timing_profiles.resolution.request import PROFILE_ATTRIBUTE
from timing_profiles.resolution.settings import Settings

RAPID = 0.2
"""Seconds without another change after which the last one of a caller's metadata counts."""

MOST_LOGGED = 10
"""Changes of one call that are logged within `LOGGED_WITHIN`; all of them are put in force."""

LOGGED_WITHIN = 60.0
"""Seconds."""

_logger = logging.getLogger("timing_profiles")


class Following:
    """Listens to the room for the caller of one call.

    Metadata of anybody else is not looked at. A console has no room, and nobody to listen to.
    """

    def __init__(
        self,
        ctx: JobContext,
        identity: str,
        wishes: Wishes,
        live: Live,
        changed: Callable[[Settings], None],
    ) -> None:
        """Begin to follow, from what is asked by now.

        Args:
            ctx: The job.
            identity: The caller's identity.
            wishes: What the call is asked for.
            live: The session's settings.
            changed: Is told the settings of now.
        """
        self._ctx = ctx
        self._identity = identity
        self._wishes = wishes
        self._live = live
        self._changed = changed
        self._reported = live.settings.problems
        self._logged_at: deque[float] = deque(maxlen=MOST_LOGGED)
        self._muted = False
        self._timer: asyncio.TimerHandle | None = None
        self._room = None if ctx.is_fake_job() else ctx.room
        if self._room:
            # The connection may have been lost since the caller was found.
            wishes.caller = self._room.remote_participants.get(identity, wishes.caller)
            self._room.on("participant_connected", self._connected)
            self._room.on("participant_metadata_changed", self._metadata_changed)
            self._room.on("participant_attributes_changed", self._attributes_changed)
        self.resolve()

    def resolve(self) -> Settings:
        """Do as the call is asked now, and say what has changed."""
        was, now = self._live.settings, self._live.ask(self._wishes.settled())
        if now != was:
            self._say(was, now)
            self._changed(now)
        return now

    def close(self) -> None:
        """Follow no longer."""
        if self._room:
            self._room.off("participant_connected", self._connected)
            self._room.off("participant_metadata_changed", self._metadata_changed)
            self._room.off("participant_attributes_changed", self._attributes_changed)
        if self._timer:
            self._timer.cancel()
        self._live.close()

    def _say(self, was: Settings, now: Settings) -> None:
        if self._room:
            announce.announce(self._ctx, now)
        # Each problem once, however often the same request comes.
        problems = tuple(problem for problem in now.problems if problem not in self._reported)
        differs = now.values != was.values or now.profile != was.profile
        if not (differs or problems):
            self._reported = now.problems
        elif self._may_log():
            self._reported = now.problems
            if differs:
                announce.log(replace(now, problems=problems), "the call goes on")
            else:
                announce.log_problems(problems)

    def _may_log(self) -> bool:
        """Whether it is not the caller's doing that the log fills."""
        now = asyncio.get_running_loop().time()
        muted = len(self._logged_at) == MOST_LOGGED and now - self._logged_at[0] < LOGGED_WITHIN
        if not muted:
            self._logged_at.append(now)
        elif not self._muted:
            _logger.warning(
                "more than %d changes within %g s: not all of them are logged",
                MOST_LOGGED,
                LOGGED_WITHIN,
            )
        self._muted = muted
        return not muted

    def _connected(self, who: rtc.RemoteParticipant) -> None:
        """After a lost connection, the caller is another object."""
        if who.identity == self._identity:
            self._wishes.caller = who
            self._later()

    def _metadata_changed(self, who: rtc.Participant, *_: str) -> None:
        if who.identity == self._identity:
            self._later()

    def _attributes_changed(self, changed: dict[str, str], who: rtc.Participant) -> None:
        if who.identity == self._identity and PROFILE_ATTRIBUTE in changed:
            self._later()

    def _later(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(RAPID, self.resolve)
