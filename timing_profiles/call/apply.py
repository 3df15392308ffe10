"""A plan -> a session that runs already, as far as the SDK can change it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from livekit.agents import AgentSession, inference, stt
from livekit.agents.utils import is_given
from livekit.plugins import deepgram

from timing_profiles.call import announce, sdk_arguments, sdk_internals
from timing_profiles.call.changes import DETECTOR, ENDPOINTING, Own, Part, Plan
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    INTERRUPTION,
    PREEMPTIVE,
    VAD_DEACTIVATION,
    Values,
    number,
)

_DEACTIVATION = VAD_DEACTIVATION.removeprefix("vad.")
_OPTIONS = (f"{INTERRUPTION}.", f"{PREEMPTIVE}.", "turn_handling.user_turn_limit.", "session.")


def change_parts(own: Own, values: Values) -> None:
    """Change the VAD and the text-to-speech."""
    for part in own.parts:
        _change_part(part, values)


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
    """Change how turns are detected, unless the agent that runs sets it itself."""
    agent = sdk_internals.current_agent(session)
    if not (agent and is_given(agent.turn_detection)):
        session.update_options(turn_detection=mode)


def change_listener(session: AgentSession[Any], own: Own, plan: Plan) -> None:
    """Change the speech-to-text that listens."""
    part = own.part(speech_to_text(session))
    if part is None:
        return
    if plan.replaces:
        _replace(session, own, part, plan.values)
    elif plan.listener:
        # Noted first: what the plugin refuses is not tried again and again.
        part.values = plan.values
        section = f"stt.{plan.values[ENGINE]}"
        part.built.update_options(**_arguments(plan.values, plan.listener, section))


def speech_to_text(session: AgentSession[Any]) -> stt.STT[Any] | None:
    """Return what listens now: an agent's own goes before the session's."""
    agent = sdk_internals.current_agent(session)
    return agent.stt if agent and is_given(agent.stt) else session.stt


def _change_part(part: Part, values: Values) -> None:
    if isinstance(part.built, inference.VAD):
        arguments = _arguments(values, part.changed(values), "vad")
        if arguments and _DEACTIVATION not in part.extra:
            # What `auto` stands for follows the activation threshold; the VAD works it out once.
            own = {f"vad.{key}": value for key, value in part.extra.items()}
            arguments[_DEACTIVATION] = number({**values, **own}, VAD_DEACTIVATION)
    elif isinstance(part.built, deepgram.TTS):
        arguments = _arguments(values, part.changed(values), "tts")
    else:
        return
    part.values = values
    if arguments:
        part.built.update_options(**arguments)


def _replace(session: AgentSession[Any], own: Own, part: Part, values: Values) -> None:
    agent = sdk_internals.current_agent(session)
    if agent is None:
        return
    extra, problems = sdk_arguments.accepted(values, "stt", part.extra)
    announce.log_problems(problems)
    try:
        another = sdk_arguments.speech_to_text(values, **extra)
    except (TypeError, ValueError):  # a value of the application's is not for this engine
        part.values = values
        raise
    own.parts.append(Part(another, part.extra, values))
    agent.update_options(stt=another)


def _arguments(values: Values, paths: Iterable[str], section: str) -> Any:
    """The keyword arguments of a section that change."""
    prefix = f"{section}."
    return {path.removeprefix(prefix): values[path] for path in paths if path.startswith(prefix)}
