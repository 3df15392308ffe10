"""Settings that do nothing beside the others: each reason, alone, holding and not holding."""

from pathlib import Path
from typing import Any

import pytest

from timing_profiles.catalog import catalog
from timing_profiles.problems import Problem
from timing_profiles.turns import dead_settings

CATALOG = catalog.load(Path(__file__).parents[1] / "profiles")

ENGINE = "stt.engine"
DETECTION = "turn_handling.turn_detection"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
ALPHA = "turn_handling.endpointing.alpha"
MODE = "turn_handling.endpointing.mode"
INTERRUPTION = "turn_handling.interruption"
MIN_DURATION = f"{INTERRUPTION}.min_duration"
PREEMPTIVE = "turn_handling.preemptive_generation"
EARLY = f"{PREEMPTIVE}.enabled"
ENDPOINTING = "stt.nova.endpointing_ms"
UTTERANCE_END = "stt.nova.utterance_end_ms"
EAGER = "stt.flux.eager_eot_threshold"
SILENCE = "vad.min_silence_duration"
TRANSCRIPTION = "session.transcription_timeout"

STT = {DETECTION: "stt"}
VAD = {DETECTION: "vad"}
REALTIME = {DETECTION: "realtime_llm"}
MANUAL = {DETECTION: "manual"}
FLUX = {ENGINE: "flux"}
DYNAMIC = {MODE: "dynamic"}
OFF = {f"{INTERRUPTION}.enabled": False}
LATE = {EARLY: False}
SOON = {**STT, **FLUX, MIN_DELAY: 0.0}
NOTHING: dict[str, Any] = {}

NEVER_READ = "not used by this SDK"
ONLY_STT = "only turn_detection stt ends a turn at Deepgram's UtteranceEnd"
NOT_IN_USE = "the turn detector is not in use"
NO_RANGE = "used only with the turn detector or in mode dynamic"
UNDER_SILENCE = "it is shorter than vad.min_silence_duration, before which no turn ends"
UNDER_DETECTOR = (
    "it is shorter than vad.min_silence_duration or the 0.3 s that the turn detector takes"
)
UNDER_WORDS = "endpointing_ms is longer, and no turn ends before the words are there"
APPLICATION_INTERRUPTS = "with turn_detection manual only the application interrupts"
NOT_ENABLED = "interruption.enabled is false"
NOT_EARLY = "preemptive_generation.enabled is false"
NEVER_STARTS = "with nova, turn_detection stt and min_delay 0 it starts when the turn is over"
STARTS_AT_THE_END = (
    "with flux, turn_detection stt and min_delay 0 it starts when the turn is over, unless"
    " eager_eot_threshold is set"
)
WORDS_ARE_THERE = (
    "final words come after the end of the turn: endpointing_ms is longer than the delay"
)
SPEECH_IS_OVER = (
    "endpointing_ms is shorter than vad.min_silence_duration: Deepgram ends the speech first"
)

OF_AN_INTERRUPTION = (
    "mode",
    "min_duration",
    "min_words",
    "backchannel_boundary",
)
AFTER_AN_INTERRUPTION = ("resume_false_interruption", "false_interruption_timeout")

