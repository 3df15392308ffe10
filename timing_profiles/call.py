"""One call: wait for the caller, resolve what it asks for, build the session's parts."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

from livekit import rtc
from livekit.agents import AutoSubscribe, JobContext, inference, room_io, stt, tts, vad
from livekit.protocol.agent import JobType

from timing_profiles import in_force, parts, request
from timing_profiles.caller import CallerMissing, EarlyAudio, wait_for_caller
from timing_profiles.problems import Problem, quoted
from timing_profiles.request import PROFILE_ATTRIBUTE, Request
from timing_profiles.settings import Settings

CALLER_TIMEOUT = 300.0
"""Seconds to wait for a caller where `CALLER_TIMEOUT` says nothing: the room's empty time-out."""

# Seconds from the caller's arrival after which early audio waits for the session no longer.
_SESSION_STARTS = 3.0

REVISION_ATTRIBUTE = "timing.revision"
PROBLEMS_ATTRIBUTE = "timing.problems"

_logger = logging.getLogger("timing_profiles")


class Timing:
    """The timing of one call.

    Attributes:
        caller: The participant that the call is configured for, and listens to.
        settings: Every value, and where it came from.
    """

    def __init__(self, caller: rtc.RemoteParticipant, settings: Settings) -> None:
        """Keep what `for_call` resolved."""
        self.caller = caller
        self.settings = settings

    @property
    def profile(self) -> str:
        """The profile in force."""
        return self.settings.profile

    @property
    def revision(self) -> str:
        """The revision of the profiles that the call began with; it keeps it to its end."""
        return self.settings.revision

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What of the requests was left out, and why."""
        return self.settings.problems

    def session_kwargs(self, **yours: Any) -> dict[str, Any]:
        """The keyword arguments of `AgentSession`.

        Args:
            **yours: Arguments of `AgentSession` that the application sets itself. They win, and no
                default is built for them; `turn_handling` is merged key by key. With a realtime
                `llm`, what would switch off its own turn detection is left out, and so are
                speech-to-text, text-to-speech and VAD, which it has itself.

        Returns:
            Fresh and plain each time: the SDK changes what it is given.
        """
        if isinstance(yours.get("llm"), str):
            yours["llm"] = inference.llm_from_model_string(yours["llm"])
        realtime = parts.is_realtime(yours.get("llm"))
        handling = yours.pop("turn_handling", {})
        built = {} if realtime else {"stt": self.stt, "tts": self.tts, "vad": self.vad}
        return {
            **parts.section(self.settings.values, "session"),
            **{name: build() for name, build in built.items() if name not in yours},
            **yours,
            "turn_handling": parts.turn_handling(self.settings.values, handling, realtime=realtime),
        }

    def stt(self, **extra: Any) -> stt.STT[Any]:
        """The speech-to-text; `extra` are further arguments of the plugin, such as `keyterm`."""
        return parts.speech_to_text(self.settings.values, **extra)

    def tts(self, **extra: Any) -> tts.TTS[Any]:
        """The text-to-speech; `extra` are further arguments of the plugin, such as `model`."""
        return parts.text_to_speech(self.settings.values, **extra)

    def vad(self, **extra: Any) -> vad.VAD:
        """The voice activity detector; `extra` are further arguments of `inference.VAD`."""
        return parts.voice_activity(self.settings.values, **extra)

    def room_options(self, **yours: Any) -> room_io.RoomOptions:
        """Room options that make the session listen to the caller; `yours` win."""
        return room_io.RoomOptions(**{"participant_identity": self.caller.identity, **yours})


async def for_call(
    ctx: JobContext,
    *,
    identity: str | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - the limit ends the job, not this coroutine
    profile: str | None = None,
) -> Timing:
    """Connect, wait for the caller, and resolve its timing against the profiles in force.

    Args:
        ctx: The job. It may be connected already; then pre-connect audio may be lost.
        identity: The caller's identity, where the application knows it. A publisher job waits for
            its own participant.
        timeout: Seconds to wait; `CALLER_TIMEOUT` of the environment, else 300.
        profile: A profile for callers who ask for none: the lowest layer.

    Raises:
        asyncio.CancelledError: There is no caller, or no room. The job is shutting down, quietly.
    """
    if ctx.is_fake_job():
        return _console(ctx, profile)
    try:
        early = await _connect(ctx)
        caller = await wait_for_caller(
            ctx.room,
            identity=identity or _publisher(ctx),
            seconds=_caller_timeout() if timeout is None else timeout,
        )
    except (CallerMissing, rtc.ConnectError) as missing:
        _logger.info("no call: %s", missing)
        ctx.shutdown(str(missing))
        raise asyncio.CancelledError(str(missing)) from None
    timing = Timing(caller, in_force.settle(_requests(ctx, caller, profile)))
    if early:
        # A session that takes no recordings must not make its callers wait for ever.
        asyncio.get_running_loop().call_later(_SESSION_STARTS, early.release)
    _end_with_caller(ctx, caller)
    _announce(ctx, timing.settings)
    return timing


async def _connect(ctx: JobContext) -> EarlyAudio | None:
    if ctx.room.isconnected():
        return None
    early = EarlyAudio(ctx.room)
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    early.connected()
    return early


def _console(ctx: JobContext, profile: str | None) -> Timing:
    # The console has mocks for the room and for everyone in it.
    caller = next(iter(ctx.room.remote_participants.values()))
    settings = in_force.settle([Request("application", profile)])
    _log(settings)
    return Timing(caller, settings)


def _publisher(ctx: JobContext) -> str | None:
    return ctx.job.participant.identity if ctx.job.type == JobType.JT_PUBLISHER else None


def _caller_timeout() -> float:
    return float(os.environ.get("CALLER_TIMEOUT") or CALLER_TIMEOUT)


def _requests(ctx: JobContext, caller: rtc.RemoteParticipant, profile: str | None) -> list[Request]:
    """What each layer asks for, the lowest one first."""
    return [
        Request("application", profile),
        request.read(ctx.room.metadata, "room"),
        request.read(ctx.job.metadata, "dispatch"),
        Request("participant", caller.attributes.get(PROFILE_ATTRIBUTE) or None),
        request.read(caller.metadata, "participant"),
    ]


def _end_with_caller(ctx: JobContext, caller: rtc.RemoteParticipant) -> None:
    """End the job if the caller leaves before the session is linked to it.

    A session waits for ever for a participant who has gone. Once linked, it closes by itself.
    """
    setting_up = asyncio.current_task()

    def left(participant: rtc.RemoteParticipant) -> None:
        if participant.identity == caller.identity and not _is_linked(ctx, caller):
            _logger.info("no call: the caller left while the call was set up")
            _end(ctx, setting_up)

    ctx.room.on("participant_disconnected", left)
    if caller.identity not in ctx.room.remote_participants:
        left(caller)


def _end(ctx: JobContext, setting_up: asyncio.Task[None] | None) -> None:
    if setting_up is None or setting_up.done():
        ctx.shutdown("the caller left")
    else:
        # In this order: a job that shuts down takes its entrypoint's cancellation for its own.
        setting_up.add_done_callback(lambda _: ctx.shutdown("the caller left"))
        setting_up.cancel("the caller left")


def _is_linked(ctx: JobContext, caller: rtc.RemoteParticipant) -> bool:
    try:
        linked = ctx.primary_session.room_io.linked_participant
    except RuntimeError:
        return False
    return linked is not None and linked.identity == caller.identity


def _announce(ctx: JobContext, settings: Settings) -> None:
    """Say what is in force: to the room, to the log of the job, and in one line."""
    ctx.log_context_fields = {
        **ctx.log_context_fields,
        "timing_profile": settings.profile,
        "timing_revision": settings.revision,
    }
    _log(settings)
    codes = dict.fromkeys(problem.code for problem in settings.problems)
    attributes = {PROFILE_ATTRIBUTE: settings.profile, REVISION_ATTRIBUTE: settings.revision}
    if codes:
        attributes[PROBLEMS_ATTRIBUTE] = ",".join(codes)
    task = asyncio.create_task(_set_attributes(ctx.room, attributes))
    _announcements.add(task)
    task.add_done_callback(_announcements.discard)


_announcements: set[asyncio.Task[None]] = set()


async def _set_attributes(room: rtc.Room, attributes: dict[str, str]) -> None:
    try:
        await room.local_participant.set_attributes(attributes)
    except Exception as error:  # noqa: BLE001 - the SDK raises bare Exceptions; a call goes on
        _logger.warning("the attributes of the agent could not be set: %s", error)


def _log(settings: Settings) -> None:
    changes = "; ".join(
        f"{path} {quoted(settings.values[path])} ({settings.origins[path]})"
        for path in settings.changed
    )
    _logger.info(
        "call with profile %s, revision %s: %s",
        settings.profile,
        settings.revision,
        changes or "nothing differs from default",
    )
    for problem in settings.problems:
        _logger.warning("left out (%s): %s", problem.code, str(problem).replace("\n  ", "; "))
