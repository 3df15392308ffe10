"""A plan -> a session that runs already, as far as the SDK can change it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from livekit.agents import AgentSession, stt
from livekit.agents.utils import is_given

from timing_profiles.call import parts, sdk_arguments, sdk_internals
from timing_profiles.call.changes import DETECTOR, ENDPOINTING, Plan
from timing_profiles.call.parts import Own, Part
from timing_profiles.turns.fields import DETECTION, INTERRUPTION, PREEMPTIVE, Values

_OPTIONS = (f"{INTERRUPTION}.", f"{PREEMPTIVE}.", "turn_handling.user_turn_limit.", "session.")


def change_part(part: Part, values: Values, *, is_answering: bool = False) -> bool:
    """Change any part but speech-to-text, which has its own moment.

    Args:
        part: The part.
        values: The settings.
        is_answering: Whether the agent speaks, or is about to. A realtime model refuses another
            pace then.

    Returns:
        Whether a change has to wait until the agent is silent.
    """
    if part.provider is None or part.provider.kind == "stt":
        return False
    paths = part.changed(values)
    waits = frozenset(
        option.field
        for option in part.provider.options
        if is_answering and part.provider.kind == "realtime" and option.live == "next-speech"
    )
    held = {path: part.values[path] for path in waits & paths if path in part.values}
    part.tell({**values, **held}, paths - held.keys())
    return bool(held)


def change_options(session: AgentSession[Any], plan: Plan) -> None:
    """Change the options of a session."""
    endpointing = _arguments(plan.values, plan.options, ENDPOINTING)
    if endpointing:
        sdk_internals.write_endpointing(session, endpointing)
    others = {path: plan.values[path] for path in plan.options if path.startswith(_OPTIONS)}
    sdk_internals.write_options(session, others)


def detection_mode(values: Values) -> Any:
    """Return the way in which turns are detected, as the SDK takes it."""
    is_detector = values[DETECTION] == DETECTOR
    return sdk_arguments.turn_detector(values) if is_detector else values[DETECTION]


def change_detection(session: AgentSession[Any], mode: Any) -> None:
    """Change how turns are detected, unless the active agent sets it."""
    agent = sdk_internals.current_agent(session)
    if not (agent and is_given(agent.turn_detection)):
        session.update_options(turn_detection=mode)


def change_listener(session: AgentSession[Any], own: Own, plan: Plan) -> None:
    """Change the speech-to-text that listens; a new part has the problems of its arguments."""
    part = own.part(speech_to_text(session))
    if plan.replaces and part:
        _replace(session, own, part, plan.values)
        return
    for listener, paths in plan.listeners:
        listener.tell(plan.values, paths)


def speech_to_text(session: AgentSession[Any]) -> stt.STT[Any] | None:
    """Return the active speech-to-text: an agent's own goes before the session's."""
    found: stt.STT[Any] | None = sdk_internals.acting_part(session, "stt")
    return found


def _replace(session: AgentSession[Any], own: Own, part: Part, values: Values) -> None:
    agent = sdk_internals.current_agent(session)
    if agent is None:
        return
    try:
        another, problems = sdk_arguments.built_with(values, "stt", part.extra)
    except (TypeError, ValueError):
        part.values = values
        raise
    own.parts.append(parts.build(another, part.extra, values, problems))
    agent.update_options(stt=another)


def _arguments(values: Values, paths: Iterable[str], section: str) -> Any:
    """The keyword arguments of a section that change."""
    prefix = f"{section}."
    return {path.removeprefix(prefix): values[path] for path in paths if path.startswith(prefix)}
