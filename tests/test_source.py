"""YAML text: read as YAML 1.2 core, or refused with its place."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.fixtures import Happened
from timing_profiles.catalog import source
from timing_profiles.catalog.folder import MAX_BYTES
from timing_profiles.catalog.source import Place, Source
from timing_profiles.problems import Problem

EMPTY = "the file is empty; a profile needs at least `description: ...`"
LOOK_ABOVE = "\n  hint: check the line above, too"


def read(text: str | bytes) -> Source:
    return source.read("p.yaml", text.encode() if isinstance(text, str) else text)


def problems(text: str | bytes) -> list[str]:
    return [str(problem) for problem in read(text).problems]


def as_json(value: Mapping[str, Any]) -> str:
    """Tells 1 from 1.0 and from true, as `==` does not."""
    return json.dumps(dict(value))


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("null", None),
        ("Null", None),
        ("~", None),
        ("", None),
        ("nUll", "nUll"),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("yes", "yes"),
        ("on", "on"),
        ("n", "n"),
        ("0", 0),
        ("-5", -5),
        ("+5", 5),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        (".5", 0.5),
        ("5.", 5.0),
        ("+", "+"),
        (".", "."),
        ("inf", "inf"),
        ("2026-01-01", "2026-01-01"),
        ("<<", "<<"),
        ('"800"', "800"),
        ("'true'", "true"),
        ('"\\U0001F600"', "\U0001f600"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
        ("1" * 40, int("1" * 40)),
    ],
)
def test_scalar_is_read_as_yaml_1_2(scalar: str, value: object) -> None:
    """Plain scalars have their meaning in the core schema of YAML 1.2; quoted ones are text."""
    assert as_json(read(f"key: {scalar}\n").data) == as_json({"key": value})


@pytest.mark.parametrize(
    ("scalar", "message"),
    [
        ("017", "017 is 17 in YAML 1.2 and octal in YAML 1.1\n  hint: write 17"),
        ("-017", "-017 is -17 in YAML 1.2 and octal in YAML 1.1\n  hint: write -17"),
        (".inf", ".inf is not a finite number"),
        ("-.Inf", "-.Inf is not a finite number"),
        (".NaN", ".NaN is not a finite number"),
        ("1e999", "1e999 is not a finite number"),
        ("1" * 41, "number of 41 characters is too long"),
        ("0x" + "f" * 40, "number of 42 characters is too long"),
        ("0." + "1" * 5000, "number of 5002 characters is too long"),
    ],
)
def test_number_is_refused(scalar: str, message: str) -> None:
    """A number that is not finite, or that differs in YAML 1.1, is refused at its place."""
    assert problems(f"a: 1\nkey: [2, {scalar}]\n") == [f"p.yaml:2:10: key[1]: {message}"]


def test_every_key_and_value_has_its_place() -> None:
    """Lines and columns are counted from 1, and columns in characters."""
    read_ = read('stt:\n  "ä": {b: 1, c: [2, 3]}\n')
    assert read_.keys == {
        ("stt",): Place(1, 1),
        ("stt", "ä"): Place(2, 3),
        ("stt", "ä", "b"): Place(2, 9),
        ("stt", "ä", "c"): Place(2, 15),
    }
    assert read_.values == {
        (): Place(1, 1),
        ("stt",): Place(2, 3),
        ("stt", "ä"): Place(2, 8),
        ("stt", "ä", "b"): Place(2, 12),
        ("stt", "ä", "c"): Place(2, 18),
        ("stt", "ä", "c", 0): Place(2, 19),
        ("stt", "ä", "c", 1): Place(2, 22),
    }


def test_byte_order_mark_takes_no_column() -> None:
    """A mark that editors do not show is not counted."""
    assert read("\ufeffa: 1\n").keys == {("a",): Place(1, 1)}


def test_problem_is_located_by_its_path() -> None:
    """A problem is located at its key or its value, else at the top of the file."""
    read_ = read("stt:\n  engine: nova\n")
    path = ("stt", "engine")
    assert [
        str(read_.locate(Problem("c", "m"), path, key=True)),
        str(read_.locate(Problem("c", "m", hint="h", at=path))),
        str(read_.locate(Problem("c", "m"), ("tts",))),
    ] == [
        "p.yaml:2:3: stt.engine: m",
        "p.yaml:2:11: stt.engine: m\n  hint: h",
        "p.yaml:1:1: tts: m",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\n", {"a": 1}, id="plain"),
        pytest.param("\ufeffa: 1\n", {"a": 1}, id="byte-order-mark"),
        pytest.param("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}, id="windows-lines"),
        pytest.param("---\na: 1\n...\n", {"a": 1}, id="document-marks"),
        pytest.param("%YAML 1.1\n---\na: yes\n", {"a": "yes"}, id="yaml-1.1-directive"),
        pytest.param("{}", {}, id="empty-mapping"),
        pytest.param("yes: 1\n12:30: 2\n", {"yes": 1, "12:30": 2}, id="keys-are-text"),
        pytest.param('"5": 1\n"": 2\n', {"5": 1, "": 2}, id="quoted-keys"),
        pytest.param("? a\n? b\n", {"a": None, "b": None}, id="keys-alone"),
    ],
)
def test_document_is_read(text: str, expected: dict[str, object]) -> None:
    """Every spelling of a mapping that YAML 1.2 has is read."""
    assert (read(text).data, read(text).problems) == (expected, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "a: 1\nb: 2\na: 3\n",
            ["p.yaml:3:1: a: duplicate key, first defined on line 1"],
            id="top",
        ),
        pytest.param(
            "s:\n  a: 1\n  b: {c: 1, c: 2}\n  a: 2\n",
            [
                "p.yaml:3:13: s.b.c: duplicate key, first defined on line 3",
                "p.yaml:4:3: s.a: duplicate key, first defined on line 2",
            ],
            id="nested",
        ),
        pytest.param(
            "a: 017\na: .nan\n",
            [
                "p.yaml:1:4: a: 017 is 17 in YAML 1.2 and octal in YAML 1.1\n  hint: write 17",
                "p.yaml:2:1: a: duplicate key, first defined on line 1",
                "p.yaml:2:4: a: .nan is not a finite number",
            ],
            id="with-others",
        ),
        pytest.param(
            "a: 1\na: 2\na: 3\n",
            [
                "p.yaml:2:1: a: duplicate key, first defined on line 1",
                "p.yaml:3:1: a: duplicate key, first defined on line 1",
            ],
            id="three-times",
        ),
    ],
)
def test_fault_35_key_given_twice_is_refused_with_both_lines(
    text: str, expected: list[str], happened: Happened
) -> None:
    """A repeated key names its own line and the first one's; other problems are found, too."""
    assert problems(text) == expected
    happened("; ".join(line for line in expected if "duplicate key" in line))


