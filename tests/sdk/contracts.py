"""What the library expects of LiveKit's SDK where that is not public: one function for each use.

The docstring of each says what breaks when the SDK changes it. `python -m tests.sdk.contracts`
prints the broken ones as JSON. Neither this file nor what it imports needs anything beside the
SDK itself, so that `make drift` can run it with the newest release.
"""

import asyncio
import importlib
import inspect
import json
import logging
import sys
import traceback
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeAlias, cast, get_args

from livekit import rtc
from livekit.agents import (
    Agent,
    AgentServer,
    AgentSession,
    JobContext,
    LanguageCode,
    Plugin,
    RoomInputOptions,
    WorkerOptions,
    cli,
    inference,
    llm,
    stt,
    tts,
    worker,
)
from livekit.agents.cli import _legacy
from livekit.agents.voice import (
    RemoteSession,
    agent_activity,
    agent_session,
    audio_recognition,
    remote_session,
)
from livekit.agents.voice.events import EotPredictionEvent
from livekit.agents.voice.room_io import RoomIO, RoomOptions, _pre_connect_audio
from livekit.protocol.agent import Job, JobType
from livekit.rtc._proto.track_pb2 import AudioTrackFeature

from timing_profiles.call import sdk_internals

Contract: TypeAlias = Callable[[], Awaitable[None]]

CONTRACTS: dict[str, Contract] = {}
"""What is used of the SDK -> the contract that holds it."""

TOPIC = sdk_internals.PRE_CONNECT_TOPIC


def contract(used: str) -> Callable[[Contract], Contract]:
    """Name what a contract holds."""

    def keep(function: Contract) -> Contract:
        CONTRACTS[used] = function
        return function

    return keep


async def broken() -> dict[str, str]:
    """Run all contracts; return what is used by the broken ones -> what breaks, and why."""
    reasons = {used: await _reason(holds) for used, holds in CONTRACTS.items()}
    return {used: reason for used, reason in reasons.items() if reason}


async def _reason(holds: Contract) -> str:
    try:
        await holds()
    except Exception as error:  # noqa: BLE001 - whatever a new release raises
        *_, last = traceback.extract_tb(error.__traceback__)
        reason = f"{type(error).__name__}: {str(error) or last.line}"
        return f"{inspect.getdoc(holds)}\n{reason}"
    return ""


def ignore(*_: Any) -> None:
    """Stand for a handler that is not called."""


def taking(taken: list[Any]) -> Callable[[Any], Any]:
    """Keep the handler that a session registers, and have it registered as it is."""

    def take(handler: Any) -> Any:
        taken.append(handler)
        return handler

    return take


def session(**handling: Any) -> AgentSession[None]:
    """Make a session that does not start."""
    return AgentSession(vad=None, turn_handling=cast("Any", handling))


@contract("rtc._proto.track_pb2.AudioTrackFeature")
async def recorded_track() -> None:
    """A client's recording is cut off at once: what was said before the agent came is lost."""
    features = [AudioTrackFeature.Value("TF_PRECONNECT_BUFFER")]
    assert sdk_internals.is_recorded(cast("Any", SimpleNamespace(audio_features=features)))
    assert not sdk_internals.is_recorded(cast("Any", SimpleNamespace(audio_features=[])))


@contract("rtc.Room.register_byte_stream_handler")
async def intercepted_recordings() -> None:
    """Recordings that come before the session are dropped, or the session gets none at all."""
    kept: list[Any] = []
    taken: list[Any] = []
    room = rtc.Room(loop=asyncio.get_running_loop())
    sdk_internals.intercept_recordings(room, lambda *stream: kept.append(stream), taking(taken))
    handlers = vars(room)["_byte_stream_handlers"]
    handlers[TOPIC]("reader", "caller")
    assert kept == [("reader", "caller")]
    room.register_byte_stream_handler("another", ignore)
    assert taken == []
    room.register_byte_stream_handler(TOPIC, ignore)
    assert taken == [ignore]
    assert handlers == {"another": ignore, TOPIC: ignore}


@contract("rtc.Room.register_byte_stream_handler raises ValueError")
async def taken_topic() -> None:
    """An application that receives recordings itself loses the call."""
    room = rtc.Room(loop=asyncio.get_running_loop())
    room.register_byte_stream_handler(TOPIC, ignore)
    sdk_internals.intercept_recordings(room, ignore, taking([]))
    assert vars(room)["_byte_stream_handlers"] == {TOPIC: ignore}


