"""A rehearsal as an HTML page."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from timing_profiles.rehearsal import gate
from timing_profiles.rehearsal.course import Prediction
from timing_profiles.rehearsal.interval import Interval
from timing_profiles.rehearsal.labels import Turn
from timing_profiles.rehearsal.outcome import Cut, Outcome
from timing_profiles.rehearsal.page import page
from timing_profiles.rehearsal.picture import picture
from timing_profiles.rehearsal.result import JudgedTurn, ProfileResult, Rehearsal

TURN = Turn(Interval(1.0, 5.0), (Interval(2.0, 3.5),), 7.0, is_end=True)
OPEN = Turn(Interval(8.0, 9.0), (Interval(8.2, 8.6),), None, is_end=False)
LIKELY = Prediction(2.4, 0.71, 0.5)
OUTCOMES = {
    "brisk": Outcome((Cut(2.5, 0, "min_delay", 0.71),), 0.41, "min_delay", (LIKELY,)),
    "patient": Outcome((), 2.61, "max_delay"),
}
VALUES = {"turn_handling.endpointing.max_delay": 2.5}


def rehearsal(recording: str = "call.wav") -> Rehearsal:
    """Return a rehearsal of two turns with two profiles, and one that is unknown."""
    unknown_end = JudgedTurn(recording, OPEN, Outcome((), None, None))
    known = [
        ProfileResult(name, VALUES, None, [JudgedTurn(recording, TURN, outcome), unknown_end])
        for name, outcome in OUTCOMES.items()
    ]
    unknown = ProfileResult("flux", {}, "Deepgram ends the turns")
    return Rehearsal(1, (2, 2), (5.0, 3.0), [*known, unknown])


class Reader(HTMLParser):
    """Collects the tags, the addresses and the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and where it leads."""
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def read(text: str) -> Reader:
    """Return what a page contains."""
    reader = Reader()
    reader.feed(text)
    return reader


def test_page_has_no_external_resources() -> None:
    """No script, no image, no font, no address."""
    text = page(rehearsal(), "left", {})
    shown = read(text)
    assert shown.addresses == []
    assert not {"script", "img", "link", "iframe"} & {*shown.tags}
    assert [word for word in ("url(", "@import", "http") if word in text] == []


def test_page_has_the_table_the_gates_and_a_picture_of_each_turn() -> None:
    """The same texts as on a terminal."""
    limit = gate.parse("turns_cut<=5%")
    results = {one.profile: gate.judged(limit, one) for one in rehearsal().profiles}
    shown = read(page(rehearsal(), "left", {limit: results}))
    assert shown.tags.count("svg") == 2
    first = "1 recording, 2 turns, 2 pauses (caller: left, 5 s of speech; other: 3 s; swap: "
    assert f"{first}--caller right)" in shown.text
    assert "1 of 2  50% [1-99]" in shown.text
    assert "flux: unknown: Deepgram ends the turns" in shown.text
    assert "turns_cut<=5%: patient: not enough evidence (0 of 2; 59 without" in shown.text
    assert "call.wav 2.0 s  1.50 s of silence  probability 0.71  cut by 1" in shown.text


def test_every_class_has_a_colour_in_light_and_in_dark_mode() -> None:
    """The same classes in both."""
    text = page(rehearsal(), "left", {})
    light, dark = "", ""
    for style in re.findall(r"<style>(.*?)</style>", text, re.DOTALL):
        first, _, second = style.partition("@media")
        light, dark = light + first, dark + second
    used = {*re.findall(r'class="([\w-]+)"', text)} - {"scroll"}
    assert [name for name in used if f".{name}" not in light or f".{name}" not in dark] == []


def test_name_of_a_recording_is_text() -> None:
    """With any content."""
    shown = read(page(rehearsal("<script>a</script>\x1b.wav"), "left", {}))
    assert "script" not in shown.tags
    assert "<script>a</script>\\x1b.wav" in shown.text


def test_picture_shows_speech_silence_probability_and_answers() -> None:
    """A cross where a profile cuts in, a bar and the wait where it answers."""
    root = ET.fromstring(picture(TURN, [*OUTCOMES.items()]))  # noqa: S314 - ours
    texts = [element.text for element in root.iter("text")]
    assert {"1.5 s p 0.71", "cuts in", "0.41 s", "2.61 s", "brisk", "patient"} <= {*texts}
    classes = [element.get("class") for element in root if element.tag in {"rect", "path"}]
    assert (classes.count("speech"), classes.count("cut"), classes.count("answer")) == (2, 1, 2)
    assert root.findtext("title") == (
        "1.0 to 5.0 s, 1 pause; brisk: cuts in at 2.5 s, answers after 0.41 s;"
        " patient: answers after 2.61 s"
    )


def test_picture_of_a_turn_with_an_unknown_end_states_that() -> None:
    """Instead of an answer."""
    root = ET.fromstring(picture(OPEN, [("brisk", Outcome((), None, None))]))  # noqa: S314
    assert "end unknown" in [element.text for element in root.iter("text")]


def test_page_without_results_is_a_page() -> None:
    """Where no recording could be judged."""
    text = page(Rehearsal(0, (0, 0), (0, 0), ()), "left", {})
    assert "0 recordings, 0 turns, 0 pauses" in read(text).text
