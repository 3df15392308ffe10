"""Settings that work as they are written, and that callers will complain of."""

from pathlib import Path
from typing import Any

import pytest

from timing_profiles.catalog import catalog
from timing_profiles.problems import Problem
from timing_profiles.turns import advice

CATALOG = catalog.load(Path(__file__).parents[1] / "profiles")

ENGINE = "stt.engine"
DETECTION = "turn_handling.turn_detection"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
ENDPOINTING = "stt.nova.endpointing_ms"
UTTERANCE_END = "stt.nova.utterance_end_ms"
EOT_TIMEOUT = "stt.flux.eot_timeout_ms"
SILENCE = "vad.min_silence_duration"
ACTIVATION = "vad.activation_threshold"
DEACTIVATION = "vad.deactivation_threshold"
ENABLED = "turn_handling.interruption.enabled"
MIN_DURATION = "turn_handling.interruption.min_duration"
MIN_WORDS = "turn_handling.interruption.min_words"

STT = {DETECTION: "stt"}
VAD = {DETECTION: "vad"}
FLUX = {ENGINE: "flux"}

SHORT = (MIN_DELAY, ENDPOINTING, SILENCE, DETECTION)


def warning(fields: tuple[str, ...], message: str) -> Problem:
    """A warning without a place."""
    return Problem("doubtful", message, severity="warning", fields=fields)


def found(changes: dict[str, Any]) -> list[Problem]:
    """The warnings about default.yaml with some changes."""
    default = CATALOG.profile("default")
    assert default
    return list(advice.problems({**default.values, **changes}))


def too_long(seconds: str, *fields: str) -> Problem:
    """The warning about a wait, and the fields that it may come from."""
    message = f"callers may wait {seconds} s for an answer; few stay longer than 10 (s)"
    return warning((*fields, SILENCE, DETECTION), message)


def too_short(seconds: str) -> Problem:
    """The warning about an answer between two words."""
    message = f"callers are answered after {seconds} s, between two words of a sentence"
    return warning(SHORT, f"{message}; at least 0.25 (s) lets them finish")


WHENEVER = warning(
    (ENDPOINTING, DETECTION, ENGINE),
    "the wait has no limit: with endpointing_ms 0 Deepgram sends final words at any time;"
    " 25 is usual (ms)",
)
TWO_HALVES = warning(
    (MIN_DELAY, DETECTION, ENGINE),
    "with turn_detection stt, a caller who goes on within min_delay gets two answers;"
    " min_delay 0 (s) avoids it",
)


def late_end(threshold: str) -> Problem:
    """The warning about a VAD that takes the room's noise for speech."""
    message = f"the VAD waits for a probability below {threshold} and notices the end of speech"
    return warning((DEACTIVATION, ACTIVATION), f"{message} up to 3 s late; 0.1 is safe")


def words_first(milliseconds: int, seconds: str) -> Problem:
    """The warning about a limit that words undercut."""
    return warning(
        (MIN_DURATION, MIN_WORDS, ENDPOINTING),
        f"words stop the agent sooner: with endpointing_ms {milliseconds} they are final"
        f" before {seconds} s; min_words holds them back",
    )


def every_sound(silence: str) -> Problem:
    """The warning about a limit that the VAD's own silence reaches."""
    return warning(
        (MIN_DURATION, SILENCE),
        f"every sound stops the agent: vad.min_silence_duration {silence} counts, too;"
        " a longer min_duration excludes a cough (s)",
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({MAX_DELAY: 10.0}, too_long("10.09", MAX_DELAY, MIN_DELAY, ENDPOINTING)),
        ({**VAD, MIN_DELAY: 9.95}, too_long("10.04", MIN_DELAY, ENDPOINTING)),
        ({**VAD, ENDPOINTING: 10_000, MIN_DELAY: 9.92}, too_long("10.01", MIN_DELAY, ENDPOINTING)),
        (
            {**STT, ENDPOINTING: 10_000, MIN_DELAY: 0.3},
            too_long("10.3", MIN_DELAY, ENDPOINTING, UTTERANCE_END),
        ),
        (
            {**STT, **FLUX, EOT_TIMEOUT: 10_000, MIN_DELAY: 0.5},
            too_long("10.5", MIN_DELAY, EOT_TIMEOUT),
        ),
        ({ENDPOINTING: 0}, WHENEVER),
        ({**VAD, ENDPOINTING: 0}, WHENEVER),
        ({**STT, MIN_DELAY: 0.0}, too_short("0.025")),
        ({**VAD, MIN_DELAY: 0.0, SILENCE: 0.05}, too_short("0.154")),
        ({**STT, **FLUX, MIN_DELAY: 0.3}, TWO_HALVES),
        ({**STT, MIN_DELAY: 0.3, ENDPOINTING: 600}, TWO_HALVES),
        ({DEACTIVATION: 0.09}, late_end("0.09")),
        ({ACTIVATION: 0.2}, late_end("0.05")),
        ({MIN_DURATION: 2.0}, words_first(25, "2")),
        ({MIN_DURATION: 1.5, ENDPOINTING: 100}, words_first(100, "1.5")),
        ({MIN_DURATION: 0.25}, every_sound("0.25")),
        ({SILENCE: 0.8}, every_sound("0.8")),
    ],
)
def test_advice_warns_of_likely_complaint(changes: dict[str, Any], expected: Problem) -> None:
    """With the effect that callers notice, and the remedy; the likeliest field first."""
    assert expected in found(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {MAX_DELAY: 9.91},
        {DETECTION: "manual", MIN_DELAY: 20.0, MAX_DELAY: 30.0},
        {**VAD, **FLUX, ENDPOINTING: 0},
        {**STT, MIN_DELAY: 0.0, ENDPOINTING: 250},
        {**STT, **FLUX, MIN_DELAY: 0.0},
        {**VAD, MIN_DELAY: 0.0, SILENCE: 0.2},
        {**STT, MIN_DELAY: 0.3, ENDPOINTING: 500},
        {DEACTIVATION: 0.1},
        {ACTIVATION: 0.25},
        {MIN_DURATION: 1.0},
        {MIN_DURATION: 0.26},
        {MIN_DURATION: 0.2, ENABLED: False},
        {MIN_DURATION: 2.0, ENDPOINTING: 101},
        {MIN_DURATION: 2.0, MIN_WORDS: 1},
        {MIN_DURATION: 2.0, ENABLED: False},
        {MIN_DURATION: 2.0, **VAD, **FLUX},
    ],
)
def test_usual_value_gives_no_warning(changes: dict[str, Any]) -> None:
    """Each of them is just within its limit."""
    assert found(changes) == []


def test_all_advice_is_reported() -> None:
    """One run finds them all."""
    changes = {MAX_DELAY: 12.0, MIN_DURATION: 2.0}
    assert found(changes) == [
        too_long("12.09", MAX_DELAY, MIN_DELAY, ENDPOINTING),
        words_first(25, "2"),
    ]


@pytest.mark.parametrize("name", CATALOG.names())
def test_starter_profile_gives_no_warning(name: str) -> None:
    """The profiles of the project can be used unchanged."""
    profile = CATALOG.profile(name)
    assert profile
    assert list(advice.problems(profile.values)) == []