NO_TEXT = "keys must be text\n  hint: write it in quotes"
NO_ALIAS = "anchors and aliases are not supported\n  hint: use `extends` to share settings"
NOT_PLAIN = "a key must be plain text\n  hint: write a name, a colon and a value"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: 1\n5: 1\n", f'2:1: key "5" is a number; {NO_TEXT}', id="number"),
        pytest.param("1.5: 1\n", f'1:1: key "1.5" is a number; {NO_TEXT}', id="float"),
        pytest.param("true: 1\n", f'1:1: key "true" is a boolean; {NO_TEXT}', id="boolean"),
        pytest.param("~: 1\n", f'1:1: key "~" is null; {NO_TEXT}', id="null"),
        pytest.param("? " * 16_000, f"1:3: {NOT_PLAIN}", id="key-of-a-key"),
        pytest.param("? [a]\n: 1\n", f"1:3: {NOT_PLAIN}", id="list"),
        pytest.param("? {a: 1}\n: 1\n", f"1:3: {NOT_PLAIN}", id="mapping"),
        pytest.param("*a : 1\n", f"1:1: {NOT_PLAIN}", id="alias"),
        pytest.param(
            f"? {'1' * 5000}\n: 1\n",
            f'1:3: key "{"1" * 56}... is a number; {NO_TEXT}',
            id="huge-number",
        ),
    ],
)
def test_key_that_is_not_text_is_refused(text: str, message: str) -> None:
    """Only text can be the name of a field."""
    assert problems(text) == [f"p.yaml:{message}"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: &x 1\nb: *x\n", ["1:4", "2:4"], id="anchor"),
        pytest.param("b: {a: [*x]}\n", ["1:9"], id="alias"),
        pytest.param("<<: *x\n", ["1:5"], id="merge-key"),
        pytest.param("&x a: 1\n", ["1:1"], id="anchor-at-a-key"),
        pytest.param("a: &a [*a]\n", ["1:4", "1:8"], id="recursive"),
        pytest.param("*a", ["1:1"], id="alias-alone"),
    ],
)
def test_alias_is_refused(text: str, expected: list[str]) -> None:
    """Anchors and aliases are refused, with the alternative that a profile has."""
    assert problems(text) == [f"p.yaml:{place}: {NO_ALIAS}" for place in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("!x 1", '1:1: tag "!x" is not supported', id="top"),
        pytest.param("a: !x 1\n", '1:4: tag "!x" is not supported', id="own"),
        pytest.param(
            "a: !!python/object/apply:os.system [x]\n",
            '1:4: tag "tag:yaml.org,2002:python/object/apply:os.system" is not supported',
            id="python",
        ),
        pytest.param(
            "!!str a: 1\n", '1:1: tag "tag:yaml.org,2002:str" is not supported', id="at-a-key"
        ),
        pytest.param(
            "%TAG ! tag:x,2000:\n---\na: 1\n",
            "1:1: %TAG directives are not supported",
            id="directive",
        ),
        pytest.param("a: 1\n---\nb: 2\n", "2:1: more than one document", id="second-document"),
        pytest.param("---\n---\nb: 2\n", "2:1: more than one document", id="first-is-empty"),
        pytest.param("[]\n", "1:1: expected a mapping at the top, found a list", id="list"),
        pytest.param("5\n", "1:1: expected a mapping at the top, found a number", id="number"),
        pytest.param("Hello\n", "1:1: expected a mapping at the top, found text", id="text"),
        pytest.param("true", "1:1: expected a mapping at the top, found a boolean", id="true"),
    ],
)
def test_unsupported_yaml_is_refused(text: str, message: str) -> None:
    """Tags, several documents and anything but a mapping are refused at their place."""
    assert problems(text) == [f"p.yaml:{message}"]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        pytest.param("a: *x\nb: {c: [*x, 1]}\n", {"a": None, "b": {"c": [None, 1]}}, id="alias"),
        pytest.param("a: &x 1\n&y b: &z {c: 2}\n", {"a": 1, "b": {"c": 2}}, id="anchor"),
        pytest.param("a: !x 1\nb: !!map {c: !!int 2}\n", {"a": None, "b": {"c": None}}, id="tag"),
        pytest.param("a: !!set {b}\nc: !!seq [1]\n", {"a": None, "c": [1]}, id="tag-of-a-set"),
        pytest.param("5: {a: 1}\nb: 2\n", {"5": {"a": 1}, "b": 2}, id="key"),
        pytest.param("a: 1\n---\nb: [\n", {"a": 1}, id="second-document"),
        pytest.param("%TAG ! x:\n---\na: 1\n", {"a": 1}, id="directive"),
    ],
)
def test_what_is_not_supported_does_not_hide_what_follows(
    text: str, data: dict[str, object]
) -> None:
    """The file is refused, and read to its end."""
    found = read(text)
    assert (found.data, bool(found.problems)) == (data, True)


