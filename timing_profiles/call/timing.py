"""One call: wait for the caller, resolve its requests, build the session's parts, follow it."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from livekit import rtc
from livekit.agents import (
    AgentSession,
    AutoSubscribe,
    JobContext,
    llm,
    room_io,
    stt,
    tts,
    vad,
)

from timing_profiles.call import announce, fit, in_force, parts, sdk_arguments, sdk_internals
from timing_profiles.call.caller import CallerMissing, Expected, wait_for_caller
from timing_profiles.call.early_audio import Recordings
from timing_profiles.call.follow_metadata import Following
from timing_profiles.call.live_session import LiveSession
from timing_profiles.call.parts import Own
from timing_profiles.call.requests import Requests
from timing_profiles.call.subscriptions import Subscriptions
from timing_profiles.call.tools import asking_tools
from timing_profiles.handoff import call_reports
from timing_profiles.problems import Problem
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns.fields import DETECTION

CALLER_TIMEOUT = 300.0
"""Seconds to wait for a caller where `CALLER_TIMEOUT` is not set: the room's empty time-out."""

# Seconds in which a caller who was lost may come again: for as long, LiveKit keeps a room that
# everybody has left.
_COMES_AGAIN = 20.0

# Seconds after which a session that was linked is noticed.
_LINKED_WITHIN = 0.2

# Seconds from the caller's arrival after which the line of a call is logged, even if it is not
# known yet what its session takes; once that is known, another line corrects it.
_KNOWN_WITHIN = 0.5

# Seconds from the caller's arrival after which early audio waits for the session no longer.
_SESSION_STARTS = 3.0

_NOT_APPLIED = "not-applied"

_logger = logging.getLogger("timing_profiles")


