"""How long a caller waits, by the formulas that were measured on calls."""

from pathlib import Path
from typing import Any

import pytest

from timing_profiles.catalog import catalog
from timing_profiles.turns import fields, wait

PROFILES = Path(__file__).parents[1] / "profiles"

DELAYS = "turn_handling.endpointing"


def waiting(**changes: Any) -> wait.Wait:
    """The wait of the default profile with some fields changed; `__` stands for a dot."""
    default = catalog.load(PROFILES).profile("default")
    assert default
    changed = {name.replace("__", "."): value for name, value in changes.items()}
    return wait.effective({**default.values, **changed})


def vad(**changes: Any) -> wait.Wait:
    """As `waiting`, with VAD turns and the longer delay out of the way."""
    return waiting(turn_handling__turn_detection="vad", **changes)


def test_turn_detector_waits_min_delay_or_max_delay() -> None:
    """Which of the two, its verdict decides; never before 0.30 s of silence."""
    assert waiting() == wait.Wait(
        (0.39, 2.59), "max(0.09 + max((0.3 to 2.5), 0.256, 0.3), 0.025 + deepgram)"
    )


def test_vad_waits_for_its_own_silence_in_whole_windows() -> None:
    """0.55 s of silence are 18 windows of 32 ms."""
    found = vad(vad__min_silence_duration=0.55, turn_handling__endpointing__min_delay=0.5)
    assert found.seconds == (0.666, 0.666)


def test_vad_never_answers_before_the_words_arrive() -> None:
    """A final transcript after 1.0 s outlasts a delay of 0.5 s."""
    found = vad(stt__nova__endpointing_ms=1000, turn_handling__endpointing__min_delay=0.5)
    assert found == wait.Wait((1.0, 1.0), "max(0.09 + max(0.5, 0.256), 1 + deepgram)")


def test_stt_adds_the_delay_to_deepgrams_own_end_of_speech() -> None:
    """0.4 s at Deepgram and 0.5 s here; VAD has no part in it."""
    found = waiting(
        turn_handling__turn_detection="stt",
        stt__nova__endpointing_ms=400,
        turn_handling__endpointing__min_delay=0.5,
    )
    assert found == wait.Wait((0.9, 0.9), "0.4 + deepgram + 0.5")


def test_stt_without_endpointing_waits_for_the_end_of_the_utterance() -> None:
    """UtteranceEnd after 1.0 s is then what ends a turn."""
    found = waiting(
        turn_handling__turn_detection="stt",
        stt__nova__endpointing_ms=0,
        stt__nova__utterance_end_ms=1000,
        turn_handling__endpointing__min_delay=0.0,
    )
    assert found.seconds == (1.0, 1.0)


def test_dynamic_endpointing_may_learn_up_to_max_delay() -> None:
    """In the first turn it equals fixed."""
    found = vad(turn_handling__endpointing__mode="dynamic")
    assert found.seconds == (0.39, 2.59)


def test_terms_of_wait_mark_those_that_decide() -> None:
    """The words are final and the detector is done before `min_delay` or `max_delay` is over."""
    default = catalog.load(PROFILES).profile("default")
    assert default
    assert [(term.field, term.end, term.decides) for term in wait.terms(default.values)] == [
        (f"{DELAYS}.min_delay", 0.39, True),
        (f"{DELAYS}.max_delay", 2.59, True),
        ("vad.min_silence_duration", 0.346, False),
        ("turn_handling.turn_detection", 0.39, True),
        ("stt.nova.endpointing_ms", 0.025, False),
    ]


@pytest.mark.parametrize(
    ("path", "value", "number"),
    [
        ("stt.flux.eot_threshold", "auto", 0.7),
        ("stt.flux.eot_threshold", 0.6, 0.6),
        ("stt.flux.eot_timeout_ms", "auto", 5000),
        ("vad.deactivation_threshold", "auto", 0.35),
        ("vad.deactivation_threshold", 0.2, 0.2),
    ],
)
def test_auto_has_a_number(path: str, value: Any, number: float) -> None:
    """Deepgram's own number, or the one that the VAD derives from `activation_threshold`."""
    assert fields.number({"vad.activation_threshold": 0.5, path: value}, path) == number


@pytest.mark.parametrize(("timeout", "longest"), [("auto", 5.0), (2000, 2.0)])
def test_flux_decides_within_its_time_out(timeout: Any, longest: float) -> None:
    """Deepgram's own 5 s where none is sent."""
    found = waiting(
        turn_handling__turn_detection="stt",
        stt__engine="flux",
        stt__flux__eot_timeout_ms=timeout,
        turn_handling__endpointing__min_delay=0.0,
    )
    assert found.seconds == (0.0, longest)


@pytest.mark.parametrize(
    "changes",
    [
        {"turn_handling__turn_detection": "manual"},
        {"turn_handling__turn_detection": "vad", "stt__nova__endpointing_ms": 0},
        {"turn_handling__turn_detection": "vad", "vad__deactivation_threshold": 0.01},
    ],
    ids=["manual", "no endpointing", "a VAD that hears silence as speech"],
)
def test_wait_without_limit(changes: dict[str, Any]) -> None:
    """The application, Deepgram's segments, or the noise in the room decide."""
    assert waiting(**changes).seconds[1] is None


def test_wait_is_printed_as_text() -> None:
    """One number, two, or one without an end."""
    texts = [str(wait.Wait(seconds, "")) for seconds in ((1.5, 1.5), (0.39, 2.59), (0.0, None))]
    assert texts == ["1.5 s", "0.39 to 2.59 s", "from 0 s"]
