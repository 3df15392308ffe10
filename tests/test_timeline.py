"""The picture of a turn: its spans agree with the wait, and it can be read."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from timing_profiles.authoring.timeline import spans
from timing_profiles.authoring.timeline.spans import Span, Turn
from timing_profiles.authoring.timeline.svg import WIDTH, svg
from timing_profiles.authoring.timeline.text import NARROWEST, text
from timing_profiles.catalog import catalog
from timing_profiles.profile import Profile
from timing_profiles.turns import rules, wait

ROOT = Path(__file__).parents[1]
STARTERS = catalog.load(ROOT / "profiles")
SHOWN = ("brisk", "patient", "dictation", "flux-conversation")

ENDPOINTING = "turn_handling.endpointing"
DETECTION = "turn_handling.turn_detection"
MIN_DELAY, MAX_DELAY = f"{ENDPOINTING}.min_delay", f"{ENDPOINTING}.max_delay"
MODE = f"{ENDPOINTING}.mode"
ENGINE = "stt.engine"
ENDPOINTING_MS = "stt.nova.endpointing_ms"
UTTERANCE_END_MS = "stt.nova.utterance_end_ms"
EOT, EAGER = "stt.flux.eot_threshold", "stt.flux.eager_eot_threshold"
TIMEOUT_MS = "stt.flux.eot_timeout_ms"
SILENCE = "vad.min_silence_duration"
DEACTIVATION = "vad.deactivation_threshold"
EARLY = "turn_handling.preemptive_generation.enabled"

HOSTILE = (
    "<script>alert('&')</script> \x00\x1b[31m\u202e ]]> \ud800 \N{FIRE} e\N{COMBINING ACUTE ACCENT}"
    + " W" * 10
    + "W" * 300
)


def starter(name: str, description: str | None = None, **changed: Any) -> Turn:
    """The turn of a starter profile, with some fields changed."""
    words = STARTERS.layers[name].description if description is None else description
    return spans.turn(Profile(name, {**values_of(name), **changed}), words)


def values_of(name: str) -> Mapping[str, Any]:
    """Every field of a starter profile."""
    profile = STARTERS.profile(name)
    assert profile
    return profile.values


def deciding(turn: Turn) -> list[str]:
    """What the earliest and the latest answer come from."""
    return [lane[0].label for lane in turn.lanes() if any(span.decides for span in lane)]


def early(start: float, end: float) -> Span:
    """Where the LLM may begin before the turn is over."""
    return Span(EARLY, value=True, start=start, end=end, kind="prepares", note="LLM may work ahead")


MADE_UP: dict[str, tuple[dict[str, Any], tuple[float, float | None], list[str]]] = {
    "vad": ({DETECTION: "vad", MIN_DELAY: 1.0}, (1.09, 1.09), ["min_delay"]),
    "vad bound by its own silence": (
        {DETECTION: "vad", MIN_DELAY: 0.0, SILENCE: 0.55},
        (0.666, 0.666),
        [SILENCE],
    ),
    "vad bound by the words": (
        {DETECTION: "vad", ENDPOINTING_MS: 1000},
        (1.0, 1.0),
        ["endpointing_ms"],
    ),
    "vad, dynamic": (
        {DETECTION: "vad", MODE: "dynamic"},
        (0.39, 2.59),
        ["min_delay", "max_delay"],
    ),
    "vad that takes silence for speech": (
        {DETECTION: "vad", DEACTIVATION: 0.01},
        (0.39, None),
        ["min_delay", DEACTIVATION],
    ),
    "vad on flux": (
        {DETECTION: "vad", ENGINE: "flux", TIMEOUT_MS: 2000},
        (0.39, 2.0),
        ["min_delay", "eot_threshold", "eot_timeout_ms"],
    ),
    "turn detector": ({MIN_DELAY: 1.0, MAX_DELAY: 3.0}, (1.09, 3.09), ["min_delay", "max_delay"]),
    "turn detector that takes its time": (
        {MIN_DELAY: 0.0, MAX_DELAY: 30.0},
        (0.39, 30.09),
        ["max_delay", "turn_detection"],
    ),
    "turn detector between two finals": (
        {ENDPOINTING_MS: 1000},
        (1.0, 2.59),
        ["max_delay", "endpointing_ms"],
    ),
    "stt on nova": (
        {DETECTION: "stt", ENDPOINTING_MS: 400, MIN_DELAY: 0.5},
        (0.9, 0.9),
        ["endpointing_ms", "min_delay"],
    ),
    "stt on nova, dynamic": (
        {DETECTION: "stt", ENDPOINTING_MS: 400, MODE: "dynamic"},
        (0.7, 2.9),
        ["endpointing_ms", "min_delay", "max_delay"],
    ),
    "stt on nova, UtteranceEnd only": (
        {DETECTION: "stt", ENDPOINTING_MS: 0, UTTERANCE_END_MS: 1000, MIN_DELAY: 0.0},
        (1.0, 1.0),
        ["utterance_end_ms", "min_delay"],
    ),
    "stt on nova, UtteranceEnd too": (
        {DETECTION: "stt", ENDPOINTING_MS: 400, UTTERANCE_END_MS: 1000, MIN_DELAY: 0.0},
        (0.4, 0.4),
        ["endpointing_ms", "min_delay"],
    ),
    "stt on flux": (
        {DETECTION: "stt", ENGINE: "flux", MIN_DELAY: 0.5},
        (0.5, 5.5),
        ["eot_threshold", "eot_timeout_ms", "min_delay"],
    ),
    "stt on flux, dynamic": (
        {DETECTION: "stt", ENGINE: "flux", MODE: "dynamic"},
        (0.3, 7.5),
        ["eot_threshold", "eot_timeout_ms", "min_delay", "max_delay"],
    ),
    "nova without endpointing": (
        {ENDPOINTING_MS: 0},
        (0.39, None),
        ["min_delay", "turn_detection", "endpointing_ms"],
    ),
    "a realtime model": ({DETECTION: "realtime_llm"}, (0.39, 0.39), ["min_delay"]),
    "manual": ({DETECTION: "manual"}, (0.0, None), ["turn_detection"]),
}


@pytest.mark.parametrize(("changed", "seconds", "fields"), MADE_UP.values(), ids=MADE_UP)
def test_turn_ends_with_wait(
    changed: dict[str, Any], seconds: tuple[float, float | None], fields: list[str]
) -> None:
    """The answer is that of `wait`, and it is seen which settings it comes from."""
    turn = starter("default", **changed)
    assert turn.wait == wait.effective({**values_of("default"), **changed})
    assert (turn.wait.seconds, deciding(turn)) == (seconds, fields)
    assert_explained(turn)


@pytest.mark.parametrize("name", STARTERS.names())
def test_starter_turn_ends_with_wait(name: str) -> None:
    """Each moment of an answer is the end of a setting that is named for it."""
    turn = starter(name)
    assert turn.wait == wait.effective(values_of(name))
    assert_explained(turn)


def assert_explained(turn: Turn) -> None:
    """Deciding spans end in an answer or where the next one begins, and no answer is without."""
    spans = [span for span in turn.spans if span.decides]
    ends = {span.end for span in spans} | {span.start for span in spans if span.kind == "any-time"}
    assert set(turn.wait.seconds) <= ends
    moments = {*turn.wait.seconds, *(span.start for span in spans)}
    assert [span for span in spans if span.end not in moments] == []


# What a profile may say, as `schema.json` bounds it.
VALUES = st.fixed_dictionaries(
    {
        DETECTION: st.sampled_from(["turn_detector", "vad", "stt", "realtime_llm", "manual"]),
        ENGINE: st.sampled_from(["nova", "flux"]),
        ENDPOINTING_MS: st.just(0) | st.integers(10, 10_000),
        UTTERANCE_END_MS: st.none() | st.integers(1000, 10_000),
        EOT: st.just("auto") | st.floats(0.5, 0.9),
        EAGER: st.none() | st.floats(0.3, 0.5),
        TIMEOUT_MS: st.just("auto") | st.integers(500, 10_000),
        SILENCE: st.floats(0.05, 5),
        DEACTIVATION: st.just("auto") | st.floats(0.01, 0.5),
        MODE: st.sampled_from(["fixed", "dynamic"]),
        MIN_DELAY: st.floats(0, 10),
        MAX_DELAY: st.floats(0, 30),
        EARLY: st.booleans(),
    }
)


@st.composite
def turns_of_any_profile(draw: st.DrawFn) -> Turn:
    """The turn of any sound profile, with any description."""
    values = {**values_of("default"), **draw(VALUES)}
    assume(not list(rules.broken(values)))
    return spans.turn(Profile("any", values), draw(st.text()))


@given(turns_of_any_profile())
def test_every_answer_has_deciding_setting(turn: Turn) -> None:
    """The formulas of the spans and that of the wait never part."""
    assert_explained(turn)


def test_the_spans_of_a_turn() -> None:
    """Each acting setting, its start and its end, and whether the answer comes from it."""
    turn = starter("patient")
    assert turn.spans == (
        Span(MIN_DELAY, 1.5, 0.09, 1.59, note="sounds finished", decides=True),
        Span(MAX_DELAY, 4.0, 0.09, 4.09, note="sounds unfinished", decides=True),
        Span(SILENCE, 0.25, 0.09, 0.346, note="no turn ends before"),
        Span(DETECTION, "turn_detector", 0.09, 0.39, note="judges the sentence"),
        Span(ENDPOINTING_MS, 400, 0.0, 0.4, note="words are final", unknown="deepgram"),
        early(0.4, 4.09),
    )


def test_a_turn_as_json() -> None:
    """Every fact by its name; the wait as `show` prints it."""
    turn = starter("default", "Ends\nby the application.", **{DETECTION: "manual"})
    assert json.loads(json.dumps(turn.to_json())) == {
        "profile": "default",
        "description": "Ends by the application.",
        "wait": {
            "seconds": [0.0, None],
            "formula": "the application commits the turn, and what is left of min_delay",
            "unknown": ["application"],
        },
        "unknown": ["application", "llm", "tts", "network"],
        "spans": [
            {
                "label": "turn_detection",
                "amount": "manual",
                "field": DETECTION,
                "value": "manual",
                "start": 0.0,
                "end": None,
                "kind": "any-time",
                "note": "the application ends the turn",
                "decides": True,
                "unknown": "application",
            }
        ],
    }


def test_values_are_printed_with_units() -> None:
    """With their unit, rounded to the millisecond, and what stands behind auto."""
    changed: dict[str, Any] = {DETECTION: "stt", ENGINE: "flux", MIN_DELAY: 0.12349}
    flux = starter("default", **changed)
    assert [(span.label, span.amount) for span, *_ in flux.lanes()] == [
        ("eot_threshold", "auto (0.7)"),
        ("eot_timeout_ms", "auto (5000 ms)"),
        ("min_delay", "0.123 s"),
    ]
    assert [(span.label, span.amount) for span, *_ in starter("default").lanes()] == [
        ("min_delay", "0.3 s"),
        ("max_delay", "2.5 s"),
        ("vad.min_silence_duration", "0.25 s"),
        ("turn_detection", "turn_detector"),
        ("endpointing_ms", "25 ms"),
        ("preemptive_generation", "on"),
    ]


def test_low_auto_threshold_of_the_vad_is_drawn_with_its_number() -> None:
    """`auto` is 0.05 here, with which the VAD takes silence for speech."""
    changed: dict[str, Any] = {"vad.activation_threshold": 0.2}
    turn = starter("default", **changed)
    (span,) = [span for span in turn.spans if span.field == DEACTIVATION]
    assert (span.amount, span.note) == ("auto (0.05)", "takes silence for speech")
    assert "resolved" not in span.to_json()


@pytest.mark.parametrize(
    ("changed", "answer", "on_top"),
    [
        ({}, "0.39 to 2.59 s", "+ LLM, voice, network"),
        ({DETECTION: "vad"}, "0.39 s", "+ LLM, voice, network"),
        ({DETECTION: "stt"}, "0.325 s", "+ Deepgram, LLM, voice, network"),
        ({ENDPOINTING_MS: 0}, "from 0.39 s, no limit", "+ Deepgram, LLM, voice, network"),
        ({DETECTION: "manual"}, "the application decides", "+ LLM, voice, network"),
    ],
    ids=["turn_detector", "vad", "stt", "no endpointing", "manual"],
)
def test_the_answer_in_words(changed: dict[str, Any], answer: str, on_top: str) -> None:
    """A moment, and whose time comes on top: Deepgram's where the answer waits for it."""
    turn = starter("default", **changed)
    assert (turn.answer, turn.on_top) == (answer, on_top)


