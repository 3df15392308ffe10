"""Rules over a merged profile: what breaks a call, and what has no effect."""

from pathlib import Path
from typing import Any

import pytest

from timing_profiles import catalog, rules
from timing_profiles.profile import Profile
from timing_profiles.rules import Broken, Dead

ROOT = Path(__file__).parent.parent
CATALOG = catalog.load(ROOT / "profiles")

DETECTION = "turn_handling.turn_detection"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
ALPHA = "turn_handling.endpointing.alpha"
MODE = "turn_handling.endpointing.mode"
INTERRUPTION = "turn_handling.interruption"
PREEMPTIVE = "turn_handling.preemptive_generation"
ENDPOINTING = "stt.nova.endpointing_ms"
UTTERANCE_END = "stt.nova.utterance_end_ms"
EAGER = "stt.flux.eager_eot_threshold"
EOT = "stt.flux.eot_threshold"
ACTIVATION = "vad.activation_threshold"
DEACTIVATION = "vad.deactivation_threshold"
SILENCE = "vad.min_silence_duration"

STT = {DETECTION: "stt"}
VAD = {DETECTION: "vad"}
FLUX = {"stt.engine": "flux"}
DYNAMIC = {MODE: "dynamic"}
NOTHING: dict[str, Any] = {}


def profile(name: str) -> Profile:
    found = CATALOG.profile(name)
    assert found is not None
    return found


def values(changes: dict[str, Any]) -> dict[str, Any]:
    """Every field, as in default.yaml but for the changes."""
    return {**profile("default").values, **changes}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param(
            {MIN_DELAY: 3.0, MAX_DELAY: 2.0},
            Broken(
                "conflict", (MIN_DELAY, MAX_DELAY), "min_delay 3.0 is more than max_delay 2.0 (s)"
            ),
            id="min-above-max",
        ),
        pytest.param(
            {EAGER: 0.8, EOT: 0.7},
            Broken(
                "conflict", (EAGER, EOT), "eager_eot_threshold 0.8 is more than eot_threshold 0.7"
            ),
            id="eager-above-eot",
        ),
        pytest.param(
            {EAGER: 0.8, EOT: "auto"},
            Broken(
                "conflict", (EAGER, EOT), "eager_eot_threshold 0.8 is more than eot_threshold 0.7"
            ),
            id="eager-above-deepgrams-eot",
        ),
        pytest.param(
            {DEACTIVATION: 0.6, ACTIVATION: 0.5},
            Broken(
                "conflict",
                (DEACTIVATION, ACTIVATION),
                "deactivation_threshold 0.6 is more than activation_threshold 0.5",
            ),
            id="deactivation-above-activation",
        ),
        pytest.param(
            {SILENCE: 0.2},
            Broken(
                "conflict",
                (SILENCE, DETECTION),
                "0.2 is less than the 0.25 (s) that the turn detector needs",
            ),
            id="detector-without-silence",
        ),
        pytest.param(
            {**STT, ENDPOINTING: 0},
            Broken(
                "conflict",
                (ENDPOINTING, UTTERANCE_END, DETECTION, "stt.engine"),
                "nothing ends a turn: turn_detection stt needs endpointing_ms or utterance_end_ms",
            ),
            id="nothing-ends-a-turn",
        ),
        pytest.param(
            {ENDPOINTING: 9},
            Broken("range", (ENDPOINTING,), "9 is neither 0 (off) nor at least 10 (ms)"),
            id="endpointing-between-off-and-sense",
        ),
    ],
)
def test_rule_is_broken(changes: dict[str, Any], expected: Broken) -> None:
    """What would make the SDK raise, or leave the caller unanswered, is found and named."""
    assert list(rules.broken(values(changes))) == [expected]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({MIN_DELAY: 2.0, MAX_DELAY: 2.0}, id="min-equals-max"),
        pytest.param({EAGER: 0.7, EOT: "auto"}, id="eager-equals-deepgrams-eot"),
        pytest.param({EAGER: 0.8, EOT: 0.8}, id="eager-equals-eot"),
        pytest.param({DEACTIVATION: 0.5, ACTIVATION: 0.5}, id="deactivation-equals-activation"),
        pytest.param({DEACTIVATION: "auto", ACTIVATION: 0.05}, id="deactivation-auto"),
        pytest.param({SILENCE: 0.25}, id="least-silence-for-the-detector"),
        pytest.param({**VAD, SILENCE: 0.05}, id="less-silence-without-the-detector"),
        pytest.param({**STT, ENDPOINTING: 0, UTTERANCE_END: 1000}, id="utterance-end-ends-a-turn"),
        pytest.param({**STT, **FLUX, ENDPOINTING: 0}, id="flux-ends-a-turn"),
        pytest.param({ENDPOINTING: 0}, id="endpointing-off"),
        pytest.param({ENDPOINTING: 10}, id="least-endpointing"),
    ],
)
def test_rule_holds(changes: dict[str, Any]) -> None:
    """A rule refuses no more than it must."""
    assert list(rules.broken(values(changes))) == []


