"""Changing one value in the text of a profile: every other character stays."""

import random
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from timing_profiles.authoring.yaml_edit import CannotEdit, scalar, set_value

_MAX = ("turn_handling", "endpointing", "max_delay")
_MIN = ("turn_handling", "endpointing", "min_delay")

_PROFILE = """\
# yaml-language-server: $schema=../schema.json
description: Callers who pause to think. # for everybody

# Words.
stt:
  nova:
    # Deepgram's guide.
    endpointing_ms: 400   # ms

turn_handling:
  endpointing:
    min_delay: 1.5 # slow
    max_delay:   4.0
    # the end
"""


def test_a_value_is_replaced_and_its_comment_stays() -> None:
    """Spaces, comments and the order of a line are those of its author."""
    edited = set_value(_PROFILE, ("stt", "nova", "endpointing_ms"), 600, "was 400")
    assert edited == _PROFILE.replace("400   # ms", "600   # ms")


def test_a_missing_value_becomes_the_last_line_of_its_section() -> None:
    """It has the indentation of the section, and a comment."""
    edited = set_value(_PROFILE, ("turn_handling", "endpointing", "mode"), "dynamic", "was fixed")
    after = "    max_delay:   4.0\n"
    assert edited == _PROFILE.replace(after, f"{after}    mode: dynamic # was fixed\n")


def test_a_missing_section_becomes_the_last_one() -> None:
    """After an empty line, as the starter profiles have it."""
    edited = set_value(_PROFILE, ("vad", "min_silence_duration"), 0.4, "was 0.25")
    line = "    max_delay:   4.0\n"
    assert edited == _PROFILE.replace(
        line, f"{line}\nvad:\n  min_silence_duration: 0.4 # was 0.25\n"
    )


def test_a_missing_section_inside_another_one_is_added_there() -> None:
    """The section around it is not written twice."""
    edited = set_value(_PROFILE, ("turn_handling", "interruption", "min_words"), 2)
    line = "    max_delay:   4.0\n"
    assert edited == _PROFILE.replace(line, f"{line}  interruption:\n    min_words: 2\n")


@pytest.mark.parametrize(
    ("text", "keys", "value", "expected"),
    [
        ("a: {b: 1}\n", ("a", "b"), 2, "a: {b: 2}\n"),
        ("a: {b: 1, c: 2} # x\n", ("a", "b"), 2.5, "a: {b: 2.5, c: 2} # x\n"),
        ("a: {b: 1} # x\n", ("a", "c"), 2, "a: {b: 1, c: 2} # x\n"),
        ("a: {b: 1,}\n", ("a", "c"), 2, "a: {b: 1, c: 2,}\n"),
        ("a: {}\n", ("a", "c"), 2, "a: {c: 2}\n"),
        ("{a: 1}", ("b", "c", "d"), None, "{a: 1, b: {c: {d: null}}}"),
        ("a: {\n  b: 1, # one\n  c: 2 # two\n}\n", ("a", "d"), 3, None),
        ("a:\n  b: [1.0, 2.0] # pair\n", ("a", "b"), 3, "a:\n  b: 3 # pair\n"),
        ("a:\n  b: 3 # one\n", ("a", "b"), [1.0, 2.0], "a:\n  b: [1.0, 2.0] # one\n"),
        ("a:\n  b:\n    - 1\n    - 2\n  c: 3\n", ("a", "b"), "auto", "a:\n  b: auto\n  c: 3\n"),
        (
            "a:\n  b:\n    en: 1\n# c\nd: 3\n",
            ("a", "b"),
            {"de": 2},
            "a:\n  b: {de: 2}\n# c\nd: 3\n",
        ),
        ("a: 1 # no end", ("b",), 2, "a: 1 # no end\nb: 2"),
        ("a: 1", ("a",), 22, "a: 22"),
        ("a: 1\r\nb:\r\n  c: 2\r\n", ("b", "d"), 3, "a: 1\r\nb:\r\n  c: 2\r\n  d: 3\r\n"),
        ("a: 1\r\nb: 2", ("c",), 3, "a: 1\r\nb: 2\r\nc: 3"),
        ("\ufeffa: 1\n", ("a",), 2, "\ufeffa: 2\n"),
        ("a: ä # ö\nb: 2\n", ("b",), 3, "a: ä # ö\nb: 3\n"),
        ("a: 'one' # x\n", ("a",), "two: three", "a: 'two: three' # x\n"),
        ("{a: one, b: 1}\n", ("a",), "x, y}", "{a: 'x, y}', b: 1}\n"),
        ("a: >\n  long\n  text\nb: 1\n", ("a",), "short", "a: short\nb: 1\n"),
        ("a: one\n  and two\nb: 1\n", ("a",), "short", "a: short\nb: 1\n"),
        ("b: 1\na: |\n  long\n", ("c",), 2, "b: 1\na: |\n  long\nc: 2\n"),
        ("b: 1\na: |\n  long", ("c",), 2, "b: 1\na: |\n  long\nc: 2"),
        ("a:\n    b: 1\n", ("a", "c"), 2, "a:\n    b: 1\n    c: 2\n"),
        ('"a": 1\n', ("a",), 2, '"a": 2\n'),
        ("---\na: 1\n...\n", ("b",), 2, "---\na: 1\nb: 2\n...\n"),
        ("a: # empty\n  b: 1\n", ("a", "b"), 2, "a: # empty\n  b: 2\n"),
        ("a:\nb: 1\n", ("a",), 2, "a: 2\nb: 1\n"),
    ],
)
def test_other_styles_are_kept(
    text: str, keys: tuple[str, ...], value: Any, expected: str | None
) -> None:
    """Flow mappings, lists, other line ends, no final line end, text of several lines."""
    edited = set_value(text, keys, value)
    assert edited == (text.replace("2 # two", "2, d: 3 # two") if expected is None else expected)
    found = yaml.safe_load(edited)
    for key in keys:
        found = found[key]
    assert found == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\n", "invalid YAML"),
        ("- a\n", "not a mapping at the top"),
        ("a: 1\n", "a is not a mapping"),
        ("a:\n  b:\n    - 1 # one\n    - 2\n", "b is written over several lines with comments"),
        ("a:\n  b: > # why\n    text\n", "b is a block of text with a comment"),
    ],
)
def test_value_that_cannot_be_edited_is_refused(text: str, message: str) -> None:
    """No comment is lost, and no value guessed."""
    with pytest.raises(CannotEdit, match=message):
        set_value(text, ("a", "b"), 2)