@pytest.mark.parametrize(
    ("changed", "prepares"),
    [
        ({}, [early(0.025, 2.59)]),
        ({EARLY: False}, []),
        ({DETECTION: "stt"}, []),
        ({DETECTION: "stt", ENGINE: "flux"}, []),
        (
            {DETECTION: "stt", ENGINE: "flux", EAGER: 0.4},
            [Span(EAGER, 0.4, 0.0, 5.3, "prepares", "LLM may work ahead")],
        ),
        ({ENDPOINTING_MS: 2600}, []),
        ({DETECTION: "realtime_llm", ENDPOINTING_MS: 1000}, []),
    ],
    ids=[
        "nova",
        "off",
        "stt on nova",
        "stt on flux",
        "eager flux",
        "words come too late",
        "realtime model",
    ],
)
def test_early_start_of_llm_is_shown(changed: dict[str, Any], prepares: list[Span]) -> None:
    """From the first final words on, or from Flux's eager end of turn."""
    spans = starter("default", **changed).spans
    assert [span for span in spans if span.kind == "prepares"] == prepares


def test_description_is_printable_in_picture() -> None:
    """Neither an escape sequence nor what reorders text or is no character in XML."""
    turn = starter("default", "Elderly\tcallers \x1b[31m\u202e\ud800\n with\x00 time")
    assert turn.description == r"Elderly callers \x1b[31m\u202e\ud800  with\x00 time"