def test_a_syntax_error_does_not_hide_what_comes_before() -> None:
    """Reading stops there, with all that was found."""
    assert problems("a: 1\na: *x\nb: [\n") == [
        "p.yaml:2:1: a: duplicate key, first defined on line 1",
        f"p.yaml:2:4: {NO_ALIAS}",
        f"p.yaml:4:1: invalid YAML: did not find expected node content{LOOK_ABOVE}",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "a: b: c\n",
            "1:5: invalid YAML: mapping values are not allowed in this context",
            id="colon",
        ),
        pytest.param(
            "a: @x\n",
            "1:4: invalid YAML: found character that cannot start any token",
            id="at-sign",
        ),
        pytest.param(
            "a: [1, 2\n",
            f"2:1: invalid YAML: did not find expected ',' or ']'{LOOK_ABOVE}",
            id="open-bracket",
        ),
        pytest.param(
            "a: 'x\n",
            f"2:1: invalid YAML: found unexpected end of stream{LOOK_ABOVE}",
            id="open-quote",
        ),
        pytest.param(
            "%YAML 2.0\n---\na: 1\n",
            "1:1: invalid YAML: found incompatible YAML document",
            id="yaml-2.0",
        ),
        pytest.param(
            'a: "\\ud800"\n',
            "1:7: invalid YAML: found invalid Unicode character escape code",
            id="lone-surrogate",
        ),
        pytest.param(
            "stt:\n\tengine: nova\n",
            "2:1: line indented with a tab; use spaces",
            id="tab",
        ),
        pytest.param(
            "stt:\n  nova:\n  \tmodel: x\n",
            "3:3: line indented with a tab; use spaces",
            id="tab-after-spaces",
        ),
        pytest.param(
            "a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> theirs\n",
            "2:1: the file has git conflict markers",
            id="conflict-markers",
        ),
        pytest.param(
            "# =======\n# Patient\n# =======\na: [\n",
            f"5:1: invalid YAML: did not find expected node content{LOOK_ABOVE}",
            id="ruled-comment",
        ),
    ],
)
def test_syntax_error_is_explained(text: str, message: str) -> None:
    """Invalid YAML is refused at its place, with plain messages for the usual mistakes."""
    assert problems(text) == [f"p.yaml:{message}"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", EMPTY, id="empty"),
        pytest.param(b" \n \n", EMPTY, id="blank"),
        pytest.param(b"# nothing\n", EMPTY, id="comments"),
        pytest.param(b"null\n", EMPTY, id="null"),
        pytest.param(
            "a: 1\n".encode("utf-16"), "the file is UTF-16; save it as UTF-8", id="utf-16"
        ),
        pytest.param(
            "a: 1\n".encode("utf-32"), "the file is UTF-32; save it as UTF-8", id="utf-32"
        ),
        pytest.param(
            b"<!DOCTYPE html>\n<html>", "the file is a web page, not a profile", id="web-page"
        ),
        pytest.param(
            b"\n <HTML>", "the file is a web page, not a profile", id="web-page-in-capitals"
        ),
        pytest.param(
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 4\n",
            "the file is a Git LFS pointer; `git lfs pull` fetches the profile itself",
            id="lfs-pointer",
        ),
    ],
)
def test_other_kind_of_file_is_named(content: bytes, message: str) -> None:
    """A file of another kind is called by its name, not a syntax error."""
    assert problems(content) == [f"p.yaml:1:1: {message}"]


