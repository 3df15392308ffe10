"""Real calls on Deepgram Flux: when its turns end, the agent decides, and when it must not."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from livekit.agents.voice.remote_session import RemoteSession
from livekit.protocol.agent_pb import agent_session as agent_pb

import timing_profiles
from sandbox import inference
from sandbox.caller import Caller, Dial, Script, Turn, join
from sandbox.deepgram import Message, Request
from sandbox.polling import eventually
from sandbox.worker import ROOT, Worker, worker
from tests.sdk.release import is_locked_release
from timing_profiles.turns import wait

pytestmark = pytest.mark.measured

SENTENCE = "A table for two."
TWO_PARTS = "My number is five five five [0.4] zero one two three."

# K_in + K_out of a call on this machine, and what a busy moment adds: to a whole turn, and to a
# step from one process to another. The agent's own `end_of_turn_delay` is bound by a timer.
PATH = 0.3
TURN_TOLERANCE = 0.35
STEP_TOLERANCE = 0.3
TIMER_TOLERANCE = 0.15
VAD_SILENCE = 0.256
EAGER_BEFORE = 0.42  # seconds from Flux' threshold of 0.3 to that of 0.9

PROFILES = {
    "plain": "stt: {engine: flux}\nturn_handling: {turn_detection: stt}",
    "many": (
        "stt:\n"
        "  engine: flux\n"
        "  flux:\n"
        "    model: flux-general-multi\n"
        "    eot_threshold: 0.85\n"
        "    eager_eot_threshold: 0.5\n"
        "    eot_timeout_ms: 8000\n"
        "    language_hint: [en, es]"
    ),
    "by-vad": "extends: flux-conversation\nturn_handling: {turn_detection: vad}",
}


@pytest.fixture(scope="module")
async def flux_worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Worker]:
    """A worker with the starter profiles and a few more, whose stand-ins a test may set.

    Its answers are short, so that the calls are.
    """
    folder = tmp_path_factory.mktemp("flux")
    profiles = folder / "source"
    shutil.copytree(ROOT / "profiles", profiles)
    for name, text in PROFILES.items():
        (profiles / f"{name}.yaml").write_text(text, encoding="utf-8")
    async with worker(folder, profiles=profiles) as running:
        running.llm.reply = "Yes."
        yield running


def asking(profile: str = "flux-conversation", **overrides: Any) -> Dial:
    return Dial(metadata=json.dumps({"profile": profile, "overrides": overrides}))


def flux(**fields: Any) -> dict[str, Any]:
    return {"flux": fields}


@dataclass(slots=True)
class Seen:
    """A call, as it is seen from the room and from the stand-ins. Times are `time.time()`.

    Attributes:
        caller: Who calls.
        flux: Its connection to Flux.
        turns: What the caller said, and heard.
        states: When the agent came into which state.
        users: The caller's turns in the history.
        asked: All that the LLM is asked during the call.
    """

    caller: Caller
    flux: Request
    turns: list[Turn] = field(default_factory=list)
    states: list[tuple[float, int]] = field(default_factory=list)
    users: list[Any] = field(default_factory=list)
    asked: list[inference.Request] = field(default_factory=list)

    def said(self, event: str) -> list[Message]:
        """What Flux said of this kind."""
        return [m for m in self.flux.messages if m.body.get("event") == event]

    def when(self, state: int) -> list[float]:
        """When the agent came into a state."""
        return [at for at, reached in self.states if reached == state]


@contextlib.asynccontextmanager
async def seen(worker: Worker, dial: Dial) -> AsyncGenerator[Seen]:
    """Be in a call whose agent listens."""
    asked_before = len(worker.llm.requests)
    async with join(worker.connection, dial) as caller:
        await caller.agent_listens()
        assert caller.agent
        call = Seen(caller, listened(worker)[-1])
        session = RemoteSession.from_room(caller.room, caller.agent.identity)
        session.on("agent_state_changed", lambda event: call.states.append(_state(event)))
        session.on("conversation_item_added", lambda event: _add(call.users, event))
        await session.start()
        yield call
        await session.aclose()
    call.asked += [r for r in worker.llm.requests[asked_before:] if r.user is not None]


def listened(worker: Worker) -> list[Request]:
    """All connections to Flux."""
    return [request for request in worker.deepgram.requests if request.path == "/v2/listen"]


def _state(event: Any) -> tuple[float, int]:
    at = event.created_at
    return at.seconds + at.nanos / 1e9, event.agent_state_changed.new_state


def _add(users: list[Any], event: Any) -> None:
    message = event.conversation_item_added.item.message
    if message.role == agent_pb.USER:
        users.append(message)


async def conversation(worker: Worker, dial: Dial, say: str = SENTENCE) -> Seen:
    """Make a call, say each turn, and hear out each answer."""
    async with seen(worker, dial) as call:
        for sounds in Script(say).turns():
            call.turns.append(await call.caller.say(sounds))
            await call.caller.agent_listens()
    return call


def ends(call: Seen) -> list[Message]:
    return call.said("EndOfTurn")


def seconds_of_wait(turn: Turn) -> float:
    assert turn.wait is not None
    return turn.wait


async def test_every_field_of_flux_is_on_the_wire(flux_worker: Worker) -> None:
    """The query has the resolved values of profile and metadata; auto and null are left out."""
    overrides = {"stt": flux(eot_threshold=0.8, eager_eot_threshold=0.45, eot_timeout_ms=7000.0)}
    asked = [
        ("plain", {}),
        ("many", {}),
        ("flux-conversation", {}),
        ("flux-conversation", overrides),
        ("flux-conversation", {"stt": flux(eager_eot_threshold=None)}),
    ]
    for profile, changes in asked:
        async with seen(flux_worker, asking(profile, **changes)) as call:
            pass  # all is said when the connection is made
        metadata = {"profile": profile, "overrides": changes}
        expected = timing_profiles.resolve(metadata, profiles_dir=flux_worker.profiles)
        assert expected.problems == ()
        assert (call.flux.status, call.flux.query) == (101, query_of(expected.values))


def query_of(values: Mapping[str, Any]) -> dict[str, list[str]]:
    query = {
        path.removeprefix("stt.flux."): value if isinstance(value, list) else [str(value)]
        for path, value in values.items()
        if path.startswith("stt.flux.") and value not in ("auto", None)
    }
    return {**query, "encoding": ["linear16"], "sample_rate": ["16000"], "mip_opt_out": ["false"]}


# With min_delay not at a silence of 0.26 s: which of the two comes first, the VAD's end or that of
# Flux, would decide what the SDK waits for.
@pytest.mark.parametrize(
    ("threshold", "silence", "min_delay"), [(0.7, 0.26, 0.0), (0.9, 0.5, 0.0), (0.9, 0.5, 0.6)]
)
async def test_flux_end_of_turn_ends_the_turn(
    flux_worker: Worker, threshold: float, silence: float, min_delay: float
) -> None:
    """At the end of the turn plus min_delay; the caller hears it a path later, as predicted."""
    overrides: dict[str, Any] = {
        "stt": flux(eot_threshold=threshold),
        "turn_handling": {"endpointing": {"min_delay": min_delay}},
    }
    call = await conversation(flux_worker, asking(**overrides))
    (end,), (decided,) = call.said("EndOfTurn"), call.when(agent_pb.AS_THINKING)
    (turn,), (user,) = call.turns, call.users
    heard_for = end.body["audio_window_end"] - end.body["words"][-1]["end"]
    assert heard_for == pytest.approx(silence)
    assert min_delay <= decided - end.at <= min_delay + STEP_TOLERANCE
    # It decides as well whether the SDK counts from the end of the turn or from the last sound.
    counted_from = (0.0, silence) if silence - VAD_SILENCE < TIMER_TOLERANCE else (0.0,)
    delays = [pytest.approx(min_delay + since, abs=TIMER_TOLERANCE) for since in counted_from]
    assert user.metrics.end_of_turn_delay in delays
    expected = silence + min_delay
    assert expected <= seconds_of_wait(turn) <= expected + PATH + TURN_TOLERANCE
    values = timing_profiles.resolve(
        {"profile": "flux-conversation", "overrides": overrides},
        profiles_dir=flux_worker.profiles,
    ).values
    assert wait.effective(values).seconds == (min_delay, min_delay + 6.0)


async def test_unfinished_sentence_ends_after_eot_timeout(
    flux_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flux is not sure, the LLM is not asked before, and eot_timeout_ms ends the turn."""
    monkeypatch.setattr(flux_worker.deepgram, "words", ["well,"])
    call = await conversation(flux_worker, asking(stt=flux(eot_timeout_ms=1500)))
    (end,), (turn,) = call.said("EndOfTurn"), call.turns
    (completion,) = call.asked
    assert (end.body["trigger"], call.said("EagerEndOfTurn")) == ("timeout", [])
    assert completion.at >= end.at
    assert 1.5 <= seconds_of_wait(turn) <= 1.5 + PATH + TURN_TOLERANCE


