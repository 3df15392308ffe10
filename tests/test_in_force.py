"""What is reported as in force acts: beside an application's own arguments, agents and parts."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from livekit.agents import AgentStateChangedEvent, inference, stt, vad
from livekit.plugins import deepgram

from tests.running import Deaf, Running, publish
from tests.sdk.release import needs_pace
from tests.test_apply import MUTE, REST, asking
from tests.test_sdk_arguments import Realtime
from tests.virtual_time import in_virtual_time
from timing_profiles.call.silence import SETTLED

DETECTION = "turn_handling.turn_detection"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
ENDPOINTING = "stt.nova.endpointing_ms"
EOT = "stt.flux.eot_threshold"
SPEED = "realtime.speed"
UNLIKELY = "turn_detector.unlikely_threshold"
ACTIVATION = "vad.activation_threshold"
SILENCE = "vad.min_silence_duration"

MORE = {
    "noisy": "{vad: {activation_threshold: 0.7}, stt: {nova: {endpointing_ms: 400}}}",
    "fast-talker": "tts: {speed: 1.4}",
}


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter profiles and a few more; credentials for LiveKit Inference."""
    publish(tmp_path, monkeypatch, MORE)
    monkeypatch.setenv("LIVEKIT_API_KEY", "a-key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a-secret")


def naming(profile: str) -> str:
    """Metadata that names a profile."""
    return f'{{"profile": "{profile}"}}'


def found(running: Running, *paths: str) -> list[Any]:
    """The values of some fields, as they are reported."""
    return [running.timing.settings.values[path] for path in paths]


def origins(running: Running, *paths: str) -> list[str]:
    """Where they come from."""
    return [running.timing.settings.origins[path] for path in paths]


def messages(running: Running) -> list[str]:
    """Problems, as `path: message`."""
    return [f"{problem.path}: {problem.message}" for problem in running.timing.problems]


def codes(running: Running) -> str:
    """What is announced in the agent's attributes."""
    return running.room.local_participant.attributes.get("timing.problems", "")


class Other(vad.VAD):
    """A VAD of somebody else, which no setting reaches."""

    def __init__(self, silence: float | None = 0.6) -> None:
        super().__init__(capabilities=vad.VADCapabilities(update_interval=0.032))
        self._silence = silence

    @property
    def min_silence_duration(self) -> float | None:
        """As the SDK asks for it."""
        if self._silence == 0:
            raise RuntimeError("not loaded")
        return self._silence

    def stream(self) -> Any:
        """Listen, as LiveKit's own does."""
        return inference.VAD().stream()


