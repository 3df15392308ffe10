"""Settings -> the SDK's own objects: every field arrives, under the SDK's names."""

import copy
import inspect
from pathlib import Path
from typing import Any, NoReturn

import pytest
from livekit.agents import Agent, AgentSession, LanguageCode, inference, llm
from livekit.agents.types import NOT_GIVEN
from livekit.agents.voice import turn
from livekit.agents.voice.agent_activity import AgentActivity
from livekit.plugins import deepgram

from sandbox.fixtures import Happened
from tests import recorded_parts
from tests.recorded_parts import Arguments
from tests.sdk.release import needs_pace
from timing_profiles.call import sdk_arguments, sdk_internals
from timing_profiles.call.sdk_internals import UNSUPPORTED
from timing_profiles.catalog import catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.resolution import request, settings
from timing_profiles.turns.fields import Values

ROOT = Path(__file__).parent.parent
SCHEMA = Schema((ROOT / "schema.json").read_text())
FILES = {
    "default.yaml": (ROOT / "profiles" / "default.yaml").read_bytes(),
    "open.yaml": b"overrides: {allow: ['*']}",
}
PROFILES = catalog.build(FILES, SCHEMA, None, "profiles")

FLUX = {"stt.engine": "flux"}
DETECTION = "turn_handling.turn_detection"
MODE = "turn_handling.interruption.mode"
ENABLED = "turn_handling.interruption.enabled"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key, so that the plugin builds its objects, and nothing else that decides anything."""
    monkeypatch.setenv("DEEPGRAM_API_KEY", "a-key")
    recorded_parts.record(monkeypatch)


def values(changes: dict[str, Any] | None = None) -> dict[str, Any]:
    """Every field, as in default.yaml but for the changes."""
    default = PROFILES.profile("default")
    assert default is not None
    return {**default.values, **(changes or {})}


def handled(changes: dict[str, Any], **yours: Any) -> dict[str, Any]:
    return sdk_arguments.turn_handling(values(changes), yours, realtime=False)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "nova-2-phonecall"),
        ("language", "de"),
        ("endpointing_ms", 400),
        ("endpointing_ms", 0),
        ("utterance_end_ms", 1500),
        ("utterance_end_ms", None),
        ("no_delay", False),
        ("smart_format", True),
        ("filler_words", False),
    ],
)
def test_nova_field_reaches_the_plugin(field: str, value: object) -> None:
    """`stt.nova` is the arguments of `deepgram.STT`."""
    part = sdk_arguments.speech_to_text(
        values({"stt.nova.language": "en", f"stt.nova.{field}": value})
    )
    assert isinstance(part, deepgram.STT)
    assert getattr(Arguments(part), field) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", "flux-general-multi"),
        ("eot_threshold", 0.8),
        ("eager_eot_threshold", 0.4),
        ("eot_timeout_ms", 6000),
        ("language_hint", ["en", "es"]),
    ],
)
def test_flux_field_reaches_the_plugin(field: str, value: object) -> None:
    """`stt.flux` is the arguments of `deepgram.STTv2`."""
    part = sdk_arguments.speech_to_text(
        values({**FLUX, "stt.flux.model": "flux-general-multi", f"stt.flux.{field}": value})
    )
    assert isinstance(part, deepgram.STTv2)
    assert getattr(Arguments(part), field) == value


def test_hints_are_not_sent_to_a_model_that_takes_none() -> None:
    """Deepgram would refuse the connection, and the caller would never be answered."""
    hints = {"stt.flux.model": "flux-general-en", "stt.flux.language_hint": ["en"]}
    assert (
        Arguments(sdk_arguments.speech_to_text(values({**FLUX, **hints}))).language_hint
        == NOT_GIVEN
    )


def test_flux_of_default_leaves_deepgram_its_own_values() -> None:
    """`auto`, and eager mode off, are keywords left out: the plugin does not send them."""
    found = Arguments(sdk_arguments.speech_to_text(values(FLUX)))
    assert found.eot_threshold is found.eager_eot_threshold is found.eot_timeout_ms is NOT_GIVEN
    assert found.language_hint == NOT_GIVEN


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_speech_duration", 0.1),
        ("min_silence_duration", 0.55),
        ("prefix_padding_duration", 0.3),
        ("activation_threshold", 0.7),
        ("deactivation_threshold", 0.2),
    ],
)
def test_vad_field_reaches_the_model(field: str, value: float) -> None:
    """`vad` is the arguments of `inference.VAD`."""
    part = sdk_arguments.voice_activity(values({f"vad.{field}": value}))
    assert isinstance(part, inference.VAD)
    assert getattr(Arguments(part), field) == value


def test_auto_deactivation_threshold_follows_the_activation() -> None:
    """`auto` is the SDK's own: 0.15 under the activation threshold."""
    found = Arguments(sdk_arguments.voice_activity(values({"vad.activation_threshold": 0.7})))
    assert found.deactivation_threshold == pytest.approx(0.55)