def test_document_after_199_blank_lines_is_read() -> None:
    """Blank lines, however many, do not make a file empty."""
    assert read("\n" * 199 + "a: 1\n").data == {"a": 1}


def test_document_after_200_blank_lines_is_read() -> None:
    """Blank lines, however many, do not make a file empty."""
    assert read("\n" * 200 + "a: 1\n").data == {"a": 1}


def test_web_page_behind_a_byte_order_mark_is_named() -> None:
    """A web page that was saved with a byte order mark is still one."""
    assert problems("\ufeff<!DOCTYPE html>") == [
        "p.yaml:1:1: the file is a web page, not a profile",
    ]


def test_500_values_are_read() -> None:
    """Lists and mappings count, keys do not; a complete profile has 83."""
    most = f"a: {{b: [{'1, ' * 497}]}}\n"
    assert read(most).problems == ()
    assert problems(most.replace("]", "2]")) == ["p.yaml:1:1500: more than 500 values"]


def test_duplicate_keys_count_towards_value_limit() -> None:
    """An overwritten value costs as much as one that stays."""
    assert problems("a: {b: [1], b: [1]}\n" + "c: [" + "1, " * 493 + "]\n") == [
        "p.yaml:1:13: a.b: duplicate key, first defined on line 1",
    ]
    assert problems("a: {b: [1], b: [1]}\n" + "c: [" + "1, " * 494 + "]\n") == [
        "p.yaml:1:13: a.b: duplicate key, first defined on line 1",
        "p.yaml:2:1484: more than 500 values",
    ]


