"""The caller's wishes while the call runs: when they change, the session does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit import rtc
from livekit.agents import JobContext

from timing_profiles import announcement
from timing_profiles.live import Live
from timing_profiles.problems import Problem
from timing_profiles.request import PROFILE_ATTRIBUTE
from timing_profiles.settings import Settings
from timing_profiles.wishes import Wishes

RAPID = 0.05
"""Seconds within which changes of a caller's metadata count as one: the last."""


class Following:
    """Listens to the room for the caller of one call.

    Metadata of anybody else is not looked at.
    """

    def __init__(
        self,
        ctx: JobContext,
        identity: str,
        wishes: Wishes,
        live: Live,
        changed: Callable[[Settings], None],
    ) -> None:
        """Begin to follow.

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
        self._timer: asyncio.TimerHandle | None = None
        ctx.room.on("participant_metadata_changed", self._metadata_changed)
        ctx.room.on("participant_attributes_changed", self._attributes_changed)

    def resolve(self) -> Settings:
        """Do as the call is asked now, and say what has changed."""
        self._timer = None
        was, now = self._live.settings, self._live.ask(self._wishes.settled())
        if now == was:
            return now
        announcement.announce(self._ctx, now)
        if now.values != was.values or now.profile != was.profile:
            announcement.log(now, "the call goes on")
        self._report(now.problems)
        self._changed(now)
        return now

    def _report(self, problems: tuple[Problem, ...]) -> None:
        """Each problem once, however often the same request comes."""
        announcement.log_problems([one for one in problems if one not in self._reported])
        self._reported = problems

    def _metadata_changed(self, who: rtc.Participant, *_: str) -> None:
        if who.identity == self._identity:
            self._later()

    def _attributes_changed(self, changed: dict[str, str], who: rtc.Participant) -> None:
        if who.identity == self._identity and PROFILE_ATTRIBUTE in changed:
            self._later()

    def _later(self) -> None:
        # What the caller's client says now is newer than what was said aloud.
        self._wishes.aloud = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(RAPID, self.resolve)
