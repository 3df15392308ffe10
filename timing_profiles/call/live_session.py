"""A session that runs: the settings that are active in it, and those that steps borrow."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from livekit.agents import (
    AgentSession,
    AgentStateChangedEvent,
    CloseEvent,
    ConversationItemAddedEvent,
)
from livekit.agents.llm import AgentHandoff

from timing_profiles.call import (
    apply,
    changes,
    fit,
    in_force,
    sdk_arguments,
    sdk_internals,
)
from timing_profiles.call.changes import DETECTOR, ENDPOINTING
from timing_profiles.call.fit import APPLICATION, Instead
from timing_profiles.call.parts import Own, Part, ends_turns
from timing_profiles.call.silence import Silence
from timing_profiles.problems import Problem, quoted
from timing_profiles.profile import overlay
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import rules
from timing_profiles.turns.fields import DETECTION, Values

_ANSWERING = ("thinking", "speaking")

_logger = logging.getLogger("timing_profiles")


@dataclass(slots=True, eq=False)
class _Loan:
    """The loan of a step; each is separate, also where two steps borrow the same."""

    profile: str
    sets: Values
    origins: Mapping[str, str]
    is_left_out: bool = False


class LiveSession:
    """The settings of a session while it runs.

    Active is what the caller requests, over that what the application has changed with
    `AgentSession.update_options`, and over that what steps of the conversation have borrowed, the
    latest one on top. A session that closes and starts again keeps them.

    Args:
        session: The session.
        own: The part of it that the settings decide.
        began_with: The request at the time when it was made.
        active: The settings that it was made from.
        default: The values of the profile `default`.

    Attributes:
        session: The session.
        settings: The caller's request.
        reported: The settings as they act, as far as that is known.
        known: Their values, without those that no part of the session reads.
        is_closed: Whether it has run, and runs no longer.
        started_again: Called when the session runs again after it had closed.
        read_back: Called when the active values were read back: another agent has taken over, the
            agent has finished a turn, or speech-to-text has changed.
    """

    def __init__(
        self,
        session: AgentSession[Any],
        own: Own,
        began_with: Settings,
        active: Values,
        default: Values,
    ) -> None:
        self.session = session
        self.settings = self.reported = began_with
        self.known: Values = began_with.values
        self.is_closed = False
        self.started_again: Callable[[], object] = lambda: None
        self.read_back: Callable[[], object] = lambda: None
        self._own = own
        self._default = default
        self._loans: list[_Loan] = []
        self._of_application: dict[str, Any] = {}
        self._instead: dict[str, Instead] = {}
        self._active: Values = active
        self._detection = session.turn_detection
        self._agents_detection: Any = None  # for agents that do not set it; None for the session's
        self._listener = apply.speech_to_text(session)
        self._silence = Silence(session, self._in_silence)
        self._waits_for_agent = False
        session.on("conversation_item_added", self._added)
        session.on("close", self._closed)
        session.on("agent_state_changed", self._agent_changed)
        self._take_up()

    def request(self, resolved: Settings) -> Settings:
        """Change the session to the caller's new request.

        A field that is refused, or that cannot change in a running call, keeps its value.

        Args:
            resolved: The settings that the request leads to at the start of a call.

        Returns:
            The active settings; their problems are the refused fields and those of the next call.
        """
        waiting = {path for path in changes.next_call_fields() if self._differs(resolved, path)}
        problems = (*resolved.problems, *(_next_call(path, resolved) for path in sorted(waiting)))
        held = self._held(resolved, waiting | self._refused(resolved))
        self._read_back()
        for path in changes.changed(self.settings.values, held.values):
            self._of_application.pop(path, None)
        self.settings = replace(held, problems=problems)
        self._change(is_quiet=self._silence.is_now)
        self.reported = self._report()
        return self.reported

    @contextmanager
    def borrowed(
        self, profile: str, sets: Mapping[str, Any], origins: Mapping[str, str]
    ) -> Iterator[None]:
        """Lay settings over all others, for as long as the block runs.

        Args:
            profile: The profile that they come from.
            sets: The fields that a step of the conversation needs, by dotted path.
            origins: The place of each value.
        """
        now = {path: sets[path] for path in sets if path not in changes.next_call_fields()}
        loan = _Loan(profile, now, origins)
        self._read_back()
        self._loans.append(loan)
        self._change(is_quiet=self._silence.is_now)
        self._reread()
        try:
            yield
        finally:
            self._read_back()
            self._loans.remove(loan)
            self._change(is_quiet=self._silence.is_now)
            self._reread()

    @property
    def lends(self) -> bool:
        """Return whether a step borrows settings."""
        return bool(self._loans)

    def close(self) -> None:
        """Change nothing any more."""
        self.is_closed = True
        self.session.off("conversation_item_added", self._added)
        self.session.off("close", self._closed)
        self.session.off("agent_state_changed", self._agent_changed)
        self._silence.close()

    def _differs(self, resolved: Settings, path: str) -> bool:
        """Whether a field that is ours would have to change."""
        return resolved.values[path] != self.settings.values[path] and self._own.decides(path)

    def _refused(self, resolved: Settings) -> set[str]:
        """The refused fields that can stay as they are: of the same profile, breaking no rule."""
        refused = {p.path for p in resolved.problems if p.path in resolved.values}
        if not refused or resolved.profile != self.settings.profile:
            return set()
        return set() if list(rules.broken(self._held(resolved, refused).values)) else refused

    def _held(self, resolved: Settings, paths: AbstractSet[str]) -> Settings:
        """The resolved settings, but for fields that stay as they are."""
        before = self.settings
        values = {**resolved.values, **{path: before.values[path] for path in paths}}
        origins = {**resolved.origins, **{path: before.origins[path] for path in paths}}
        changed = (p for p in values if p in (before if p in paths else resolved).changed)
        return replace(resolved, values=values, origins=origins, changed=tuple(changed))

    def _read_back(self) -> None:
        """Take over the application's changes with `update_options`.

        Its change of a field that is lent ends with the loan.
        """
        acting = {
            path: sdk_internals.read_option(self.session, path)
            for path in self._active
            if path.startswith(f"{ENDPOINTING}.") and self._own.decides(path)
        }
        changed = {path: acting[path] for path in changes.changed(self._active, acting)}
        if self.session.turn_detection is not self._detection:
            self._detection = changed[DETECTION] = self.session.turn_detection
            self._agents_detection = self._agents_detection and self._detection
        self._active = {**self._active, **changed}
        lent = {path for loan in self._loans for path in loan.sets}
        self._of_application.update({p: changed[p] for p in changed.keys() - lent})

    def _wanted(self) -> Values:
        values = {**self.settings.values, **self._of_application}
        for loan in self._loans:
            above = dict(values)
            overlay(above, loan.sets)
            # The loan may conflict with this caller's request; the call must continue.
            broken = [p for p in rules.broken(above) if not loan.sets.keys().isdisjoint(p.fields)]
            if broken and not loan.is_left_out:
                _logger.warning(
                    "borrowed profile left out: %s does not fit this call: %s; the step continues"
                    " without it",
                    loan.profile,
                    "; ".join(problem.message for problem in broken),
                )
            loan.is_left_out = bool(broken)
            values = values if broken else above
        wanted = replace(self.settings, values=values)
        self._instead = fit.fitted(
            wanted,
            self._application(),
            self._default,
            can_end_turns=self._can_end_turns(values),
        )
        return fit.applied(values, self._instead)

    def _application(self) -> dict[str, Any]:
        """Return the fields that the application and its agent set, with their values."""
        agents = sdk_internals.agents_own(sdk_internals.current_agent(self.session))
        own = dict(self._own.values)
        for part in self._acting_parts():
            own.update(part.own)
        own.update({path: in_force.as_field(path, value) for path, value in agents.items()})
        return own

    def _acting_parts(self) -> list[Part]:
        kinds = ("stt", "vad", "tts", DETECTOR, "realtime")
        built = (sdk_internals.acting_part(self.session, kind) for kind in kinds)
        return [part for each in built for part in self._own.within(each)]

    def _can_end_turns(self, values: Values) -> bool:
        listener = apply.speech_to_text(self.session)
        part = self._own.part(listener)
        # One that was built from settings gives way to another one.
        is_replaced = part is not None and part.is_built
        is_absent = listener is None or DETECTION in self._own.by_model
        return is_absent or is_replaced or ends_turns(self._own.within(listener), values)

    def _report(self) -> Settings:
        """Return the settings as they act, as far as that is known."""
        lent = {path: loan for loan in self._loans if not loan.is_left_out for path in loan.sets}
        settings = self._with_loans(lent)
        taken = in_force.taken_by_model(self._own.by_model, settings.values)
        instead = {**self._instead, **taken}
        for path, value in self._of_application.items():
            if path in lent:
                continue
            reason = f"the application has changed it: {quoted(value)}"
            instead[path] = Instead(reason, in_force.as_field(path, value), origin=APPLICATION)
        if sdk_internals.current_agent(self.session):
            with _unreadable():
                instead.update(in_force.read_back(self.session, self._own, self._active))
        reported = fit.corrected(settings, instead)
        self.known = in_force.known(reported.values, instead)
        return fit.with_left_out(reported, self._acting_parts())

    def _with_loans(self, lent: Mapping[str, _Loan]) -> Settings:
        """Return the caller's settings with those that are lent over them."""
        values = {**self.settings.values, **{path: loan.sets[path] for path, loan in lent.items()}}
        origins = {path: loan.origins[path] for path, loan in lent.items()}
        changed = (
            path
            for path, value in values.items()
            if (value != self._default.get(path) if path in lent else path in self.settings.changed)
        )
        return replace(
            self.settings,
            values=values,
            origins={**self.settings.origins, **origins},
            changed=tuple(changed),
        )

    def _in_silence(self) -> None:
        self._change(is_quiet=True)
        self._reread()

    def _reread(self) -> None:
        """Read back the active values, also those that the application has changed meanwhile."""
        self._read_back()
        self.reported = self._report()
        self.read_back()

    def _added(self, event: ConversationItemAddedEvent) -> None:
        """Another agent takes over: it does not listen yet."""
        if not isinstance(event.item, AgentHandoff):
            return
        if self.is_closed:
            self.is_closed = False
            self._silence = Silence(self.session, self._in_silence)
            self.started_again()
        self._read_back()
        if self._agents_detection is not None:
            self._change_detection()
        # Where it continues with the speech-to-text of the former agent, words may be in flight.
        goes_on = apply.speech_to_text(self.session) is self._listener
        is_first = event.item.old_agent_id is None
        self._take_up(is_quiet=is_first or not goes_on or self._silence.is_now)

    def _take_up(self, *, is_quiet: bool = True) -> None:
        """Tune the agent's own parts, and read back the active values."""
        for kind in ("stt", "vad", "tts"):
            self._own.adopt(sdk_internals.acting_part(self.session, kind), self._active)
        self._own.adopt(in_force.own_detector(self.session, self._own), self._active)
        idle = sdk_arguments.idle_fields(in_force.acting_model(self.session))
        self._own.adopt(sdk_internals.acting_part(self.session, "realtime"), self._active, idle)
        self._change(is_quiet=is_quiet)
        self._reread()

    def _closed(self, _: CloseEvent) -> None:
        self.is_closed = True
        self._silence.close()

    def _change(self, *, is_quiet: bool) -> None:
        """Change the session from the active to the wanted settings."""
        if self.is_closed:
            return
        listeners = self._own.within(apply.speech_to_text(self.session))
        plan = changes.make_plan(
            self._active, self._wanted(), self._own, listeners, is_quiet=is_quiet
        )
        with _refusals():
            apply.change_listener(self.session, self._own, plan)
        if not plan.waits:
            self._silence.listens_with(plan.values)
        if plan.reconnects:
            # For all requests made meanwhile: one new connection, for the last of them.
            self._silence.postpone()
        # The VAD first: a turn detector refuses one whose silence is too short.
        self._change_parts(plan.values)
        with _refusals():
            apply.change_options(self.session, plan)
        if plan.detection:
            self._agents_detection = apply.detection_mode(plan.values)
            self._change_detection()
        self._active = plan.values
        self._listener = apply.speech_to_text(self.session)

    def _change_parts(self, values: Values) -> None:
        is_answering = self.session.agent_state in _ANSWERING
        self._waits_for_agent = False
        for part in self._own.parts:
            with _refusals():
                self._waits_for_agent |= apply.change_part(part, values, is_answering=is_answering)

    def _agent_changed(self, event: AgentStateChangedEvent) -> None:
        if self.is_closed or event.new_state in _ANSWERING:
            return
        if self._waits_for_agent:
            self._change_parts(self._active)
        self._reread()

    def _change_detection(self) -> None:
        with _refusals():
            apply.change_detection(self.session, self._agents_detection)
        self._detection = self.session.turn_detection


@contextmanager
def _refusals() -> Iterator[None]:
    """A block in which the SDK may refuse a change."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the call continues
        _logger.warning("AgentSession rejected settings change: %s; call continues", error)


@contextmanager
def _unreadable() -> Iterator[None]:
    """A block that reads objects which an application, or the SDK, may have made unreadable."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, the call continues
        _logger.warning("settings not read back: %s; call continues", error)


def _next_call(path: str, resolved: Settings) -> Problem:
    message = "cannot change in a running call; it takes effect on the next one"
    return Problem("next-call", message, path, resolved.origins[path])
