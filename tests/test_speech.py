"""The stand-ins' voices."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from sandbox import speech

SENTENCE = "I would like to change my appointment to next Tuesday, please."


def seconds(audio: bytes, sample_rate: int = 24000) -> float:
    return len(audio) / 2 / sample_rate


def test_sentence_is_audible_and_has_plausible_length() -> None:
    """A sentence of eleven words takes three to five seconds and is neither faint nor clipped."""
    audio = speech.synthesize(SENTENCE)
    peak = np.abs(np.frombuffer(audio, dtype="<i2").astype(int)).max()
    assert 3.0 < seconds(audio) < 5.0
    assert 10_000 < peak < 32_000


@pytest.mark.parametrize("sample_rate", [8000, 16000, 48000])
def test_the_sample_rate_changes_the_samples_and_not_the_length(sample_rate: int) -> None:
    """The same words take the same time at every sample rate."""
    audio = speech.synthesize(SENTENCE, sample_rate=sample_rate)
    expected = seconds(speech.synthesize(SENTENCE))
    assert seconds(audio, sample_rate) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize("speed", [0.7, 0.9, 1.2, 1.5])
def test_the_speed_divides_the_length(speed: float) -> None:
    """Twice the speed is half the time, to the sample."""
    audio = speech.synthesize(SENTENCE, speed=speed)
    expected = seconds(speech.synthesize(SENTENCE)) / speed
    assert seconds(audio) == pytest.approx(expected, abs=0.001)


def test_a_higher_rate_is_quicker() -> None:
    """Words per minute reach espeak-ng."""
    assert len(speech.synthesize(SENTENCE, rate=240)) < len(speech.synthesize(SENTENCE, rate=120))


def test_the_two_voices_differ() -> None:
    """Agent and caller can be distinguished."""
    assert speech.synthesize(SENTENCE, voice=speech.AGENT) != speech.synthesize(SENTENCE)


def test_empty_text_is_silence() -> None:
    """A text of spaces is neither an error nor a sound."""
    assert not any(speech.synthesize("  "))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"voice": "nobody"}, "espeak-ng has no voice 'nobody'"),
        ({"rate": 700}, "700 words per minute: espeak-ng speaks 80 to 450"),
    ],
)
def test_unsupported_voice_or_rate_is_refused(
    arguments: dict[str, str | int], message: str
) -> None:
    """A wrong voice or rate raises an error instead of speaking otherwise."""
    with pytest.raises(ValueError, match=message):
        speech.synthesize(SENTENCE, **arguments)  # type: ignore[arg-type]


def test_many_threads_get_their_own_sentence() -> None:
    """Threads that speak at once hear the same as one after the other."""
    texts = [f"This is caller number {number}." for number in range(20)]
    with ThreadPoolExecutor(8) as threads:
        at_once = list(threads.map(speech.synthesize, texts))
    assert at_once == [speech.synthesize(text) for text in texts]