@contract("room_io._pre_connect_audio.PreConnectAudioHandler")
async def registered_session() -> None:
    """The session never gets a recording that came before it, and callers are not heard for 3 s."""
    taken: list[Any] = []
    room = rtc.Room(loop=asyncio.get_running_loop())
    sdk_internals.intercept_recordings(room, ignore, taking(taken))
    _pre_connect_audio.PreConnectAudioHandler(room=room, timeout=1.0).register()
    assert len(taken) == 1


@contract("the text of a warning of PreConnectAudioHandler")
async def false_alarm() -> None:
    """Each call with a recording logs a false alarm: that it may have been lost."""
    room = rtc.Room(loop=asyncio.get_running_loop())
    sdk_internals.intercept_recordings(room, ignore, taking([]))
    handler = _pre_connect_audio.PreConnectAudioHandler(room=room, timeout=0.01)
    vars(handler)["_registered_after_connect"] = True
    logged: list[logging.LogRecord] = []
    logger = logging.getLogger("livekit.agents")
    seen = SimpleNamespace(level=0, handle=logged.append)
    logger.addHandler(cast("logging.Handler", seen))
    try:
        await handler.wait_for_data("track")
    except asyncio.TimeoutError:
        pass
    finally:
        logger.removeHandler(cast("logging.Handler", seen))
    assert [record.getMessage() for record in logged] == []


@contract("EventEmitter._events, _ParticipantInputStream._accepted_sources, _participant_identity")
async def listened_to() -> None:
    """A session that takes video or moves to another participant gets no track of it."""
    room = rtc.Room(loop=asyncio.get_running_loop())
    microphone, camera, screen = (
        rtc.TrackSource.SOURCE_MICROPHONE,
        rtc.TrackSource.SOURCE_CAMERA,
        rtc.TrackSource.SOURCE_SCREENSHARE,
    )
    assert sdk_internals.taken_sources(room) == {}
    options = RoomOptions(video_input=True, audio_output=False, text_output=False)
    linked = RoomIO(session(), room, options=options)
    await linked.start()
    assert sdk_internals.taken_sources(room) == {}
    linked.set_participant("caller")
    assert sdk_internals.taken_sources(room) == {"caller": {microphone, camera, screen}}
    await linked.aclose()
    assert sdk_internals.taken_sources(room) == {}
    room.on("track_subscribed", ignore)
    assert sdk_internals.taken_sources(room) is None


@contract("job.DEFAULT_PARTICIPANT_KINDS")
async def caller_kinds() -> None:
    """Callers by phone or from a browser are not found, and the job waits in vain."""
    assert set(sdk_internals.CALLER_KINDS) == {
        rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
        rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
        rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR,
    }


@contract("types.ATTRIBUTE_PUBLISH_ON_BEHALF")
async def publish_on_behalf() -> None:
    """An avatar of the agent is taken for the caller."""
    assert sdk_internals.PUBLISHES_FOR == "lk.publish_on_behalf"


@contract("room_io.types.DEFAULT_CLOSE_ON_DISCONNECT_REASONS")
async def closing_reasons() -> None:
    """A caller who hangs up while the session is set up leaves a job behind for 20 s."""
    assert rtc.DisconnectReason.CLIENT_INITIATED in sdk_internals.ENDS_THE_CALL
    assert rtc.DisconnectReason.UNKNOWN_REASON not in sdk_internals.ENDS_THE_CALL


@contract("rtc.room.EventTypes")
async def room_events() -> None:
    """A caller who comes, goes, or changes its metadata is not noticed."""
    used = {
        *("participant_active", "participant_connected", "participant_disconnected"),
        *("participant_attributes_changed", "participant_metadata_changed"),
        *("participant_permissions_changed", "connection_state_changed"),
        *("track_published", "track_unpublished", "reconnected"),
    }
    assert used - set(get_args(sdk_internals.RoomEvent)) == set()