def test_reading_stops_after_100_problems() -> None:
    """The first hundred are named, however many there are, and nothing of the file is used."""
    found = read("a: 1\n" * 5_000)
    assert [str(problem) for problem in found.problems] == [
        *(f"p.yaml:{line}:1: a: duplicate key, first defined on line 1" for line in range(2, 102)),
        "p.yaml:102:1: more than 100 problems; reading stopped here",
    ]
    assert found.data == {}
    assert len(read("a: 1\n" * 101).problems) == 100


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"a: b\nc: \xff\n", "2:4: byte 0xff is not UTF-8", id="latin-1"),
        pytest.param(b"a: \xed\xa0\x80\n", "1:4: byte 0xed is not UTF-8", id="lone-surrogate"),
        pytest.param(
            "ä: ".encode() + b"\xff\n",
            "1:4: byte 0xff is not UTF-8",
            id="after-an-umlaut",
        ),
        pytest.param(b"\xef\xbb\xbfa: \xff\n", "1:4: byte 0xff is not UTF-8", id="after-a-mark"),
        pytest.param(b"\xef\xbb\xbf\xbba", "1:1: byte 0xbb is not UTF-8", id="half-a-mark"),
    ],
)
def test_text_that_is_not_utf_8_is_refused(content: bytes, message: str) -> None:
    """The first byte that is not UTF-8 is named with its place."""
    assert problems(content) == [f"p.yaml:{message}\n  hint: save the file as UTF-8"]


@pytest.mark.parametrize(
    ("content", "place", "number"),
    [
        pytest.param(b"a: 1\nb: c\x00d\n", "2:5", r"\u0000", id="nul"),
        pytest.param(b"a: 1\nb: c\x07d\n", "2:5", r"\u0007", id="bell"),
        pytest.param(
            "ä: \x7f\n".encode(),
            "1:4",
            r"\x7f",
            id="delete-after-an-umlaut",
        ),
        pytest.param("a: 1\n".encode("utf-16-le"), "1:2", r"\u0000", id="utf-16-without-a-mark"),
    ],
)
def test_control_character_is_refused_at_its_place(content: bytes, place: str, number: str) -> None:
    """An invisible character is found by its line and column, and named by its number."""
    assert [problem.code for problem in read(content).problems] == ["yaml-syntax"]
    assert problems(content) == [f'p.yaml:{place}: the character "{number}" is not allowed in YAML']


def test_largest_file_is_read() -> None:
    """A file of exactly the largest size is read."""
    assert read(b"a: 1 #".ljust(MAX_BYTES, b"x")).data == {"a": 1}


def test_larger_file_is_refused() -> None:
    """A file above the largest size is not parsed; no size is named, as it was not read whole."""
    (problem,) = read(b"[" * (MAX_BYTES + 1)).problems
    assert problem.code == "file-kind"
    assert str(problem) == (
        "p.yaml:1:1: the file is larger than 32768 bytes, the limit of a profile"
    )


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("[" * 25_000, "1:17", id="brackets"),
        pytest.param("a: " + "[" * (MAX_BYTES - 3), "1:19", id="brackets-of-a-key"),
        pytest.param("{a: " * 8_000, "1:65", id="braces"),
        pytest.param("- " * 16_000, "1:33", id="dashes"),
        pytest.param("\n".join(" " * n + "a:" for n in range(200)), "17:17", id="indents"),
    ],
)
def test_fault_41_deep_nesting_is_refused(text: str, place: str, happened: Happened) -> None:
    """Nesting that would crash a parser and its process is refused at the first level too many."""
    found = problems(text)
    places = (place, *(["1:1001", "1:1003"] if "[[" in text else []))  # libyaml's own limit
    assert found in [[f"p.yaml:{known}: nested deeper than 16"] for known in places]
    happened(f"{len(text):,} bytes refused at {place}, the process lives")


def test_nesting_of_16_is_read() -> None:
    """The deepest nesting that is read is far deeper than a profile's."""
    deepest = "{a: " * 15 + "1" + "}" * 15
    assert read(deepest).problems == ()
    assert problems("{a: " * 16 + "1" + "}" * 16) == ["p.yaml:1:65: nested deeper than 16"]