@needs_pace
@pytest.mark.parametrize("speed", [0.9, None])
def test_speed_reaches_the_voice(speed: float | None) -> None:
    """`tts` is the arguments of `deepgram.TTS`."""
    part = sdk_arguments.text_to_speech(values({"tts.speed": speed}))
    assert isinstance(part, deepgram.TTS)
    assert Arguments(part).speed == speed


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, {}, id="auto"),
        pytest.param(
            {"unlikely_threshold": 0.3}, {"unlikely en": 0.3, "unlikely de": 0.3}, id="number"
        ),
        pytest.param(
            {"unlikely_threshold": {"en": 0.3, "de-AT": 0.2}},
            {"unlikely en": 0.3, "unlikely de": 0.2},
            id="languages",
        ),
        pytest.param(
            {"backchannel_threshold": 0.6},
            {"backchannel en": 0.6, "backchannel de": 0.6},
            id="backchannel",
        ),
    ],
)
async def test_detector_field_reaches_the_detector(
    changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    """`turn_detector` is the arguments of `inference.TurnDetector`, which has the rest itself."""
    handling = handled({f"turn_detector.{name}": value for name, value in changes.items()})
    detector = handling["turn_detection"]
    assert isinstance(detector, inference.TurnDetector)
    of_the_sdk = await thresholds(inference.TurnDetector(version="v1-mini"))
    assert await thresholds(detector) == {**of_the_sdk, **expected}


async def thresholds(detector: inference.TurnDetector) -> dict[str, float | None]:
    """Its thresholds, for two languages."""
    found: dict[str, float | None] = {}
    for language in (LanguageCode("en"), LanguageCode("de")):
        found[f"unlikely {language}"] = await detector.unlikely_threshold(language)
        found[f"backchannel {language}"] = await detector.backchannel_threshold(language)
    return found


@pytest.mark.parametrize(
    ("version", "dev_mode", "model"),
    [
        ("v1-mini", "1", "turn-detector-v1-mini"),
        ("v1", "", "turn-detector-v1"),
        ("auto", "1", "turn-detector-v1"),
        ("auto", "", "turn-detector-v1-mini"),
    ],
)
def test_version_of_the_detector(
    version: str, dev_mode: str, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version is the same in development and production; `auto` is not."""
    monkeypatch.setenv("LIVEKIT_DEV_MODE", dev_mode)
    monkeypatch.setenv("LIVEKIT_API_KEY", "a-key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a-secret")
    assert handled({"turn_detector.version": version})["turn_detection"].model == model


@pytest.mark.parametrize("mode", ["stt", "vad", "realtime_llm", "manual"])
def test_other_turn_detection_is_passed_by_its_name(mode: str) -> None:
    """Only `turn_detector` stands for an object."""
    assert handled({DETECTION: mode})["turn_detection"] == mode


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("endpointing.mode", "dynamic"),
        ("endpointing.min_delay", 1.5),
        ("endpointing.max_delay", 4.0),
        ("endpointing.alpha", 0.5),
        ("interruption.enabled", False),
        ("interruption.mode", "adaptive"),
        ("interruption.discard_audio_if_uninterruptible", False),
        ("interruption.min_duration", 0.8),
        ("interruption.min_words", 2),
        ("interruption.resume_false_interruption", False),
        ("interruption.false_interruption_timeout", 1.0),
        ("interruption.false_interruption_timeout", None),
        ("interruption.backchannel_boundary", [0.5, 2.0]),
        ("interruption.backchannel_boundary", None),
        ("preemptive_generation.enabled", False),
        ("preemptive_generation.preemptive_tts", True),
        ("preemptive_generation.max_speech_duration", 5.0),
        ("preemptive_generation.max_retries", 1),
        ("user_turn_limit.max_words", 150),
        ("user_turn_limit.max_duration", 60.0),
    ],
)
async def test_turn_handling_field_reaches_the_session(field: str, value: object) -> None:
    """`turn_handling` is that argument of `AgentSession`, section by section."""
    session = AgentSession[None](turn_handling=handled({f"turn_handling.{field}": value}))  # type: ignore[arg-type]  # a TypedDict
    section, _, name = field.partition(".")
    assert dict(session.options.turn_handling)[section][name] == value  # type: ignore[index]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_away_timeout", 30.0),
        ("user_away_timeout", None),
        ("aec_warmup_duration", 1.0),
        ("aec_warmup_duration", None),
        ("min_consecutive_speech_delay", 0.5),
        ("transcription_timeout", 3.0),
        ("transcription_timeout", None),
        ("session_close_transcript_timeout", 0.5),
    ],
)
async def test_session_field_reaches_the_session(field: str, value: object) -> None:
    """`session` is the arguments of `AgentSession`."""
    arguments = sdk_arguments.section(values({f"session.{field}": value}), "session")
    assert getattr(AgentSession[None](**arguments).options, field) == value


@pytest.mark.parametrize(
    ("section", "field"),
    [
        ("stt.flux", "eot_threshold"),
        ("stt.flux", "eot_timeout_ms"),
        ("stt.flux", "language_hint"),
        ("vad", "deactivation_threshold"),
        ("turn_detector", "version"),
        ("turn_detector", "unlikely_threshold"),
        ("turn_detector", "backchannel_threshold"),
        ("session", "aec_warmup_duration"),
    ],
)
def test_auto_leaves_the_keyword_out(section: str, field: str) -> None:
    """`auto` never reaches the SDK, which then uses its own value."""
    assert field in sdk_arguments.section(values({f"{section}.{field}": 0.7}), section)
    assert field not in sdk_arguments.section(values({f"{section}.{field}": "auto"}), section)


def test_eager_mode_is_off_where_the_keyword_is_left_out() -> None:
    """`null` is None everywhere else; here the SDK refuses None."""
    assert "eager_eot_threshold" not in sdk_arguments.section(values(), "stt.flux")
    assert sdk_arguments.section(values(), "stt.nova")["utterance_end_ms"] is None


async def test_fault_59_null_is_none_and_auto_omits_the_argument(happened: Happened) -> None:
    """In every field that takes them; where None is a TypeError, null is no keyword either."""
    none: set[str] = set()
    left_out: set[str] = set()
    for path, field in SCHEMA.fields.items():
        section, _, name = path.rpartition(".")
        if section in {"stt.assemblyai", "realtime"}:  # arguments of parts that agents bring
            continue
        if SCHEMA.value_problem(field, None) is None:
            found = sdk_arguments.section(values({path: None}), section)
            assert found.get(name, "left out") is (None if name in found else "left out")
            (none if name in found else left_out).add(path)
            build(values({path: None}))
            build(values({**FLUX, path: None}))
        if SCHEMA.value_problem(field, "auto") is None:
            assert name not in sdk_arguments.section(values({path: "auto"}), section)
            left_out.add(path)
            build(values({path: "auto"}))
            build(values({**FLUX, path: "auto"}))
    assert (
        none
        == {
            "stt.nova.utterance_end_ms",
            "turn_handling.interruption.false_interruption_timeout",
            "turn_handling.interruption.backchannel_boundary",
            "turn_handling.user_turn_limit.max_words",
            "turn_handling.user_turn_limit.max_duration",
            "tts.speed",
            "session.user_away_timeout",
            "session.aec_warmup_duration",
            "session.transcription_timeout",
        }
        - UNSUPPORTED.keys()
    )
    assert left_out == {
        *UNSUPPORTED,
        "stt.flux.eot_threshold",
        "stt.flux.eager_eot_threshold",
        "stt.flux.eot_timeout_ms",
        "stt.flux.language_hint",
        "vad.deactivation_threshold",
        "turn_detector.version",
        "turn_detector.unlikely_threshold",
        "turn_detector.backchannel_threshold",
        "turn_handling.interruption.mode",
        "session.aec_warmup_duration",
    }
    happened(f"None in {len(none)} fields, no keyword in {len(left_out)}; sessions built with each")


def test_auto_interruption_leaves_the_keyword_out() -> None:
    """None would start the adaptive detector."""
    assert "mode" not in handled({MODE: "auto"})["interruption"]


def test_section_has_the_nesting_of_the_sdk() -> None:
    """The dotted paths of a section become its keyword arguments."""
    assert sdk_arguments.section({"a.b.c": 1, "a.b.d": [2], "a.e": None, "ab.f": 3}, "a") == {
        "b": {"c": 1, "d": [2]},
        "e": None,
    }


@pytest.mark.parametrize("section", ["turn_handling", "turn_detector", "stt.flux", "session"])
def test_arguments_are_fresh_each_time(section: str) -> None:
    """The SDK changes its arguments; neither the settings nor the next call are affected."""
    ours = values(
        {"turn_detector.unlikely_threshold": {"en": 0.3}, "stt.flux.language_hint": ["en", "de"]}
    )
    before = copy.deepcopy(ours)
    first = sdk_arguments.section(ours, section)
    spoil(first)
    assert ours == before
    assert sdk_arguments.section(ours, section) == sdk_arguments.section(before, section) != first


def spoil(arguments: dict[str, Any]) -> None:
    """Change everything that can be changed."""
    for value in arguments.values():
        if isinstance(value, dict):
            spoil(value)
        if isinstance(value, list):
            value.append("spoiled")
    arguments["spoiled"] = True


async def test_fault_60_what_the_sdk_changes_is_its_own(happened: Happened) -> None:
    """A session changes its endpointing, and everything else is spoiled: the settings are not."""
    ours = values({"turn_detector.unlikely_threshold": {"en": 0.3}})
    before = copy.deepcopy(ours)
    given = sdk_arguments.turn_handling(ours, {}, realtime=False)
    session = AgentSession[None](turn_handling=given)  # type: ignore[arg-type]  # a TypedDict
    session.update_options(endpointing_opts={"min_delay": 9.0})
    assert session.options.endpointing["min_delay"] == 9.0
    sections = ("stt.nova", "stt.flux", "vad", "turn_detector", "turn_handling", "tts", "session")
    for arguments in (given, *(sdk_arguments.section(ours, name) for name in sections)):
        spoil(arguments)
    assert ours == before
    for name in sections:
        assert sdk_arguments.section(ours, name) == sdk_arguments.section(before, name)
    assert sdk_arguments.turn_handling(ours, {}, realtime=False)["endpointing"]["min_delay"] == 0.3
    happened(f"{len(sections)} sections spoiled, the next call's are as before")


def test_arguments_of_the_application_win() -> None:
    """Turn handling is merged key by key; other parts take further arguments."""
    handling = handled(
        {}, endpointing={"min_delay": 9.0}, interruption={}, turn_detection="vad", extra={"a": 1}
    )
    assert handling["endpointing"] == handled({})["endpointing"] | {"min_delay": 9.0}
    assert handling["interruption"] == handled({})["interruption"]
    assert (handling["turn_detection"], handling["extra"]) == ("vad", {"a": 1})
    assert (
        Arguments(sdk_arguments.speech_to_text(values(), keyterm="Ann", language="de")).keyterm
        == "Ann"
    )
    assert (
        Arguments(sdk_arguments.speech_to_text(values(FLUX), eot_threshold=0.9)).eot_threshold
        == 0.9
    )
    assert (
        Arguments(sdk_arguments.text_to_speech(values(), model="aura-2-zeus-en")).model
        == "aura-2-zeus-en"
    )
    assert (
        Arguments(
            sdk_arguments.voice_activity(values(), min_speech_duration=0.2)
        ).min_speech_duration
        == 0.2
    )


def test_applications_own_dict_is_unchanged() -> None:
    """Merging does not write into what the application gave."""
    yours = {"endpointing": {"min_delay": 9.0}}
    handling = sdk_arguments.turn_handling(values(), yours, realtime=False)
    spoil(handling["endpointing"])
    assert yours == {"endpointing": {"min_delay": 9.0}}


@pytest.mark.parametrize(
    ("given", "root"),
    [
        (None, "https://api.deepgram.com"),
        ("", "https://api.deepgram.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://dg.example.com/eu/", "https://dg.example.com/eu"),
    ],
)
def test_environment_selects_the_address_of_deepgram(
    given: str | None, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`DEEPGRAM_BASE_URL` is the root of all three end points; an own `base_url` wins."""
    if given is not None:
        monkeypatch.setenv("DEEPGRAM_BASE_URL", given)
    assert Arguments(sdk_arguments.speech_to_text(values())).base_url == f"{root}/v1/listen"
    assert Arguments(sdk_arguments.speech_to_text(values(FLUX))).base_url == f"{root}/v2/listen"
    assert Arguments(sdk_arguments.text_to_speech(values())).base_url == f"{root}/v1/speak"
    own = sdk_arguments.speech_to_text(values(), base_url="https://own/v1/listen")
    assert Arguments(own).base_url == "https://own/v1/listen"


NO_URL = "is not a URL that begins with https://, http://, wss://, ws://"
ODD = "has white space, a backslash or a control character, also at its end"
NO_ROOT = "is not a root: leave out /v1, /v2, what follows it, and any query"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", []),
        ("https://dg.example.com/eu/", []),
        ("ws://127.0.0.1:8080", []),
        (
            "dg.example.com",
            [f'"dg.example.com" {NO_URL}\n  hint: did you mean https://dg.example.com?'],
        ),
        ("127.0.0.1:80", [f'"127.0.0.1:80" {NO_URL}\n  hint: did you mean https://127.0.0.1:80?']),
        ("HTTPS://dg.example.com", [f'"HTTPS://dg.example.com" {NO_URL}']),
        ("https://:80", [f'"https://:80" {NO_URL}']),
        ("http://[", [f'"http://[" {NO_URL}']),
        ("http://dg:99999", [f'"http://dg:99999" {NO_URL}']),
        ("https://dg/v1", [f'"https://dg/v1" {NO_ROOT}']),
        ("wss://dg/eu/v2/listen/", [f'"wss://dg/eu/v2/listen/" {NO_ROOT}']),
        ("https://dg?tier=nova", [f'"https://dg?tier=nova" {NO_ROOT}']),
        ("https://dg/#", [f'"https://dg/#" {NO_ROOT}']),
        ("https://dg\n", [f'"https://dg\\n" {ODD}']),
        (" https://dg", [f'" https://dg" {ODD}']),
        ("https://dg example.com", [f'"https://dg example.com" {ODD}']),
        ("https://dg\\eu", [f'"https://dg\\\\eu" {ODD}']),
        ("https://me:secret@dg", []),
        ("me:secret@dg", [f'"***@dg" {NO_URL}']),
        ("https://me:s@cr/t@dg/v1", [f'"***@dg/v1" {NO_ROOT}']),
    ],
)
def test_fault_94_the_address_of_deepgram_is_checked(
    given: str, expected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root with a scheme that the plugin takes, and perhaps a path."""
    monkeypatch.setenv("DEEPGRAM_BASE_URL", given)
    problems = [str(problem) for problem in sdk_arguments.deepgram_problems()]
    assert problems == [f"DEEPGRAM_BASE_URL: {text}" for text in expected]


class Realtime(llm.RealtimeModel):
    """A model that hears, speaks and detects turns itself, and could leave them to the client."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=llm.RealtimeCapabilities(
                message_truncation=True,
                turn_detection=True,
                user_transcription=True,
                auto_tool_reply_generation=False,
                audio_output=True,
                manual_function_calls=True,
                can_disable_turn_detection=True,
            )
        )

    def session(self, *, turn_detection_disabled: bool = False) -> NoReturn:
        raise NotImplementedError(turn_detection_disabled)

    async def aclose(self) -> None:
        """Nothing is open."""