def test_every_broken_rule_is_found() -> None:
    """One run finds them all."""
    changes = {MIN_DELAY: 3.0, DEACTIVATION: 0.9, SILENCE: 0.1, ENDPOINTING: 1, EAGER: 0.9}
    assert len(list(rules.broken(values(changes)))) == 5


NEVER_READ = "nothing in this SDK reads it"
NOT_ENABLED = "interruption.enabled is false"
NOT_EARLY = "preemptive_generation.enabled is false"
NOT_IN_USE = "the turn detector is not in use"
ONLY_STT = "only turn_detection stt ends a turn at Deepgram's UtteranceEnd"
OFF = {f"{INTERRUPTION}.enabled": False}
LATE = {f"{PREEMPTIVE}.enabled": False}


@pytest.mark.parametrize(
    ("field", "because", "dead", "alive"),
    [
        pytest.param("stt.nova.model", "stt.engine is flux", FLUX, NOTHING, id="nova-under-flux"),
        pytest.param("stt.flux.model", "stt.engine is nova", NOTHING, FLUX, id="flux-under-nova"),
        pytest.param(
            "stt.flux.language_hint",
            "only the model flux-general-multi takes hints",
            FLUX,
            {**FLUX, "stt.flux.model": "flux-general-multi"},
            id="hint-for-one-language",
        ),
        pytest.param(EAGER, NOT_EARLY, {**FLUX, **LATE}, FLUX, id="eager-without-early-start"),
        pytest.param(
            "turn_handling.user_turn_limit.max_words",
            "it is checked at a final transcript, and with flux that is the end of the turn",
            FLUX,
            NOTHING,
            id="turn-limit-under-flux",
        ),
        pytest.param(
            "stt.nova.no_delay",
            "smart_format is false",
            NOTHING,
            {"stt.nova.smart_format": True},
            id="no-delay-without-smart-format",
        ),
        pytest.param(UTTERANCE_END, ONLY_STT, NOTHING, STT, id="utterance-end-with-detector"),
        pytest.param(UTTERANCE_END, ONLY_STT, VAD, STT, id="utterance-end-with-vad"),
        pytest.param("turn_detector.version", NOT_IN_USE, STT, NOTHING, id="detector-with-stt"),
        pytest.param("turn_detector.version", NOT_IN_USE, VAD, NOTHING, id="detector-with-vad"),
        pytest.param(
            "turn_detector.version",
            NOT_IN_USE,
            {DETECTION: "realtime_llm"},
            NOTHING,
            id="detector-with-realtime",
        ),
        pytest.param(
            MAX_DELAY,
            "it acts with the turn detector or in mode dynamic",
            VAD,
            {**VAD, **DYNAMIC},
            id="max-delay-with-vad",
        ),
        pytest.param(
            MAX_DELAY,
            "it acts with the turn detector or in mode dynamic",
            STT,
            NOTHING,
            id="max-delay-with-stt",
        ),
        pytest.param(ALPHA, "endpointing.mode is fixed", NOTHING, DYNAMIC, id="alpha-in-fixed"),
        pytest.param(
            MIN_DELAY,
            "with turn_detection manual the application ends a turn",
            {DETECTION: "manual"},
            NOTHING,
            id="delay-with-manual",
        ),
        *(
            pytest.param(f"{INTERRUPTION}.{name}", NOT_ENABLED, OFF, NOTHING, id=f"{name}-disabled")
            for name in (
                "mode",
                "min_duration",
                "min_words",
                "resume_false_interruption",
                "false_interruption_timeout",
                "backchannel_boundary",
            )
        ),
        pytest.param(
            f"{INTERRUPTION}.discard_audio_if_uninterruptible",
            "interruption.enabled is true",
            NOTHING,
            OFF,
            id="discard-while-interruptible",
        ),
        pytest.param(
            f"{INTERRUPTION}.backchannel_boundary",
            "interruption.mode is vad",
            NOTHING,
            {f"{INTERRUPTION}.mode": "adaptive"},
            id="boundary-without-adaptive",
        ),
        pytest.param(
            f"{INTERRUPTION}.false_interruption_timeout",
            "resume_false_interruption is false",
            {f"{INTERRUPTION}.resume_false_interruption": False},
            NOTHING,
            id="timeout-without-resume",
        ),
        pytest.param(
            f"{INTERRUPTION}.resume_false_interruption",
            "false_interruption_timeout is null",
            {f"{INTERRUPTION}.false_interruption_timeout": None},
            NOTHING,
            id="resume-without-timeout",
        ),
        *(
            pytest.param(f"{PREEMPTIVE}.{name}", NOT_EARLY, LATE, NOTHING, id=f"{name}-disabled")
            for name in ("preemptive_tts", "max_speech_duration", "max_retries")
        ),
        *(
            pytest.param(
                f"{PREEMPTIVE}.{name}",
                "with nova and turn_detection stt it never starts",
                STT,
                {**STT, **FLUX},
                id=f"{name}-with-nova-and-stt",
            )
            for name in ("enabled", "max_retries")
        ),
    ],
)
def test_setting_is_dead(
    field: str, because: str, dead: dict[str, Any], alive: dict[str, Any]
) -> None:
    """A setting without effect is named with the reason, and only while the reason holds."""
    assert Dead(field, because) in rules.dead(values(dead))
    assert Dead(field, because) not in rules.dead(values(alive))


@pytest.mark.parametrize(
    "field", ["vad.prefix_padding_duration", "turn_detector.backchannel_threshold"]
)
def test_setting_is_always_dead(field: str) -> None:
    """What the SDK never reads is dead beside any other setting."""
    assert Dead(field, NEVER_READ) in rules.dead(values(NOTHING))
    assert Dead(field, NEVER_READ) in rules.dead(values({**FLUX, **STT, **DYNAMIC}))


@pytest.mark.parametrize(
    "alive", ["turn_handling.turn_detection", "stt.engine", SILENCE, MIN_DELAY]
)
def test_setting_is_alive(alive: str) -> None:
    """What default.yaml is known for is never called dead there."""
    assert alive not in {found.field for found in rules.dead(values(NOTHING))}


@pytest.mark.parametrize("name", CATALOG.names())
def test_starter_profile_breaks_no_rule(name: str) -> None:
    """Every profile that comes with the project can be answered."""
    assert list(rules.broken(profile(name).values)) == []


def test_starter_profiles_set_nothing_in_vain() -> None:
    """No profile that comes with the project holds a setting without effect."""
    assert CATALOG.warnings == ()