# The field, the reason, what makes it hold, and what differs where it does not.
CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("stt.nova.model", "stt.engine is flux", FLUX, NOTHING),
    ("stt.flux.model", "stt.engine is nova", NOTHING, FLUX),
    (
        "stt.flux.language_hint",
        "only the model flux-general-multi takes language hints",
        FLUX,
        {**FLUX, "stt.flux.model": "flux-general-multi"},
    ),
    (EAGER, NOT_EARLY, {**FLUX, **LATE}, FLUX),
    (
        "turn_handling.user_turn_limit.max_words",
        "with flux, turn_detection stt and min_delay 0 each final transcript is answered at once",
        {**FLUX, **STT, MIN_DELAY: 0},
        {**FLUX, **STT, MIN_DELAY: 0.1},
    ),
    (
        "turn_handling.user_turn_limit.max_words",
        "with flux, turn_detection stt and min_delay 0 each final transcript is answered at once",
        {**FLUX, **STT, MIN_DELAY: 0.0},
        {**FLUX, **VAD, MIN_DELAY: 0.0},
    ),
    ("stt.nova.no_delay", "smart_format is false", NOTHING, {"stt.nova.smart_format": True}),
    (
        "stt.assemblyai.min_turn_silence",
        "it is longer than max_turn_silence, which ends the turn in any case",
        {"stt.assemblyai.min_turn_silence": 900, "stt.assemblyai.max_turn_silence": 800},
        {"stt.assemblyai.min_turn_silence": 900},
    ),
    (
        "realtime.silence_duration_ms",
        "realtime.turn_detection is semantic_vad",
        {"realtime.turn_detection": "semantic_vad"},
        NOTHING,
    ),
    (
        "realtime.eagerness",
        "realtime.turn_detection is server_vad",
        {"realtime.turn_detection": "server_vad"},
        NOTHING,
    ),
    (UTTERANCE_END, ONLY_STT, NOTHING, STT),
    (UTTERANCE_END, ONLY_STT, VAD, STT),
    *(("turn_detector.version", NOT_IN_USE, by, NOTHING) for by in (STT, VAD, REALTIME, MANUAL)),
    (MAX_DELAY, NO_RANGE, VAD, {**VAD, **DYNAMIC}),
    (MAX_DELAY, NO_RANGE, STT, {**STT, **DYNAMIC}),
    (MAX_DELAY, NO_RANGE, REALTIME, NOTHING),
    (MAX_DELAY, NO_RANGE, MANUAL, {**MANUAL, **DYNAMIC}),
    (MIN_DELAY, UNDER_SILENCE, {**VAD, MIN_DELAY: 0.25}, {**VAD, MIN_DELAY: 0.256}),
    (MIN_DELAY, UNDER_SILENCE, {**VAD, SILENCE: 0.55}, {**VAD, **DYNAMIC, SILENCE: 0.55}),
    (MIN_DELAY, UNDER_SILENCE, {**REALTIME, MIN_DELAY: 0.1}, {**STT, MIN_DELAY: 0.1}),
    (MIN_DELAY, UNDER_DETECTOR, {MIN_DELAY: 0.29}, {MIN_DELAY: 0.3}),
    (MIN_DELAY, UNDER_DETECTOR, {SILENCE: 0.55}, {SILENCE: 0.25}),
    (MIN_DELAY, UNDER_DETECTOR, {MIN_DELAY: 0.1}, {**DYNAMIC, MIN_DELAY: 0.1}),
    (MIN_DELAY, UNDER_WORDS, {ENDPOINTING: 390}, {ENDPOINTING: 389}),
    (MIN_DELAY, UNDER_WORDS, {**VAD, ENDPOINTING: 390}, {**VAD, ENDPOINTING: 389}),
    (MIN_DELAY, UNDER_WORDS, {ENDPOINTING: 900}, {**STT, ENDPOINTING: 900}),
    (MIN_DELAY, UNDER_WORDS, {ENDPOINTING: 900}, {**FLUX, ENDPOINTING: 900}),
    (MIN_DELAY, UNDER_WORDS, {ENDPOINTING: 900}, {**DYNAMIC, ENDPOINTING: 900}),
    (ALPHA, "endpointing.mode is fixed", NOTHING, DYNAMIC),
    *(
        (f"{INTERRUPTION}.{name}", NOT_ENABLED, OFF, NOTHING)
        for name in (*OF_AN_INTERRUPTION, *AFTER_AN_INTERRUPTION)
    ),
    *(
        (f"{INTERRUPTION}.{name}", APPLICATION_INTERRUPTS, MANUAL, NOTHING)
        for name in OF_AN_INTERRUPTION
    ),
    (
        f"{INTERRUPTION}.discard_audio_if_uninterruptible",
        "interruption.enabled is true, and no user_turn_limit makes the agent cut in",
        NOTHING,
        OFF,
    ),
    (
        f"{INTERRUPTION}.discard_audio_if_uninterruptible",
        "interruption.enabled is true, and no user_turn_limit makes the agent cut in",
        NOTHING,
        {"turn_handling.user_turn_limit.max_words": 30},
    ),
    (
        f"{INTERRUPTION}.backchannel_boundary",
        "interruption.mode is vad",
        NOTHING,
        {f"{INTERRUPTION}.mode": "adaptive"},
    ),
    (
        f"{INTERRUPTION}.false_interruption_timeout",
        "resume_false_interruption is false",
        {f"{INTERRUPTION}.resume_false_interruption": False},
        NOTHING,
    ),
    (
        f"{INTERRUPTION}.resume_false_interruption",
        "false_interruption_timeout is null",
        {f"{INTERRUPTION}.false_interruption_timeout": None},
        NOTHING,
    ),
    *(
        (f"{PREEMPTIVE}.{name}", NOT_EARLY, LATE, NOTHING)
        for name in ("preemptive_tts", "max_speech_duration", "max_retries")
    ),
    *(
        (f"{PREEMPTIVE}.{name}", NEVER_STARTS, {**STT, MIN_DELAY: 0}, STT)
        for name in ("enabled", "max_retries")
    ),
    (EARLY, STARTS_AT_THE_END, SOON, {**SOON, EAGER: 0.4}),
    (EARLY, STARTS_AT_THE_END, SOON, {**SOON, **VAD}),
    (EARLY, STARTS_AT_THE_END, SOON, {**SOON, MIN_DELAY: 0.1}),
    (EARLY, WORDS_ARE_THERE, {**VAD, ENDPOINTING: 390}, {**VAD, ENDPOINTING: 389}),
    (EARLY, WORDS_ARE_THERE, {ENDPOINTING: 2590}, {ENDPOINTING: 2589}),
    (EARLY, WORDS_ARE_THERE, {**VAD, ENDPOINTING: 900}, {**VAD, **DYNAMIC, ENDPOINTING: 900}),
    (EARLY, WORDS_ARE_THERE, {**VAD, ENDPOINTING: 900}, {**VAD, **FLUX, ENDPOINTING: 900}),
    (
        TRANSCRIPTION,
        SPEECH_IS_OVER,
        {**STT, TRANSCRIPTION: 3.0, ENDPOINTING: 249},
        {**STT, TRANSCRIPTION: 3.0, ENDPOINTING: 250},
    ),
    (
        TRANSCRIPTION,
        SPEECH_IS_OVER,
        {**STT, TRANSCRIPTION: 3.0, ENDPOINTING: 25},
        {**STT, TRANSCRIPTION: 3.0, ENDPOINTING: 0},
    ),
    (
        TRANSCRIPTION,
        SPEECH_IS_OVER,
        {**STT, TRANSCRIPTION: 3.0},
        {**STT, TRANSCRIPTION: None},
    ),
    (TRANSCRIPTION, SPEECH_IS_OVER, {**STT, TRANSCRIPTION: 3.0}, {**VAD, TRANSCRIPTION: 3.0}),
    (
        TRANSCRIPTION,
        SPEECH_IS_OVER,
        {**STT, TRANSCRIPTION: 3.0},
        {**STT, **FLUX, TRANSCRIPTION: 3.0},
    ),
]