SVG = "{http://www.w3.org/2000/svg}"
AT_ONCE: dict[str, Any] = {DETECTION: "stt", ENDPOINTING_MS: 10, MIN_DELAY: 0.0}
SETS: dict[str, list[Turn]] = {
    "one": [starter("patient")],
    "nine": [starter(name) for name in STARTERS.names()],
    "every way to end a turn": [starter("default", **changed) for changed, *_ in MADE_UP.values()],
    "hostile": [starter("brisk", HOSTILE), starter("patient", "")],
    "nothing known": [starter("default", **{DETECTION: "manual"})],
    "no time at all": [starter("default", **AT_ONCE)],
    "none": [],
}
every_set = pytest.mark.parametrize("turns", SETS.values(), ids=SETS)


def parsed(picture: str) -> ET.Element:
    """The elements of a picture; an error where it is not well-formed."""
    return ET.fromstring(picture)  # noqa: S314 - it is our own


@every_set
def test_picture_has_no_external_resources(turns: list[Turn]) -> None:
    """Well-formed, without script, style sheet, font, image or link from elsewhere."""
    picture = svg(turns)
    tags = {element.tag.removeprefix(SVG) for element in parsed(picture).iter()}
    assert tags <= {"svg", "title", "desc", "style", "defs", "pattern", "rect", "path", "text"}
    assert "href" not in picture
    assert set(re.findall(r"url\(([^)]*)\)", picture)) <= {"#turn-moment", "#turn-quiet"}
    assert "@import" not in picture


