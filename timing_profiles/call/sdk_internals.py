"""Every use of private or undocumented parts of LiveKit's SDK, and differences of its releases.

`tests/sdk/contracts.py` has a contract for each use that names what breaks when it changes;
`make drift` runs them against the newest release.

Each guard tests for the feature, not for a version: a fork or a development build has no number
that could be compared. The lowest supported release is 1.8.0. Sessions build on 1.6.10 too, but
below 1.8.0, where speech-to-text ends the turns, `min_delay` counts from the VAD's end of speech:
the wait would be shorter than in the profile. No guard can change that.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    JobContext,
    Plugin,
    WorkerOptions,
    inference,
    llm,
    stt,
    tts,
)
from livekit.agents.job import DEFAULT_PARTICIPANT_KINDS
from livekit.agents.types import ATTRIBUTE_PUBLISH_ON_BEHALF, NOT_GIVEN
from livekit.agents.utils import is_given
from livekit.agents.voice.room_io import RoomIO
from livekit.agents.voice.room_io.types import (
    DEFAULT_CLOSE_ON_DISCONNECT_REASONS,
    RoomOptions,
)
from livekit.local_inference import VAD_WINDOW_SAMPLES
from livekit.plugins import deepgram
from livekit.protocol.agent import JobType
from livekit.rtc._proto.track_pb2 import AudioTrackFeature
from livekit.rtc.room import EventTypes

CALLER_KINDS = frozenset(DEFAULT_PARTICIPANT_KINDS)
"""The kinds of participants that a session listens to."""

ENDS_THE_CALL = frozenset(DEFAULT_CLOSE_ON_DISCONNECT_REASONS)
"""The reasons of a disconnection after which a session closes."""

PUBLISHES_FOR = ATTRIBUTE_PUBLISH_ON_BEHALF
"""The attribute of an avatar that names the agent it publishes for."""

PRE_CONNECT_TOPIC = "lk.agent.pre-connect-audio-buffer"
"""The byte stream on which LiveKit's clients send speech from before the agent was there."""

RoomEvent = EventTypes
Stream = Callable[[rtc.ByteStreamReader, str], None]
Run = Callable[..., Awaitable[None]]

_NOT_REGISTERED = "unregistered"  # the id of a server before LiveKit names it
_FALSE_ALARM = "pre-connect audio handler registered after"
_GIVEN = "_timing_profiles_given"  # on room options of ours: their arguments
_DETECTION = "turn_handling.turn_detection"

_OF_SESSION = {"turn_detector": "turn_detection", "realtime": "llm"}

# livekit-agents has DuplexModel since 1.8.1.
_REALTIME_MODELS = (llm.RealtimeModel, getattr(llm, "DuplexModel", llm.RealtimeModel))


# --- jobs and rooms


def publisher(ctx: JobContext) -> str | None:
    """Return the identity of the participant that a publisher job is for."""
    return ctx.job.participant.identity if ctx.job.type == JobType.JT_PUBLISHER else None


def primary_session(ctx: JobContext) -> AgentSession[Any] | None:
    """Return the first session that was started in a job; None before that."""
    try:
        return ctx.primary_session
    except RuntimeError:
        return None


def sessions(ctx: JobContext) -> list[AgentSession[Any]]:
    """Return the sessions of a job that run in its room, and the first one that was started."""
    found = [io._agent_session for io in _in_room(ctx)]  # noqa: SLF001
    first = primary_session(ctx)
    return found if first is None or first in found else [*found, first]


def linked(ctx: JobContext) -> set[str]:
    """Return the identities of the participants that the sessions of a job listen to."""
    participants = (io.linked_participant for io in _in_room(ctx))
    return {participant.identity for participant in participants if participant}


def is_in_room(session: AgentSession[Any]) -> bool:
    """Return whether a session was started in a room."""
    return session._room_io is not None  # noqa: SLF001


def listen_to(session: AgentSession[Any], identity: str) -> None:
    """Make a session listen to a participant, where it runs in a room and was told no other one."""
    io = session._room_io  # noqa: SLF001
    if io and not is_given(io._options.participant_identity):  # noqa: SLF001
        io.set_participant(identity)


def _in_room(ctx: JobContext) -> list[RoomIO]:
    """Return the ends of the sessions in a job's room: each listens for departures there."""
    if ctx.is_fake_job():  # the console has a mock in the place of the room
        return []
    handlers = list(ctx.room._events.get("participant_disconnected", ()))  # noqa: SLF001
    owners = (getattr(handler, "__self__", None) for handler in handlers)
    return [owner for owner in owners if isinstance(owner, RoomIO)]