ALIAS_BOMB = "a0: &a0 x\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
MERGE_BOMB = "a0: &a0 {k: x}\n" + "".join(
    f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 10)
)
BOMBS = {
    "lists of aliases": ALIAS_BOMB,
    "mappings of aliases": ALIAS_BOMB.replace("[", "{x: [").replace("]", "]}"),
    "merge keys": MERGE_BOMB,
    "merge keys without anchors": "a: {<<: [*b, *b]}\n",
    "an alias of itself": "a: &a [*a]\n",
    "a mapping that is its own value": "&a a: *a\n",
    "a merge of itself": "a: &a\n  <<: [*a, *a]\n",
    "an alias as a key": "a: &a {b: 1}\n*a : 1\n",
    "32 KiB of anchors": "".join(f"a{n}: &a{n} x\n" for n in range(2_000)),
    "32 KiB of aliases": "a: &a x\nb: [" + "*a, " * 8_000 + "]\n",
    "aliases in an open list": "{a: " * 10 + "*a",
    "an anchor at the top": "&a\n" + ALIAS_BOMB,
}


def test_fault_40_aliases_are_refused_before_anything_is_expanded(happened: Happened) -> None:
    """A reader of aliases takes 19 s and 713 MB for some; `make fuzz` limits their cost."""
    for text in BOMBS.values():
        assert len(text) <= MAX_BYTES
        assert {problem.message for problem in read(text).problems} - {
            "a key must be plain text",
            "more than 100 problems; reading stopped here",
            "invalid YAML: did not find expected ',' or '}'",
        } == {"anchors and aliases are not supported"}
    happened(f"{len(BOMBS)} bombs refused")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(ALIAS_BOMB, id="alias-bomb"),
        pytest.param("a: &a\n  <<: [*a, *a]\n", id="merge-key-bomb"),
        pytest.param("[" * 25_000, id="brackets"),
        pytest.param("{a: " * 8_000, id="braces"),
        pytest.param("a: " + "9" * 32_000, id="digits"),
        pytest.param("a: " + "0." + "9" * 32_000, id="decimals"),
        pytest.param('"' * 32_000, id="quotes"),
        pytest.param("a: [" + "b, " * 10_000, id="items"),
        pytest.param("{a: " * 11 + "{" + "a," * 16_000 + "}" * 12, id="deep-keys-given-twice"),
        pytest.param("a: [" + "01," * 10_000 + "]", id="octal-numbers"),
        pytest.param("".join(f"k{n}: 1\n" for n in range(3_000)), id="keys"),
        pytest.param("k: 1\n" * 6_000, id="one-key-over-and-over"),
        pytest.param("#" * 32_000, id="comment"),
        pytest.param("a: " + "!" * 32_000, id="tag"),
    ],
)
def test_hostile_text_is_refused(text: str) -> None:
    """Any text of 32 KiB; `make fuzz` limits its cost."""
    assert read(text).problems


YAMLISH = st.text(st.sampled_from("ab:-?[]{},&*!|>'\"%@#~<= \t\n\r0123.eExo_+\\\x00\ufeff\x85ä"))
TOKENS = "a: ·- ·? ·: ·{·}·[·]·\n·  ·&x ·*x ·!!str ·|\n·>-·0x·1e9·.inf·017·'·\"·---\n·...\n·<<: "
FRAGMENTS = st.lists(st.sampled_from(TOKENS.split("·"))).map("".join)


@given(st.one_of(st.binary(), YAMLISH.map(str.encode), FRAGMENTS.map(str.encode)))
def test_no_bytes_make_parser_raise(content: bytes) -> None:
    """Any bytes are either read into a mapping or refused."""
    found = read(content)
    assert isinstance(found.data, dict)
    assert all(isinstance(problem.message, str) for problem in found.problems)


def flow(value: object) -> str:
    """Flow YAML, written without a YAML library: JSON whose text is escaped throughout."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(key)}: {flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
    return json.dumps(value)


TEXT = st.text(max_size=12)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(TEXT, JSON, max_size=6))
def test_written_document_is_parsed_back(data: dict[str, object]) -> None:
    """Data written as flow YAML comes back equal, in its types and its order."""
    assert as_json(read(f"{flow(data)}\n").data) == as_json(data)


@given(st.dictionaries(TEXT, JSON, min_size=1, max_size=4))
def test_every_value_has_a_place(data: dict[str, object]) -> None:
    """Each key of each mapping has a place, and so has each value and item."""
    found = read(f"{flow(data)}\n")
    assert set(found.keys) == {path for path in found.values if path and isinstance(path[-1], str)}
    assert len(found.values) == 1 + count(data)


def count(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(1 + count(item) for item in inner)