def activity(changes: dict[str, Any], model: llm.RealtimeModel, *, realtime: bool) -> AgentActivity:
    handling = sdk_arguments.turn_handling(values(changes), {}, realtime=realtime)
    session = AgentSession[None](llm=model, turn_handling=handling)  # type: ignore[arg-type]  # a TypedDict
    return AgentActivity(Agent(instructions=""), session)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="turn-detector"),
        pytest.param({DETECTION: "vad"}, id="vad"),
        pytest.param({DETECTION: "manual"}, id="manual"),
        pytest.param({MODE: "adaptive"}, id="adaptive"),
    ],
)
async def test_realtime_model_keeps_its_own_turn_detection(changes: dict[str, Any]) -> None:
    """What would switch a model's own detection off is left out, and would have done so."""
    ours = activity(changes, Realtime(), realtime=True)
    as_for_others = activity(changes, Realtime(), realtime=False)
    assert vars(ours)["_rt_turn_detection_enabled"] is True
    assert vars(as_for_others)["_rt_turn_detection_enabled"] is False


async def test_realtime_model_gets_no_argument_that_it_refuses() -> None:
    """A model that detects turns on its own raises where interruptions are switched off."""
    off = {ENABLED: False, DETECTION: "stt", MODE: "auto"}
    with pytest.raises(ValueError, match="allow_interruptions cannot be False"):
        activity(off, Realtime(), realtime=False)
    assert activity(off, Realtime(), realtime=True).allow_interruptions is True