@contract("RoomOptions._ensure_options")
async def former_room_options() -> None:
    """Noise cancellation that an application sets with `RoomInputOptions` is dropped."""
    given = sdk_internals.room_options({"participant_identity": "caller"})
    former = RoomInputOptions(audio_sample_rate=8000)
    merged = vars(RoomOptions)["_ensure_options"](given, room_input_options=former)
    assert merged.participant_identity == "caller"
    assert merged.audio_input.sample_rate == 8000
    assert "RoomOptions._ensure_options(" in inspect.getsource(agent_session)


@contract("protocol.agent.JobType")
async def publisher_job() -> None:
    """A publisher job waits for any caller instead of its own participant."""
    job = Job(type=JobType.JT_PUBLISHER)
    job.participant.identity = "caller"
    assert sdk_internals.publisher(cast("Any", SimpleNamespace(job=job))) == "caller"
    room = Job(type=JobType.JT_ROOM)
    assert sdk_internals.publisher(cast("Any", SimpleNamespace(job=room))) is None


@contract("JobContext.primary_session")
async def primary_session() -> None:
    """A step that borrows before `timing.follow` finds no session."""
    job = JobContext.__new__(JobContext)
    vars(job)["_primary_agent_session"] = None
    assert sdk_internals.primary_session(job) is None
    vars(job)["_primary_agent_session"] = started = session()
    assert sdk_internals.primary_session(job) is started
    assert "job_ctx._primary_agent_session = self" in inspect.getsource(agent_session)


@contract("RoomIO listens for departures, and has linked_participant and _agent_session")
async def linked() -> None:
    """The job ends when a caller leaves whose session is linked already."""
    room, runs, first = rtc.Room(loop=asyncio.get_running_loop()), session(), session()
    job: Any = SimpleNamespace(is_fake_job=lambda: False, room=room, primary_session=first)
    assert (sdk_internals.sessions(job), sdk_internals.linked(job)) == ([first], set())
    io = RoomIO(runs, room)
    room.on("participant_disconnected", io._on_participant_disconnected)  # noqa: SLF001
    assert sdk_internals.sessions(job) == [runs, first]
    caller: Any = SimpleNamespace(identity="caller")
    vars(io)["_participant_available_fut"].set_result(caller)
    assert sdk_internals.linked(job) == {"caller"}
    listens = 'on("participant_disconnected", self._on_participant_disconnected)'
    assert listens in inspect.getsource(RoomIO.start)
    assert inspect.getsource(RoomIO.aclose).count(listens.replace("on(", "off(")) == 1


@contract("AgentSession._room_io, RoomIO._options and RoomIO.set_participant")
async def listening_to() -> None:
    """Of a call without a wait, a session keeps listening to an observer who came first."""
    room, runs = rtc.Room(loop=asyncio.get_running_loop()), session()
    told: list[str] = []
    assert not sdk_internals.is_in_room(runs)
    sdk_internals.listen_to(runs, "callee")
    for options in (RoomOptions(), RoomOptions(participant_identity="other")):
        io = RoomIO(runs, room, options=options)
        vars(io)["set_participant"] = told.append
        vars(runs)["_room_io"] = io
        sdk_internals.listen_to(runs, "callee")
    assert sdk_internals.is_in_room(runs)
    assert told == ["callee"]


@contract("AgentSession.current_agent raises RuntimeError")
async def not_started() -> None:
    """A session that is followed before it starts loses the call."""
    assert sdk_internals.current_agent(session()) is None


@contract("Agent.min_endpointing_delay and max_endpointing_delay")
async def own_delays() -> None:
    """An agent that sets its own delays gets the profile's."""
    own = Agent(instructions="", turn_handling={"endpointing": {"min_delay": 0.7}})
    assert sdk_internals.own_delays(own) == {"min_delay": 0.7}
    assert sdk_internals.own_delays(Agent(instructions="")) == {}


@contract("Agent._turn_handling")
async def agents_own() -> None:
    """Settings that an agent sets itself are reported as the profile's."""
    handling: Any = {
        "turn_detection": "vad",
        "endpointing": {"min_delay": 0.7},
        "interruption": {"enabled": False, "mode": "vad", "min_words": 3},
        "preemptive_generation": {"max_retries": 1},
    }
    own = Agent(instructions="", turn_handling=handling, min_consecutive_speech_delay=0.5)
    assert sdk_internals.agents_own(own) == {
        "turn_handling.turn_detection": "vad",
        "turn_handling.endpointing.min_delay": 0.7,
        "turn_handling.interruption.enabled": False,
        "turn_handling.interruption.mode": "vad",
        "turn_handling.preemptive_generation.max_retries": 1,
        "session.min_consecutive_speech_delay": 0.5,
    }
    assert sdk_internals.agents_own(Agent(instructions="")) == {}
    # What it sets besides is read from the session.
    source = inspect.getsource(agent_activity)
    assert source.count("_agent._turn_handling") == 2
    assert sdk_internals.acting_part(session(), "vad") is None