def room_options(given: Mapping[str, Any]) -> RoomOptions:
    """Return room options; former options that `AgentSession.start` gets besides are kept.

    Args:
        given: Arguments of `RoomOptions`; they win.
    """
    _keep_former_options()
    options = RoomOptions(**given)
    vars(options)[_GIVEN] = given
    return options


@functools.cache
def _keep_former_options() -> None:
    # The SDK drops them with a warning that does not mention it.
    ensure = RoomOptions._ensure_options  # noqa: SLF001

    def ensure_options(options: Any = NOT_GIVEN, **former: Any) -> RoomOptions:
        former = {name: value for name, value in former.items() if is_given(value)}
        given = vars(options).get(_GIVEN) if isinstance(options, RoomOptions) else None
        if not former or given is None:
            return ensure(options, **former)
        merged = ensure(NOT_GIVEN, **former)
        for name, value in given.items():
            setattr(merged, name, value)
        return merged

    setattr(RoomOptions, "_ensure_options", staticmethod(ensure_options))  # noqa: B010


def is_recorded(publication: rtc.RemoteTrackPublication) -> bool:
    """Return whether a client records a track until the agent subscribes to it."""
    return AudioTrackFeature.TF_PRECONNECT_BUFFER in publication.audio_features


def taken_sources(room: rtc.Room) -> Mapping[str, set[int]] | None:
    """Return which sources of tracks the sessions in a room take, by the participant's identity.

    None where the application has a handler for the tracks of all participants.
    """
    taken: dict[str, set[int]] = {}
    for handler in list(room._events.get("track_subscribed", ())):  # noqa: SLF001
        stream = getattr(handler, "__self__", None)
        # A stream of a session; the arguments of any other handler are unknown.
        sources = getattr(stream, "_accepted_sources", None)
        if sources is None:
            return None
        identity = getattr(stream, "_participant_identity", None)
        if identity is not None:
            taken.setdefault(identity, set()).update(sources)
    return taken


def intercept_recordings(room: rtc.Room, keep: Stream, taken: Callable[[Stream], Stream]) -> None:
    """Receive pre-connect recordings until a session registers for them.

    An application that has registered its own handler keeps them, as it would beside a session.

    Args:
        room: The room, not connected yet.
        keep: Called with each recording until then.
        taken: Called once with the session's handler; returns the one that is registered for it.
    """
    register = room.register_byte_stream_handler

    def hand_over(topic: str, handler: Stream) -> None:
        if topic != PRE_CONNECT_TOPIC:
            register(topic, handler)
            return
        setattr(room, "register_byte_stream_handler", register)  # noqa: B010
        room.unregister_byte_stream_handler(topic)
        register(topic, taken(handler))

    try:
        register(PRE_CONNECT_TOPIC, keep)
    except ValueError:
        return
    # On this one room, registering for the topic now means: hand over.
    setattr(room, "register_byte_stream_handler", hand_over)  # noqa: B010
    logging.getLogger("livekit.agents").addFilter(_is_no_false_alarm)


def _is_no_false_alarm(record: logging.LogRecord) -> bool:
    # The SDK warns that a recording may have been lost; it was kept.
    return _FALSE_ALARM not in str(record.msg)


# --- sessions and agents


def current_agent(session: AgentSession[Any]) -> Agent | None:
    """Return the agent that a session runs; None before it has started."""
    try:
        return session.current_agent
    except RuntimeError:
        return None


def own_delays(agent: Agent | None) -> dict[str, float]:
    """Return the endpointing delays that an agent sets."""
    if agent is None:
        return {}
    delays = {"min_delay": agent.min_endpointing_delay, "max_delay": agent.max_endpointing_delay}
    return {key: delay for key, delay in delays.items() if is_given(delay)}


def read_option(session: AgentSession[Any], path: str) -> Any:
    """Return the value that a session has of a field of `turn_handling` or `session`.

    Args:
        session: The session.
        path: The dotted field, such as `turn_handling.endpointing.min_delay`.
    """
    if path == _DETECTION:
        return session.turn_detection
    section, _, key = path.rpartition(".")
    if section == "session":
        return getattr(session.options, key)
    handling: Any = session.options.turn_handling
    return handling[section.rpartition(".")[2]].get(key)


def agents_own(agent: Agent | None) -> dict[str, Any]:
    """Return the fields that an agent sets, and that the SDK reads from it, by dotted path.

    Other keys in the `turn_handling` of an agent are not read.
    """
    if agent is None:
        return {}
    handling: Any = agent._turn_handling  # noqa: SLF001
    own = {
        f"turn_handling.{section}.{key}": value
        for section in ("endpointing", "preemptive_generation")
        for key, value in (handling.get(section) or {}).items()
    }
    others = {
        _DETECTION: agent.turn_detection,
        "turn_handling.interruption.enabled": agent.allow_interruptions,
        "turn_handling.interruption.mode": agent.interruption_detection,
        "session.min_consecutive_speech_delay": agent.min_consecutive_speech_delay,
    }
    return {**own, **{path: value for path, value in others.items() if is_given(value)}}


