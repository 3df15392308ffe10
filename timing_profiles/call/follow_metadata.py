"""The caller's requests while the call runs: when they change, the session does."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from livekit import rtc
from livekit.agents import JobContext

from timing_profiles.call import announce
from timing_profiles.call.live_session import LiveSession
from timing_profiles.call.requests import Requests
from timing_profiles.problems import Problem
from timing_profiles.resolution.request import PROFILE_ATTRIBUTE
from timing_profiles.resolution.settings import Settings

RAPID = 0.1
"""Seconds without another change after which the last one of a caller's metadata counts.

livekit-client, where each change waits for the one before, makes one in 0.05 s at most.
"""

LONGEST = 1.0
"""Seconds after which metadata counts that changes all the time."""

MOST_LOGGED = 10
"""Changes of one call that are logged within `LOGGED_WITHIN`; all of them are applied."""

LOGGED_WITHIN = 60.0
"""Seconds."""

_logger = logging.getLogger("timing_profiles")


class Following:
    """Follows the metadata of one caller, from its present request on.

    Metadata of other participants is not read. A console has no room, and no caller to follow.

    Args:
        ctx: The job.
        identity: The caller's identity; None where the caller has yet to come.
        requests: The requests of the call.
        live: The session that changes.
        changed: Called with the settings of now.
        find: Returns the caller once it is in the room, where it has yet to come.
    """

    def __init__(
        self,
        ctx: JobContext,
        identity: str | None,
        requests: Requests,
        live: LiveSession,
        changed: Callable[[Settings], None],
        find: Callable[[rtc.Room], rtc.RemoteParticipant | None] = lambda _: None,
    ) -> None:
        self._ctx = ctx
        self._identity = identity
        self._requests = requests
        self._live = live
        self._changed = changed
        self._find = find
        self._reported = live.reported.problems
        self._logged_at: deque[float] = deque(maxlen=MOST_LOGGED)
        self._muted = False
        self._timer: asyncio.TimerHandle | None = None
        self._latest = 0.0
        self._room = None if ctx.is_fake_job() else ctx.room
        if self._room:
            # The connection may have been lost since the caller was found.
            if identity:
                requests.caller = self._room.remote_participants.get(identity, requests.caller)
            self._room.on("participant_connected", self._connected)
            self._room.on("participant_active", self._active)
            self._room.on("participant_metadata_changed", self._metadata_changed)
            self._room.on("participant_attributes_changed", self._attributes_changed)
            self._find_caller()
        live.started_again = self.resolve
        self.resolve()

    def resolve(self) -> Settings:
        """Change the session to what the call requests now, and announce what has changed."""
        before = self._live.reported
        if self._live.is_closed:  # it takes up what is requested meanwhile when it starts again
            return before
        settings = self._live.request(self._requests.resolve())
        if settings != before:
            self._announce(before, settings)
            self._changed(settings)
        return settings

    def has_reported(self, problems: Sequence[Problem]) -> None:
        """Note problems that were logged already."""
        self._reported = (*self._reported, *problems)

    def close(self) -> None:
        """Follow no longer."""
        if self._room:
            self._room.off("participant_connected", self._connected)
            self._room.off("participant_active", self._active)
            self._room.off("participant_metadata_changed", self._metadata_changed)
            self._room.off("participant_attributes_changed", self._attributes_changed)
        if self._timer:
            self._timer.cancel()

    def _announce(self, before: Settings, settings: Settings) -> None:
        if self._room:
            announce.announce(self._ctx, settings)
        # Each problem once, however often the same request comes.
        problems = tuple(p for p in settings.problems if p not in self._reported)
        differs = settings.values != before.values or settings.profile != before.profile
        if not (differs or problems):
            self._reported = settings.problems
        elif self._may_log():
            self._reported = settings.problems
            if differs:
                announce.log(settings, self._live.known, "call continues")
            announce.log_problems(problems)

    def _may_log(self) -> bool:
        """Whether another change may be logged: a caller must not fill the log."""
        now = asyncio.get_running_loop().time()
        muted = len(self._logged_at) == MOST_LOGGED and now - self._logged_at[0] < LOGGED_WITHIN
        if not muted:
            self._logged_at.append(now)
        elif not self._muted:
            _logger.warning(
                "changes not logged: more than %d within %g s; all of them are applied",
                MOST_LOGGED,
                LOGGED_WITHIN,
            )
        self._muted = muted
        return not muted

    def _connected(self, participant: rtc.RemoteParticipant) -> None:
        """After a reconnect, the caller is another object."""
        if participant.identity == self._identity:
            self._requests.caller = participant
            self._later()

    def _active(self, _: rtc.RemoteParticipant) -> None:
        if self._find_caller():
            self._later()

    def _find_caller(self) -> bool:
        """Take the caller that has joined a call without a wait."""
        if self._identity or not self._room:
            return False
        caller = self._find(self._room)
        if caller:
            self._identity, self._requests.caller = caller.identity, caller
        return caller is not None

    def _metadata_changed(self, participant: rtc.Participant, *_: str) -> None:
        if participant.identity == self._identity:
            self._later()

    def _attributes_changed(self, changed: dict[str, str], participant: rtc.Participant) -> None:
        if participant.identity == self._identity and PROFILE_ATTRIBUTE in changed:
            self._later()

    def _later(self) -> None:
        loop = asyncio.get_running_loop()
        if self._timer:
            self._timer.cancel()
        else:
            self._latest = loop.time() + LONGEST
        self._timer = loop.call_at(min(loop.time() + RAPID, self._latest), self._take_in)

    def _take_in(self) -> None:
        self._timer = None
        self.resolve()
