"""New settings reach a session that runs: when the schema says, and only what is ours."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import Agent, inference
from livekit.agents.types import NOT_GIVEN
from livekit.plugins import deepgram

from sandbox.polling import eventually
from tests.running import (
    SCHEMA,
    Deaf,
    Running,
    Step,
    Stepping,
    detection_of,
    options_of,
    publish,
)
from tests.sdk.release import needs_pace, unless_unsupported
from tests.session import Session
from tests.test_sdk_arguments import Realtime
from tests.virtual_time import in_virtual_time
from timing_profiles.call.follow_metadata import RAPID
from timing_profiles.call.silence import SETTLED
from timing_profiles.rehearsal.virtual_time import run

# A session that connects to no text-to-speech when it starts, and closes at once.
MUTE: Mapping[str, Any] = {"tts": None, "session_close_transcript_timeout": 0.0}

REST = RAPID + 0.1  # seconds after which a change of metadata has been taken in

FLUX = {"stt.engine": "flux"}
DETECTION = "turn_handling.turn_detection"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"

# Another value than default's for each field that a session shows before it has started.
ANOTHER: Mapping[str, Any] = {
    "stt.nova.model": "nova-2-phonecall",
    "stt.nova.language": "de",
    "stt.nova.endpointing_ms": 400,
    "stt.nova.utterance_end_ms": 1500,
    "stt.nova.no_delay": False,
    "stt.nova.smart_format": True,
    "stt.nova.filler_words": False,
    "stt.flux.eot_threshold": 0.8,
    "stt.flux.eager_eot_threshold": 0.4,
    "stt.flux.eot_timeout_ms": 8000,
    "stt.flux.language_hint": ["en", "es"],
    "vad.min_speech_duration": 0.1,
    "vad.min_silence_duration": 0.55,
    "vad.prefix_padding_duration": 0.3,
    "vad.activation_threshold": 0.7,
    "vad.deactivation_threshold": 0.2,
    "turn_detector.version": "v1",
    "turn_detector.unlikely_threshold": 0.3,
    "turn_detector.backchannel_threshold": 0.6,
    DETECTION: "vad",
    "turn_handling.endpointing.mode": "dynamic",
    MIN_DELAY: 1.5,
    MAX_DELAY: 4.0,
    "turn_handling.endpointing.alpha": 0.5,
    "turn_handling.interruption.enabled": False,
    "turn_handling.interruption.mode": "adaptive",
    "turn_handling.interruption.discard_audio_if_uninterruptible": False,
    "turn_handling.interruption.min_duration": 0.8,
    "turn_handling.interruption.min_words": 3,
    "turn_handling.interruption.resume_false_interruption": False,
    "turn_handling.interruption.false_interruption_timeout": None,
    "turn_handling.interruption.backchannel_boundary": None,
    "turn_handling.preemptive_generation.enabled": False,
    "turn_handling.preemptive_generation.preemptive_tts": True,
    "turn_handling.preemptive_generation.max_speech_duration": 5.0,
    "turn_handling.preemptive_generation.max_retries": 1,
    "turn_handling.user_turn_limit.max_words": 150,
    "turn_handling.user_turn_limit.max_duration": 60.0,
    "tts.speed": 0.9,
    "session.user_away_timeout": None,
    "session.aec_warmup_duration": 1.0,
    "session.min_consecutive_speech_delay": 0.5,
    "session.transcription_timeout": 3.0,
    "session.session_close_transcript_timeout": 0.5,
}

# Another object takes the place of the speech-to-text: seen on a session that has started.
REBUILT: Mapping[str, Any] = {"stt.engine": "flux", "stt.flux.model": "flux-general-multi"}


@pytest.fixture(autouse=True)
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter profiles, and credentials for the turn detector at LiveKit's gateway."""
    publish(tmp_path, monkeypatch)
    monkeypatch.setenv("LIVEKIT_API_KEY", "a-key")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "a-secret")


def asking(*changes: Mapping[str, Any]) -> str:
    """Metadata for the profile that allows everything, with fields by their dotted paths."""
    overrides: dict[str, Any] = {}
    for path, value in {k: v for each in changes for k, v in each.items()}.items():
        *sections, key = path.split(".")
        inner = overrides
        for section in sections:
            inner = inner.setdefault(section, {})
        inner[key] = value
    return json.dumps({"profile": "open", "overrides": overrides})


def problems(running: Running) -> list[str]:
    return [f"{problem.code} {problem.path}" for problem in running.timing.problems]


