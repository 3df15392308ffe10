"""What a caller notices of a profile, in sentences with numbers."""

from pathlib import Path
from typing import Any

import pytest

from timing_profiles.catalog import catalog
from timing_profiles.turns import summary

CATALOG = catalog.load(Path(__file__).parents[1] / "profiles")

DETECTION = "turn_handling.turn_detection"
DELAYS = "turn_handling.endpointing"
INTERRUPTION = "turn_handling.interruption"
LIMIT = "turn_handling.user_turn_limit"
PREEMPTIVE = "turn_handling.preemptive_generation"
ENDPOINTING = "stt.nova.endpointing_ms"
EOT = "stt.flux.eot_threshold"
EOT_TIMEOUT = "stt.flux.eot_timeout_ms"

VAD = {DETECTION: "vad"}
STT = {DETECTION: "stt"}
MANUAL = {DETECTION: "manual"}
FLUX = {"stt.engine": "flux"}
DYNAMIC = {f"{DELAYS}.mode": "dynamic"}
NO_INTERRUPTION = {f"{INTERRUPTION}.enabled": False}

TWO_ANSWERS = (
    "answers after 0.39 s when the sentence sounds finished, after 2.59 s when more seems to come"
)
STOPS = "stops for 0.5 s of speech, or as soon as a word is final (25 ms after it)"
STOPS_FOR_SOUND = "stops for 0.5 s of speech"
GOES_ON = "after a sound without words it goes on, 2 s later"
STAYS_SILENT = "after a sound without words it stays silent until the caller speaks"
NOT_STOPPED = "cannot be interrupted"
WORKS_AHEAD = "the LLM begins while the agent still waits"


def sentences(changes: dict[str, Any]) -> list[str]:
    """What is said of default.yaml with some changes."""
    default = CATALOG.profile("default")
    assert default
    return summary.sentences({**default.values, **changes})


def test_summary_starts_with_answer() -> None:
    """Then interruptions, and then what is less often noticed."""
    assert sentences({}) == [TWO_ANSWERS, STOPS, GOES_ON, WORKS_AHEAD]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({f"{DELAYS}.max_delay": 0.3}, ["answers after 0.39 s of silence"]),
        (VAD, ["answers after 0.39 s of silence"]),
        ({**STT, f"{DELAYS}.min_delay": 0.5}, ["answers after 0.525 s of silence"]),
        ({**VAD, **FLUX}, ["answers after 0.39 to 5 s of silence"]),
        (
            {**STT, **FLUX, f"{DELAYS}.min_delay": 0.0},
            [
                (
                    "answers when Flux is 70% sure that the caller is done,"
                    " after 5 s of silence at the latest"
                )
            ],
        ),
        (
            {**STT, **FLUX, EOT: 0.85, EOT_TIMEOUT: 2500, f"{DELAYS}.min_delay": 0.3},
            [
                (
                    "answers when Flux is 85% sure that the caller is done,"
                    " after 2.5 s of silence at the latest, and 0.3 s more"
                )
            ],
        ),
        (
            {**VAD, ENDPOINTING: 0},
            ["answers after 0.39 s or later: nothing bounds the wait"],
        ),
        ({**MANUAL, **DYNAMIC}, ["answers only when the application commits the turn"]),
        (
            {**VAD, **DYNAMIC},
            [
                "answers after 0.39 to 2.59 s of silence",
                "learns from pauses: in later turns the delay of 0.3 s may grow to 2.5 s",
            ],
        ),
        (
            DYNAMIC,
            [
                TWO_ANSWERS,
                "learns from pauses: in later turns the delay of 0.3 s may grow to 2.5 s",
            ],
        ),
    ],
)
def test_summary_of_answer(changes: dict[str, Any], expected: list[str]) -> None:
    """By the setting that ends a turn, and its delay."""
    assert sentences(changes)[: len(expected)] == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({f"{INTERRUPTION}.min_words": 1}, "stops for 0.5 s of speech with 1 word in it"),
        ({f"{INTERRUPTION}.min_words": 2}, "stops for 0.5 s of speech with 2 words in it"),
        ({f"{INTERRUPTION}.min_duration": 1.25, **VAD, **FLUX}, "stops for 1.25 s of speech"),
        ({ENDPOINTING: 0}, STOPS_FOR_SOUND),
        (MANUAL, "is interrupted by the application alone"),
        (NO_INTERRUPTION, NOT_STOPPED),
        (NO_INTERRUPTION, "what is said while it speaks or thinks is lost"),
        (
            {**NO_INTERRUPTION, f"{INTERRUPTION}.discard_audio_if_uninterruptible": False},
            "what is said while it speaks is answered only if it runs past the agent's end",
        ),
        ({f"{INTERRUPTION}.false_interruption_timeout": 0.5}, GOES_ON.replace("2", "0.5")),
        ({f"{INTERRUPTION}.false_interruption_timeout": None}, STAYS_SILENT),
        ({f"{INTERRUPTION}.resume_false_interruption": False}, STAYS_SILENT),
    ],
)
def test_summary_of_interruption(changes: dict[str, Any], expected: str) -> None:
    """By sound, by words, or not at all."""
    assert expected in sentences(changes)


@pytest.mark.parametrize("changes", [MANUAL, NO_INTERRUPTION], ids=["manual", "off"])
def test_summary_without_interruption_omits_noise(changes: dict[str, Any]) -> None:
    """They have no effect."""
    assert [sentence for sentence in sentences(changes) if "sound without" in sentence] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({f"{LIMIT}.max_words": 50}, "cuts in on a caller who has talked for 50 words"),
        ({f"{LIMIT}.max_duration": 30.0}, "cuts in on a caller who has talked for 30 s"),
        (
            {f"{LIMIT}.max_words": 50, f"{LIMIT}.max_duration": 30.0},
            "cuts in on a caller who has talked for 50 words or 30 s",
        ),
        ({"tts.speed": 0.9}, "speaks at 0.9 times its usual speed"),
        (
            {f"{PREEMPTIVE}.preemptive_tts": True},
            "the LLM and the voice begin while the agent still waits",
        ),
    ],
)
def test_summary_of_limits_and_voice(changes: dict[str, Any], expected: str) -> None:
    """Only where a profile asks for it."""
    assert expected in sentences(changes)
    assert expected not in sentences({})


def test_summary_omits_dead_settings() -> None:
    """An early start that never comes, a limit that Flux never reaches."""
    assert WORKS_AHEAD not in sentences(STT)
    assert WORKS_AHEAD not in sentences({f"{PREEMPTIVE}.enabled": False})
    assert sentences({**FLUX, f"{LIMIT}.max_words": 5}) == sentences(FLUX)


@pytest.mark.parametrize("name", CATALOG.names())
def test_every_starter_profile_has_summary(name: str) -> None:
    """In sentences that a person can read aloud, without a name of a field."""
    profile = CATALOG.profile(name)
    assert profile
    found = summary.sentences(profile.values)
    assert len(found) >= 3
    assert [sentence for sentence in found if "_" in sentence or "None" in sentence] == []
