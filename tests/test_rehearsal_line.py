"""What a session hears in place of a recording: noise at a level, and a telephone line."""

import math
from array import array
from pathlib import Path

import pytest

from tests import recorded
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal import line, stored, sweep
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.line import Line, LineError, Noise
from timing_profiles.rehearsal.outcome import Played
from timing_profiles.rehearsal.rehearse import Conditions, Labelled, label
from timing_profiles.turns.fields import DETECTION

RATE = recorded.SAMPLE_RATE
NAMES = (
    "city-ambience, crowded-room, forest-ambience, hold-music, keyboard-typing, keyboard-typing2,"
    " office-ambience"
)


def tone(seconds: float, amplitude: float = 8000, frequency: float = 440) -> bytes:
    """Return a tone."""
    step = 2 * math.pi * frequency / RATE
    return array(
        "h", (round(amplitude * math.sin(step * at)) for at in range(round(seconds * RATE)))
    ).tobytes()


def played(samples: bytes, start: float = 0.0) -> Played:
    """Return a turn without an end."""
    return Played(Turn(Interval(start, start + 1), (), None, is_end=False), start, samples)


def loudness(samples: bytes) -> float:
    """Return the root mean square."""
    values = array("h", samples)
    return math.hypot(*values) / math.sqrt(len(values))


def difference(one: bytes, other: bytes) -> bytes:
    """Return what two sounds differ by."""
    pairs = zip(array("h", one), array("h", other), strict=True)
    return array("h", (a - b for a, b in pairs)).tobytes()


@pytest.mark.parametrize("decibels", [20, 10, 0])
def test_noise_has_its_level_below_the_speech(decibels: float) -> None:
    """Over its whole length: a loop of 22 s."""
    sound = tone(22, 3000)
    changed = Line(Noise("office-ambience", decibels)).changed(
        played(sound), line.level(sound, [Interval(0, 22)])
    )
    noise = difference(changed.samples[: len(sound)], sound)
    ratio = 20 * math.log10(loudness(sound) / loudness(noise))
    assert ratio == pytest.approx(decibels, abs=0.05)


def test_level_of_speech_leaves_silence_out() -> None:
    """The root mean square of a tone is its amplitude by the square root of 2."""
    sound = recorded.silence(1) + tone(1) + recorded.silence(1)
    assert line.level(sound, [Interval(1, 2)]) == pytest.approx(8000 / math.sqrt(2), rel=0.001)
    assert line.level(sound, []) == 0


def test_noise_is_the_same_at_the_same_second_of_a_recording() -> None:
    """Overlapping turns have the same noise, which continues after the sound."""
    noise = Line(Noise("crowded-room", 10))
    early = noise.changed(played(recorded.silence(2)), 1000)
    late = noise.changed(played(recorded.silence(1), start=1.0), 1000)
    assert early.samples[2 * RATE : 4 * RATE] == late.samples[: 2 * RATE]
    assert len(late.samples) == 2 * RATE * 16
    assert loudness(late.samples[-2 * RATE :]) == pytest.approx(316, rel=0.7)
    later = noise.changed(played(recorded.silence(2)).later(1), 1000)
    assert later.before == early.samples[: 2 * RATE]
    assert later.samples == early.samples[2 * RATE :]


def test_telephone_keeps_frequencies_below_4_khz() -> None:
    """Within the steps of mu-law: 38 dB below a tone; above 4 kHz, nothing is left."""
    telephone = Line(is_telephone=True)
    low, high = tone(1), tone(1, frequency=6000)
    error = loudness(difference(telephone.changed(played(low), 1).samples, low))
    assert 20 * math.log10(loudness(low) / error) > 30
    assert loudness(telephone.changed(played(high), 1).samples) < 0.02 * loudness(high)


def test_mulaw_has_256_values_with_steps_that_grow() -> None:
    """Those of G.711: a step is at most a sixteenth of a sample and its offset of 132."""
    wide = array("h", range(-32635, 32636))
    values = array("h", line.mulaw(wide.tobytes()))
    assert len({*values}) == 255
    assert all(abs(a - b) <= (abs(a) + 132) / 32 + 1 for a, b in zip(wide, values, strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crowd", 'noise "crowd" cannot be read: write NAME:10dB'),
        ("crowded-room:loud", 'noise "crowded-room:loud" cannot be read: write NAME:10dB'),
        (":10dB", 'noise ":10dB" cannot be read: write NAME:10dB'),
        ("crowded-room:nandB", 'noise "crowded-room:nandB" cannot be read: write NAME:10dB'),
        (
            "crowded-room:1000dB",
            'noise "crowded-room:1000dB": the level lies between -100dB and 100dB',
        ),
        ("rain:10dB", f'noise "rain:10dB": unknown name "rain"; available: {NAMES}'),
        (
            "keyboard:5dB",
            (
                'noise "keyboard:5dB": ambiguous name "keyboard"; available: keyboard-typing,'
                " keyboard-typing2"
            ),
        ),
    ],
)
def test_noise_that_cannot_be_read_is_explained(text: str, message: str) -> None:
    """The names are listed."""
    with pytest.raises(LineError) as raised:
        line.parse_noise(text)
    assert str(raised.value) == message


@pytest.mark.parametrize("text", ["crowded-room:10dB", "crowd:10 db", "crowded-room:+10.0dB"])
def test_start_of_a_name_is_enough(text: str) -> None:
    """And white space before the unit."""
    assert line.parse_noise(text) == Noise("crowded-room", 10)


def test_labels_are_those_of_the_clean_recording(tmp_path: Path) -> None:
    """The sound of each turn is another one, and so is its place in the cache."""
    file = recorded.write(tmp_path / "call.wav", *recorded.sides("Yes [0.5] please."))
    clean, noisy, telephone = (
        label(file, Conditions(line=one))
        for one in (
            Line(),
            Line(Noise("crowded-room", 0)),
            Line(is_telephone=True),
        )
    )
    assert isinstance(clean, Labelled)
    assert isinstance(noisy, Labelled)
    assert isinstance(telephone, Labelled)
    turns = [[one.turn for one in some.played] for some in (clean, noisy, telephone)]
    assert turns[0] == turns[1] == turns[2] != []
    sounds = {some.played[0].samples for some in (clean, noisy, telephone)}
    keys = {stored.key("heard", samples) for samples in sounds}
    assert len(keys) == len(sounds) == 3
    again = label(file, Conditions(line=Line(Noise("crowded-room", 0))))
    assert noisy == again


def test_session_hears_the_noise(tmp_path: Path) -> None:
    """A crowd as loud as the caller keeps the VAD from hearing silence where it is."""
    profile = catalog.load(Path(__file__).parents[1] / "profiles").profile("default")
    assert profile
    values = {**profile.values, DETECTION: "vad"}
    file = recorded.write(tmp_path / "call.wav", *recorded.sides("Where is my order?"))
    heard = []
    for one in (Line(), Line(Noise("crowded-room", -10))):
        found = label(file, Conditions(line=one))
        assert isinstance(found, Labelled)
        heard.append(sweep.hear(found.played[0], values).silences)
    assert heard[0] != heard[1]