class Stubborn(inference.VAD):
    """A VAD that takes no change."""

    def update_options(self, **_: Any) -> None:
        """Refuse."""
        raise ValueError("not this one")


def test_every_field_of_the_schema_is_retuned_here() -> None:
    """A new field fails here until it has a value to be changed to.

    `test_part_fields` changes those of parts that agents bring.
    """
    brought = {path for path in SCHEMA.fields if path.startswith(("stt.assemblyai.", "realtime."))}
    assert {*ANOTHER, *REBUILT} == set(SCHEMA.fields) - brought


@pytest.mark.parametrize("field", unless_unsupported(ANOTHER))
def test_field_changes_at_the_time_that_the_schema_states(field: str) -> None:
    """`now` and `next-speech` at once, `silence` once the caller is silent, `next-call` never."""
    base = FLUX if field.startswith("stt.flux.") else {}
    new = ANOTHER[field]

    async def story() -> tuple[Any, Any, Any, list[str]]:
        running = Running(asking(base)).follow()
        before = running.in_force(field)
        running.session.becomes("speaking")
        running.room.change_metadata(asking(base, {field: new}))
        await asyncio.sleep(1)
        speaking = running.in_force(field)
        running.session.becomes("listening")
        await asyncio.sleep(30)
        return before, speaking, running.in_force(field), problems(running)

    before, speaking, silent, found = run(story())
    assert before != new
    assert {
        "now": (speaking, silent, found) == (new, new, []),
        "next-speech": (speaking, silent, found) == (new, new, []),
        "silence": (speaking, silent, found) == (before, new, []),
        "next-call": (speaking, silent, found) == (before, before, [f"next-call {field}"]),
    }[SCHEMA.fields[field].live], (before, speaking, silent, found)


@pytest.mark.parametrize(
    "field", unless_unsupported(field for field in ANOTHER if "flux" not in field)
)
def test_withdrawn_field_is_restored(field: str) -> None:
    """A field that the caller withdraws has its former value, `auto` and `null` included."""

    async def story() -> tuple[Any, Any, list[str]]:
        running = Running(asking()).follow()
        before = running.in_force(field)
        for metadata in (asking({field: ANOTHER[field]}), asking()):
            running.room.change_metadata(metadata)
            await asyncio.sleep(30)
        return before, running.in_force(field), problems(running)

    before, after, found = run(story())
    assert (after, found) == (before, [])


def test_auto_deactivation_threshold_follows_the_activation_threshold() -> None:
    """The VAD computes it once; 0.15 below the threshold is set each time."""

    async def story() -> list[float]:
        running = Running(asking()).follow()
        seen = []
        for threshold in (0.7, 0.5, 0.1):
            running.room.change_metadata(asking({"vad.activation_threshold": threshold}))
            await asyncio.sleep(1)
            seen.append(running.in_force("vad.deactivation_threshold"))
        return seen

    assert run(story()) == pytest.approx([0.55, 0.35, 0.01])


def test_delays_of_turn_ending_speech_to_text_wait_for_its_start() -> None:
    """With the former speech-to-text, they would end the caller's sentence in a pause."""
    changes = {DETECTION: "stt", "stt.nova.endpointing_ms": 800, MIN_DELAY: 0.0}

    async def story() -> list[tuple[Any, ...]]:
        running = Running(asking()).follow()
        seen = []
        running.session.becomes("speaking")
        running.room.change_metadata(asking(changes, {"session.user_away_timeout": None}))
        await asyncio.sleep(1)
        seen.append(
            tuple(running.in_force(path) for path in (*changes, "session.user_away_timeout"))
        )
        running.session.becomes("listening")
        await asyncio.sleep(30)
        seen.append(
            tuple(running.in_force(path) for path in (*changes, "session.user_away_timeout"))
        )
        return seen

    assert run(story()) == [("turn_detector", 25, 0.3, None), ("stt", 800, 0.0, None)]


@in_virtual_time
async def test_detector_can_be_set_together_with_the_silence_it_needs() -> None:
    """The VAD is changed first: with 0.1 s, the session would refuse the detector."""
    vad = {DETECTION: "vad", "vad.min_silence_duration": 0.1}
    seen = []
    async with Running(asking(vad), session=MUTE).follow().started() as running:
        for metadata in (asking(), asking(vad), asking()):
            running.room.change_metadata(metadata)
            await asyncio.sleep(REST)
            seen.append(tuple(running.in_force(path) for path in vad))
    assert seen == [("turn_detector", 0.25), ("vad", 0.1), ("turn_detector", 0.25)]