def test_realtime_model_gets_everything_else() -> None:
    """Only the turn detection and the way of interruption are left out."""
    handling = sdk_arguments.turn_handling(values(), {}, realtime=True)
    everything = handled({})
    del everything["turn_detection"], everything["interruption"]["mode"]
    assert handling == everything


def test_application_may_take_the_turns_from_a_realtime_model() -> None:
    """The application's own arguments are not left out."""
    handling = sdk_arguments.turn_handling(values(), {"turn_detection": "vad"}, realtime=True)
    assert handling["turn_detection"] == "vad"


@pytest.mark.parametrize(
    ("model", "realtime"),
    [(Realtime(), True), (None, False), ("openai/gpt-4.1-mini", False)],
    ids=["realtime", "none", "name"],
)
def test_realtime_model_is_recognised(model: object, *, realtime: bool) -> None:
    """A model that hears and speaks on its own is distinguished from every other one."""
    assert sdk_internals.is_realtime(model) is realtime


@pytest.mark.parametrize("engine", ["nova", "flux"])
@pytest.mark.parametrize("field", sorted(SCHEMA.fields))
async def test_no_accepted_value_makes_the_sdk_raise(
    field: str, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Examples and bounds, as a caller may send them where all is allowed, build a session."""
    monkeypatch.setenv("LIVEKIT_API_KEY", "a-key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a-secret")
    for value in near(field):
        asked = request.Request("room", "open", {"stt.engine": engine, field: value})
        build(settings.resolve(PROFILES, [asked]).values)


RAISE: dict[str, dict[str, Any]] = {
    "VAD silence of 0.1 s with the detector": {"vad.min_silence_duration": 0.1},
    "alpha 0": {"turn_handling.endpointing.mode": "dynamic", "turn_handling.endpointing.alpha": 0},
    "eager above eot": {**FLUX, "stt.flux.eager_eot_threshold": 0.8, "stt.flux.eot_threshold": 0.6},
    "a negative boundary": {"turn_handling.interruption.backchannel_boundary": [-1.0, 1.0]},
    "manual": {DETECTION: "manual"},
}


async def test_fault_58_overrides_that_make_the_sdk_raise_are_refused(happened: Happened) -> None:
    """Each is a problem, also where everything is allowed, and the session is built without it."""
    codes = {}
    for name, changes in RAISE.items():
        found = settings.resolve(PROFILES, [request.Request("room", "open", changes)])
        codes[name] = {problem.code for problem in found.problems}
        build(found.values)
    assert codes == {
        "VAD silence of 0.1 s with the detector": {"override-conflict"},
        "alpha 0": {"override-range"},
        "eager above eot": {"override-conflict"},
        "a negative boundary": {"override-range"},
        "manual": {"override-forbidden"},
    }
    happened("; ".join(f"{name}: {', '.join(found)}" for name, found in codes.items()))


def near(field: str) -> list[Any]:
    """What the schema names of a field's values: accepted ones, and some beyond a rule."""
    facts = SCHEMA.fields[field].schema
    bounds = [facts[name] for name in ("minimum", "maximum", "exclusiveMinimum") if name in facts]
    return [*facts["examples"], *facts.get("enum", ()), *bounds]


def build(found: Values) -> None:
    """All the objects of a call."""
    sdk_arguments.text_to_speech(found)
    session = AgentSession[None](
        stt=sdk_arguments.speech_to_text(found),
        vad=sdk_arguments.voice_activity(found),
        turn_handling=sdk_arguments.turn_handling(found, {}, realtime=False),  # type: ignore[arg-type]  # a TypedDict
        **sdk_arguments.section(found, "session"),
    )
    AgentActivity(Agent(instructions=""), session)


OWN = object()

FORMER: dict[str, tuple[Any, dict[str, Any]]] = {
    "turn_detection": (OWN, {"turn_detection": OWN}),
    "allow_interruptions": (False, {"interruption": {"enabled": False}}),
    "discard_audio_if_uninterruptible": (
        False,
        {"interruption": {"discard_audio_if_uninterruptible": False}},
    ),
    "min_interruption_duration": (0.8, {"interruption": {"min_duration": 0.8}}),
    "min_interruption_words": (3, {"interruption": {"min_words": 3}}),
    "min_endpointing_delay": (0.7, {"endpointing": {"min_delay": 0.7}}),
    "max_endpointing_delay": (9, {"endpointing": {"max_delay": 9}}),
    "false_interruption_timeout": (None, {"interruption": {"false_interruption_timeout": None}}),
    "agent_false_interruption_timeout": (
        4.0,
        {"interruption": {"false_interruption_timeout": 4.0}},
    ),
    "resume_false_interruption": (False, {"interruption": {"resume_false_interruption": False}}),
    "preemptive_generation": (False, {"preemptive_generation": {"enabled": False}}),
}
"""Former arguments of AgentSession: a value, and what `turn_handling` has instead."""


@pytest.mark.parametrize("name", FORMER)
def test_former_argument_moves_into_turn_handling(name: str) -> None:
    """Beside `turn_handling`, AgentSession ignores it; all else stays an argument."""
    value, handling = FORMER[name]
    assert sdk_arguments.without_former({name: value, "userdata": 7}) == (
        {"userdata": 7},
        handling,
    )


def test_list_of_former_arguments_is_complete() -> None:
    """Those that the SDK's own migration takes, and it makes the same of each."""
    migrate = vars(turn)["_migrate_turn_handling"]
    assert set(FORMER) == set(inspect.signature(migrate).parameters)
    for name, (value, handling) in FORMER.items():
        assert migrate(**{name: value}) == handling


def test_former_arguments_merge_and_newer_ones_win() -> None:
    """`turn_handling` wins over them, and the former time-out of a false interruption is older."""
    yours = {
        "min_endpointing_delay": 0.7,
        "max_endpointing_delay": 9.0,
        "false_interruption_timeout": 1.0,
        "agent_false_interruption_timeout": 4.0,
        "preemptive_generation": {"max_retries": 1},
        "turn_handling": {"endpointing": {"max_delay": 5.0}},
    }
    assert sdk_arguments.without_former(yours) == (
        {},
        {
            "endpointing": {"min_delay": 0.7, "max_delay": 5.0},
            "interruption": {"false_interruption_timeout": 4.0},
            "preemptive_generation": {"max_retries": 1},
        },
    )


@pytest.mark.parametrize("nothing", [None, NOT_GIVEN], ids=["None", "NOT_GIVEN"])
@pytest.mark.parametrize("name", ["turn_handling", "turn_detection", "min_endpointing_delay"])
def test_argument_without_a_value_is_not_given(name: str, nothing: object) -> None:
    """A factory that passes its own optional arguments through gets the profile's."""
    assert sdk_arguments.without_former({name: nothing}) == ({}, {})


@pytest.mark.parametrize(
    ("changes", "part", "extra", "left_out"),
    [
        pytest.param(
            FLUX,
            "stt",
            {"punctuate": True, "keyterm": "Ann"},
            {"punctuate": "STTv2 has no such argument"},
            id="flux",
        ),
        pytest.param(
            FLUX,
            "stt",
            {"model": "nova-2", "redact": ["pci"], "numerals": True},
            {
                "model": "STTv2 has no such model",
                "redact": "STTv2 takes numbers or aggressive_numbers only",
            },
            id="for nova",
        ),
        pytest.param(
            FLUX, "stt", {"model": "flux-general-multi", "redact": "numbers"}, {}, id="for flux"
        ),
        pytest.param(
            FLUX,
            "stt",
            {"tags": ["too long" * 20], "numerals": True},
            {"tags": "refused with ValueError"},
            id="refused",
        ),
        pytest.param({}, "stt", {"punctuate": True, "redact": ["pci"]}, {}, id="nova"),
        pytest.param(
            {},
            "stt",
            {"model": "flux-general-en"},
            {"model": "STT has no such model"},
            id="nova with a model of flux",
        ),
        pytest.param(
            {},
            "tts",
            {"model": "aura-2-zeus-en", "voice": "x"},
            {"voice": "TTS has no such argument"},
            id="tts",
        ),
        pytest.param({}, "vad", {"padding": 1}, {"padding": "VAD has no such argument"}, id="vad"),
        pytest.param({}, "vad", {}, {}, id="none"),
    ],
)
def test_argument_that_a_part_does_not_take_is_left_out(
    changes: dict[str, Any], part: str, extra: dict[str, Any], left_out: dict[str, str]
) -> None:
    """It would cost the call; the problem names it, and not its value."""
    built, problems = sdk_arguments.built_with(values(changes), part, extra)
    given = {key: value for key, value in extra.items() if key not in left_out}
    assert {key: getattr(Arguments(built), key) for key in given} == given
    assert [(p.code, p.path, p.message) for p in problems] == [
        ("not-applied", f"{part}.{key}", f"is not applied: {why}") for key, why in left_out.items()
    ]


@pytest.mark.parametrize(
    ("changes", "address"), [({}, "https://own/v1/listen"), (FLUX, "https://own/v2/listen")]
)
def test_address_of_an_application_fits_each_engine(changes: dict[str, Any], address: str) -> None:
    """Another path is refused with 404, and which engine is used depends on the caller's profile.

    The end point of the other engine becomes that of this one.
    """
    for given in ("https://own/v1/listen", "https://own/v2/listen/"):
        built, problems = sdk_arguments.built_with(values(changes), "stt", {"base_url": given})
        assert (Arguments(built).base_url, problems) == (address, ())