class Ear(stt.STT[Any]):
    """Speech-to-text of somebody else, which ends no turns."""

    def __init__(self) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))

    async def _recognize_impl(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError


# --- an agent's and a session's own arguments


@in_virtual_time
async def test_delays_of_an_agent_are_reported_as_the_applications() -> None:
    """Its value acts; the profile's is not in force, and has a problem."""
    agent = Deaf(instructions="", turn_handling={"endpointing": {"min_delay": 0.2}})
    async with Running(naming("patient"), session=MUTE).follow().started(agent) as running:
        assert found(running, MIN_DELAY, MAX_DELAY) == [0.2, 4.0]
        assert origins(running, MIN_DELAY) == ["application"]
        assert MIN_DELAY not in running.timing.settings.changed
        assert MAX_DELAY in running.timing.settings.changed
        assert messages(running) == [
            f"{MIN_DELAY}: 1.5 is not applied: the agent sets it itself: 0.2"
        ]
        await asyncio.sleep(0)
        assert codes(running) == "not-applied"


@in_virtual_time
async def test_report_follows_the_agent_that_takes_over() -> None:
    """What the first agent sets is its own: the next one has the profile's."""
    agent = Deaf(instructions="", turn_handling={"endpointing": {"min_delay": 0.2}})
    async with Running(naming("patient"), session=MUTE).follow().started(agent) as running:
        running.session.update_agent(Deaf(instructions=""))
        await asyncio.sleep(1)
        assert found(running, MIN_DELAY) == [1.5]
        assert messages(running) == []
        assert codes(running) == ""


@pytest.mark.parametrize(
    ("handling", "field", "acting"),
    [
        ({"turn_detection": "vad"}, DETECTION, "vad"),
        ({"interruption": {"enabled": False}}, "turn_handling.interruption.enabled", False),
        ({"interruption": {"mode": "adaptive"}}, "turn_handling.interruption.mode", "adaptive"),
        (
            {"preemptive_generation": {"max_retries": 1}},
            "turn_handling.preemptive_generation.max_retries",
            1,
        ),
        # The SDK reads the number of words from the session alone.
        ({"interruption": {"min_words": 5}}, "turn_handling.interruption.min_words", 0),
    ],
)
@in_virtual_time
async def test_active_turn_handling_of_an_agent_is_reported(
    handling: Any, field: str, acting: object
) -> None:
    """As far as the SDK reads it from an agent."""
    agent = Deaf(instructions="", turn_handling=handling)
    async with Running(session=MUTE).follow().started(agent) as running:
        assert found(running, field) == [acting]


@in_virtual_time
async def test_arguments_of_the_session_are_reported_as_the_applications() -> None:
    """Former ones, too."""
    own = {**MUTE, "min_endpointing_delay": 0.7, "user_away_timeout": 7.0}
    async with Running(naming("patient"), session=own).follow().started() as running:
        paths = (MIN_DELAY, "session.user_away_timeout")
        assert found(running, *paths) == [0.7, 7.0]
        assert origins(running, *paths) == ["application", "application"]
        assert messages(running) == [
            f"{MIN_DELAY}: 1.5 is not applied: the application sets it itself: 0.7"
        ]


@in_virtual_time
async def test_change_behind_the_back_is_reported_after_the_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Of the session and of a part, also where the caller requests nothing; the log corrects it."""
    caplog.set_level("INFO", logger="timing_profiles")
    running = Running(naming("patient"), session=MUTE).follow()
    running.timing.log_when_started()
    async with running.started():
        running.job.started = running.session
        await asyncio.sleep(1)
        running.session.update_options(endpointing_opts={"min_delay": 2.2})
        cast("Any", running.session.vad).update_options(min_silence_duration=0.77)
        running.session.emit(
            "agent_state_changed", AgentStateChangedEvent(old_state="speaking", new_state="idle")
        )
        assert found(running, MIN_DELAY, "vad.min_silence_duration") == [2.2, 0.77]
        assert origins(running, MIN_DELAY, "vad.min_silence_duration") == ["application"] * 2
        await asyncio.sleep(0.1)
        assert codes(running) == "not-applied"
    assert [line.partition(",")[0] for line in caplog.messages if line.startswith("call ")] == [
        "call with profile patient",
        "call corrected with profile patient",
    ]


@in_virtual_time
async def test_change_by_the_application_is_reported() -> None:
    """Options that it sets with `update_options` act from then on."""
    async with Running(naming("patient"), session=MUTE).follow().started() as running:
        running.session.update_options(endpointing_opts={"min_delay": 2.2})
        running.session.update_agent(Deaf(instructions=""))
        await asyncio.sleep(1)
        assert found(running, MIN_DELAY) == [2.2]
        assert origins(running, MIN_DELAY) == ["application"]


@pytest.mark.parametrize(
    ("profile", "delays", "acting", "left_out"),
    [
        ("brisk", {"min_delay": 3.0}, (3.0, 3.0), ["max_delay: 0.8"]),
        ("brisk", {"min_delay": 1.0}, (1.0, 2.5), ["max_delay: 0.8"]),
        ("patient", {"max_delay": 1.0}, (0.3, 1.0), ["min_delay: 1.5"]),
        ("brisk", {"min_delay": 0.5}, (0.5, 0.8), []),
        ("brisk", {"min_delay": 3.0, "max_delay": 1.0}, (3.0, 1.0), []),
    ],
)
@in_virtual_time
async def test_setting_that_does_not_fit_the_applications_is_left_out(
    profile: str, delays: Any, acting: tuple[float, float], left_out: list[str]
) -> None:
    """The application's value stays; the profile's gives way to the nearest that fits."""
    own = {"turn_handling": {"endpointing": delays}}
    running = Running(naming(profile), session=own)
    assert (running.in_force(MIN_DELAY), running.in_force(MAX_DELAY)) == acting
    said = [f"{p.path.rpartition('.')[2]}: {p.message[:3]}" for p in running.timing.problems]
    assert said == left_out


@in_virtual_time
async def test_message_names_omitted_settings_and_reasons() -> None:
    """And the values that act instead, before the session has started."""
    own = {"turn_handling": {"endpointing": {"min_delay": 3.0}}}
    running = Running(naming("brisk"), session=own)
    assert messages(running) == [
        (
            f"{MAX_DELAY}: 0.8 is not applied: min_delay 3.0 is more than max_delay 0.8 (s); the"
            " application sets min_delay; 3.0 acts"
        )
    ]


@in_virtual_time
async def test_later_request_is_checked_against_the_applications_too() -> None:
    """Delays that the caller asks for while the call runs."""
    own = {**MUTE, "turn_handling": {"endpointing": {"min_delay": 3.0}}}
    async with Running(naming("open"), session=own).follow().started() as running:
        running.room.change_metadata(asking({MAX_DELAY: 2.0}))
        await asyncio.sleep(REST)
        assert found(running, MIN_DELAY, MAX_DELAY) == [3.0, 3.0]
        assert running.in_force(MAX_DELAY) == 3.0


# --- parts that the application brings


@in_virtual_time
async def test_vad_of_the_application_is_tuned() -> None:
    """Loaded before the call, as for all calls of a process; the application's options stay."""
    own = inference.VAD(min_speech_duration=0.2)
    async with Running(naming("noisy"), session={**MUTE, "vad": own}).follow().started() as running:
        paths = (ACTIVATION, "vad.min_speech_duration", "vad.deactivation_threshold")
        assert [running.in_force(path) for path in paths] == pytest.approx([0.7, 0.2, 0.55])
        assert found(running, *paths[:2]) == [0.7, 0.2]
        assert origins(running, paths[1]) == ["application"]
        running.room.change_metadata(asking({ACTIVATION: 0.9}))
        await asyncio.sleep(REST)
        assert running.in_force(ACTIVATION) == found(running, ACTIVATION)[0] == 0.9


@in_virtual_time
async def test_vad_of_a_process_keeps_the_options_of_the_application() -> None:
    """On the next call, it still has the settings of this one; they are not the application's."""
    own = inference.VAD(min_speech_duration=0.2)
    for profile, activation in (("noisy", 0.7), ("default", 0.5)):
        running = Running(naming(profile), session={"vad": own})
        paths = (ACTIVATION, "vad.min_speech_duration")
        assert [running.in_force(path) for path in paths] == [activation, 0.2]


@in_virtual_time
async def test_parts_of_an_agent_are_tuned() -> None:
    """As those of the session, when it takes over."""
    own: Any = {"stt": deepgram.STT(), "vad": inference.VAD()}
    agent = Deaf(instructions="", **own)
    async with Running(naming("noisy"), session=MUTE).follow().started(agent) as running:
        assert running.listener.arguments["endpointing_ms"] == 400
        assert own["vad"].arguments["activation_threshold"] == 0.7
        assert messages(running) == []


@pytest.mark.parametrize("ear", ["deepgram/nova-3", "deepgram/nova-3:en"])
@in_virtual_time
async def test_speech_to_text_by_its_name_is_tuned(ear: str) -> None:
    """A model of LiveKit Inference."""
    own = {**MUTE, "stt": ear}
    async with Running(naming("noisy"), session=own).follow().started() as running:
        assert extra(running.session.stt) == {"endpointing": 400}
        assert found(running, ENDPOINTING) == [400]
        assert messages(running) == []


@in_virtual_time
async def test_model_without_settings_is_named_in_the_problem() -> None:
    """The class alone would say that no model of LiveKit Inference has the setting."""
    running = Running(naming("patient"), session={**MUTE, "stt": "cartesia/ink-whisper"}).follow()
    async with running.started():
        (message,) = messages(running)
        reason = 'inference.STT with "cartesia/ink-whisper" has no such setting'
        assert message == f"{ENDPOINTING}: 400 is not applied: {reason}"


@in_virtual_time
async def test_gateway_options_of_the_application_stay() -> None:
    """Its own `extra_kwargs`, and its language."""
    own = inference.STT("deepgram/nova-3", language="de", extra_kwargs={"endpointing": 25})
    async with Running(naming("noisy"), session={**MUTE, "stt": own}).follow().started() as running:
        assert extra(own) == {"endpointing": 25}
        assert found(running, ENDPOINTING, "stt.nova.language") == [25, "de"]
        assert messages(running) == [
            f"{ENDPOINTING}: 400 is not applied: the application sets it itself: 25"
        ]


@in_virtual_time
async def test_flux_through_the_gateway_is_tuned() -> None:
    """With Flux, a profile for Flux keeps its way of ending turns."""
    own = {**MUTE, "stt": "deepgram/flux-general-en"}
    async with Running(naming("flux-conversation"), session=own).follow().started() as running:
        assert extra(running.session.stt) == {
            "eot_threshold": 0.7,
            "eager_eot_threshold": 0.4,
            "eot_timeout_ms": 6000,
        }
        assert running.in_force(DETECTION) == "stt"
        assert messages(running) == []
        assert found(running, "stt.engine") == ["flux"]


@in_virtual_time
async def test_engine_of_the_applications_speech_to_text_is_reported() -> None:
    """Beside Flux, what `default` sets for nova is not in use; the gateway's eager mode is."""
    own = {**MUTE, "stt": "deepgram/flux-general-en"}
    async with Running(session=own).follow().started() as running:
        assert found(running, "stt.engine", "stt.flux.eager_eot_threshold") == ["flux", 0.5]
        assert origins(running, "stt.engine", "stt.flux.eager_eot_threshold") == [
            "application",
            "inference.STT",
        ]
        assert messages(running) == []


@in_virtual_time
async def test_speech_to_text_of_the_application_changes_in_silence() -> None:
    """The plugin opens another connection for it: no words are lost."""
    own = deepgram.STT()
    async with Running("", session={**MUTE, "stt": own}).follow().started() as running:
        running.session.becomes("speaking")
        running.room.change_metadata(asking({ENDPOINTING: 400}))
        await asyncio.sleep(REST)
        assert own.arguments.get("endpointing_ms") is None  # type: ignore[attr-defined]
        running.session.transcribes(is_final=True)
        running.session.becomes("listening")
        await asyncio.sleep(SETTLED + 0.2)
        assert own.arguments["endpointing_ms"] == 400  # type: ignore[attr-defined]


@pytest.mark.parametrize("wrapped", [False, True], ids=["in an adapter", "in two"])
@in_virtual_time
async def test_settings_are_followed_inside_an_adapter(*, wrapped: bool) -> None:
    """Each speech-to-text that it falls back to."""
    running = Running()
    ours, theirs = running.timing.stt(), deepgram.STT()
    adapter: Any = stt.FallbackAdapter([ours, theirs])
    adapter = stt.FallbackAdapter([adapter]) if wrapped else adapter
    running.session = type(running.session)(**running.timing.session_kwargs(**MUTE, stt=adapter))
    async with running.follow().started():
        running.room.change_metadata('{"endpointing_ms": 900}')
        await asyncio.sleep(REST)
        told = [vars(part)["arguments"]["endpointing_ms"] for part in (ours, theirs)]
        assert told == [900, 900]
        assert found(running, ENDPOINTING) == [900]


@in_virtual_time
async def test_every_part_of_an_adapter_is_reported() -> None:
    """A value of the first part alone is active, with a problem."""
    own = {**MUTE, "stt": stt.FallbackAdapter([deepgram.STT(), Ear()])}
    async with Running(asking({ENDPOINTING: 400}), session=own).follow().started() as running:
        assert found(running, ENDPOINTING) == [400]
        assert running.timing.settings.changed == (ENDPOINTING,)
        (problem,) = running.timing.problems
        assert problem.message == (
            "400 is not applied: in another part of the adapter: Ear has no such setting"
        )


@in_virtual_time
async def test_value_kept_by_another_part_of_an_adapter_is_reported() -> None:
    """The application's own value of the second, and the profile's of the first."""
    own = {**MUTE, "stt": stt.FallbackAdapter([deepgram.STT(), deepgram.STT(endpointing_ms=77)])}
    async with Running(asking({ENDPOINTING: 400}), session=own).follow().started() as running:
        assert found(running, ENDPOINTING) == [400]
        (problem,) = running.timing.problems
        assert problem.message == (
            "400 is not applied: in another part of the adapter: deepgram.STT: the application sets"
            " it itself: 77"
        )


@in_virtual_time
async def test_value_that_a_part_cannot_give_up_is_reported() -> None:
    """Flux cannot return to its own threshold by a change; the last number stays active."""
    own = {**MUTE, "stt": deepgram.STTv2()}
    async with Running(asking({EOT: 0.8}), session=own).follow().started() as running:
        assert found(running, EOT) == [0.8]
        running.room.change_metadata('{"profile": "open"}')
        await asyncio.sleep(REST)
        assert found(running, EOT) == [0.8]
        assert running.timing.settings.changed == ()


@pytest.mark.skipif(
    not hasattr(inference, "RealtimeModel"), reason="this SDK has no inference.RealtimeModel"
)
@in_virtual_time
async def test_pace_of_a_realtime_model_waits_for_the_agent() -> None:
    """A model refuses another pace while it answers; the turn detection changes at once."""
    model = inference.RealtimeModel("openai/gpt-realtime")
    running = Running(session={**MUTE, "llm": model}).follow()
    states: list[Any] = ["speaking"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(running.session), "agent_state", property(lambda _: states[-1]))
        running.room.change_metadata(asking({SPEED: 1.2, "realtime.eagerness": "low"}))
        await asyncio.sleep(REST)
        options = vars(model)["_opts"]
        assert (options.speed, options.turn_detection.eagerness) == (1.0, "low")
        states.append("listening")
        event = AgentStateChangedEvent(old_state="speaking", new_state="listening")
        running.session.emit("agent_state_changed", event)
        assert options.speed == 1.2


@in_virtual_time
async def test_field_of_a_missing_part_is_reported_as_none() -> None:
    """A session without a realtime model, and with Deepgram's speech-to-text."""
    sets = {SPEED: 1.2, "stt.assemblyai.max_turn_silence": 900}
    async with Running(asking(sets), session=MUTE).follow().started() as running:
        assert messages(running) == [
            "stt.assemblyai.max_turn_silence: 900 is not applied: deepgram.STT has no such setting",
            f"{SPEED}: 1.2 is not applied: there is no realtime model",
        ]
        assert running.timing.settings.changed == ()


# --- turn detectors of the application


class EnglishModel:
    """As the plugin `turn_detector` has it, without its model: nothing is predicted here."""

    def __init__(self, unlikely_threshold: float | None = None) -> None:
        self._unlikely_threshold = unlikely_threshold
        self.model = self.provider = "en"

    async def unlikely_threshold(self, _: Any) -> float:
        """Its own one is 0.03."""
        return 0.03 if self._unlikely_threshold is None else self._unlikely_threshold


EnglishModel.__module__ = "livekit.plugins.turn_detector.english"


def detecting(detector: Any) -> dict[str, Any]:
    """A session with a turn detector of the application."""
    return {**MUTE, "turn_handling": {"turn_detection": detector}}


@in_virtual_time
async def test_detector_of_the_plugin_is_tuned_and_followed() -> None:
    """Its threshold, back to its own one; fields that it does not have are reported."""
    detector = EnglishModel()
    asked = asking({UNLIKELY: 0.5, "turn_detector.version": "v1"})
    running = Running(asked, session=detecting(detector)).follow()
    async with running.started():
        assert await detector.unlikely_threshold("en") == 0.5
        assert found(running, UNLIKELY) == [0.5]
        assert running.timing.settings.changed == (UNLIKELY,)
        assert messages(running) == [
            (
                'turn_detector.version: "v1" is not applied: turn_detector.EnglishModel has no such'
                " setting"
            )
        ]
        running.room.change_metadata(asking({UNLIKELY: 0.7}))
        await asyncio.sleep(REST)
        assert await detector.unlikely_threshold("en") == 0.7
        assert running.session.turn_detection is cast("Any", detector)
        running.room.change_metadata("")
        await asyncio.sleep(REST)
        assert await detector.unlikely_threshold("en") == 0.03
        assert (found(running, UNLIKELY), messages(running)) == (["auto"], [])


@in_virtual_time
async def test_detector_of_the_plugin_takes_one_number() -> None:
    """One for each language is not applied."""
    detector = EnglishModel()
    running = Running(asking({UNLIKELY: {"en": 0.5}}), session=detecting(detector)).follow()
    async with running.started():
        assert await detector.unlikely_threshold("en") == 0.03
        assert messages(running) == [
            f'{UNLIKELY}: {{"en": 0.5}} is not applied: turn_detector.EnglishModel keeps "auto"'
        ]


@in_virtual_time
async def test_threshold_of_the_applications_own_detector_stays() -> None:
    """Of the plugin's detector, on an agent."""
    detector: Any = EnglishModel(0.2)
    agent = Deaf(instructions="", turn_detection=detector)
    async with Running(asking({UNLIKELY: 0.5}), session=MUTE).follow().started(agent) as running:
        assert (found(running, UNLIKELY), origins(running, UNLIKELY)) == ([0.2], ["application"])
        assert messages(running) == [
            f"{UNLIKELY}: 0.5 is not applied: the application sets it itself: 0.2"
        ]


@in_virtual_time
async def test_livekits_detector_of_the_application_is_tuned() -> None:
    """It stays the application's, also when the threshold changes in the call."""
    detector = inference.TurnDetector(version="v1-mini")
    running = Running(asking({UNLIKELY: {"en-US": 0.5}}), session=detecting(detector)).follow()
    async with running.started():
        running.room.change_metadata(asking({UNLIKELY: 0.7}))
        await asyncio.sleep(REST)
        assert vars(detector)["arguments"]["unlikely_threshold"] == 0.7
        assert running.session.turn_detection is detector
        assert (found(running, UNLIKELY), messages(running)) == ([0.7], [])


@in_virtual_time
async def test_part_without_settings_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    """A VAD and speech-to-text of others: their own timing, and no dead settings of ours."""
    own = {**MUTE, "vad": Other(), "stt": Ear()}
    async with Running(naming("noisy"), session=own).follow().started() as running:
        assert messages(running) == [
            f"{ENDPOINTING}: 400 is not applied: Ear has no such setting",
            f"{ACTIVATION}: 0.7 is not applied: Other has no such setting",
        ]
        assert running.timing.settings.changed == ()
        assert found(running, SILENCE) == [0.6]
        assert origins(running, SILENCE) == ["application"]
    assert [line for line in caplog.messages if "dead setting" in line] == []


@pytest.mark.parametrize(
    ("own", "dead"),
    [
        (Other(0.2), []),
        (Other(2.0), [MIN_DELAY]),
        (Other(None), []),
        (inference.VAD(min_silence_duration=0.3), []),
    ],
    ids=["shorter", "longer", "unknown", "set"],
)
@in_virtual_time
async def test_dead_setting_is_judged_by_the_existing_parts(
    own: vad.VAD, dead: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    """`vad.min_silence_duration` makes a delay dead only where it acts."""
    async with Running("", session={**MUTE, "vad": own}).follow().started() as running:
        running.room.change_metadata(asking({SILENCE: 2.0, MIN_DELAY: 1.5}))
        await asyncio.sleep(REST)
    lines = [line for line in caplog.messages if line.startswith("dead setting")]
    assert [line.split()[2] for line in lines] == dead


@in_virtual_time
async def test_part_that_raises_on_read_back_does_not_end_the_call() -> None:
    """A value that cannot be read is not reported."""
    own = inference.VAD()
    async with Running(session={**MUTE, "vad": own}).follow().started() as running:
        del vars(own)["_opts"]
        running.room.change_metadata(asking({ACTIVATION: 0.9, MIN_DELAY: 1.5}))
        await asyncio.sleep(REST)
        assert running.in_force(MIN_DELAY) == 1.5
        (problem,) = [line for line in messages(running) if line.startswith(ACTIVATION)]
        assert problem == (
            f"{ACTIVATION}: 0.9 is not applied: inference.VAD cannot be read back: AttributeError"
        )


@in_virtual_time
async def test_unreadable_part_does_not_end_the_call() -> None:
    """A VAD that raises where its silence is read."""
    running = Running(naming("noisy"), session={**MUTE, "vad": Other(0)})
    assert running.session.vad is not None


@in_virtual_time
async def test_part_changed_by_the_application_is_reported() -> None:
    """Changed without this library, and noticed when another agent takes over."""
    own = inference.VAD()
    async with Running(naming("noisy"), session={**MUTE, "vad": own}).follow().started() as running:
        own.update_options(activation_threshold=0.3)
        running.session.update_agent(Deaf(instructions=""))
        await asyncio.sleep(1)
        assert found(running, ACTIVATION) == [0.3]
        assert origins(running, ACTIVATION) == ["application"]


@needs_pace
@in_virtual_time
async def test_missing_part_is_reported() -> None:
    """No text-to-speech, no pace."""
    async with Running(naming("fast-talker"), session=MUTE).follow().started() as running:
        assert messages(running) == ["tts.speed: 1.4 is not applied: there is no text-to-speech"]


# --- what ends a turn


@pytest.mark.parametrize(
    "own",
    [Ear, deepgram.STT, lambda: inference.STT("deepgram/nova-3")],
    ids=["of somebody else", "nova", "nova at the gateway"],
)
@in_virtual_time
async def test_speech_to_text_that_ends_no_turns_gets_the_turn_detection_of_default(
    own: Any,
) -> None:
    """A profile for Flux would cut in at every pause."""
    running = Running(naming("flux-conversation"), session={**MUTE, "stt": own()})
    paths = (DETECTION, MIN_DELAY)
    assert [running.in_force(path) for path in paths] == ["turn_detector", 0.3]
    assert found(running, *paths) == ["turn_detector", 0.3]
    assert [line for line in messages(running) if line.startswith("turn_handling")] == [
        (
            f'{DETECTION}: "stt" is not applied: this speech-to-text does not end turns;'
            ' "turn_detector" acts'
        ),
        f"{MIN_DELAY}: 0.0 is not applied: it is for a speech-to-text that ends turns; 0.3 acts",
    ]


@in_virtual_time
async def test_agents_speech_to_text_that_ends_no_turns_gets_the_turn_detection_of_default() -> (
    None
):
    """Known when it takes over; an agent without one has the session's, which does."""
    agent = Deaf(instructions="", stt=deepgram.STT())
    running = Running(naming("flux-conversation"), session=MUTE).follow()
    assert running.in_force(DETECTION) == "stt"
    async with running.started(agent):
        assert running.in_force(DETECTION) == "turn_detector"
        assert found(running, DETECTION, MIN_DELAY, "stt.engine") == ["turn_detector", 0.3, "nova"]
        running.session.update_agent(Deaf(instructions=""))
        await asyncio.sleep(1)
        assert running.in_force(DETECTION) == "stt"
        assert messages(running) == []


@in_virtual_time
async def test_caller_cannot_request_a_turn_detection_that_cuts_in() -> None:
    """While the call runs; the caller's other requests are kept."""
    async with Running("", session={**MUTE, "stt": Ear()}).follow().started() as running:
        running.room.change_metadata(
            '{"profile": "flux-conversation", "min_endpointing_delay": 1.0}'
        )
        await asyncio.sleep(REST)
        assert running.in_force(DETECTION) == "turn_detector"
        assert running.in_force(MIN_DELAY) == 1.0


@in_virtual_time
async def test_nova_of_the_application_ends_turns_with_a_profile_for_nova() -> None:
    """With its own silence, which is set in the part."""
    asked = asking({DETECTION: "stt", ENDPOINTING: 800})
    running = Running(asked, session={**MUTE, "stt": deepgram.STT()})
    assert running.in_force(DETECTION) == "stt"


@in_virtual_time
async def test_application_may_set_its_own_turn_detection() -> None:
    """The application's own value stays, with any speech-to-text."""
    own = {**MUTE, "stt": Ear(), "turn_detection": "stt"}
    assert Running(session=own).in_force(DETECTION) == "stt"


# --- realtime models


def realtime(**can: bool) -> Realtime:
    """A model that can and cannot do some things."""
    model = Realtime()
    for name, value in can.items():
        setattr(model.capabilities, name, value)
    return model


@in_virtual_time
async def test_realtime_model_without_turn_detection_gets_the_profiles() -> None:
    """The model's capabilities decide: the delay and the way of interruption act."""
    own = {
        "llm": realtime(turn_detection=False),
        "stt": deepgram.STT(),
        "turn_handling": {"turn_detection": "vad"},
    }
    running = Running(
        asking({MIN_DELAY: 1.5, "turn_handling.interruption.enabled": False}), session=own
    )
    assert running.in_force(DETECTION) == "vad"
    assert running.in_force("turn_handling.interruption.enabled") is False
    assert running.session.vad is not None
    assert running.session.tts is None


@in_virtual_time
async def test_realtime_model_that_gives_its_turns_up_gets_the_profiles() -> None:
    """Where the application asks for another detection."""
    own = {"llm": realtime(), "turn_handling": {"turn_detection": "vad"}}
    running = Running(naming("noisy"), session=own)
    assert running.in_force(DETECTION) == "vad"
    assert running.in_force(ACTIVATION) == 0.7


@in_virtual_time
async def test_realtime_model_without_a_voice_gets_one() -> None:
    """A model that answers in text."""
    running = Running(session={"llm": realtime(audio_output=False)})
    assert isinstance(running.session.tts, deepgram.TTS)


@in_virtual_time
async def test_field_without_effect_beside_a_realtime_model_is_reported() -> None:
    """No delay reaches a model that ends turns on its own."""
    asked = asking({MIN_DELAY: 1.5, "turn_handling.interruption.enabled": False})
    running = Running(asked, session={"llm": realtime()}).follow()
    assert messages(running) == [
        f"{MIN_DELAY}: 1.5 is not applied: the model ends turns itself",
        "turn_handling.interruption.enabled: false is not applied: the model ends turns itself",
    ]
    assert [*running.timing.settings.changed] == []
    running.room.change_metadata(asking({"session.user_away_timeout": 7.0, ACTIVATION: 0.7}))
    await asyncio.sleep(REST)
    assert messages(running) == [
        f"{ACTIVATION}: 0.7 is not applied: the model ends turns itself",
    ]
    assert [*running.timing.settings.changed] == ["session.user_away_timeout"]


def extra(part: Any) -> Mapping[str, Any]:
    """What the gateway is asked for."""
    options: Mapping[str, Any] = vars(part)["_opts"].extra_kwargs
    return options