@every_set
def test_texts_are_inside_the_picture_and_apart_from_each_other(turns: list[Turn]) -> None:
    """However wide the reader's font is."""
    root = parsed(svg(turns))
    height = float(root.attrib["height"])
    boxes = [box(element) for element in root.iter(f"{SVG}text")]
    assert [at for at in boxes if at[0] < 0 or at[2] > WIDTH or at[1] < 0 or at[3] > height] == []
    touching = [
        (a, b)
        for index, a in enumerate(boxes)
        for b in boxes[:index]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]
    assert touching == []


def box(element: ET.Element) -> tuple[float, float, float, float, str]:
    """Left, top, right and bottom of a text in a wide font, and the text."""
    size, words = float(element.attrib["font-size"]), element.text or ""
    assert size >= 11
    width = size * sum(part(character) for character in words)
    width *= 1.1 if "font-weight" in element.attrib else 1
    x, y = float(element.attrib["x"]), float(element.attrib["y"])
    left = x - {"end": width, "middle": width / 2}.get(element.attrib.get("text-anchor", ""), 0)
    return left, y - 0.8 * size, left + width, y + 0.2 * size, words


def part(character: str) -> float:
    """The width of a character in DejaVu Sans and DejaVu Sans Mono, as parts of the font size."""
    if character.isascii():
        return 0.99 if character in "mMW" else 0.605
    return 1.3 if unicodedata.east_asian_width(character) == "W" else 1.0