def values(changes: dict[str, Any]) -> dict[str, Any]:
    """Every field, as in default.yaml but for the changes."""
    default = CATALOG.profile("default")
    assert default
    return {**default.values, **changes}


def because(field: str, changes: dict[str, Any]) -> list[str]:
    """The reasons for which a field has no effect."""
    return dead_settings.reasons(values(changes), [field]).get(field, "").split("; ")


@pytest.mark.parametrize(("field", "reason", "dead", "alive"), CASES)
def test_setting_is_dead_only_while_condition_is_met(
    field: str, reason: str, dead: dict[str, Any], alive: dict[str, Any]
) -> None:
    """It is named with the reason, which disappears with its condition."""
    assert reason in because(field, dead)
    assert reason not in because(field, alive)


@pytest.mark.parametrize(
    "field", ["vad.prefix_padding_duration", "turn_detector.backchannel_threshold"]
)
def test_unused_setting_is_always_dead(field: str) -> None:
    """Beside any other setting."""
    for changes in (NOTHING, {**FLUX, **STT, **DYNAMIC}, MANUAL):
        assert NEVER_READ in because(field, changes)


def test_every_reason_has_a_case() -> None:
    """A new row of the table needs one: dead and alive."""
    known = {row.reason for row in dead_settings.DEAD_WHEN}
    assert known == {NEVER_READ, *(reason for _, reason, _, _ in CASES)}


def test_rows_have_stable_names() -> None:
    """Each row has a name of its own, which survives a change of its reason."""
    names = [row.id for row in dead_settings.DEAD_WHEN]
    assert len(set(names)) == len(names)
    assert [row.id for row in dead_settings.rows(ALPHA)] == ["alpha-in-mode-fixed"]


def test_dead_setting_is_reported_once_with_all_reasons() -> None:
    """Whoever mends one of them learns of the next."""
    changes = {**MANUAL, **OFF}
    among = [ALPHA, f"{INTERRUPTION}.backchannel_boundary", ENDPOINTING]
    boundary = f"{INTERRUPTION}.backchannel_boundary"
    reason = f"{NOT_ENABLED}; {APPLICATION_INTERRUPTS}; interruption.mode is vad"
    assert dead_settings.reasons(values(changes), among) == {
        ALPHA: "endpointing.mode is fixed",
        boundary: reason,
    }
    assert list(dead_settings.problems(values(changes), [boundary])) == [
        Problem("no-effect", f"has no effect: {reason}", severity="warning", fields=(boundary,))
    ]


def test_only_requested_settings_are_checked() -> None:
    """An inherited setting is not reported."""
    assert dead_settings.reasons(values(FLUX), []) == {}


def test_dead_settings_of_default_profile() -> None:
    """What of it does nothing, does so by the SDK's own choice of values."""
    found = dead_settings.reasons(values(NOTHING), values(NOTHING))
    assert sorted(found) == [
        "stt.flux.eager_eot_threshold",
        "stt.flux.eot_threshold",
        "stt.flux.eot_timeout_ms",
        "stt.flux.language_hint",
        "stt.flux.model",
        "stt.nova.no_delay",
        "stt.nova.utterance_end_ms",
        "turn_detector.backchannel_threshold",
        "turn_handling.endpointing.alpha",
        "turn_handling.interruption.backchannel_boundary",
        "turn_handling.interruption.discard_audio_if_uninterruptible",
        "vad.prefix_padding_duration",
    ]


def test_starter_profiles_have_no_dead_settings() -> None:
    """No profile that comes with the project holds a setting without effect, or a doubtful one."""
    assert CATALOG.warnings == ()
