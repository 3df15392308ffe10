"""Problems: their text, their JSON, their order."""

import difflib
import pickle
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from timing_profiles.problems import (
    KeyPath,
    Problem,
    ProfilesError,
    did_you_mean,
    dotted,
    in_order,
    listed,
    near_miss,
    printable,
    prose,
    quoted,
)

FIELD = "stt.nova.endpointing_ms"
TOO_MUCH = Problem(
    "range", "99999 is more than the maximum of 10000 (ms)", FIELD, "profiles/patient.yaml", 4, 18
)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        pytest.param(
            TOO_MUCH,
            "profiles/patient.yaml:4:18: stt.nova.endpointing_ms: "
            "99999 is more than the maximum of 10000 (ms)",
            id="everything",
        ),
        pytest.param(
            Problem("name", "the name must end in .yaml", file="profiles/a.yml"),
            "profiles/a.yml: the name must end in .yaml",
            id="whole-file",
        ),
        pytest.param(
            Problem("override-type", "[] is not a mapping of fields", "overrides", "participant"),
            "participant: overrides: [] is not a mapping of fields",
            id="metadata",
        ),
        pytest.param(
            Problem("no-effect", "has no effect: x", "tts.speed", "p/a.yaml", 2, 3, "warning"),
            "p/a.yaml:2:3: warning: tts.speed: has no effect: x",
            id="warning",
        ),
        pytest.param(
            Problem("unknown-field", "unknown field", "sst", hint="did you mean stt?"),
            "sst: unknown field\n  hint: did you mean stt?",
            id="hint-in-a-line-of-its-own",
        ),
    ],
)
def test_problem_text_has_place_and_message(problem: Problem, text: str) -> None:
    """A problem reads `file:line:column: path: message`, without missing parts."""
    assert str(problem) == text


def test_json_has_every_part() -> None:
    """Programs get all eight keys, empty ones too; fields without a place are not printed."""
    assert replace(TOO_MUCH, fields=(FIELD,), at=("stt",)).to_json() == {
        "file": "profiles/patient.yaml",
        "line": 4,
        "column": 18,
        "path": FIELD,
        "code": "range",
        "severity": "error",
        "message": "99999 is more than the maximum of 10000 (ms)",
        "hint": "",
    }


def test_located_problem_has_a_place_and_no_fields() -> None:
    """The place replaces the fields that the check named."""
    problem = Problem("c", "m", severity="warning", hint="h", fields=("tts.speed",), at=("tts",))
    located = Problem("c", "m", "tts.speed", "p/a.yaml", 2, 3, "warning", "h")
    assert problem.located("tts.speed", "p/a.yaml", 2, 3) == located


def test_problems_are_sorted_by_place_without_duplicates() -> None:
    """The order is that of the files, and line 10 follows line 9."""
    places = [("b", 1, 1), ("a", 10, 1), ("a", 9, 7), ("a", 9, 2), ("b", 1, 1)]
    found = in_order(Problem("c", "m", file=file, line=n, column=c) for file, n, c in places)
    assert [(p.file, p.line, p.column) for p in found] == [
        ("a", 9, 2),
        ("a", 9, 7),
        ("a", 10, 1),
        ("b", 1, 1),
    ]


def test_error_shows_all_its_problems() -> None:
    """An unhandled error prints every problem, a line each."""
    error = ProfilesError([Problem("c", "second", file="b"), Problem("c", "first", file="a")])
    assert str(error) == "a: first\nb: second"


