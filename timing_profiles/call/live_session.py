"""A running call: it follows its caller, lends itself to a step, and does as it is told aloud."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from livekit.agents import AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import AgentHandoff

from timing_profiles.call import apply
from timing_profiles.call.apply import NEXT_CALL, Own
from timing_profiles.call.silence import Silence
from timing_profiles.problems import Problem
from timing_profiles.profile import overlay
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import rules
from timing_profiles.turns.fields import Values

_logger = logging.getLogger("timing_profiles")


@dataclass(slots=True, eq=False)
class _Loan:
    """What a step has borrowed; each is its own, also where two steps borrow the same."""

    sets: Values
    is_left_out: bool = False


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
        self._loans: list[_Loan] = []
        self._wanted: Values = began_with.values
        self._told: Values = began_with.values
        self._is_over = False
        self._listener = apply.speech_to_text(session)
        self._silence = Silence(session, self._in_silence)
        session.on("conversation_item_added", self._added)

    def ask(self, found: Settings) -> Settings:
        """Do as the caller asks from now on.

        What of a request is refused, or cannot change in a running call, leaves the field as it is.

        Args:
            found: What the request would have led to at the start of a call.

        Returns:
            What holds now, with what was refused or has to wait for the next call as its problems.
        """
        waiting = {path for path in NEXT_CALL if self._differs(found, path)}
        problems = (*found.problems, *(_next_call(path, found) for path in sorted(waiting)))
        held = self._held(found, waiting | self._refused(found))
        self.settings = replace(held, problems=problems)
        self._change()
        return self.settings

    @contextmanager
    def borrowed(self, sets: Mapping[str, Any]) -> Iterator[None]:
        """Lay settings over what the caller asks for, for as long as the block runs.

        Args:
            sets: The fields that a step of the conversation needs, by dotted path.
        """
        loan = _Loan({path: value for path, value in sets.items() if path not in NEXT_CALL})
        self._loans.append(loan)
        self._change()
        try:
            yield
        finally:
            self._loans.remove(loan)
            self._change()

    def close(self) -> None:
        """Change nothing any more: the session has ended."""
        self._is_over = True
        self._session.off("conversation_item_added", self._added)
        self._silence.close()

    def _differs(self, found: Settings, path: str) -> bool:
        """Whether a field that is ours would have to change."""
        return found.values[path] != self.settings.values[path] and self._own.decides(path)

    def _refused(self, found: Settings) -> set[str]:
        """The refused fields that can stay as they are: of the same profile, breaking no rule."""
        refused = {problem.path for problem in found.problems if problem.path in found.values}
        if not refused or found.profile != self.settings.profile:
            return set()
        return set() if list(rules.broken(self._held(found, refused).values)) else refused

    def _held(self, found: Settings, paths: AbstractSet[str]) -> Settings:
        """What was found, but for fields that stay as they are."""
        was = self.settings
        values = {**found.values, **{path: was.values[path] for path in paths}}
        origins = {**found.origins, **{path: was.origins[path] for path in paths}}
        changed = (path for path in values if path in (was if path in paths else found).changed)
        return replace(found, values=values, origins=origins, changed=tuple(changed))

    def _change(self) -> None:
        self._wanted = self._with_loans()
        self._tell(is_quiet=self._silence.is_now)

    def _with_loans(self) -> Values:
        values = dict(self.settings.values)
        for loan in self._loans:
            above = dict(values)
            overlay(above, loan.sets)
            # What is lent may not fit over what this caller asks for; the call must go on.
            fits = not list(rules.broken(above))
            if not fits and not loan.is_left_out:
                _logger.warning("what was borrowed does not fit this call, and is left out")
            loan.is_left_out = not fits
            values = above if fits else values
        return values

    def _in_silence(self) -> None:
        self._tell(is_quiet=True)

    def _added(self, event: ConversationItemAddedEvent) -> None:
        """Another agent takes over: it does not listen yet."""
        if not isinstance(event.item, AgentHandoff) or self._is_over:
            return
        with _going_on():
            apply.detection(self._session, self._own)
        # Where it goes on with the speech-to-text of the agent before, words may be in flight.
        goes_on = apply.speech_to_text(self._session) is self._listener
        is_first = event.item.old_agent_id is None
        self._tell(is_quiet=is_first or not goes_on or self._silence.is_now)

    def _tell(self, *, is_quiet: bool) -> None:
        """Bring the session from what it was told to what is wanted."""
        if self._is_over:
            return
        was, now = self._told, self._wanted
        awaits_silence = apply.awaits_silence(self._session, self._own, now)
        if is_quiet or not awaits_silence:
            with _going_on():
                apply.hearing(self._session, self._own, now)
            self._silence.listens_with(now)
        else:
            now = apply.until_heard(was, now)
        if awaits_silence:
            # Whatever else is asked for meanwhile: one new connection, for the last of it.
            self._silence.count_anew()
        with _going_on():
            apply.at_once(self._session, self._own, was, now)
        self._told = now
        self._listener = apply.speech_to_text(self._session)


@contextmanager
def _going_on() -> Iterator[None]:
    """A block in which the SDK may refuse what it is told."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the call goes on as it was
        _logger.warning("the session does not take a change: %s", error)


def _next_call(path: str, found: Settings) -> Problem:
    message = "cannot change in a running call; it takes effect on the next one"
    return Problem("next-call", message, path, found.origins[path])
