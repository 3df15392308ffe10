"""A call, from joining the room to leaving it."""

import asyncio
import contextlib
import math
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from livekit import api, rtc

from sandbox.caller.measure import Call, Turn
from sandbox.caller.script import Script
from sandbox.caller.sound import SAMPLE_RATE, Ear, Microphone
from sandbox.connection import Connection
from timing_profiles.rehearsal.interval import Interval

# Names of livekit-agents; importing it for them would take seconds.
STATE = "lk.agent.state"
"""The attribute of an agent that has its state."""

_PRECONNECT_TOPIC = "lk.agent.pre-connect-audio-buffer"

# Seconds of listening in silence after which the agent has finished. After 0.3 s a session may
# still hold the next turn back: two of twelve decisions came 2 s later than rehearsed.
_SETTLED = 0.5
# Seconds of silence after which an agent does not speak, whatever its state: the SDK may send two
# states that follow each other at once in reverse.
_NOT_SPEAKING = 5.0
_LOOK = 0.05  # seconds between two looks; what is measured has times of its own
_AFTER_CUT = 3.0  # seconds for the answer to interrupted speech; often there is none

_CLOSED = "the room was closed during the call"

Progress = Callable[[str], None]


class NotAnsweredError(Exception):
    """The call was not answered; the text is one line for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """How the caller joins the room; by default as a standard participant without metadata.

    Attributes:
        metadata: of the participant.
        attributes: of the participant.
        kind: of the participant.
        room_metadata: of the room, which the call creates.
        dispatch_metadata: of the agent's dispatch.
        observer: whether a participant without the right to publish joins first.
        preconnect: whether the caller speaks before the agent is there.
        patience: seconds to wait for the agent to come, and for each answer. A worker that has no
            warm process tries three times to start one, ten seconds each.
    """

    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    kind: Literal["standard", "sip"] = "standard"
    room_metadata: str = ""
    dispatch_metadata: str = ""
    observer: bool = False
    preconnect: bool = False
    patience: float = 90.0


def _silent(_message: str) -> None:
    pass


async def call(
    connection: Connection,
    dial: Dial | None = None,
    script: Script | None = None,
    progress: Progress = _silent,
    *,
    to_the_end: bool = True,
) -> Call:
    """Make a call: join, say each turn of the script and hear out the answer, leave.

    Args:
        connection: of the agent.
        dial: how the caller joins.
        script: what the caller says.
        progress: gets a line for each step.
        to_the_end: whether to hear out the last answer. Its first sound ends the wait.

    Raises:
        NotAnsweredError: no agent joined, or it did not answer.
        ValueError: the script cannot be spoken.
    """
    dial, turns = dial or Dial(), (script or Script()).turns()
    async with join(connection, dial) as caller:
        progress(f"joined {caller.room.name}")
        if not dial.preconnect:
            await caller.agent_listens()
            progress("the agent is listening")
        measured: list[Turn] = []
        for sounds in turns:
            progress("speaking")
            turn = await caller.say(sounds)
            progress(turn.verdict)
            if to_the_end or len(measured) + 1 < len(turns):
                turn = await caller.hear_out(turn)
            measured.append(turn)
        return caller.result(measured)


@contextlib.asynccontextmanager
async def join(connection: Connection, dial: Dial) -> "AsyncGenerator[Caller]":
    """Join a new room, with an open microphone.

    Raises:
        NotAnsweredError: the server does not let the caller in.
    """
    tokens = _Tokens(connection, dial, f"call-{secrets.token_hex(4)}")
    async with contextlib.AsyncExitStack() as leaving:
        if dial.observer:
            observing = _in_room(rtc.Room(), connection.url, tokens.observer(), listens=False)
            await leaving.enter_async_context(observing)
        caller = Caller(rtc.Room(), dial)
        leaving.push_async_callback(caller.hang_up)
        await leaving.enter_async_context(_in_room(caller.room, connection.url, tokens.caller()))
        await caller.open_microphone()
        yield caller


class Caller:
    """A caller in a room.

    Attributes:
        room: where the caller is.
    """

    def __init__(self, room: rtc.Room, dial: Dial) -> None:
        self.room = room
        self._dial = dial
        self._microphone = Microphone()
        self._ear = Ear()
        self._agent: rtc.RemoteParticipant | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._unsettled = time.monotonic()
        room.on("track_subscribed", self._hear)

    @property
    def agent(self) -> rtc.RemoteParticipant | None:
        """Return the agent, once it has joined; also after it has left."""
        self._agent = self._agent_in_room() or self._agent
        return self._agent

    async def agent_listens(self) -> None:
        """Wait until the agent has joined, listens and is silent.

        Raises:
            NotAnsweredError: that takes longer than the caller's patience.
        """
        if not await self._until(self._has_settled):
            raise NotAnsweredError(self._why_nobody_listens())

    async def say(self, sounds: Sequence[bytes | float]) -> Turn:
        """Speak, with pauses in seconds, and wait for the first sound of the answer.

        Raises:
            NotAnsweredError: nothing was heard.
        """
        heard_before = len(self._ear.sounds)
        parts = tuple([part async for part in self._speak(sounds)])

        def measured() -> Turn:
            return Turn(parts, tuple(self._ear.sounds[heard_before:]))

        await self._until(lambda: measured().wait is not None)
        if not measured().sounds:
            raise NotAnsweredError(self._why_nobody_answers())
        return measured()

    async def hear_out(self, turn: Turn) -> Turn:
        """Listen until the agent has finished; return the turn with all sound.

        Raises:
            NotAnsweredError: that takes longer than the caller's patience.
        """
        if turn.cut_in:
            await self._until(lambda: self._is_heard_after(turn.parts[-1].end), _AFTER_CUT)
        await self.agent_listens()
        first = turn.sounds[0].start
        return replace(turn, sounds=tuple(s for s in self._ear.sounds if s.start >= first))

    def result(self, turns: Sequence[Turn]) -> Call:
        """Return the call so far, with the attributes of the agent."""
        attributes = self.agent.attributes if self.agent else {}
        problems = attributes.get("timing.problems", "")
        return Call(
            profile=attributes.get("timing.profile", ""),
            revision=attributes.get("timing.revision", ""),
            problems=tuple(problems.split(",")) if problems else (),
            turns=tuple(turns),
            said=self._microphone.sent,
            heard=self._ear.heard,
        )

    async def open_microphone(self) -> None:
        """Publish the microphone, for `join`."""
        self._start(self._microphone.run())
        options = rtc.TrackPublishOptions(
            source=rtc.TrackSource.SOURCE_MICROPHONE, preconnect_buffer=self._dial.preconnect
        )
        participant = self.room.local_participant
        publication = await participant.publish_track(self._microphone.track, options)
        if self._dial.preconnect:
            self._start(self._send_early_sound(publication))

    async def hang_up(self) -> None:
        """End the tasks of the call, for `join`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, task: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(task))

    def _hear(
        self,
        track: rtc.Track,
        _publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        agent = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        if agent and track.kind == rtc.TrackKind.KIND_AUDIO:
            self._start(self._ear.listen(track))

    async def _speak(self, sounds: Sequence[bytes | float]) -> AsyncGenerator[Interval]:
        for sound in sounds:
            if isinstance(sound, bytes):
                yield await self._microphone.play(sound)
            else:
                await self._microphone.pause(sound)

    async def _send_early_sound(self, publication: rtc.LocalTrackPublication) -> None:
        """Send the recording from before the agent subscribed, as LiveKit's clients do."""
        await publication.wait_for_subscription()
        samples = bytes(self._microphone.sent.samples)
        await self._until(self._agent_is_active)
        writer = await self.room.local_participant.stream_bytes(
            "preconnect-buffer",
            topic=_PRECONNECT_TOPIC,
            attributes={
                "trackId": publication.sid,
                "sampleRate": str(SAMPLE_RATE),
                "channels": "1",
            },
            destination_identities=[self.agent.identity] if self.agent else [],
        )
        await writer.write(samples)
        await writer.aclose()

    def _agent_in_room(self) -> rtc.RemoteParticipant | None:
        agent = rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        there = self.room.remote_participants.values()
        return next((who for who in there if who.kind == agent), None)

    def _agent_is_active(self) -> bool:
        active = rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE
        return self.agent is not None and self.agent.state == active

    def _has_settled(self) -> bool:
        now = time.monotonic()
        sounds = self._ear.sounds
        silence = now - sounds[-1].end if sounds else 0.0
        agent = self._agent_in_room()
        state = agent.attributes.get(STATE) if agent else None
        listens = state == "listening" or (state == "speaking" and silence > _NOT_SPEAKING)
        if not listens or (sounds and silence < _SETTLED):
            self._unsettled = now
        return now - self._unsettled >= _SETTLED

    def _is_heard_after(self, moment: float) -> bool:
        return bool(self._ear.sounds) and self._ear.sounds[-1].start > moment

    async def _until(self, condition: Callable[[], bool], most: float = math.inf) -> bool:
        deadline = time.monotonic() + min(self._dial.patience, most)
        while not condition():
            if time.monotonic() > deadline or not self.room.isconnected():
                return False
            await asyncio.sleep(_LOOK)
        return True

    def _why_nobody_listens(self) -> str:
        if not self.room.isconnected():
            return _CLOSED
        if self.agent is None:
            return (
                f"no agent joined within {self._dial.patience:g} s: check that the worker runs and "
                "is registered with this server; a worker with a load above 0.7 gets no calls"
            )
        state = self.agent.attributes.get(STATE, "no state")
        return (
            f"the agent joined, but did not listen within {self._dial.patience:g} s ({state}): "
            "see the log of the worker"
        )

    def _why_nobody_answers(self) -> str:
        if not self.room.isconnected():
            return _CLOSED
        return (
            f"the agent listened, but did not answer within {self._dial.patience:g} s: see the log "
            "of the worker for errors of speech-to-text, LLM and text-to-speech"
        )


class _Tokens:
    """Access tokens of the participants."""

    def __init__(self, connection: Connection, dial: Dial, room: str) -> None:
        self._connection = connection
        self._dial = dial
        self._room = room

    def caller(self) -> str:
        token = self._token("caller", can_publish=True).with_kind(self._dial.kind)
        token.with_metadata(self._dial.metadata).with_attributes(dict(self._dial.attributes))
        return token.to_jwt()

    def observer(self) -> str:
        return self._token("observer", can_publish=False).to_jwt()

    def _token(self, identity: str, *, can_publish: bool) -> api.AccessToken:
        grants = api.VideoGrants(
            room_join=True,
            room=self._room,
            can_publish=can_publish,
            can_update_own_metadata=True,
        )
        token = api.AccessToken(self._connection.api_key, self._connection.api_secret)
        return token.with_identity(identity).with_grants(grants).with_room_config(self._config())

    def _config(self) -> api.RoomConfiguration:
        """Return the configuration of the room, which the first participant creates."""
        name, metadata = self._connection.agent_name, self._dial.dispatch_metadata
        # Without a name and metadata the agent is dispatched automatically.
        asked = name or metadata
        agents = [api.RoomAgentDispatch(agent_name=name, metadata=metadata)] if asked else []
        return api.RoomConfiguration(
            metadata=self._dial.room_metadata,
            agents=agents,
            departure_timeout=1,  # seconds; the agent's job ends with the room
        )


@contextlib.asynccontextmanager
async def _in_room(
    room: rtc.Room, url: str, token: str, *, listens: bool = True
) -> AsyncGenerator[None]:
    try:
        await room.connect(url, token, rtc.RoomOptions(auto_subscribe=listens))
    except rtc.ConnectError as error:
        raise NotAnsweredError(f"{url} refused the caller: {_reason(error)}") from None
    try:
        yield
    finally:
        await room.disconnect()


def _reason(error: rtc.ConnectError) -> str:
    """Return the reason without the token that it quotes."""
    if "401" in error.message:
        return "wrong LIVEKIT_API_KEY or LIVEKIT_API_SECRET"
    return "connection refused" if "Connection refused" in error.message else error.message
