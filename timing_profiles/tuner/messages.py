"""Convert the events of an agent's session to the messages that the page reads."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from livekit.protocol.agent_pb import agent_session

Event = agent_session.AgentSessionEvent
Message = dict[str, Any]

_SECOND = 10**9  # nanoseconds; a division of integers loses none of them
_INTERRUPTION = "interruption"


def of(event: Event) -> Message | None:
    """Return the message of an event; None for one that the page does not show.

    `at` is when it happened by the agent's clock, `received` is now by this process's.

    Args:
        event: One event of a session.
    """
    name = event.WhichOneof("event")
    convert = _CONVERSIONS.get(name or "")
    content = convert(getattr(event, name)) if convert and name else None
    if content is None:
        return None
    at = event.created_at.ToNanoseconds() / _SECOND if event.HasField("created_at") else None
    return {**content, "at": at, "received": time.time()}


def now(kind: str, **content: Any) -> Message:
    """Return a message about an observation of this process."""
    return {"type": kind, **content, "received": time.time()}


def _agent_state(event: Any) -> Message:
    return {"type": "agent_state", "state": _name(agent_session.AgentState, event.new_state)}


def _user_state(event: Any) -> Message:
    return {"type": "user_state", "state": _name(agent_session.UserState, event.new_state)}


def _prediction(event: Any) -> Message:
    return {
        "type": "prediction",
        "probability": _short(event.probability),
        "threshold": _short(event.threshold),
        "delay": event.delay.ToNanoseconds() / _SECOND,
        "inference": event.inference_duration.ToNanoseconds() / _SECOND,
    }


def _transcript(event: Any) -> Message:
    return {"type": "transcript", "text": event.transcript, "final": event.is_final}


def _said(event: Any) -> Message | None:
    if event.item.WhichOneof("item") != "message":
        return None
    said = event.item.message
    role = _ROLES.get(said.role)
    if role is None:
        return None
    text = "\n".join(part.text for part in said.content if part.text)
    return {"type": "said", "role": role, "text": text, "interrupted": said.interrupted}


def _overlap(event: Any) -> Message | None:
    return {"type": _INTERRUPTION, "kind": "overlap"} if event.is_interruption else None


def _false_interruption(event: Any) -> Message:
    kind = "false-resumed" if event.resumed else "false-lost"
    return {"type": _INTERRUPTION, "kind": kind}


def _error(event: Any) -> Message:
    return {"type": "error", "message": event.message}


_ROLES = {agent_session.ASSISTANT: "assistant", agent_session.USER: "user"}

_CONVERSIONS: Mapping[str, Callable[[Any], Message | None]] = {
    "agent_state_changed": _agent_state,
    "user_state_changed": _user_state,
    "eot_prediction": _prediction,
    "user_input_transcribed": _transcript,
    "conversation_item_added": _said,
    "overlapping_speech": _overlap,
    "agent_false_interruption": _false_interruption,
    "error": _error,
}


def names() -> tuple[str, ...]:
    """Return the events that have a message."""
    return tuple(_CONVERSIONS)


def _name(enumeration: Any, value: int) -> str:
    """Return the word of a state: `listening` for `AS_LISTENING`."""
    name: str = enumeration.Name(value)
    return name.partition("_")[2].lower()


def _short(number: float) -> float:
    """Return a number of 32 bits as it was meant: 0.36, not 0.36000001430511475."""
    return float(f"{number:.7g}")
