"""New settings -> a session that runs already, as far as the SDK can take them.

How each field changes was read in livekit-agents 1.8.9 and livekit-plugins-deepgram 1.8.9.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from livekit.agents import AgentSession, inference, stt
from livekit.agents.utils import is_given
from livekit.plugins import deepgram

from timing_profiles import parts, wait
from timing_profiles.paths import (
    DETECTION,
    ENGINE,
    FLUX_EAGER,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    INTERRUPTION,
    PREEMPTIVE,
    VAD_DEACTIVATION,
    Values,
)

NEXT_CALL = frozenset(
    {
        f"{INTERRUPTION}.mode",
        f"{INTERRUPTION}.backchannel_boundary",
        "session.aec_warmup_duration",
    }
)
"""What the SDK reads once, when a session starts."""

_SPEED = "tts.speed"
_IN_BAND = frozenset({FLUX_EOT, FLUX_EAGER, FLUX_EOT_TIMEOUT, "stt.flux.language_hint"})


@dataclass(slots=True)
class Part:
    """A part of a session that was built from settings.

    Attributes:
        built: The speech-to-text, text-to-speech or VAD.
        extra: The application's own arguments.
        values: The settings that it was last told.
    """

    built: Any
    extra: Mapping[str, Any]
    values: Values


@dataclass(slots=True)
class Own:
    """What of a session the settings decide; the rest is the application's, and stays as it is.

    Attributes:
        parts: The parts that were built from the settings.
        given: The fields and sections that the application has given itself, by dotted path.
    """

    parts: list[Part] = field(default_factory=list)
    given: set[str] = field(default_factory=set)

    def part(self, built: Any) -> Part | None:
        """The part of ours that is this object; None where it is the application's."""
        return next((part for part in self.parts if part.built is built), None)

    def decides(self, path: str) -> bool:
        """Whether the settings decide a field."""
        return not any(path == given or path.startswith(f"{given}.") for given in self.given)


def changed(was: Values, now: Values) -> frozenset[str]:
    """The fields that differ."""
    return frozenset(path for path, value in now.items() if was.get(path) != value)


def at_once(session: AgentSession[Any], own: Own, was: Values, now: Values) -> None:
    """Change what can change while somebody speaks, without cutting a word.

    Args:
        session: The session.
        own: What of it is ours.
        was: The settings until now.
        now: The settings from now on.
    """
    paths = {path for path in changed(was, now) if own.decides(path)}
    # The VAD first: a turn detector refuses one whose silence is too short.
    _change_vad(session, own, now, _keys(paths, "vad"))
    _change_detection(session, now, paths)
    _change_options(session, now, paths)
    if _SPEED in paths and isinstance(session.tts, deepgram.TTS) and own.part(session.tts):
        session.tts.update_options(speed=now[_SPEED])


def hearing(session: AgentSession[Any], own: Own, now: Values, *, is_quiet: bool) -> bool:
    """Change the speech-to-text; a new connection would lose the words in flight.

    Args:
        session: The session.
        own: What of it is ours.
        now: The settings from now on.
        is_quiet: Whether no words are in flight.

    Returns:
        Whether it is done, or nothing was to be done; if not, it waits for the next silence.
    """
    part = own.part(_speech_to_text(session))
    if part is None:
        return True
    engine = now[ENGINE]
    paths = {path for path in changed(part.values, now) if _is_heard(path, engine)}
    if paths and not _told_in_band(part, now, paths):
        if not is_quiet:
            return False
        _reconnect(session, own, part, now, paths)
    part.values = now
    return True


def _change_vad(session: AgentSession[Any], own: Own, now: Values, keys: AbstractSet[str]) -> None:
    if keys and isinstance(session.vad, inference.VAD) and own.part(session.vad):
        told = {key: now[f"vad.{key}"] for key in keys}
        # What `auto` stands for follows the activation threshold; the VAD works it out only once.
        told[VAD_DEACTIVATION.removeprefix("vad.")] = wait.deactivation(now)
        session.vad.update_options(**told)


def _change_detection(session: AgentSession[Any], now: Values, paths: AbstractSet[str]) -> None:
    if now[DETECTION] == "turn_detector":
        if DETECTION in paths or _keys(paths, "turn_detector"):
            session.update_options(turn_detection=parts.turn_detector(now))
    elif DETECTION in paths:
        session.update_options(turn_detection=now[DETECTION])


def _change_options(session: AgentSession[Any], now: Values, paths: AbstractSet[str]) -> None:
    endpointing = _told(now, paths, "turn_handling.endpointing")
    if endpointing:
        session.update_options(endpointing_opts=endpointing)
    options = session.options
    options.interruption.update(_told(now, paths - NEXT_CALL, INTERRUPTION))
    options.preemptive_generation.update(_told(now, paths, PREEMPTIVE))
    limit = "turn_handling.user_turn_limit"
    options.turn_handling["user_turn_limit"].update(_told(now, paths, limit))
    for key, value in _told(now, paths - NEXT_CALL, "session").items():
        setattr(options, key, value)


def _speech_to_text(session: AgentSession[Any]) -> stt.STT[Any] | None:
    """What listens now: an agent's own goes before the session's."""
    own = session.current_agent.stt
    return own if is_given(own) else session.stt


def _is_heard(path: str, engine: str) -> bool:
    return path == ENGINE or path.startswith(f"stt.{engine}.")


def _told_in_band(part: Part, now: Values, paths: AbstractSet[str]) -> bool:
    """Whether Flux could be told over the connection that it has: numbers, but not `auto`."""
    if not isinstance(part.built, deepgram.STTv2) or not paths <= _IN_BAND:
        return False
    if any(now[path] is None or now[path] == "auto" for path in paths):
        return False
    part.built.update_options(**_told(now, paths, "stt.flux"))
    return True


def _reconnect(
    session: AgentSession[Any], own: Own, part: Part, now: Values, paths: AbstractSet[str]
) -> None:
    if isinstance(part.built, deepgram.STT) and ENGINE not in paths:
        part.built.update_options(**_told(now, paths, "stt.nova"))
        return
    another = parts.speech_to_text(now, **part.extra)
    own.parts.append(Part(another, part.extra, now))
    session.current_agent.update_options(stt=another)


def _told(now: Values, paths: AbstractSet[str], section: str) -> Any:
    """The keyword arguments of a section that have changed."""
    return {key: now[f"{section}.{key}"] for key in _keys(paths, section)}


def _keys(paths: AbstractSet[str], section: str) -> set[str]:
    return {path.removeprefix(f"{section}.") for path in paths if path.startswith(f"{section}.")}
