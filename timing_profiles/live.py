"""A running call: it follows its caller, lends itself to a step, and does as it is told aloud."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from livekit.agents import AgentSession

from timing_profiles import retune, rules
from timing_profiles.paths import ENGINE, NOVA_ENDPOINTING, Values
from timing_profiles.problems import Problem
from timing_profiles.profile import overlay
from timing_profiles.retune import NEXT_CALL, Own
from timing_profiles.settings import Settings
from timing_profiles.silence import Silence

_UNREAD = frozenset({"metadata-invalid", "metadata-too-large", "profile-unknown"})

_logger = logging.getLogger("timing_profiles")


class Live:
    """The settings of a session while it runs.

    In force is what the caller asks for, and over that what steps of the conversation have
    borrowed, the latest one on top.

    Attributes:
        settings: What the caller asks for.
    """

    def __init__(self, session: AgentSession[Any], own: Own, began_with: Settings) -> None:
        """Take over a session that was made from settings.

        Args:
            session: The session.
            own: What of it the settings decide.
            began_with: The settings that it was made from.
        """
        self.settings = began_with
        self._session = session
        self._own = own
        self._loans: list[Mapping[str, Any]] = []
        self._in_force = began_with.values
        self._silence = Silence(session, self._change_hearing)
        # An agent that takes over may bring its own speech-to-text, or the session's as it was.
        session.on("agent_state_changed", lambda _: self._change_hearing())

    def ask(self, found: Settings) -> Settings:
        """Do as the caller asks from now on.

        A request that cannot be read, or names no profile, changes nothing that runs. Of any other
        request, what is refused leaves the field as it is.

        Args:
            found: What the request would have led to at the start of a call.

        Returns:
            What holds now, with what was refused or has to wait for the next call as its problems.
        """
        if any(problem.code in _UNREAD for problem in found.problems):
            return replace(self.settings, problems=found.problems)
        values = self._without_refused(found)
        waiting = [path for path in NEXT_CALL if values[path] != self.settings.values[path]]
        values.update({path: self.settings.values[path] for path in waiting})
        problems = (*found.problems, *(_next_call(path, found) for path in sorted(waiting)))
        self.settings = replace(found, values=values, problems=problems)
        self._change()
        return self.settings

    @contextmanager
    def borrowed(self, sets: Mapping[str, Any]) -> Iterator[None]:
        """Lay settings over what the caller asks for, for as long as the block runs.

        Args:
            sets: The fields that a step of the conversation needs, by dotted path.
        """
        loan = {path: value for path, value in sets.items() if path not in NEXT_CALL}
        self._loans.append(loan)
        self._change()
        try:
            yield
        finally:
            # By identity: steps may end in another order, and two may borrow the same.
            self._loans = [other for other in self._loans if other is not loan]
            self._change()

    def _without_refused(self, found: Settings) -> dict[str, Any]:
        """The values that were found, but for refused fields, which stay as they are."""
        refused = {problem.path for problem in found.problems if problem.path in found.values}
        if not refused or found.profile != self.settings.profile:
            return dict(found.values)
        kept = {**found.values, **{path: self.settings.values[path] for path in refused}}
        return dict(found.values) if list(rules.broken(kept)) else kept

    def _change(self) -> None:
        """Bring the session from what is in force to what should be."""
        now = self._wanted()
        was, self._in_force = self._in_force, now
        retune.at_once(self._session, self._own, was, now)
        self._change_hearing()

    def _wanted(self) -> Values:
        values = dict(self.settings.values)
        for loan in self._loans:
            above = dict(values)
            overlay(above, loan)
            # What is lent may not fit over what this caller asks for; the call must go on.
            if list(rules.broken(above)):
                _logger.warning("what was borrowed does not fit this call, and is left out")
            else:
                values = above
        return values

    def _change_hearing(self) -> None:
        now = self._in_force
        if retune.hearing(self._session, self._own, now, is_quiet=self._silence.is_now):
            is_nova = now[ENGINE] == "nova"
            self._silence.deepgram = now[NOVA_ENDPOINTING] / 1000 if is_nova else 0.0


def _next_call(path: str, found: Settings) -> Problem:
    message = "cannot change in a running call; it takes effect on the next one"
    return Problem("next-call", message, path, found.origins[path])