async def test_flux_only_transcribes_with_vad_turn_detection(
    flux_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait is min_delay after the VAD's end of speech, and longer only until Flux is done."""
    overrides: dict[str, Any] = {"turn_handling": {"endpointing": {"min_delay": 0.9}}}
    soon = await conversation(flux_worker, asking("by-vad", **overrides))
    monkeypatch.setattr(flux_worker.deepgram, "words", ["well,"])
    overrides |= {"stt": flux(eot_timeout_ms=1600)}
    late = await conversation(flux_worker, asking("by-vad", **overrides))
    (end,), (decided,) = ends(late), late.when(agent_pb.AS_THINKING)
    assert soon.users[0].metrics.end_of_turn_delay == pytest.approx(0.9, abs=TIMER_TOLERANCE)
    assert end.at <= decided <= end.at + STEP_TOLERANCE
    # F - V, bound by no timer
    assert late.users[0].metrics.end_of_turn_delay == pytest.approx(1.6 - wait.VAD_LAG, abs=0.2)


async def test_eager_end_of_turn_starts_llm_early(
    flux_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its request comes before EndOfTurn; without eager ends, and when it is off, after it."""
    monkeypatch.setattr(flux_worker.llm, "latency", EAGER_BEFORE)
    off = {"preemptive_generation": {"enabled": False}}
    thresholds = {"eot_threshold": 0.9, "eager_eot_threshold": 0.3}
    eager = await conversation(flux_worker, asking(stt=flux(**thresholds)))
    never = await conversation(
        flux_worker, asking(stt=flux(**thresholds | {"eager_eot_threshold": None}))
    )
    unused = await conversation(flux_worker, asking(stt=flux(**thresholds), turn_handling=off))
    (begun,), (eager_end,), (end,) = eager.asked, eager.said("EagerEndOfTurn"), ends(eager)
    assert eager_end.at <= begun.at < end.at
    for late in (never, unused):
        (begun,), (end,) = late.asked, ends(late)
        assert end.at <= begun.at
    assert (len(never.said("EagerEndOfTurn")), len(unused.said("EagerEndOfTurn"))) == (0, 1)
    waits = [seconds_of_wait(call.turns[0]) for call in (eager, never)]
    assert waits[1] - waits[0] == pytest.approx(EAGER_BEFORE, abs=TURN_TOLERANCE)


async def test_a_caller_who_pauses_keeps_the_turn(
    flux_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reply that was begun in the pause is thrown away unheard, and one turn is answered."""
    monkeypatch.setattr(flux_worker.llm, "latency", 1.0)
    call = await conversation(flux_worker, asking(stt=flux(eot_threshold=0.9)), TWO_PARTS)
    (resumed,), (end,) = call.said("TurnResumed"), ends(call)
    dropped, answered = call.asked
    # Releases before 1.8.9 let the LLM finish, and throw away what it wrote.
    if is_locked_release():
        assert dropped.cancelled_at is not None
        assert resumed.at <= dropped.cancelled_at <= resumed.at + STEP_TOLERANCE
    assert answered.user == end.body["transcript"]
    assert answered.completed_at is not None
    assert [turn.cut_in for turn in call.turns] == [False]
    assert len(call.users) == 1


async def test_pause_above_threshold_ends_the_turn(flux_worker: Worker) -> None:
    """The same pause, at the profile's own threshold: the agent answers into the second part."""
    hearing: dict[str, Any] = {
        "session": {"aec_warmup_duration": None}
    }  # also while the agent speaks
    async with seen(flux_worker, asking(**hearing)) as call:
        # So long that an answer that a busy machine delays still comes into it.
        said = f"{TWO_PARTS} The code of the door is nine eight seven six five four three two one."
        turn = await call.caller.say(Script(said).turns()[0])
        await eventually(lambda: len(ends(call)) == 2, 20, "the end of the second turn")
    assert turn.cut_in
    assert call.said("TurnResumed") == []


async def test_two_turns_follow_each_other(flux_worker: Worker) -> None:
    """Three turns on one connection, each answered once and soon."""
    said = f"{SENTENCE}|Yes.|No, thank you, I have all."
    call = await conversation(flux_worker, asking(), said)
    assert [end.body["turn_index"] for end in ends(call)] == [0, 1, 2]
    assert [item.content[0].text for item in call.users] == [
        end.body["transcript"] for end in ends(call)
    ]
    assert max(map(seconds_of_wait, call.turns)) <= 0.26 + PATH + TURN_TOLERANCE
    assert [turn.cut_in for turn in call.turns] == [False, False, False]


async def test_a_caller_interrupts_the_agent(
    flux_worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After min_duration of speech, long before Flux ends the turn; the turn is then answered."""
    monkeypatch.setattr(flux_worker.llm, "reply", "I will tell you a long story. " * 5)
    overrides: dict[str, Any] = {
        "turn_handling": {"interruption": {"min_duration": 0.5}},
        "session": {"aec_warmup_duration": None},
    }
    async with seen(flux_worker, asking(**overrides)) as call:
        await call.caller.say(Script("Yes.").turns()[0])
        await asyncio.sleep(1.0)  # the story has begun
        await call.caller.say(Script("No, I do not want to hear any more of it now.").turns()[0])
    spoken = call.when(agent_pb.AS_SPEAKING)
    start = call.said("StartOfTurn")[1]
    stop = min(at for at in call.when(agent_pb.AS_LISTENING) if at > spoken[0])
    assert start.at < stop < ends(call)[1].at
    assert stop - start.at == pytest.approx(0.5, abs=STEP_TOLERANCE)
    assert len(spoken) == 2
    assert len(call.users) == 2


async def test_caller_can_hang_up_during_a_turn(flux_worker: Worker) -> None:
    """The SDK sends silence until Flux has ended the turn; no reply follows."""
    async with seen(flux_worker, asking()) as call:
        speaking = asyncio.create_task(call.caller.say(Script(SENTENCE).turns()[0]))
        await eventually(
            lambda: any(update.body["words"] for update in call.said("Update")), 10, "a word"
        )
        speaking.cancel()
    await eventually(lambda: call.flux.closed_at, 10, "the end of the connection")
    (end,) = ends(call)
    assert end.body["transcript"].startswith("One")
    assert call.flux.bodies("CloseStream") == [{"type": "CloseStream"}]
    assert [request for request in call.asked if request.completed_at] == []
    assert flux_worker.tracebacks == []
    await conversation(flux_worker, asking())


async def test_call_survives_flux_disconnect(flux_worker: Worker) -> None:
    """The plugin comes back with the same query, and the next turn is heard."""
    before = len(listened(flux_worker))
    async with seen(flux_worker, asking()) as call:
        await call.caller.say(Script(SENTENCE).turns()[0])
        await call.caller.agent_listens()
        await flux_worker.deepgram.aclose()
        await flux_worker.deepgram.start()
        await eventually(lambda: len(listened(flux_worker)) == before + 2, 10, "a connection")
        turn = await call.caller.say(Script(SENTENCE).turns()[0])
    assert listened(flux_worker)[-1].query == call.flux.query
    assert seconds_of_wait(turn) <= 0.26 + PATH + TURN_TOLERANCE
    assert flux_worker.tracebacks == []