@every_set
def test_a_picture_follows_light_and_dark_mode(turns: list[Turn]) -> None:
    """Every colour has a dark one, and without media queries a whole light picture is left."""
    light, dark = palettes(svg(turns))
    assert light.keys() == dark.keys()
    assert set(re.findall(r'class="(\w+)"', svg(turns))) <= light.keys()


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_colours_have_enough_contrast(mode: int) -> None:
    """WCAG 2: text 4.5 to its ground, and other parts with a meaning 3."""
    picture = svg(SETS["nine"])
    palette = palettes(picture)[mode]
    words = set(re.findall(r'<text [^>]*class="(\w+)"', picture))
    assert {name for name in words if contrast(palette[name], palette["paper"]) < 4.5} == set()
    shapes = palette.keys() - words - {"paper", "grid", "range"}
    assert {name for name in shapes if contrast(palette[name], palette["paper"]) < 3} == set()


def palettes(picture: str) -> list[dict[str, str]]:
    """The colour of each class in light and in dark mode."""
    (style,) = re.findall(r"<style>(.*?)</style>", picture)
    light, dark = style.split("@media (prefers-color-scheme:dark)")
    return [
        dict(re.findall(r"\.(\w+)\{(?:fill|stroke):(#[0-9a-f]{6})\}", rules))
        for rules in (light, dark)
    ]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of a colour: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_picture_has_title_and_description() -> None:
    """It has a title, and a description that states when the agent answers and why."""
    root = parsed(svg([starter("brisk"), starter("dictation")]))
    assert root.findtext(f"{SVG}title") == "When the agent answers: brisk, dictation"
    assert root.findtext(f"{SVG}desc") == (
        "brisk: 0.39 to 0.89 s after the caller's last sound, + LLM, voice, network. min_delay"
        " 0.3 s; max_delay 0.8 s; vad.min_silence_duration 0.25 s; turn_detection turn_detector;"
        " endpointing_ms 25 ms; preemptive_generation on. dictation: 3.09 to 4.09 s after the"
        " caller's last sound, + LLM, voice, network. min_delay 3 s; max_delay 4 s;"
        " vad.min_silence_duration 0.25 s; turn_detection turn_detector; endpointing_ms 25 ms."
    )
    assert root.attrib["aria-labelledby"] == "turn-title turn-desc"


def test_all_turns_of_a_picture_share_one_axis() -> None:
    """The same moment stands at the same place, whatever the profile."""
    root = parsed(svg([starter("patient"), starter("dictation")]))
    marks = [
        float(element.attrib["x"])
        for element in root.iter(f"{SVG}rect")
        if element.attrib.get("height") == "24"
    ]
    patient, dictation = marks[:2], marks[2:]
    seconds = 4.09 - 1.59
    assert patient[1] == dictation[1]
    assert (patient[1] - dictation[0]) / (patient[1] - patient[0]) == pytest.approx(
        (4.09 - 3.09) / seconds, abs=0.002
    )