_KEYS = st.sampled_from(["a", "b", "c", "d"])
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-100, 100),
    st.floats(0, 10).map(lambda number: round(number, 3)),
    st.sampled_from(["auto", "en-US", "yes", "a, b", "x: y", "", "# no", "1.5", "ü"]),
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
)
_DOCUMENTS = st.dictionaries(
    _KEYS,
    st.one_of(
        _LEAVES,
        st.dictionaries(
            _KEYS, st.one_of(_LEAVES, st.dictionaries(_KEYS, _LEAVES, min_size=1)), min_size=1
        ),
    ),
    min_size=1,
)
_PATHS = st.lists(_KEYS, min_size=1, max_size=3)


@given(_DOCUMENTS, _PATHS, _LEAVES, st.integers(0, 2**16))
def test_exactly_one_value_changes(
    document: dict[str, Any], path: list[str], value: Any, seed: int
) -> None:
    """With any style of a document; and each of its comments is still there."""
    text = _written(document, random.Random(seed))  # noqa: S311 - of a test
    assert yaml.safe_load(text) == document
    try:
        edited = set_value(text, path, value)
    except CannotEdit:
        return
    assert yaml.safe_load(edited) == _with(document, path, value)
    assert [*_comments(edited)] == [*_comments(text)]


def _with(document: Any, path: list[str], value: Any) -> Any:
    first, *others = path
    inner = document.get(first, {})
    return {**document, first: _with(inner, others, value) if others else value}


def _written(document: dict[str, Any], chance: random.Random) -> str:
    """Write a document in block and flow style, with comments, in one style of line ends."""
    text = "".join(_lines(document, chance, 0))
    if chance.random() < 0.3:
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if chance.random() < 0.3 else text


def _lines(document: dict[str, Any], chance: random.Random, depth: int) -> Any:
    indent = " " * depth
    for key, value in document.items():
        if chance.random() < 0.2:
            yield f"{indent}# over {key}\n"
        about = f" # at {key}" if chance.random() < 0.3 else ""
        if isinstance(value, dict) and value and chance.random() < 0.7:
            yield f"{indent}{key}:{about}\n"
            yield from _lines(value, chance, depth + chance.choice([2, 4]))
        elif isinstance(value, list) and chance.random() < 0.5:
            yield f"{indent}{key}:{about}\n"
            yield from (f"{indent}  - {item}\n" for item in value)
        else:
            yield f"{indent}{key}: {scalar(value)}{about}\n"
    if chance.random() < 0.2:
        yield f"{indent}# the end\n"


def _comments(text: str) -> Any:
    for line in text.splitlines():
        quiet = line.replace("'# no'", "")
        if "#" in quiet:
            yield quiet[quiet.index("#") :]