@in_virtual_time
async def test_another_engine_takes_over_the_session_that_runs() -> None:
    """Flux in the place of nova with its fields, and back."""
    async with Running(asking(), session=MUTE).follow().started() as running:
        running.room.change_metadata(asking(FLUX, {"stt.flux.eot_threshold": 0.8}))
        await asyncio.sleep(REST)
        assert isinstance(running.listener, deepgram.STTv2)
        assert options_of(running.listener).eot_threshold == 0.8
        running.room.change_metadata(asking({"stt.nova.endpointing_ms": 400}))
        await asyncio.sleep(REST + SETTLED + 0.1)
        assert isinstance(running.listener, deepgram.STT)
        assert options_of(running.listener).endpointing_ms == 400


@pytest.mark.parametrize(
    ("field", "value", "off"),
    [
        ("eager_eot_threshold", 0.4, NOT_GIVEN),
        ("eot_threshold", 0.8, NOT_GIVEN),
        ("eot_timeout_ms", 8000, NOT_GIVEN),
        ("language_hint", ["en"], NOT_GIVEN),
        ("model", "flux-general-multi", "flux-general-en"),
    ],
)
@in_virtual_time
async def test_flux_reconnects_for_options_without_a_message(
    field: str, value: Any, off: Any
) -> None:
    """Its default again, and another model; the plugin cannot take a threshold back."""
    base = {**FLUX, "stt.flux.model": "flux-general-multi"} if field == "language_hint" else FLUX
    asked = asking(base, {f"stt.flux.{field}": value})
    async with Running(asked, session=MUTE).follow().started() as running:
        before = running.listener
        assert getattr(options_of(before), field) == value
        running.session.becomes("speaking")
        running.room.change_metadata(asking(base))
        await asyncio.sleep(REST)
        assert running.listener is before
        running.session.transcribes(is_final=True)
        running.session.becomes("listening")
        await asyncio.sleep(SETTLED + 0.1)
        assert running.listener is not before
        assert getattr(options_of(running.listener), field) == off


@needs_pace
def test_the_applications_own_arguments_of_a_part_stay() -> None:
    """`timing.stt(endpointing_ms=...)` and the like win, as they did when the part was built."""

    async def story() -> list[Any]:
        running = Running(asking())
        timing = running.timing
        own = {
            "stt": timing.stt(endpointing_ms=123),
            "vad": timing.vad(min_silence_duration=0.4, deactivation_threshold=0.2),
            "tts": timing.tts(speed=1.1),
        }
        running.session = Session(**timing.session_kwargs(**own))
        running.follow()
        paths = ["stt.nova.endpointing_ms", "vad.min_silence_duration", "tts.speed"]
        paths += ["vad.activation_threshold", "stt.nova.filler_words"]
        running.room.change_metadata(asking({path: ANOTHER[path] for path in paths}))
        await asyncio.sleep(30)
        return [running.in_force(path) for path in (*paths, "vad.deactivation_threshold")]

    assert run(story()) == [123, 0.4, 1.1, 0.7, False, 0.2]


@needs_pace
def test_parts_that_an_agent_brings_are_retuned_too() -> None:
    """Every part that was built from the settings, whoever has it."""

    async def story() -> tuple[float, float]:
        running = Running(asking()).follow()
        voice, ear = running.timing.tts(model="aura-2-zeus-en"), running.timing.vad()
        running.room.change_metadata(asking({"tts.speed": 0.9, "vad.activation_threshold": 0.7}))
        await asyncio.sleep(1)
        return options_of(voice).speed, options_of(ear).activation_threshold

    assert run(story()) == (0.9, 0.7)


@needs_pace
def test_parts_of_the_application_are_not_changed() -> None:
    """Only the application changes the parts that it gave to the session."""

    async def story() -> tuple[list[Any], list[str]]:
        own: dict[str, Any] = {
            "stt": deepgram.STT(endpointing_ms=123),
            "vad": inference.VAD(min_silence_duration=0.4),
            "tts": deepgram.TTS(speed=1.1),
            "user_away_timeout": 7.0,
            "turn_handling": {"endpointing": {"min_delay": 0.7}, "turn_detection": "vad"},
        }
        running = Running(asking(), session=own).follow()
        paths = ["stt.nova.endpointing_ms", "vad.min_silence_duration", "tts.speed"]
        paths += ["session.user_away_timeout", MIN_DELAY, MAX_DELAY]
        changes = {path: ANOTHER[path] for path in paths}
        running.room.change_metadata(asking(changes, {DETECTION: "stt"}))
        await asyncio.sleep(30)
        return [running.in_force(path) for path in (*paths, DETECTION)], problems(running)

    assert run(story()) == ([123, 0.4, 1.1, 7.0, 0.7, 4.0, "vad"], [])