class Timing:
    """The timing of one call: its requests, resolved against the profiles.

    Args:
        ctx: The job.
        caller: The participant that the call is configured for; None in a call without a wait.
        requests: The requests of the call.
        expected: The participants that may be the caller, in a call without a wait.

    Attributes:
        settings: Every value, and where it came from; of a call that is followed, those of now.
            Once the session runs, what acts: a value that the application sets has the origin
            `application`, and one that nothing takes has the problem `not-applied`.
    """

    def __init__(
        self,
        ctx: JobContext,
        caller: rtc.RemoteParticipant | None,
        requests: Requests,
        expected: Expected | None = None,
    ) -> None:
        self._caller = caller
        self._expected = expected or Expected()
        self._subscriptions: Subscriptions | None = None
        self.settings = self._requested = self._made = requests.resolve()
        self._ctx = ctx
        self._requests = requests
        self._own = Own()
        self._active = self.settings.values
        self._uncounted = False
        self._unlogged = False
        self._line: tuple[tuple[str, Any], ...] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._live: LiveSession | None = None
        self._following: Following | None = None

    @property
    def caller(self) -> rtc.RemoteParticipant:
        """The participant that the call is configured for, and listens to.

        Raises:
            RuntimeError: After `for_call(wait=False)`, no caller has joined yet.
        """
        if self._caller is None:
            raise RuntimeError("there is no caller yet: for_call(wait=False) waits for nobody")
        return self._caller

    @property
    def profile(self) -> str:
        """The active profile."""
        return self.settings.profile

    @property
    def revision(self) -> str:
        """The revision of the profiles that the call began with; it keeps it to its end."""
        return self.settings.revision

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of the requests: the fields that were left out, and why."""
        return self.settings.problems

    def session_kwargs(self, **yours: Any) -> dict[str, Any]:
        """Return the keyword arguments of `AgentSession`.

        Args:
            **yours: Arguments of `AgentSession` that the application sets. They win, and no
                default is built for them; `turn_handling` is merged key by key, and former
                arguments such as `min_endpointing_delay` are moved into it. With a realtime
                `llm`, what would switch off its own turn detection is left out, and so are
                speech-to-text, text-to-speech and VAD, which it includes.

        Returns:
            Fresh and plain each time: the SDK changes what it is given.
        """
        yours, handling = sdk_arguments.without_former(sdk_arguments.with_models(yours))
        requested = self._requested
        if self._live and self._live.is_closed:  # another one begins with what is requested by now
            is_followed = self._following is not None
            requested = self._requested = self._requests.resolve(is_followed=is_followed)
        elif self._live:
            requested = self._live.settings
        of_model = sdk_arguments.of_model(yours, handling)
        values = requested.values
        own = Own(
            self._own.parts,
            frozenset(sdk_arguments.given(yours, handling, realtime=of_model.takes_turns)),
            sdk_arguments.known_values(yours, handling, values),
            sdk_arguments.without_effect(of_model),
        )
        for kind in ("stt", "tts", "vad"):
            own.adopt(yours.get(kind), values)
        own.adopt(sdk_arguments.own_detector(handling), values)
        if of_model.is_realtime:
            own.adopt(yours["llm"], values, sdk_arguments.idle_fields(of_model))
        builders = {"stt": self.stt, "tts": self.tts, "vad": self.vad}
        needed = [kind for kind in of_model.needs if kind not in yours]
        built = {kind: builders[kind]() for kind in sdk_arguments.buildable(needed)}
        instead = self._fitted(own, {**built, **yours}, requested)
        self._own, self._active = own, fit.applied(values, instead)
        self._made = requested
        for part in own.parts:
            # Conflicts with the application's own would keep the session from starting.
            part.tell(self._active, part.changed(self._active))
        instead.update(in_force.taken_by_model(own.by_model, values))
        self._report(fit.with_left_out(fit.corrected(requested, instead), self._own.parts))
        return {
            **sdk_arguments.section(values, "session"),
            **built,
            **yours,
            "turn_handling": sdk_arguments.turn_handling(
                self._active, handling, realtime=of_model.takes_turns
            ),
        }

    def _fitted(
        self, own: Own, arguments: Mapping[str, Any], requested: Settings
    ) -> dict[str, fit.Instead]:
        listener = arguments.get("stt")
        part = own.part(listener)
        is_ours = listener is None or (part is not None and part.is_built)
        return fit.fitted(
            requested,
            {**own.values, **own.on_parts(arguments.get(kind) for kind in ("stt", "vad"))},
            self._requests.default(),
            can_end_turns=is_ours
            or DETECTION in own.by_model
            or parts.ends_turns(own.within(listener), requested.values),
        )

    def stt(self, **extra: Any) -> stt.STT[Any]:
        """Build the speech-to-text; `extra` are arguments of the plugin, such as `keyterm`.

        An argument that the active engine does not take is left out, with a problem.
        """
        built: stt.STT[Any] = self._built("stt", extra)
        return built

    def tts(self, **extra: Any) -> tts.TTS[Any]:
        """Build the text-to-speech; `extra` are arguments of the plugin, such as `model`."""
        built: tts.TTS[Any] = self._built("tts", extra)
        return built

    def vad(self, **extra: Any) -> vad.VAD:
        """Build the voice activity detector; `extra` are arguments of `inference.VAD`."""
        built: vad.VAD = self._built("vad", extra)
        return built

    def room_options(self, **yours: Any) -> room_io.RoomOptions:
        """Return room options that make the session listen to the caller; `yours` win.

        `RoomInputOptions` and `RoomOutputOptions`, which the SDK drops beside `RoomOptions`, are
        kept where they are given to `AgentSession.start` together with these.
        """
        ours: dict[str, Any] = {}
        identity = self._caller.identity if self._caller else self._expected.identity
        if identity:
            ours["participant_identity"] = identity
        # A named caller who is yet to come may be of any kind.
        expected = rtc.ParticipantKind.values() if identity else self._expected.kinds
        kinds = [self._caller.kind] if self._caller else expected
        # The console has a mock in its place.
        others = [k for k in kinds if isinstance(k, int) and k not in sdk_internals.CALLER_KINDS]
        if others:
            ours["participant_kinds"] = [*sdk_internals.CALLER_KINDS, *others]
        options = sdk_internals.room_options({**ours, **yours})
        audio = options.get_audio_input_options()
        if self._subscriptions and (audio is None or not audio.pre_connect_audio):
            self._subscriptions.release()
        return options

    def follow(self, session: AgentSession[Any]) -> None:
        """Change a running session whenever the caller's metadata changes.

        Metadata is resolved against the revision that the call began with, by the same policy.
        Delays and detection change at once, speech-to-text in the caller's next silence, all else
        as the SDK allows; what it cannot change is the problem `next-call`. Of rapid changes the
        last one counts.

        A session that closes and starts again is followed again. One session is followed at a
        time: of several, the last one that was given.

        Args:
            session: The session of this call, made from the latest `session_kwargs`.
        """
        live = self._live_session(session)
        if self._unlogged and sdk_internals.current_agent(session):
            self._log()  # before a line says how the call continues
        if self._following is None:
            identity = self._caller.identity if self._caller else None
            self._following = Following(
                self._ctx, identity, self._requests, live, self._went_on, self._find
            )

    def _find(self, room: rtc.Room) -> rtc.RemoteParticipant | None:
        """Take the caller, if it has come to a call which has not waited for it.

        A session that was started before listens to whoever came first, also to an observer.
        """
        linked = sdk_internals.linked(self._ctx)
        caller = self._expected.find(room, linked)
        if caller:
            self._caller = caller
            if self._subscriptions:
                self._subscriptions.listen_to(caller.identity)
            if self._live and caller.identity not in linked:
                sdk_internals.listen_to(self._live.session, caller.identity)
        return caller

    def change(
        self, *, profile: str | None = None, overrides: Mapping[str, Any] | None = None
    ) -> Settings:
        """Change the call as the application requests it, above what the caller requests.

        It holds until the next `change`; without arguments it is taken back. The policy of the
        profile applies, as for every layer. A session that runs changes as with the caller's
        metadata, whether it is followed or not; before that, the next `session_kwargs` has the
        settings.

        Args:
            profile: The profile; None for the one that is requested besides.
            overrides: Fields, nested as in a profile.

        Returns:
            The active settings; their problems name the fields that were left out.

        Raises:
            LookupError: Unknown profile.
        """
        self._requests.change(profile, overrides or {})
        if self._following:
            return self._following.resolve()
        self._requested = self._requests.resolve(is_followed=False)
        live = self._running()
        if live is None:
            self._report(fit.with_left_out(self._requested, self._own.parts))
        elif not live.is_closed:
            self._report(live.request(self._requested))
            self._log("call continues")
        return self.settings

    @asynccontextmanager
    async def borrow(self, profile: str) -> AsyncIterator[None]:
        """Lend a step of the conversation what a profile sets beyond `default`.

        Leaving the block gives back exactly what the caller and the application request then, also
        after exceptions, and where blocks are nested. Before `follow`, as in the first agent's
        `on_enter`, the session is the first one that was started in the job.

        Raises:
            LookupError: Unknown profile.
            RuntimeError: No session was started, and none is followed.
        """
        live = self._running()
        if live is None:
            raise RuntimeError("there is nothing to borrow for: call timing.follow(session) first")
        if live.is_closed:
            _logger.warning(
                "borrowed profile waits: the followed session has closed; %s is active once it"
                " starts again; call timing.follow(session) for another session",
                profile,
            )
        with live.borrowed(profile, *self._requests.sets(profile)):
            yield

    def tools(
        self, *, patient: str = "patient", brisk: str = "brisk"
    ) -> list[llm.Tool | llm.Toolset]:
        """Return function tools for the LLM, which change the profile as the caller asks aloud.

        Args:
            patient: The profile for "please don't rush me"; empty for no such tool.
            brisk: The profile for "you can be quicker"; empty for no such tool.
        """
        return asking_tools(patient, brisk, self._choose)

    def subscribes_with(self, subscriptions: Subscriptions) -> None:
        """Subscribe to the caller's audio, and keep recordings only for a session that takes them.

        Args:
            subscriptions: Those of the job's room.
        """
        self._subscriptions = subscriptions
        if self._caller:
            subscriptions.listen_to(self._caller.identity)

    def log_when_started(self) -> None:
        """Log the line of the call once a session has started, and its active values are known."""
        self._unlogged = True
        self._timer = asyncio.get_running_loop().call_later(_LINKED_WITHIN, self._look, 0)

    def _look(self, looked: int) -> None:
        # The SDK reports no event when the first session of a job starts.
        live = self._running()
        if live and sdk_internals.current_agent(live.session):
            self._log()
            return
        if looked * _LINKED_WITHIN >= _KNOWN_WITHIN:
            self._log()
        self._timer = asyncio.get_running_loop().call_later(_LINKED_WITHIN, self._look, looked + 1)

    async def aclose(self) -> None:
        """Stop following, and close the profiles of the call. The job does so at its end."""
        if self._timer:
            self._timer.cancel()
        self._log()
        self._leave()
        self._requests.close()

    def _choose(self, profile: str) -> bool:
        if self._following is None:
            _logger.warning(
                "profile requested aloud not applied: no session is followed; call"
                " timing.follow(session) so that callers can get %s",
                profile,
            )
            return False
        # Active already, with the possible additions of the caller's metadata.
        if self.profile == profile:
            return True
        known = self._requests.request_aloud(profile)
        return known and self._following.resolve().profile == profile

    def _running(self) -> LiveSession | None:
        """Return the session that is changed: the followed one, else the one that was started.

        A job may have others, without a room or without anything of ours.
        """
        if self._live is None:
            started = sdk_internals.sessions(self._ctx)
            ours = [s for s in started if self._own.is_in(s)]
            for session in ours or filter(sdk_internals.is_in_room, started):
                return self._live_session(session)
        return self._live

    def _live_session(self, session: AgentSession[Any]) -> LiveSession:
        if self._live and self._live.session is not session:
            if self._following and not self._live.is_closed:
                _logger.warning(
                    "following another session: timing.follow got a second one while the first"
                    " runs; the first keeps its settings and follows no metadata"
                )
            self._leave()
        if self._live is None:
            default = self._requests.default()
            self._live = LiveSession(session, self._own, self._made, self._active, default)
            self._live.read_back = self._read_back
            if self._requested != self._made:  # changed since the session was made
                self._live.request(self._requested)
            self._report(self._live.reported)
        return self._live

    def _read_back(self) -> None:
        if self._live:
            self._report(self._live.reported)
            # A step that borrows is no correction of the call.
            if sdk_internals.current_agent(self._live.session) and not self._live.lends:
                self._log()

    def _report(self, settings: Settings) -> None:
        """Report how settings act, where that has changed."""
        before, self.settings = self.settings, settings
        if settings == before:
            return
        announce.log_problems([p for p in settings.problems if p not in before.problems])
        if self._following:
            self._following.has_reported(settings.problems)
        self._count_not_applied()
        if not self._ctx.is_fake_job():
            announce.announce(self._ctx, settings)

    def count(self) -> None:
        """Count the call and its problems in the metrics, and `not-applied` once where it comes."""
        call_reports.report(self.profile, self.problems)
        self._uncounted = _NOT_APPLIED not in {problem.code for problem in self.problems}

    def _count_not_applied(self) -> None:
        if self._uncounted and _NOT_APPLIED in {problem.code for problem in self.problems}:
            self._uncounted = False
            call_reports.report_found(_NOT_APPLIED)

    def _log(self, event: str = "call corrected") -> None:
        """Log the line of the call, and a line for what differs from it.

        Args:
            event: The beginning of a line that differs.
        """
        line = tuple((path, self.settings.values[path]) for path in self.settings.changed)
        known = self._live.known if self._live else self.settings.values
        if self._unlogged:
            announce.log(self.settings, known)
        elif self._line is not None and line != self._line:
            announce.log(self.settings, known, event)
        self._unlogged, self._line = False, line

    def _leave(self) -> None:
        if self._following:
            self._following.close()
        if self._live:
            self._live.close()
        self._live = self._following = None

    def _went_on(self, settings: Settings) -> None:
        self.settings = settings
        self._count_not_applied()
        self._line = tuple((path, settings.values[path]) for path in settings.changed)
        if self._live:
            self._requested = self._live.settings

    def _built(self, name: str, extra: Mapping[str, Any]) -> Any:
        values = self._requested.values
        part, problems = sdk_arguments.built_with(values, name, extra)
        self._own.parts.append(parts.build(part, extra, values, problems))
        self._report(fit.with_left_out(self.settings, self._own.parts))
        return part


async def for_call(
    ctx: JobContext,
    *,
    identity: str | None = None,
    timeout: float | None = None,
    profile: str | None = None,
    wait: bool = True,
    kinds: Sequence[rtc.ParticipantKind.ValueType] = (),
) -> Timing:
    """Connect, wait for the caller, and resolve its timing against the published profiles.

    The job subscribes to the tracks that its sessions take, and to the caller's audio before that;
    to all tracks where the application has a handler of `track_subscribed`.

    Args:
        ctx: The job. It may be connected already; then pre-connect audio may be lost, and what it
            subscribes to is left to the application.
        identity: The caller's identity, where the application knows it. A publisher job waits for
            its own participant.
        timeout: Seconds to wait; `CALLER_TIMEOUT` of the environment, else 300.
        profile: A profile for callers who request none: the lowest layer.
        wait: Whether to wait for the caller. False for an agent that dials its callee: the
            settings are those of the room's and the dispatch's metadata, until `follow` finds who
            has come, by `identity` and `kinds`.
        kinds: Further kinds of participants that may be the caller, beside those that a session
            listens to by itself: standard, SIP and connectors.

    Raises:
        asyncio.CancelledError: No caller, or no room. The job is shutting down, quietly.
    """
    if ctx.is_fake_job():
        return _console(ctx, profile)
    try:
        recordings = Recordings(ctx.room)
        subscriptions = await _connect(ctx, recordings)
        expected = Expected(identity or sdk_internals.publisher(ctx), tuple(kinds))
        caller = None
        if wait:
            caller = await wait_for_caller(
                ctx.room,
                identity=expected.identity,
                seconds=_caller_timeout() if timeout is None else timeout,
                kinds=kinds,
            )
    except (CallerMissing, rtc.ConnectError) as missing:
        _logger.info("no call: %s; the job ends", missing)
        ctx.shutdown(str(missing))
        raise asyncio.CancelledError(str(missing)) from None
    if caller:
        known = caller.identity
        recordings.only_of(
            lambda identity: identity == known or identity in sdk_internals.linked(ctx)
        )
    requests = Requests(caller, profile, ctx.room.metadata, ctx.job.metadata)
    requests.outlive_replacement()
    timing = Timing(ctx, caller, requests, expected)
    ctx.add_shutdown_callback(timing.aclose)
    if subscriptions:
        timing.subscribes_with(subscriptions)
        # A session that takes no recordings must not make its callers wait forever.
        asyncio.get_running_loop().call_later(_SESSION_STARTS, subscriptions.release)
    if caller:
        _end_with_caller(ctx, caller)
    announce.announce(ctx, timing.settings)
    announce.log_problems(timing.problems)
    timing.log_when_started()
    timing.count()
    return timing


async def _connect(ctx: JobContext, recordings: Recordings) -> Subscriptions | None:
    if ctx.room.isconnected():
        return None
    subscriptions = Subscriptions(ctx.room, recordings)
    await ctx.connect(auto_subscribe=AutoSubscribe.SUBSCRIBE_NONE)
    subscriptions.connected()
    return subscriptions


def _console(ctx: JobContext, profile: str | None) -> Timing:
    # The console has mocks for the room and for everyone in it.
    caller = next(iter(ctx.room.remote_participants.values()))
    timing = Timing(ctx, caller, Requests(None, profile))
    ctx.add_shutdown_callback(timing.aclose)
    announce.log_problems(timing.problems)
    timing.log_when_started()
    return timing


def _caller_timeout() -> float:
    return float(os.environ.get("CALLER_TIMEOUT") or CALLER_TIMEOUT)


def _end_with_caller(ctx: JobContext, caller: rtc.RemoteParticipant) -> None:
    """End the job if the caller leaves before the session is linked to anybody.

    A session waits forever for a participant who has left. Once linked, it closes on its own, and
    this watch is over. A caller whose connection was lost may come again.
    """
    setting_up = asyncio.current_task()
    loop = asyncio.get_running_loop()
    is_over = False

    def look() -> None:
        # The SDK reports no event when a session is linked.
        nonlocal is_over
        is_over = is_over or bool(sdk_internals.linked(ctx))
        if is_over:
            ctx.room.off("participant_disconnected", left)
        else:
            loop.call_later(_LINKED_WITHIN, look)

    def gone() -> None:
        if is_over or sdk_internals.linked(ctx) or caller.identity in ctx.room.remote_participants:
            return
        _logger.info("no call: the caller left while the call was set up; the job ends")
        _end(ctx, setting_up)

    def left(participant: rtc.RemoteParticipant) -> None:
        if participant.identity != caller.identity:
            return
        if participant.disconnect_reason in sdk_internals.ENDS_THE_CALL:
            gone()
        else:
            # It has lost its connection, or the job has: both make another one.
            loop.call_later(_COMES_AGAIN, gone)

    ctx.room.on("participant_disconnected", left)
    look()
    if caller.identity not in ctx.room.remote_participants:
        left(caller)


def _end(ctx: JobContext, setting_up: asyncio.Task[None] | None) -> None:
    if setting_up is None or setting_up.done():
        ctx.shutdown("the caller left")
    else:
        # In this order: a job that shuts down takes its entrypoint's cancellation for its own.
        setting_up.add_done_callback(lambda _: ctx.shutdown("the caller left"))
        setting_up.cancel("the caller left")