@contract("FallbackAdapter._stt_instances and _tts_instances, StreamAdapter._wrapped_tts")
async def members_of_adapters() -> None:
    """A setting of the profile does not reach the parts within an adapter."""
    account: Any = {"api_key": "a-key", "api_secret": "a-secret"}
    ears = [inference.STT("deepgram/nova-3", **account) for _ in range(2)]
    voices = [inference.TTS("cartesia/sonic-3", **account) for _ in range(2)]
    adapter = stt.FallbackAdapter([stt.StreamAdapter(stt=ears[0], vad=inference.VAD()), ears[1]])
    assert sdk_internals.members(adapter) == (ears[0], ears[1])
    within: Any = [tts.StreamAdapter(tts=voices[0]), voices[1]]
    assert sdk_internals.members(tts.FallbackAdapter(within)) == (voices[0], voices[1])
    assert isinstance(stt.MultiSpeakerAdapter.wrapped_stt, property)
    assert sdk_internals.members("alone") == ("alone",)
    assert sdk_internals.members(None) == ()


@contract("VAD._opts, STT._opts, TTS._opts")
async def stored_options() -> None:
    """What a part has cannot be seen: its own settings are overwritten, or not reported."""
    ear = inference.STT(
        "deepgram/nova-3",
        api_key="a-key",
        api_secret="a-secret",  # noqa: S106 - nobody checks it
        extra_kwargs={"endpointing": 300},
    )
    found = [
        sdk_internals.stored_option(inference.VAD(), "activation_threshold", None),
        sdk_internals.stored_option(ear, "extra_kwargs.endpointing", None),
        sdk_internals.stored_option(ear, "extra_kwargs.no_delay", None),
        sdk_internals.stored_option(ear, "language", None),
    ]
    assert found == [0.5, 300, None, None]
    detector = inference.TurnDetector(version="v1-mini", unlikely_threshold={"en-US": 0.5})
    assert sdk_internals.stored_option(detector, "thresholds.overrides", None) == {"en": 0.5}
    assert sdk_internals.stored_option(detector, "thresholds.backchannel_overrides", None) is None


@contract("turn_detector.EOUModelBase._unlikely_threshold")
async def plugin_detector() -> None:
    """The threshold of a `MultilingualModel` or `EnglishModel` is not the profile's."""
    try:
        base = importlib.import_module("livekit.plugins.turn_detector.base").EOUModelBase
    except ImportError:  # no dependency of this project
        return

    class Detector(base):  # type: ignore[misc, valid-type]  # a class that is not installed
        def _inference_method(self) -> str:
            raise NotImplementedError

    detector: Any = Detector(inference_executor=object(), load_languages=False)
    vars(detector)["_languages"] = {"en": {"threshold": 0.03}}
    assert sdk_internals.stored_option(detector, "unlikely_threshold", 0.0) is None
    sdk_internals.write_stored(detector, {"unlikely_threshold": 0.4})
    assert await detector.unlikely_threshold(LanguageCode("en-US")) == 0.4
    sdk_internals.write_stored(detector, {"unlikely_threshold": None})
    assert await detector.unlikely_threshold(LanguageCode("en-US")) == 0.03


@contract("RealtimeCapabilities")
async def realtime_capabilities() -> None:
    """A model that leaves turns to the session gets none of the profile's delays."""
    able = llm.RealtimeCapabilities(
        message_truncation=True,
        turn_detection=True,
        user_transcription=True,
        auto_tool_reply_generation=False,
        audio_output=True,
        manual_function_calls=True,
        can_disable_turn_detection=True,
    )
    model = SimpleNamespace(capabilities=able)
    gives_up = sdk_internals.gives_up_turns
    asked = ("vad", object(), "manual", "realtime_llm", "stt", None)
    assert [gives_up(model, each, has_vad=True) for each in asked] == [True] * 3 + [False] * 3
    assert not gives_up(model, "vad", has_vad=False)
    able.can_disable_turn_detection = False
    assert not gives_up(model, "vad", has_vad=True)
    source = inspect.getsource(agent_activity.AgentActivity)
    assert "can_disable_turn_detection" in source


