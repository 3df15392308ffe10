"""Rules over a merged profile: what breaks a call."""

from pathlib import Path
from typing import Any

import pytest

from timing_profiles.catalog import catalog
from timing_profiles.problems import Problem
from timing_profiles.profile import Profile
from timing_profiles.turns import rules

ROOT = Path(__file__).parent.parent
CATALOG = catalog.load(ROOT / "profiles")

DETECTION = "turn_handling.turn_detection"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
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


def broken(code: str, fields: tuple[str, ...], message: str) -> Problem:
    """A broken rule, without a place."""
    return Problem(code, message, fields=fields)


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
            broken(
                "conflict", (MIN_DELAY, MAX_DELAY), "min_delay 3.0 is more than max_delay 2.0 (s)"
            ),
            id="min-above-max",
        ),
        pytest.param(
            {EAGER: 0.8, EOT: 0.7},
            broken(
                "conflict", (EAGER, EOT), "eager_eot_threshold 0.8 is more than eot_threshold 0.7"
            ),
            id="eager-above-eot",
        ),
        pytest.param(
            {EAGER: 0.8, EOT: "auto"},
            broken(
                "conflict", (EAGER, EOT), "eager_eot_threshold 0.8 is more than eot_threshold 0.7"
            ),
            id="eager-above-deepgrams-eot",
        ),
        pytest.param(
            {DEACTIVATION: 0.6, ACTIVATION: 0.5},
            broken(
                "conflict",
                (DEACTIVATION, ACTIVATION),
                "deactivation_threshold 0.6 is more than activation_threshold 0.5",
            ),
            id="deactivation-above-activation",
        ),
        pytest.param(
            {SILENCE: 0.2},
            broken(
                "conflict",
                (SILENCE, DETECTION),
                "0.2 is less than the 0.25 (s) that the turn detector needs",
            ),
            id="detector-without-silence",
        ),
        pytest.param(
            {**STT, ENDPOINTING: 0},
            broken(
                "conflict",
                (ENDPOINTING, UTTERANCE_END, DETECTION, "stt.engine"),
                "nothing ends a turn: turn_detection stt needs endpointing_ms or utterance_end_ms",
            ),
            id="nothing-ends-a-turn",
        ),
        pytest.param(
            {ENDPOINTING: 9},
            broken("range", (ENDPOINTING,), "9 is neither 0 (off) nor at least 10 (ms)"),
            id="endpointing-between-off-and-sense",
        ),
    ],
)
def test_rule_is_broken(changes: dict[str, Any], expected: Problem) -> None:
    """Values on which the SDK raises, or which leave the caller unanswered, are found and named."""
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


def test_rules_have_stable_names() -> None:
    """Each rule has a name of its own, which survives a change of its message."""
    assert [rule.id for rule in rules.RULES] == [
        "delays-in-order",
        "eager-at-most-eot",
        "deactivation-at-most-activation",
        "detector-has-silence",
        "something-ends-a-turn",
        "endpointing-off-or-sensible",
    ]


def test_every_broken_rule_is_found() -> None:
    """One run finds them all."""
    changes = {MIN_DELAY: 3.0, DEACTIVATION: 0.9, SILENCE: 0.1, ENDPOINTING: 1, EAGER: 0.9}
    assert len(list(rules.broken(values(changes)))) == 5


@pytest.mark.parametrize("name", CATALOG.names())
def test_starter_profile_breaks_no_rule(name: str) -> None:
    """Every profile that comes with the project can be answered."""
    assert list(rules.broken(profile(name).values)) == []
