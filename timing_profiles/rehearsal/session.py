"""Play one turn of a caller to the SDK's own session, and observe its decisions.

The session, the VAD and the turn detector are made from a profile by the code that makes them in a
job. Speech-to-text replays Deepgram's messages; where nothing depends on that, it is one word
at each start of speech, so that the words are always there before the silence. LLM and
text-to-speech are left out, and no decision leads to a reply.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from array import array
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from livekit import rtc
from livekit.agents import Agent, AgentSession, StopResponse, UserTurnExceededEvent, llm, stt, vad
from livekit.agents.voice import io

from timing_profiles.call import sdk_arguments, sdk_internals
from timing_profiles.rehearsal.course import Course, Decision, Heard, Prediction
from timing_profiles.rehearsal.recording import SAMPLE_BYTES, SAMPLE_RATE
from timing_profiles.rehearsal.replay import LIMITS, Kind, Message
from timing_profiles.rehearsal.virtual_time import run
from timing_profiles.turns.fields import Values

_FRAME: Final = 0.05  # seconds of a frame: RoomIO's own
_FRAME_BYTES: Final = round(SAMPLE_RATE * _FRAME) * SAMPLE_BYTES
_LOUDEST: Final = 32767

# LiveKit resamples the 24000 samples a second of a room for the VAD and the turn detector, and the
# resampler keeps one back until the next frame. A window of the VAD that ends with a frame
# therefore comes with the next one, 0.05 s later.
_KEPT_BACK: Final = SAMPLE_BYTES

# The sound of a room is resampled on its way to the turn detector, with dither: of each sample of
# digital silence 1/8 became 1, and 1/8 -1. Without it, the detector was too sure: on synthetic
# speech its probabilities were 0.276 in the mean instead of 0.228, with it 0.230. Random in a room,
# it is the same each time here.
_DITHER_SECONDS: Final = 1
_DITHERED: Final = 1 / 8

# No field of these moves the end of a turn, and both would ask a part that is not there.
_WITHOUT_REPLY: Final = {
    "preemptive_generation": {"enabled": False},
    "interruption": {"mode": "vad"},
}

# The time of the clocks at first: above 0, which the SDK takes for a time that is not known.
_START: Final = 2.0**20


_EVENTS: Final[dict[Kind, stt.SpeechEventType]] = {
    "start": stt.SpeechEventType.START_OF_SPEECH,
    "final": stt.SpeechEventType.FINAL_TRANSCRIPT,
    "end": stt.SpeechEventType.END_OF_SPEECH,
}


@dataclass(frozen=True, slots=True)
class Replay:
    """Deepgram's messages about a turn.

    Attributes:
        messages: In order.
        start: The second of the recording at which the samples begin.
        delay: The seconds in which a message reaches the session.
    """

    messages: Sequence[Message]
    start: float
    delay: float


def play(
    samples: bytes,
    values: Values,
    seconds: float,
    finished: float,
    replay: Replay | None = None,
    *,
    before: bytes = b"",
) -> Course:
    """Play samples, then digital silence, in virtual time.

    Args:
        samples: A caller, in mono.
        values: The settings of the session.
        seconds: How long to play, samples and silence together.
        finished: The second from which one decision is enough.
        replay: Deepgram's messages; by default, words are there at each start of speech.
        before: The samples that the VAD has heard before.

    Returns:
        All that happens until then, and up to the first decision after it where there is one.
    """
    with _quiet():
        voice = sdk_arguments.voice_activity(values)
        sdk_internals.remember(voice, before)
        agent = _Observer(finished) if replay is None else _Listener(finished, values, replay)
        return run(_played(samples, values, seconds, agent, voice), start=_START)


async def _played(
    samples: bytes, values: Values, seconds: float, agent: _Observer, voice: vad.VAD
) -> Course:
    handling = sdk_arguments.turn_handling(values, _WITHOUT_REPLY, realtime=False)
    sdk_internals.observe_predictions(handling["turn_detection"], agent.predicted)
    session: AgentSession[None] = AgentSession(
        stt=_NoSpeechToText(),
        vad=voice,
        turn_handling=handling,  # type: ignore[arg-type]
        **sdk_arguments.section(values, "session"),
    )
    session.on("user_state_changed", agent.user_state_changed)
    caller = _Caller(samples)
    session.input.audio = caller
    await session.start(agent=agent, record=False)
    agent.began = caller.began = time.time()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(agent.is_finished.wait(), seconds)
    await session.aclose()
    return Course(agent.decisions, agent.predictions, agent.silences)


class _Caller(io.AudioInput):
    """Gives samples at the pace of real time, then digital silence."""

    def __init__(self, samples: bytes) -> None:
        super().__init__(label="caller")
        self.began = time.time()
        self._samples = samples
        self._given = 0

    async def __anext__(self) -> rtc.AudioFrame:
        """Wait until the next frame is over, and give it."""
        start = max(0, self._given * _FRAME_BYTES - _KEPT_BACK)
        self._given += 1
        end = self._given * _FRAME_BYTES - _KEPT_BACK
        await asyncio.sleep(self.began + self._given * _FRAME - time.time())
        frame = array("h", self._samples[start:end].ljust(end - start, b"\0"))
        for at, step in _dither()[self._given % len(_dither())]:
            if at < len(frame) and abs(frame[at]) < _LOUDEST:
                frame[at] += step
        return rtc.AudioFrame(frame.tobytes(), SAMPLE_RATE, 1, len(frame))


@cache
def _dither() -> list[list[tuple[int, int]]]:
    """Return the dither of the samples of each frame: their index, and 1 or -1."""
    draw = random.Random(0)  # noqa: S311 - noise
    frames: list[list[tuple[int, int]]] = []
    for _ in range(round(_DITHER_SECONDS / _FRAME)):
        drawn = enumerate(draw.random() for _ in range(_FRAME_BYTES // SAMPLE_BYTES))
        frames.append([(at, 1 if p < _DITHERED else -1) for at, p in drawn if p < 2 * _DITHERED])
    return frames


class _Observer(Agent):
    """Notes each prediction and decision, and answers none."""

    def __init__(self, finished: float) -> None:
        super().__init__(instructions="")
        self.began = 0.0
        self.decisions: list[Decision] = []
        self.is_finished = asyncio.Event()
        self.predictions: list[Prediction] = []
        self.silences: list[tuple[float, float | None]] = []
        self._last: Prediction | None = None
        self._finished = finished
        self._speaks = False

    def predicted(self, probability: float, threshold: float | None) -> None:
        """Note a prediction of the turn detector."""
        self._last = Prediction(time.time() - self.began, probability, threshold)
        self.predictions.append(self._last)

    def user_state_changed(self, event: Any) -> None:
        """Note that the caller speaks, or falls silent."""
        at = time.time() - self.began
        if event.new_state == "speaking":
            self._speaks = True
            self._last = None
            if self.silences:
                self.silences[-1] = self.silences[-1][0], at
        elif event.new_state == "listening" and event.old_state == "speaking":
            self.silences.append((at, None))

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], _: Any
    ) -> AsyncIterator[stt.SpeechEvent]:
        """Recognise a word at each start of speech."""
        async for _frame in audio:
            if self._speaks:
                self._speaks = False
                word = stt.SpeechData(language="en", text="word")  # type: ignore[arg-type]
                yield stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[word])

    async def on_user_turn_completed(
        self, _: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Note the decision."""
        self.decided(new_message.metrics.get("end_of_turn_delay") or 0.0)
        raise StopResponse

    def decided(self, delay: float, heard: Heard | None = None, limit: str = "") -> None:
        """Note a decision; see `Decision` for the arguments."""
        at = time.time() - self.began
        self.decisions.append(Decision(at, delay, self._last, heard, limit))
        if at >= self._finished:
            self.is_finished.set()


