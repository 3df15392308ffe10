"""A turn that was just spoken, played to each profile by the server's own program."""

import io
import json
import math
import wave
from pathlib import Path
from typing import Any

import pytest

import timing_profiles
from tests import recorded
from timing_profiles.rehearsal import stored
from timing_profiles.tuner import turn
from timing_profiles.tuner.turn_process import NoTurn

TEXT = "I would like [1.2] to order a pizza."


def wav(samples: bytes, *, channels: int = 1, rate: int = recorded.SAMPLE_RATE) -> bytes:
    """Return a WAV file of 16-bit samples."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((channels, 2, rate, 0, "NONE", ""))
        writer.writeframes(samples)
    return file.getvalue()


@pytest.fixture(name="spoken")
def _spoken() -> bytes:
    return recorded.silence(0.5) + recorded.said(TEXT) + recorded.silence(1)


def values(**overrides: Any) -> dict[str, Any]:
    """Return the settings of a caller."""
    found = timing_profiles.resolve(overrides, profiles_dir=Path("profiles"))
    return dict(found.values)


@pytest.mark.usefixtures("_memory")
def test_each_profile_answers_or_cuts_in(spoken: bytes) -> None:
    """Brisk speaks into the pause, dictation waits; what words decide is unknown."""
    profiles = [
        (name, values(profile=name)) for name in ("brisk", "dictation", "flux-conversation")
    ]
    found = turn.judge(spoken, profiles)
    assert found["seconds"] == round(len(spoken) / 2 / recorded.SAMPLE_RATE, 3)
    assert len(found["speech"]) == 2
    brisk, dictation, flux = found["profiles"]
    (_, first_end), (second_start, last) = found["speech"]
    assert first_end < brisk["cut_at"] < second_start
    assert dictation["cut_at"] is None
    assert 3.0 < dictation["wait"] < 4.2
    assert dictation["decided_by"] in {"min_delay", "max_delay"}
    assert last < found["seconds"]
    assert {**flux, "unknown": ""} == {
        **dict.fromkeys(brisk),
        "profile": "flux-conversation",
        "unknown": "",
    }
    assert flux["unknown"].startswith("turn_detection stt: ")


@pytest.mark.usefixtures("_memory")
def test_profiles_that_come_too_late_are_not_played(
    spoken: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is unknown without sound keeps its own reason."""
    monkeypatch.setattr(turn, "_MOST_SECONDS", -math.inf)
    profiles = [(name, values(profile=name)) for name in ("brisk", "flux-conversation")]
    brisk, flux = turn.judge(spoken, profiles)["profiles"]
    assert brisk == {
        **dict.fromkeys(flux),
        "profile": "brisk",
        "unknown": "not played: the profiles before it took too long",
    }
    assert flux["unknown"].startswith("turn_detection stt: ")


@pytest.mark.usefixtures("_memory")
def test_program_answers_each_request_with_a_line(spoken: bytes) -> None:
    """The sound follows the line of a request; one without speech is answered, too."""
    requests = io.BytesIO()
    for sound in (wav(spoken), wav(recorded.silence(1)), b"RIFF"):
        asked = {"bytes": len(sound), "profiles": [["brisk", values(profile="brisk")]]}
        requests.write(json.dumps(asked).encode() + b"\n" + sound)
    answers = io.BytesIO()
    turn.main(io.BytesIO(requests.getvalue()), answers)
    first, second, third = map(json.loads, answers.getvalue().splitlines())
    assert [one["profile"] for one in first["profiles"]] == ["brisk"]
    assert second == {"no_turn": "no speech in this sound"}
    assert third["no_turn"].startswith("expected 16-bit mono PCM at 16000 Hz as WAV, found: ")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (wav(bytes(8), channels=2), "found 2 x 16 bits at 16000 Hz"),
        (wav(bytes(8), rate=48000), "found 1 x 16 bits at 48000 Hz"),
        (b"", "found: the end of the file"),
    ],
)
def test_other_sounds_are_refused(content: bytes, found: str) -> None:
    """The message names what is expected, and what came."""
    with pytest.raises(NoTurn) as refused:
        turn.samples_of(content)
    assert str(refused.value) == f"expected 16-bit mono PCM at 16000 Hz as WAV, {found}"


@pytest.fixture(name="_memory")
def _kept_in_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep what was heard away from the user's cache, and give this busy process its time."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("os.nice", lambda _: 0)
    monkeypatch.setattr(stored, "keep_in_memory", lambda: None)
    monkeypatch.setattr(turn, "_MOST_SECONDS", math.inf)
