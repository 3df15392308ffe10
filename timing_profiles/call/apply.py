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

from timing_profiles.call import sdk_arguments, sdk_internals
from timing_profiles.turns.fields import (
    DETECTION,
    ENGINE,
    FLUX_EAGER,
    FLUX_EOT,
    FLUX_EOT_TIMEOUT,
    INTERRUPTION,
    PREEMPTIVE,
    VAD_DEACTIVATION,
    VAD_SILENCE,
    Values,
    number,
)

NEXT_CALL = frozenset(
    {
        f"{INTERRUPTION}.mode",
        f"{INTERRUPTION}.backchannel_boundary",
        "session.aec_warmup_duration",
    }
)
"""What the SDK reads once, when a session starts."""

_DETECTOR = "turn_detector"
_ENDPOINTING = "turn_handling.endpointing"
_OPTIONS = (f"{INTERRUPTION}.", f"{PREEMPTIVE}.", "turn_handling.user_turn_limit.", "session.")
_DEACTIVATION = VAD_DEACTIVATION.removeprefix("vad.")
_IN_BAND = frozenset({FLUX_EOT, FLUX_EAGER, FLUX_EOT_TIMEOUT, "stt.flux.language_hint"})

# What belongs together where speech-to-text ends the turns. The VAD's silence is held to what the
# detection until then needs.
_WITH_HEARING = (DETECTION, "turn_handling.endpointing.", VAD_SILENCE)


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

    def changed(self, now: Values) -> set[str]:
        """The fields that it has to be told; the application's own arguments stay."""
        paths = changed(self.values, now)
        return {path for path in paths if path.rpartition(".")[2] not in self.extra}


@dataclass(slots=True)
class Own:
    """What of a session the settings decide; the rest is the application's, and stays as it is.

    Attributes:
        parts: The parts that were built from the settings.
        given: The fields and sections that the application has given itself, by dotted path.
        detection: How turns are detected by agents that do not say it themselves; None for as the
            session was made.
    """

    parts: list[Part] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    detection: Any = None

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
    # The VAD first: a turn detector refuses one whose silence is too short.
    for part in own.parts:
        _change_part(part, now)
    paths = {path for path in changed(was, now) if own.decides(path)}
    _change_options(session, now, paths)
    if DETECTION in paths or (now[DETECTION] == _DETECTOR and _keys(paths, _DETECTOR)):
        is_detector = now[DETECTION] == _DETECTOR
        own.detection = sdk_arguments.turn_detector(now) if is_detector else now[DETECTION]
        detection(session, own)


def detection(session: AgentSession[Any], own: Own) -> None:
    """Tell the agent that runs now how turns are detected, unless it says so itself."""
    agent = sdk_internals.current_agent(session)
    if own.detection is not None and not (agent and is_given(agent.turn_detection)):
        session.update_options(turn_detection=own.detection)


def awaits_silence(session: AgentSession[Any], own: Own, now: Values) -> bool:
    """Whether speech-to-text needs a new connection, which would lose the words in flight."""
    part = own.part(speech_to_text(session))
    return part is not None and bool(_not_in_band(part, now))


def hearing(session: AgentSession[Any], own: Own, now: Values) -> None:
    """Change the speech-to-text.

    Args:
        session: The session.
        own: What of it is ours.
        now: The settings from now on.
    """
    part = own.part(speech_to_text(session))
    if part is None:
        return
    paths = _heard(part, now)
    if ENGINE in paths or (isinstance(part.built, deepgram.STTv2) and _not_in_band(part, now)):
        _listen_with_another(session, own, part, now)
    elif paths:
        # Noted first: what the plugin refuses is not tried again and again.
        part.values = now
        part.built.update_options(**_told(now, paths, f"stt.{now[ENGINE]}"))


def until_heard(was: Values, now: Values) -> Values:
    """What may change before the speech-to-text does.

    Where speech-to-text ends the turns, the new delays fit only the new one: with the old one, a
    pause could end the caller's sentence.
    """
    if now[DETECTION] != "stt":
        return now
    waiting = {path: was[path] for path in now if path.startswith(_WITH_HEARING)}
    return {**now, **waiting}


def speech_to_text(session: AgentSession[Any]) -> stt.STT[Any] | None:
    """What listens now: an agent's own goes before the session's."""
    agent = sdk_internals.current_agent(session)
    return agent.stt if agent and is_given(agent.stt) else session.stt


def _change_part(part: Part, now: Values) -> None:
    if isinstance(part.built, inference.VAD):
        told = _told(now, part.changed(now), "vad")
        if told and _DEACTIVATION not in part.extra:
            # What `auto` stands for follows the activation threshold; the VAD works it out once.
            own = {f"vad.{key}": value for key, value in part.extra.items()}
            told[_DEACTIVATION] = number({**now, **own}, VAD_DEACTIVATION)
    elif isinstance(part.built, deepgram.TTS):
        told = _told(now, part.changed(now), "tts")
    else:
        return
    part.values = now
    if told:
        part.built.update_options(**told)


def _change_options(session: AgentSession[Any], now: Values, paths: AbstractSet[str]) -> None:
    endpointing = _told(now, paths, _ENDPOINTING)
    if endpointing:
        sdk_internals.write_endpointing(session, endpointing)
    others = {path: now[path] for path in paths - NEXT_CALL if path.startswith(_OPTIONS)}
    sdk_internals.write_options(session, others)


def _heard(part: Part, now: Values) -> set[str]:
    """The fields that a speech-to-text has to be told."""
    engine = now[ENGINE]
    return {p for p in part.changed(now) if p == ENGINE or p.startswith(f"stt.{engine}.")}


def _not_in_band(part: Part, now: Values) -> set[str]:
    """Those that Flux cannot be told over the connection that it has: `auto`, and no numbers."""
    paths = _heard(part, now)
    if not isinstance(part.built, deepgram.STTv2):
        return paths
    return {path for path in paths if path not in _IN_BAND or now[path] in (None, "auto")}


def _listen_with_another(session: AgentSession[Any], own: Own, part: Part, now: Values) -> None:
    agent = sdk_internals.current_agent(session)
    if agent is None:
        return
    try:
        another = sdk_arguments.speech_to_text(now, **part.extra)
    except (TypeError, ValueError):  # the application's arguments are not for this engine
        part.values = now
        raise
    own.parts.append(Part(another, part.extra, now))
    agent.update_options(stt=another)


def _told(now: Values, paths: AbstractSet[str], section: str) -> Any:
    """The keyword arguments of a section that have changed."""
    return {key: now[f"{section}.{key}"] for key in _keys(paths, section)}


def _keys(paths: AbstractSet[str], section: str) -> set[str]:
    return {path.removeprefix(f"{section}.") for path in paths if path.startswith(f"{section}.")}