class _Listener(_Observer):
    """Gets Deepgram's messages, when they would arrive."""

    def __init__(self, finished: float, values: Values, replay: Replay) -> None:
        super().__init__(finished)
        self._values = values
        self._replay = replay
        self._heard: Heard | None = None

    async def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], _: Any
    ) -> AsyncIterator[stt.SpeechEvent]:
        """Replay the messages."""
        async for _frame in audio:
            break  # the recording has begun
        unused = asyncio.create_task(_discard(audio))
        try:
            for message in self._replay.messages:
                at = message.at - self._replay.start
                await asyncio.sleep(self.began + at - time.time())
                if message.kind == "final":
                    self._heard = Heard(at, message.silence, self._replay.delay, message.by)
                yield self._event(message)
            await unused
        finally:
            unused.cancel()

    async def on_user_turn_completed(
        self, _: llm.ChatContext, new_message: llm.ChatMessage
    ) -> None:
        """Note the decision, and the words behind it."""
        self.decided(new_message.metrics.get("end_of_turn_delay") or 0.0, self._heard)
        raise StopResponse

    async def on_user_turn_exceeded(self, ev: UserTurnExceededEvent) -> None:
        """Note that the session cuts in on a long turn."""
        words, duration = LIMITS
        most = self._values[words]
        is_by_words = most is not None and ev.accumulated_word_count >= most
        self.decided(0.0, self._heard, words if is_by_words else duration)

    def _event(self, message: Message) -> stt.SpeechEvent:
        if message.kind != "final":
            return stt.SpeechEvent(_EVENTS[message.kind])
        text = " ".join(word.text for word in message.words)
        start, end = message.words[0].start, message.words[-1].end
        said = stt.SpeechData(
            language="en",  # type: ignore[arg-type]
            text=text,
            start_time=start - self._replay.start,
            end_time=end - self._replay.start,
        )
        return stt.SpeechEvent(_EVENTS[message.kind], alternatives=[said])


async def _discard(audio: AsyncIterable[rtc.AudioFrame]) -> None:
    async for _frame in audio:
        pass


class _NoSpeechToText(stt.STT[Any]):
    """Stands where the session asks whether there is speech-to-text; the agent recognises."""

    def __init__(self) -> None:
        # As Deepgram's plugins: the session then uses the times of the words.
        capabilities = stt.STTCapabilities(
            streaming=True, interim_results=False, aligned_transcript="word"
        )
        super().__init__(capabilities=capabilities)

    async def _recognize_impl(self, *_: Any, **__: Any) -> stt.SpeechEvent:
        raise NotImplementedError


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing but errors: the SDK's warnings are for those who run an agent."""
    logger = logging.getLogger("livekit")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
