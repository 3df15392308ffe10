"""A session comes to rest: the moments in which speech-to-text may get a new connection."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.session import Session
from timing_profiles.call.silence import Silence
from timing_profiles.catalog import catalog
from timing_profiles.rehearsal.virtual_time import run

DEFAULT = catalog.load(Path(__file__).parents[1] / "profiles").profile("default")
FLUX = {"stt.engine": "flux"}


class Story:
    """A session in virtual time, and when silence came."""

    def __init__(self, **changes: Any) -> None:
        assert DEFAULT is not None
        self.session = Session(vad=None)
        self.came: list[float] = []
        self.silence = Silence(self.session, self._came)
        self.silence.listens_with({**DEFAULT.values, **changes})

    async def ends(self) -> list[float]:
        """Nothing more happens."""
        await asyncio.sleep(60)
        return self.came

    def _came(self) -> None:
        self.came.append(round(asyncio.get_running_loop().time(), 3))


def test_caller_is_silent_before_any_speech() -> None:
    """A request at the very beginning need not wait."""

    async def story() -> bool:
        return Story().silence.is_now

    assert run(story())


def test_silence_comes_a_second_after_the_last_words() -> None:
    """A second, and the 25 ms in which Deepgram may still make words of them."""

    async def story() -> tuple[list[bool], list[float]]:
        told = Story()
        told.session.becomes("speaking")
        seen = [told.silence.is_now]
        await asyncio.sleep(2)
        told.session.transcribes(is_final=False)
        told.session.becomes("listening")
        await asyncio.sleep(0.3)
        told.session.transcribes(is_final=True)
        seen.append(told.silence.is_now)
        came = await told.ends()
        return [*seen, told.silence.is_now], came

    assert run(story()) == ([False, False, True], [3.325])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"stt.nova.endpointing_ms": 2000}, 3.0, id="nova"),
        pytest.param({"stt.nova.endpointing_ms": 0}, 1.0, id="nova without an end"),
        pytest.param(
            {"stt.nova.endpointing_ms": 0, "stt.nova.utterance_end_ms": 3000}, 4.0, id="utterance"
        ),
        pytest.param(FLUX, 1.0, id="flux"),
    ],
)
def test_silence_waits_for_words_that_are_not_transcribed_yet(
    changes: dict[str, Any], expected: float
) -> None:
    """A word may follow the last final one; nova sends it only after its endpointing."""

    async def story() -> list[float]:
        told = Story(**changes)
        told.session.becomes("speaking")
        told.session.transcribes(is_final=True)
        told.session.becomes("listening")
        return await told.ends()

    assert run(story()) == [expected]


@pytest.mark.parametrize("words", ["on their way", "not heard of"])
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, 5.025, id="nova"),
        pytest.param({"stt.nova.endpointing_ms": 8000}, 13.0, id="slow nova"),
        pytest.param(FLUX, 10.0, id="flux"),
        pytest.param({**FLUX, "stt.flux.eot_timeout_ms": 9000}, 14.0, id="slow flux"),
    ],
)
def test_silence_waits_for_words_after_speech(
    words: str, changes: dict[str, Any], expected: float
) -> None:
    """Longer than Deepgram waits itself; then they are given up: it was a sound without words."""

    async def story() -> list[float]:
        told = Story(**changes)
        told.session.becomes("speaking")
        if words == "on their way":
            told.session.transcribes(is_final=False)
        told.session.becomes("listening")
        return await told.ends()

    assert run(story()) == [expected]


def test_speech_is_not_silence() -> None:
    """However long that takes, and however few words come of it."""

    async def story() -> list[float]:
        told = Story()
        told.session.becomes("speaking")
        await asyncio.sleep(30)
        assert not told.silence.is_now
        told.session.transcribes(is_final=True)
        told.session.becomes("listening")
        return await told.ends()

    assert run(story()) == [31.025]


def test_caller_who_is_away_is_silent() -> None:
    """The state `away` is not a sound."""

    async def story() -> tuple[bool, list[float]]:
        told = Story()
        told.session.becomes("away")
        return told.silence.is_now, await told.ends()

    assert run(story()) == (True, [])


def test_silence_can_be_put_off() -> None:
    """Each time restarts the wait."""

    async def story() -> list[float]:
        told = Story()
        for _ in range(4):
            told.silence.postpone()
            assert not told.silence.is_now
            await asyncio.sleep(0.5)
        return await told.ends()

    assert run(story()) == [2.525]


def test_a_session_that_has_closed_is_listened_to_no_longer() -> None:
    """No timer is left, and no event starts one."""

    async def story() -> list[float]:
        told = Story()
        told.session.becomes("speaking")
        told.silence.close()
        told.session.becomes("listening")
        told.session.transcribes(is_final=True)
        return await told.ends()

    assert run(story()) == []