def test_error_survives_pickling() -> None:
    """An error can cross a process border with its problems."""
    error = ProfilesError([TOO_MUCH])
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - what is read was written here
    assert (copy.problems, str(copy)) == (error.problems, str(error))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param((), "", id="top"),
        pytest.param(("stt", "nova", "model"), FIELD.replace("endpointing_ms", "model"), id="keys"),
        pytest.param(("overrides", "allow", 2), "overrides.allow[2]", id="index"),
    ],
)
def test_path_is_written_with_dots_and_brackets(path: KeyPath, text: str) -> None:
    """A path is written as people write it."""
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("800", '"800"', id="text-in-quotes"),
        pytest.param(None, "null", id="null"),
        pytest.param(True, "true", id="boolean"),
        pytest.param({"a": [1]}, '{"a": [1]}', id="nested"),
        pytest.param("a\n\x1b[31m\u202e", r'"a\n\u001b[31m\u202e"', id="control-characters"),
        pytest.param("\ud800", r'"\ud800"', id="lone-surrogate"),
        pytest.param({1}, '"{1}"', id="no-json"),
        pytest.param("x" * 58, f'"{"x" * 58}"', id="60-characters"),
        pytest.param("x" * 59, f'"{"x" * 56}...', id="61-characters"),
    ],
)
def test_value_is_quoted_on_one_bounded_line(value: object, text: str) -> None:
    """A value in a message is printable ASCII, and never longer than 60 characters."""
    assert quoted(value) == text


def test_long_list_is_cut() -> None:
    """A list of thousands of names stays readable."""
    assert listed(["a", "b"]) == "a, b"
    assert listed("abcde", most=3) == "a, b, c, and 2 more"


@pytest.mark.parametrize(
    ("word", "hint"),
    [("patien", "did you mean patient?"), ("zzz", ""), ("", ""), ("patient" * 9_000, "")],
    ids=["near", "far", "empty", "endless"],
)
def test_near_miss_gets_a_hint(word: str, hint: str) -> None:
    """A slip of a letter or two is recognised, a wild guess is not."""
    assert did_you_mean(word, ["default", "patient"]) == hint


MANY = [*(f"profile-{number:05}" for number in range(10_000)), "patient"]


@pytest.mark.parametrize(
    "word", ["paitent", "patent", "pattient", "patiemt", "Patient", "atient", "patient2"]
)
def test_one_slip_is_recognised_among_10000_words(word: str) -> None:
    """Two letters swapped, one left out, added, or another one, at any place."""
    assert near_miss(word, MANY) == "patient"


def test_fault_89_the_hint_for_a_word_costs_the_same_among_10000(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stranger names a profile that does not exist; the job's loop waits for the hint."""
    compared: list[Collection[str]] = []
    compare = difflib.get_close_matches

    def compare_and_count(word: str, words: list[str], **options: Any) -> list[str]:
        compared.append(words)
        return compare(word, words, **options)

    monkeypatch.setattr(difflib, "get_close_matches", compare_and_count)
    assert near_miss("profile-0123", MANY) == "profile-09123"
    assert near_miss("x" * 100, MANY) == ""
    assert max(map(len, compared)) <= 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("profiles/größe.yaml 安静", "profiles/größe.yaml 安静"),
        ("a\nb\t\x1b[31m", r"a\nb\t\x1b[31m"),
        ("caf\udce9", r"caf\udce9"),
        ("\u202ex", r"\u202ex"),
        ("\x7f\x9b31m\u2028", r"\x7f\x9b31m\u2028"),
        (r"C:\calls", r"C:\calls"),
    ],
    ids=["letters", "control-characters", "no-utf-8", "direction", "c1", "backslash"],
)
def test_fault_93_only_what_a_terminal_obeys_is_escaped(text: str, expected: str) -> None:
    """File names, messages and hints are covered; JSON carries the true name."""
    assert printable(text) == expected
    problem = Problem("name", text, file=text, hint=text)
    assert str(problem) == f"{expected}: {expected}\n  hint: {expected}"
    assert problem.to_json()["file"] == text


def test_prose_is_on_one_line() -> None:
    """A description may have several lines in its file."""
    assert prose("Callers\nwho pause.\r\n\x1b[2J\n") == r"Callers who pause. \x1b[2J"