def test_application_settings_are_not_reported_as_next_call() -> None:
    """They would not change on the next call either."""

    async def story() -> list[str]:
        own = {"aec_warmup_duration": 5.0, "turn_handling": {"interruption": {"mode": "vad"}}}
        running = Running(asking(), session=own).follow()
        changes = ("session.aec_warmup_duration", "turn_handling.interruption.mode")
        running.room.change_metadata(asking({path: ANOTHER[path] for path in changes}))
        await asyncio.sleep(1)
        return problems(running)

    assert run(story()) == []


@in_virtual_time
async def test_agents_own_turn_handling_is_not_changed() -> None:
    """It keeps its own detection and delays; the agent after it has the session's."""
    own = Deaf(
        instructions="", turn_handling={"turn_detection": "vad", "endpointing": {"min_delay": 0.7}}
    )
    changes = {DETECTION: "stt", MIN_DELAY: 1.5, MAX_DELAY: 4.0}
    async with Running(asking(), session=MUTE).follow().started(own) as running:
        running.room.change_metadata(asking(changes))
        await asyncio.sleep(REST)
        assert agents(running) == ("vad", 0.7, 4.0)
        another = Deaf(instructions="")
        running.session.update_agent(another)
        await eventually(lambda: heard(running, another), 600, "its speech-to-text is heard")
        assert agents(running) == ("stt", 1.5, 4.0)
        assert [running.in_force(path) for path in changes] == ["stt", 1.5, 4.0]


@in_virtual_time
async def test_change_during_a_step_is_active_after_the_step() -> None:
    """Otherwise the agent that continues after an AgentTask would have the former detection."""
    step = Step(instructions="")
    outer = Stepping(step)
    async with Running(asking(), session=MUTE).follow().started(outer) as running:
        await eventually(lambda: heard(running, step), 600, "its speech-to-text is heard")
        running.room.change_metadata(asking({DETECTION: "vad", MIN_DELAY: 1.5}))
        await asyncio.sleep(REST)
        assert agents(running) == ("vad", 1.5, 2.5)
        step.complete("done")
        await eventually(lambda: heard(running, outer), 600, "its speech-to-text is heard")
        assert agents(running) == ("vad", 1.5, 2.5)


@in_virtual_time
async def test_another_engine_is_kept_by_the_next_agent() -> None:
    """The session still has the speech-to-text that it was made with."""
    async with Running(asking(), session=MUTE).follow().started() as running:
        running.room.change_metadata(asking(FLUX))
        await asyncio.sleep(REST)
        # Nothing of the next agent listens yet, so that it need not wait for silence.
        running.session.becomes("speaking")
        another = Deaf(instructions="")
        running.session.update_agent(another)
        await eventually(lambda: heard(running, another), 600, "its speech-to-text is heard")
        assert isinstance(running.listener, deepgram.STTv2)


@in_virtual_time
async def test_agents_own_speech_to_text_is_not_changed() -> None:
    """Only parts that were built from the settings change with them."""
    own = deepgram.STT(endpointing_ms=123)
    agent = Deaf(instructions="", stt=own)
    async with Running(asking(), session=MUTE).follow().started(agent) as running:
        running.room.change_metadata(asking(FLUX, {"stt.nova.endpointing_ms": 400}))
        await asyncio.sleep(REST)
        assert running.listener is own
        assert options_of(own).endpointing_ms == 123