def acting_part(session: AgentSession[Any], name: str) -> Any:
    """Return the part that acts: an agent's own goes before the session's; None for none.

    Args:
        session: The session.
        name: `stt`, `tts`, `vad`, `llm`, `turn_detector` or `realtime`: an LLM that is one.
    """
    of_session = _OF_SESSION.get(name, name)
    agent = current_agent(session)
    own = getattr(agent, of_session) if agent else NOT_GIVEN
    part = own if is_given(own) else getattr(session, of_session)
    if isinstance(part, str):  # a way of detecting turns, which has no options
        return None
    return part if name != "realtime" or is_realtime(part) else None


def members(part: Any) -> tuple[Any, ...]:
    """Return the parts that an adapter stands for, the first one first; else the object.

    Args:
        part: Speech-to-text, text-to-speech or VAD; None for none.
    """
    inner: Sequence[Any] = ()
    if isinstance(part, stt.FallbackAdapter):
        inner = part._stt_instances  # noqa: SLF001
    elif isinstance(part, tts.FallbackAdapter):
        inner = part._tts_instances  # noqa: SLF001
    elif isinstance(part, stt.StreamAdapter | stt.MultiSpeakerAdapter):
        inner = (part.wrapped_stt,)
    elif isinstance(part, tts.StreamAdapter):
        inner = (part._wrapped_tts,)  # noqa: SLF001
    elif part is not None:
        return (part,)
    return tuple(leaf for each in inner for leaf in members(each))


def stored_option(part: Any, name: str, missing: Any) -> Any:
    """Return an option that a part has stored; LiveKit's plugins have no way to ask for it.

    Args:
        part: Speech-to-text, text-to-speech, VAD, a turn detector or a realtime model.
        name: The name, dotted where it lies within another one.
        missing: The value to return where it is not there, or not set.
    """
    if not hasattr(part, "_opts"):
        # The detectors of the plugin `turn_detector` have an attribute for each option.
        return getattr(part, f"_{name}")
    value = part._opts  # noqa: SLF001
    for key in name.split("."):
        value = value.get(key, missing) if isinstance(value, dict) else getattr(value, key, missing)
        if value is missing or not is_given(value):
            return missing
    return value


def write_stored(part: Any, arguments: Mapping[str, Any]) -> None:
    """Change options of a part that has no way to change them, and reads them at each use.

    Args:
        part: A turn detector of the plugin `turn_detector`, or a realtime model of Google, which
            reads them when a session starts.
        arguments: The options, by name.
    """
    holder, prefix = (part._opts, "") if hasattr(part, "_opts") else (part, "_")  # noqa: SLF001
    for name, value in arguments.items():
        if not hasattr(holder, prefix + name):
            raise AttributeError(f"{type(part).__name__} has no {name} any more")
        setattr(holder, prefix + name, value)


def has_started(model: Any) -> bool:
    """Return whether a realtime model has a session, which has read its options."""
    return bool(getattr(model, "_sessions", ()))


def write_options(session: AgentSession[Any], changes: Mapping[str, Any]) -> None:
    """Change options of a running session that it has no method for.

    Args:
        session: The session.
        changes: Fields of `turn_handling` but its endpointing, and of `session`, by dotted path.
    """
    handling: Any = session.options.turn_handling
    for path, value in changes.items():
        section, _, key = path.rpartition(".")
        if section == "session":
            setattr(session.options, key, value)
        else:
            handling[section.rpartition(".")[2]][key] = value


def write_endpointing(session: AgentSession[Any], changes: Mapping[str, Any]) -> None:
    """Change the endpointing of a session; the agent that runs keeps the delays that it sets."""
    options: Any = session.options
    before = [(each, dict(each)) for each in (options.endpointing, options.endpointing_overrides)]
    for_agent: Any = {**changes, **own_delays(current_agent(session))}
    session.update_options(endpointing_opts=for_agent)
    # `update_options` is the only way to the running agent, and writes its delays here as well.
    for each, values in before:
        each.clear()
        each.update(values, **changes)


# --- servers


def wrap_run(server: AgentServer, around: Run) -> None:
    """Have a function called where a server is run: `AgentServer` has no hook around its life.

    Args:
        server: The server; not running yet.
        around: Called with the server's own method, and the arguments that are for it.
    """
    # An attribute shadows the method of any subclass.
    setattr(server, "run", functools.partial(around, server.run))  # noqa: B010