@contract("AgentSession.options.turn_handling")
async def turn_handling_options() -> None:
    """Interruption, preemptive generation and turn limits do not change while a call runs."""
    changes = {
        "turn_handling.interruption.min_words": 3,
        "turn_handling.preemptive_generation.max_retries": 1,
        "turn_handling.user_turn_limit.max_words": 40,
    }
    changed = session(turn_detection="stt")
    sdk_internals.write_options(changed, changes)
    assert {path: sdk_internals.read_option(changed, path) for path in changes} == changes
    assert sdk_internals.read_option(changed, "turn_handling.turn_detection") == "stt"
    # They are read from these options whenever one is needed.
    running = agent_activity.AgentActivity(Agent(instructions=""), changed)
    assert running.preemptive_generation_opts["max_retries"] == 1
    assert 'options.interruption["min_words"]' in inspect.getsource(agent_activity)
    assert 'options.turn_handling["user_turn_limit"]' in inspect.getsource(audio_recognition)


@contract("AgentSession.options")
async def session_options() -> None:
    """The fields of the section `session` do not change while a call runs."""
    changes = {
        "session.user_away_timeout": 99.0,
        "session.min_consecutive_speech_delay": 0.5,
        "session.transcription_timeout": 3.0,
        "session.session_close_transcript_timeout": 1.0,
    }
    changed = session()
    for path, value in changes.items():
        assert sdk_internals.read_option(changed, path) != value
    sdk_internals.write_options(changed, changes)
    assert {path: sdk_internals.read_option(changed, path) for path in changes} == changes
    assert vars(changed)["_opts"] is changed.options


@contract("AgentSession.options.endpointing_overrides")
async def endpointing_overrides() -> None:
    """The next agent of a call goes back to the former delays, or gets the SDK's defaults."""
    changed = session(endpointing={"min_delay": 0.4})
    sdk_internals.write_endpointing(changed, {"max_delay": 9.0})
    assert changed.options.endpointing["min_delay"] == 0.4
    assert changed.options.endpointing["max_delay"] == 9.0
    assert dict(changed.options.endpointing_overrides) == {"min_delay": 0.4, "max_delay": 9.0}


@contract("AgentServer.run")
async def server_run() -> None:
    """The worker starts without profiles: nothing is checked, published or watched."""
    server = AgentServer()
    run, calls = server.run, []

    async def around(original: Any, *args: Any, **kwargs: Any) -> None:
        calls.append((original, args, kwargs))

    sdk_internals.wrap_run(server, around)
    await server.run(devmode=True, unregistered=True)
    assert calls == [(run, (), {"devmode": True, "unregistered": True})]
    assert "server.run(" in inspect.getsource(cli.cli)


async def _answer(ctx: JobContext) -> None:
    """Be the entrypoint of options."""


@contract("AgentServer.from_server_options")
async def server_options() -> None:
    """A worker that is made from `WorkerOptions` starts without profiles."""
    original = vars(AgentServer)["from_server_options"]
    options, other = (WorkerOptions(entrypoint_fnc=_answer) for _ in range(2))
    made: list[AgentServer] = []
    try:
        sdk_internals.when_made(options, made.append)
        AgentServer.from_server_options(other)
        assert made == []
        server = AgentServer.from_server_options(options)
        assert made == [server]
    finally:
        setattr(AgentServer, "from_server_options", original)  # noqa: B010
    assert "AgentServer.from_server_options(server)" in inspect.getsource(_legacy)


@contract("AgentServer.id")
async def server_id() -> None:
    """`/ready` says that a worker takes calls before it has registered, or never."""
    server = AgentServer()
    assert not sdk_internals.is_registered(server)
    vars(server)["_id"] = "AW_x"
    assert sdk_internals.is_registered(server)


@contract("Plugin.registered_plugins")
async def plugin_preload() -> None:
    """Each job process imports the library itself: its first call waits for that."""
    before = [*Plugin.registered_plugins]
    try:
        sdk_internals.preload("timing_profiles", "0", "timing_profiles", logging.getLogger())
        (added,) = Plugin.registered_plugins[len(before) :]
    finally:
        Plugin.registered_plugins[:] = before
    assert added.package == "timing_profiles"
    assert "p.package for p in Plugin.registered_plugins" in inspect.getsource(worker)