@in_virtual_time
async def test_settings_rejected_by_the_sdk_do_not_end_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A VAD of the application that accepts no change: all else changes, and one line."""
    running = Running(asking(), session={**MUTE, "vad": Stubborn()}).follow()
    async with running.started():
        running.room.change_metadata(asking({MIN_DELAY: 1.5, "vad.activation_threshold": 0.7}))
        await asyncio.sleep(REST)
        assert running.in_force(MIN_DELAY) == 1.5
        assert running.timing.settings.values["vad.activation_threshold"] == 0.5
    assert [line for line in caplog.messages if "rejected" in line] == [
        "AgentSession rejected settings change: not this one; call continues"
    ]
    assert [record for record in caplog.records if record.exc_info] == []


@in_virtual_time
async def test_a_quick_vad_of_the_application_gets_no_detector() -> None:
    """The session would refuse the turn detector, and a call would not even begin."""
    own = {**MUTE, "vad": inference.VAD(min_silence_duration=0.1)}
    async with Running(asking(), session=own).follow().started() as running:
        assert running.in_force(DETECTION) == "vad"
        assert running.timing.settings.values[DETECTION] == "vad"
    (problem,) = running.timing.problems
    assert problem.path == DETECTION
    assert problem.message == (
        '"turn_detector" is not applied: 0.1'
        " is less than the 0.25 (s) that the turn detector needs; the application sets"
        ' min_silence_duration; "vad" acts'
    )


@in_virtual_time
async def test_arguments_of_the_other_engine_do_not_end_the_call(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Flux starts without nova's own arguments, which is logged once; nova gets them back."""
    running = Running(asking())
    ear = running.timing.stt(punctuate=True)
    running.session = Session(**running.timing.session_kwargs(**MUTE, stt=ear))
    async with running.follow().started():
        running.room.change_metadata(asking(FLUX))
        await asyncio.sleep(REST)
        running.session.becomes("speaking")
        running.session.transcribes(is_final=True)
        running.session.becomes("listening")
        await asyncio.sleep(SETTLED + 0.2)
        assert isinstance(running.listener, deepgram.STTv2)
        running.room.change_metadata(asking())
        await asyncio.sleep(REST + SETTLED + 1.0)
        assert isinstance(running.listener, deepgram.STT)
        assert options_of(running.listener).punctuate is True
    (lost,) = [line for line in caplog.messages if "left out" in line]
    assert lost == (
        "left out (not-applied): application: stt.punctuate: is not applied: STTv2 has no such"
        " argument"
    )


def test_a_session_that_has_not_started_takes_changes() -> None:
    """All but another speech-to-text, which it gets when it starts."""

    async def story() -> tuple[Any, ...]:
        running = Running(asking()).follow()
        running.room.change_metadata(asking({"stt.nova.endpointing_ms": 400, MIN_DELAY: 1.5}))
        await asyncio.sleep(1)
        return running.in_force("stt.nova.endpointing_ms"), running.in_force(MIN_DELAY)

    assert run(story()) == (400, 1.5)


@in_virtual_time
async def test_engine_requested_before_the_start_is_active_after_it() -> None:
    """The first agent gets it before it listens."""
    running = Running(asking(), session=MUTE).follow()
    running.room.change_metadata(asking(FLUX))
    await asyncio.sleep(REST)
    async with running.started():
        assert isinstance(running.listener, deepgram.STTv2)


@in_virtual_time
async def test_realtime_model_gets_the_changes_that_act_beside_it() -> None:
    """It hears, speaks and ends turns on its own; all other settings change."""
    own = {"llm": Realtime()}
    running = Running(asking(), session=own).follow()
    running.room.change_metadata(
        asking(FLUX, {DETECTION: "vad", MIN_DELAY: 1.5, "turn_handling.interruption.min_words": 3})
    )
    await asyncio.sleep(REST)
    assert running.session.stt is None
    assert running.session.turn_detection is not None
    assert detection_of(running.session.turn_detection) == "turn_detector"
    assert running.in_force(MIN_DELAY) == 1.5
    assert running.in_force("turn_handling.interruption.min_words") == 3


@in_virtual_time
async def test_closed_session_is_not_changed(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is resolved, announced or logged any more, and no timer is left."""
    async with Running(asking(), session=MUTE).follow().started() as running:
        running.session.becomes("speaking")
        running.room.change_metadata(asking(FLUX))
        await asyncio.sleep(REST)
        before = running.listener
    caplog.clear()
    running.session.becomes("listening")
    running.room.change_metadata(asking({MIN_DELAY: 1.5}))
    await asyncio.sleep(SETTLED + 0.2)
    assert running.listener is before
    assert running.in_force(MIN_DELAY) == 0.3
    assert caplog.messages == []


def heard(running: Running, agent: Agent) -> bool:
    """Whether an agent runs, and has begun to listen."""
    activity = vars(running.session)["_activity"]
    listens = activity is not None and vars(activity)["_audio_recognition"] is not None
    return listens and activity.agent is agent


def agents(running: Running) -> tuple[Any, float, float]:
    """What the agent that runs does: detection, and both delays."""
    recognition = vars(vars(running.session)["_activity"])["_audio_recognition"]
    mode = vars(recognition)["_turn_detection_mode"]
    endpointing = vars(recognition)["_endpointing"]
    return mode or "turn_detector", endpointing.min_delay, endpointing.max_delay