def when_made(options: WorkerOptions, then: Callable[[AgentServer], None]) -> None:
    """Have a function called with the server that `cli.run_app` makes from its options."""
    make = AgentServer.from_server_options

    def from_server_options(given: WorkerOptions) -> AgentServer:
        server = make(given)
        if given is options:
            then(server)
        return server

    # The options name no server; the class makes one, for the command line and in notebooks.
    setattr(AgentServer, "from_server_options", staticmethod(from_server_options))  # noqa: B010


def preload(package: str, release: str, module: str, logger: logging.Logger) -> None:
    """Have a module imported once, before job processes are forked: register it as a plugin."""

    class Preloaded(Plugin):
        def __init__(self) -> None:
            super().__init__(package, release, module, logger)

    Plugin.register_plugin(Preloaded())


def is_registered(server: AgentServer) -> bool:
    """Return whether a server has registered with LiveKit."""
    return server.id != _NOT_REGISTERED


# --- models and releases


def is_realtime(model: Any) -> bool:
    """Return whether a model processes and produces audio."""
    return isinstance(model, _REALTIME_MODELS)


def detects_turns(model: Any) -> bool:
    """Return whether a model detects the ends of the caller's turns."""
    return is_realtime(model) and _can(model, "turn_detection")


def gives_up_turns(model: Any, detection: Any, *, has_vad: bool) -> bool:
    """Return whether a model leaves the turns to the session, as the application asks for it.

    Args:
        model: A realtime model with its own turn detection.
        detection: The `turn_detection` that the application gives; None for none.
        has_vad: Whether the session has a VAD.
    """
    can = getattr(getattr(model, "capabilities", None), "can_disable_turn_detection", False)
    by_client = detection is not None and (detection == "vad" or not isinstance(detection, str))
    return bool(can) and (detection == "manual" or (by_client and has_vad))


def speaks(model: Any) -> bool:
    """Return whether a model needs no text-to-speech."""
    return is_realtime(model) and _can(model, "audio_output")


def _can(model: Any, capability: str) -> bool:
    # A duplex model has no such list: it has audio input, output and turn detection.
    return bool(getattr(getattr(model, "capabilities", None), capability, True))


def llm_from_model_string(model: str) -> Any:
    """Build the model that `AgentSession` builds from the same string."""
    # livekit-agents has it, and model strings of realtime models, since 1.8.3.
    build = getattr(inference, "llm_from_model_string", inference.LLM.from_model_string)
    return build(model)


def unsupported(deepgram_tts: Callable[..., Any]) -> Mapping[str, str]:
    """Find the fields that the SDK has no option for, each with the reason.

    Args:
        deepgram_tts: The constructor of Deepgram's text-to-speech.
    """
    if "speed" in inspect.signature(deepgram_tts).parameters:
        return {}
    plugin = "livekit-plugins-deepgram"
    reason = f"{plugin} {version(plugin)} cannot change the pace: install 1.8.4 or newer"
    return {"tts.speed": reason}


UNSUPPORTED = unsupported(deepgram.TTS)
"""Dotted fields that the installed SDK has no option for: they are off, whatever a profile sets."""


# --- rehearsals


def remember(detector: Any, samples: bytes) -> None:
    """Let the streams of a VAD begin as if they had heard samples, without events of them.

    Args:
        detector: LiveKit's VAD.
        samples: 16-bit mono, 16000 a second; an incomplete window at the beginning is left out.
    """
    sound = memoryview(samples).cast("h")[len(samples) // 2 % VAD_WINDOW_SAMPLES :]
    make = detector.stream

    def stream() -> Any:
        made = make()
        for at in range(0, len(sound), VAD_WINDOW_SAMPLES):
            made._native_vad.predict(sound[at : at + VAD_WINDOW_SAMPLES])  # noqa: SLF001
        return made

    vars(detector)["stream"] = stream


def observe_predictions(detector: Any, note: Callable[[float, float | None], None]) -> None:
    """Observe each probability that a turn detector computes.

    Args:
        detector: The turn detector of a session; anything else computes none.
        note: Called with the probability that the caller has finished, and the threshold below
            which that is unlikely.
    """
    if not isinstance(detector, inference.TurnDetector):
        return
    make = detector.stream

    def stream(**options: Any) -> Any:
        made = make(**options)
        predict = made.predict

        def predicted() -> Any:
            future = predict()
            future.add_done_callback(done)
            return future

        def done(future: Any) -> None:
            if not future.cancelled():
                threshold = detector._opts.thresholds.lookup(None)  # noqa: SLF001
                note(future.result().end_of_turn_probability, threshold)

        vars(made)["predict"] = predicted
        return made

    vars(detector)["stream"] = stream