@contract("llm.RealtimeModel and llm.DuplexModel")
async def realtime_models() -> None:
    """Speech-to-text is built beside a model that hears itself, whose own detection is lost."""
    for abstract in (llm.RealtimeModel, getattr(llm, "DuplexModel", llm.RealtimeModel)):
        parts = dict.fromkeys(getattr(abstract, "__abstractmethods__", ()))
        model: Any = type("Model", (abstract,), parts)
        assert sdk_internals.is_realtime(model.__new__(model))
    assert not sdk_internals.is_realtime("openai/gpt-4.1-mini")


@contract("inference.TurnDetector.stream")
async def observe_predictions() -> None:
    """`rehearse` takes every end of a turn for a likely one, and names the wrong field."""
    detector = inference.TurnDetector(version="v1-mini", unlikely_threshold=0.7)
    seen: list[tuple[float, float | None]] = []
    sdk_internals.observe_predictions(detector, lambda *one: seen.append(one))
    stream = detector.stream()
    await stream.predict()
    await asyncio.sleep(0)
    await stream.aclose()
    ((probability, threshold),) = seen
    assert 0 <= probability <= 1
    assert threshold == 0.7


@contract("inference.VAD.stream and its native VAD")
async def remember() -> None:
    """`rehearse` finds some ends of speech 32 ms sooner or later than a call does."""
    sound = b"".join(
        (at * at % 9001 - 4500).to_bytes(2, "little", signed=True) for at in range(16000)
    )

    async def probabilities(detector: inference.VAD, samples: bytes) -> list[float]:
        stream = detector.stream()
        stream.push_frame(rtc.AudioFrame(samples, 16000, 1, len(samples) // 2))
        stream.end_input()
        found = [event.probability async for event in stream if event.probability]
        await stream.aclose()
        return found

    earlier, later = sound[:16384], sound[16384:]
    reminded = inference.VAD()
    sdk_internals.remember(reminded, b"\0\0" + earlier)
    fresh = await probabilities(inference.VAD(), later)
    assert await probabilities(reminded, later) != fresh
    whole = await probabilities(inference.VAD(), sound)
    assert await probabilities(reminded, later) == whole[-len(fresh) :]


@contract("RemoteSession and SessionHost")
async def session_events() -> None:
    """The page of `tune` draws no state and no probability: it calls all of it unknown."""
    host_end, page_end = _Pipe(), _Pipe()
    host_end.other, page_end.other = page_end, host_end
    host, page = remote_session.SessionHost(host_end), RemoteSession(page_end)
    seen: list[Any] = []
    cast("Any", page).on("eot_prediction", seen.append)
    await page.start()
    await host.start()
    host._on_eot_prediction(  # noqa: SLF001 - as agent_activity calls it
        EotPredictionEvent(probability=0.5, threshold=0.25, inference_duration=0.1, delay=0.2)
    )
    await asyncio.sleep(0.05)
    await host.aclose()
    await page.aclose()
    ((probability, threshold),) = (
        (one.eot_prediction.probability, one.eot_prediction.threshold) for one in seen
    )
    assert (probability, threshold) == (0.5, 0.25)
    assert "host._on_eot_prediction(ev)" in inspect.getsource(agent_activity)
    assert "RoomSessionTransport(room)" in inspect.getsource(agent_session)


class _Pipe(remote_session.SessionTransport):
    """One end of a transport between a session and its observer, without a room."""

    other: "_Pipe"

    def __init__(self) -> None:
        self._messages: asyncio.Queue[Any] = asyncio.Queue()

    async def start(self) -> None:
        """Be ready at once."""

    async def send_message(self, msg: Any) -> None:
        """Give a message to the other end."""
        self.other._messages.put_nowait(msg)  # noqa: SLF001 - of its own class

    async def close(self) -> None:
        """Have nothing to close."""

    def __aiter__(self) -> "_Pipe":
        return self

    async def __anext__(self) -> Any:
        return await self._messages.get()


def main() -> None:
    """Print the broken contracts as JSON."""
    json.dump(asyncio.run(broken()), sys.stdout)


if __name__ == "__main__":
    main()