def test_the_picture_in_the_docs_is_up_to_date() -> None:
    """`timing-profiles timeline NAME... -o docs/timeline.svg` with the profiles of SHOWN."""
    shown = (ROOT / "docs" / "timeline.svg").read_text(encoding="utf-8")
    assert shown == svg([starter(name) for name in SHOWN])


WIDE = """\
patient: 1.59 to 4.09 s + LLM, voice, network
Callers who pause to think or to look something up.
                         seconds  0     1      2     3     4      5
                 ▃▂▅▇▆▃▅▇▅▃▆▇▅▃▂▁│··········◆═══════════════◆░░░
min_delay                  1.5 s │ ━━━━━━━━━ sounds finished
max_delay                    4 s │ ━━━━━━━━━━━━━━━━━━━━━━━━━ sounds unfinished
vad.min_silence_duration  0.25 s │ ─ no turn ends before
turn_detection     turn_detector │ ─ judges the sentence
endpointing_ms            400 ms │───░░ words are final
preemptive_generation         on │   ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌ LLM may work ahead

dictation: 3.09 to 4.09 s + LLM, voice, network
The step in which a caller spells an e-mail address or reads out a number.
                         seconds  0     1      2     3     4      5
                 ▃▂▅▇▆▃▅▇▅▃▆▇▅▃▂▁│····················◆═════◆░░░
min_delay                    3 s │ ━━━━━━━━━━━━━━━━━━━ sounds finished
max_delay                    4 s │ ━━━━━━━━━━━━━━━━━━━━━━━━━ sounds unfinished
vad.min_silence_duration  0.25 s │ ─ no turn ends before
turn_detection     turn_detector │ ─ judges the sentence
endpointing_ms             25 ms │─░░ words are final

· silence   ◆ earliest, latest answer   ━ decides it   ─ acts without deciding
╌ LLM may work ahead   ░ length unknown"""
NARROW = """\
default: 0.39 s + LLM, voice, network
Everyday calls. LiveKit's own timing,
the same in development and in
production.
     0      0.1    0.2    0.3    0.4
▅▃▂▁│···························◆░░░
min_delay 0.3 s
    │      ━━━━━━━━━━━━━━━━━━━━━
vad.min_silence_duration 0.25 s, no turn
ends before
    │      ──────────────────
endpointing_ms 25 ms, words are final
    │──░░
preemptive_generation on, LLM may work
ahead
    │  ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌

· silence   ◆ earliest, latest answer
━ decides it   ─ acts without deciding
╌ LLM may work ahead   ░ length unknown"""


def test_a_turn_on_a_terminal() -> None:
    """Names, bars and notes side by side on one axis."""
    assert text([starter("patient"), starter("dictation")], 80) == WIDE


def test_a_turn_on_a_narrow_terminal() -> None:
    """Each bar stands below its name."""
    assert text([starter("default", **{DETECTION: "vad"})], 40) == NARROW


@every_set
@pytest.mark.parametrize("width", [0, NARROWEST, 40, 75, 76, 100, 250])
def test_no_line_is_wider_than_the_terminal(turns: Sequence[Turn], width: int) -> None:
    """Nor does it carry anything that acts on a terminal."""
    lines = text(turns, width).split("\n")
    assert [line for line in lines if cells(line) > max(width, NARROWEST)] == []
    assert [line for line in lines if not line.isprintable()] == []


@given(turns_of_any_profile(), st.integers(0, 200))
def test_any_turn_can_be_drawn(turn: Turn, width: int) -> None:
    """As a picture that a reader of XML takes, and in lines that fit."""
    parsed(svg([turn]))
    lines = text([turn], width).split("\n")
    assert [line for line in lines if cells(line) > max(width, NARROWEST)] == []


def cells(line: str) -> int:
    """The columns that a terminal gives to a line."""
    return sum(
        0
        if unicodedata.combining(character)
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in line
    )
