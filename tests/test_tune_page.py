"""The files of the page to tune by ear: how large, whose, and what a browser's policy forbids."""

import gzip
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import av
import numpy as np
import pytest

from sandbox.caller.sound import SAMPLE_RATE
from sandbox.sentences import FOLDER, SENTENCES, files
from timing_profiles.turns import wait

PAGE = FOLDER.parent
PACKAGE = Path(sys.prefix, "npm", "node_modules", "livekit-client")

LARGEST = 250_000  # bytes, gzipped


def test_page_is_small() -> None:
    """All that a browser may load, livekit-client and sentences included."""
    sizes = [len(gzip.compress(path.read_bytes())) for path in PAGE.rglob("*") if path.is_file()]
    assert 100_000 < sum(sizes) < LARGEST


@pytest.mark.skipif(not PACKAGE.is_dir(), reason="the npm packages are not installed: `make test`")
def test_livekit_client_is_the_locked_one() -> None:
    """The copy and its licence are those of the package that tests/npm locks."""
    client = "livekit-client.umd.js"
    assert (PAGE / "vendor" / client).read_bytes() == (PACKAGE / "dist" / client).read_bytes()
    licence = PAGE / "vendor" / "livekit-client.LICENSE"
    assert licence.read_bytes() == (PACKAGE / "LICENSE").read_bytes()


def test_lag_of_the_vad_is_that_of_the_predictions() -> None:
    """What the page leaves out of the voice's way is what the prediction contains."""
    found = re.findall(r"VAD_LAG = ([\d.]+);", (PAGE / "turn.js").read_text(encoding="utf-8"))
    assert [float(number) for number in found] == [wait.VAD_LAG]


class _Elements(HTMLParser):
    """What index.html loads, and what its policy would forbid."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.forbidden: list[str] = []
        self._is_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take an element."""
        given = dict(attrs)
        if tag in {"script", "link"}:
            self.loaded.append(given.get("src") or given.get("href") or "inline")
        self.forbidden += [name for name in given if name == "style" or name.startswith("on")]


def test_page_loads_its_own_files_and_has_nothing_inline() -> None:
    """No address of another site, no inline style, script or listener."""
    elements = _Elements()
    elements.feed((PAGE / "index.html").read_text(encoding="utf-8"))
    assert elements.forbidden == []
    assert all((PAGE / name).is_file() for name in elements.loaded)
    texts = [path.read_text(encoding="utf-8") for path in PAGE.glob("*.js")]
    imported = {
        name
        for text in texts
        for name in re.findall(r'^[^/*]* from "(\./.*)";', text, re.MULTILINE)
    }
    assert "./wait.js" in imported
    assert all((PAGE / name).is_file() for name in imported)


def test_modules_are_fetched_together() -> None:
    """No module is found only once another one has been loaded; livekit-client comes after all."""
    elements = _Elements()
    elements.feed((PAGE / "index.html").read_text(encoding="utf-8"))
    modules = {path.name for path in PAGE.glob("*.js")} - {"levels.worklet.js"}
    assert {name for name in elements.loaded if name.endswith(".js")} == modules


def decoded(path: Path) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the samples of a file at 24 kHz, of -1 to 1."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    with av.open(str(path)) as container:
        frames = [each for frame in container.decode(audio=0) for each in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(np.float64)


def quiet(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """Return the lengths of the silences of 0.2 s or more between sounds, in seconds."""
    frame = SAMPLE_RATE // 100
    whole = samples[: len(samples) // frame * frame].reshape(-1, frame)
    loud = np.flatnonzero(np.sqrt((whole**2).mean(axis=1)) > 200 / 32768)
    return [round(gap / 100, 2) for gap in np.diff(loud) if gap > 20]


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: str(sentence.name))
def test_sentences_are_those_of_the_sandbox(sentence: object) -> None:
    """Each file has the length and the pause that the sandbox's voice gives it."""
    assert sentence in SENTENCES
    made = next(each for each in SENTENCES if each == sentence)
    samples = np.frombuffer(made.samples(), dtype=np.int16).astype(np.float64) / 32768
    file = decoded(FOLDER / f"{made.name}.ogg")
    assert len(file) / SAMPLE_RATE == pytest.approx(len(samples) / SAMPLE_RATE, abs=0.05)
    assert quiet(file) == pytest.approx(quiet(samples), abs=0.05)
    assert len(quiet(file)) == 1


def test_list_of_sentences_is_that_of_the_sandbox() -> None:
    """Names, titles and texts; the voice's lengths vary by some samples."""
    listed = json.loads((FOLDER / "sentences.json").read_text(encoding="utf-8"))
    made = json.loads(files()["sentences.json"])
    lengths = [one.pop("seconds") for one in listed]
    assert lengths == pytest.approx([one.pop("seconds") for one in made], abs=0.05)
    assert listed == made
