"""The schema: its fields, what it says of data that it refuses, and what editors show of it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from timing_profiles.catalog.field import Field
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem
from timing_profiles.turns.fields import FORMER_NAMES

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "schema.json").read_text()
SCHEMA = Schema(TEXT)
SECTIONS = "stt, vad, turn_detector, turn_handling, realtime, tts, session"

ENGINE = ("stt", "engine")
ENDPOINTING = ("stt", "nova", "endpointing_ms")
LANGUAGE = ("stt", "nova", "language")
UTTERANCE_END = ("stt", "nova", "utterance_end_ms")
EOT = ("stt", "flux", "eot_threshold")
MIN_DELAY = ("turn_handling", "endpointing", "min_delay")
ENABLED = ("turn_handling", "interruption", "enabled")
UNLIKELY = ("turn_detector", "unlikely_threshold")


def nested(path: tuple[str, ...], value: object) -> dict[str, Any]:
    for key in reversed(path):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def problems(path: tuple[str, ...], value: object) -> list[Problem]:
    return list(SCHEMA.document_problems(nested(path, value)))


def refused(at: tuple[str | int, ...], code: str, message: str, hint: str = "") -> Problem:
    """A problem without a place."""
    return Problem(code, message, hint=hint, at=at)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        pytest.param(
            ENGINE,
            "nowa",
            refused(ENGINE, "range", '"nowa" is not nova or flux', "did you mean nova?"),
            id="enum",
        ),
        pytest.param(
            ("turn_detector", "version"),
            "v1mini",
            refused(
                ("turn_detector", "version"),
                "range",
                '"v1mini" is not v1, v1-mini or auto',
                "did you mean v1-mini?",
            ),
            id="enum-of-three",
        ),
        pytest.param(
            ENDPOINTING,
            "fast",
            refused(ENDPOINTING, "type", '"fast" is not an integer (ms)'),
            id="integer",
        ),
        pytest.param(
            ENDPOINTING,
            400.5,
            refused(ENDPOINTING, "type", "400.5 is not an integer (ms)"),
            id="fraction-for-an-integer",
        ),
        pytest.param(
            ENDPOINTING,
            True,
            refused(ENDPOINTING, "type", "true is not an integer (ms)"),
            id="boolean-for-an-integer",
        ),
        pytest.param(
            MIN_DELAY,
            None,
            refused(MIN_DELAY, "type", "null is not a number (s)"),
            id="null-for-a-number",
        ),
        pytest.param(
            UTTERANCE_END,
            [],
            refused(UTTERANCE_END, "type", "[] is not an integer or null (ms)"),
            id="integer-or-null",
        ),
        pytest.param(
            EOT,
            "aut",
            refused(EOT, "type", '"aut" is not a number or auto (probability)'),
            id="number-or-auto",
        ),
        pytest.param(
            EOT,
            "auto\n",
            refused(EOT, "type", r'"auto\n" is not a number or auto (probability)'),
            id="auto-and-a-line-break",
        ),
        pytest.param(
            ("session", "aec_warmup_duration"),
            "automatic",
            refused(
                ("session", "aec_warmup_duration"),
                "type",
                '"automatic" is not a number, null or auto (s)',
            ),
            id="number-null-or-auto",
        ),
        pytest.param(ENABLED, 1, refused(ENABLED, "type", "1 is not true or false"), id="boolean"),
        pytest.param(
            ("description",),
            5,
            refused(("description",), "type", "5 is not text"),
            id="text",
        ),
        pytest.param(
            ("stt",), None, refused(("stt",), "type", "null is not a mapping"), id="section"
        ),
        pytest.param(
            ("overrides", "allow"),
            "*",
            refused(("overrides", "allow"), "type", '"*" is not a list'),
            id="list",
        ),
        pytest.param(
            ("stt", "nova", "model"),
            "flux-general-en",
            refused(
                ("stt", "nova", "model"),
                "range",
                '"flux-general-en" is not the name of a Nova model, such as nova-3',
            ),
            id="pattern",
        ),
        pytest.param(
            ("stt", "flux", "language_hint"),
            ["en", 5],
            refused(
                ("stt", "flux", "language_hint", 1),
                "type",
                "5 is not a BCP 47 tag, such as en",
            ),
            id="item",
        ),
        pytest.param(
            UNLIKELY,
            {"en": 0.3, "de": "low"},
            refused((*UNLIKELY, "de"), "type", '"low" is not a number (probability)'),
            id="entry",
        ),
        pytest.param(
            ENDPOINTING,
            99999,
            refused(ENDPOINTING, "range", "99999 is more than the maximum of 10000 (ms)"),
            id="maximum",
        ),
        pytest.param(
            UTTERANCE_END,
            999,
            refused(UTTERANCE_END, "range", "999 is less than the minimum of 1000 (ms)"),
            id="minimum",
        ),
        pytest.param(
            ("turn_handling", "user_turn_limit", "max_duration"),
            0,
            refused(
                ("turn_handling", "user_turn_limit", "max_duration"),
                "range",
                "0 is not more than 0 (s)",
            ),
            id="exclusive-minimum",
        ),
        pytest.param(
            (*UNLIKELY, "en"),
            1.5,
            refused((*UNLIKELY, "en"), "range", "1.5 is more than the maximum of 1 (probability)"),
            id="maximum-of-an-entry",
        ),
        pytest.param(
            ("stt", "flux", "language_hint"),
            [],
            refused(("stt", "flux", "language_hint"), "range", "[] has fewer items than 1"),
            id="empty-list",
        ),
        pytest.param(
            ("turn_handling", "interruption", "backchannel_boundary"),
            [1.0],
            refused(
                ("turn_handling", "interruption", "backchannel_boundary"),
                "range",
                "[1.0] has fewer items than 2",
            ),
            id="short-list",
        ),
        pytest.param(
            ("stt", "nova", "endpoint_ms"),
            400,
            refused(
                ("stt", "nova", "endpoint_ms"),
                "unknown-field",
                "unknown field; stt.nova takes model, language, endpointing_ms, utterance_end_ms, "
                "no_delay, smart_format, filler_words",
                "did you mean endpointing_ms?",
            ),
            id="unknown-key",
        ),
        pytest.param(
            ("__class__",),
            {},
            refused(
                ("__class__",),
                "unknown-field",
                "unknown field; a profile takes description, extends, overrides, stt, vad, "
                "turn_detector, turn_handling, realtime, tts, session",
            ),
            id="unknown-key-at-the-top",
        ),
    ],
)
def test_refused_value_gets_a_plain_message(
    path: tuple[str, ...], value: object, expected: Problem
) -> None:
    """The message has the value, the allowed ones and the unit."""
    (problem,) = problems(path, value)
    assert replace(problem, fields=()) == expected


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (("stt", "nova", "endpoint_ms"), ("stt.nova.endpointing_ms",)),
        (("stt", "endpointing_ms"), ("stt.nova.endpointing_ms",)),
        (("model",), ("stt.nova.model", "stt.flux.model")),
        (("__class__",), ()),
    ],
)
def test_unknown_key_names_possible_fields(path: tuple[str, ...], fields: tuple[str, ...]) -> None:
    """The fields that the author may have meant stay unknown to later checks."""
    assert [problem.fields for problem in problems(path, 1)] == [fields]


WRITE_BARE = "write the number without quotes"
BASE_60 = "YAML 1.1 read this as base 60; write the number"


@pytest.mark.parametrize(
    ("path", "value", "hint"),
    [
        pytest.param(MIN_DELAY, 800, "800 ms is 0.8 s: write 0.8", id="ms-for-s"),
        pytest.param(UTTERANCE_END, 2, "2 s is 2000 ms: write 2000", id="s-for-ms"),
        pytest.param(MIN_DELAY, 20000, "", id="too-long-in-either-unit"),
        pytest.param(UTTERANCE_END, 0.5, "", id="too-short-in-either-unit"),
        pytest.param(EOT, 70, "", id="a-unit-without-a-twin"),
        pytest.param(MIN_DELAY, 12, "", id="fault-91-twelve-seconds-may-be-meant"),
        pytest.param(ENDPOINTING, 0.4, "0.4 s is 400 ms: write 400", id="s-for-an-integer"),
        pytest.param(ENDPOINTING, 0.0004, "", id="fault-91-not-an-integer-either"),
        pytest.param(ENDPOINTING, 0.009, "", id="against-a-rule-of-the-field"),
        pytest.param(ENABLED, "yes", "write true", id="yes"),
        pytest.param(ENABLED, "On", "write true", id="on"),
        pytest.param(ENABLED, "no", "write false", id="no"),
        pytest.param(ENABLED, "OFF", "write false", id="off"),
        pytest.param(MIN_DELAY, "12:30", BASE_60, id="base-60"),
        pytest.param(MIN_DELAY, "0.8", WRITE_BARE, id="quoted-number"),
        pytest.param(MIN_DELAY, "1e0", WRITE_BARE, id="quoted-exponent"),
        pytest.param(MIN_DELAY, "1e3", "", id="quoted-and-out-of-range"),
        pytest.param(UTTERANCE_END, "1000.5", "", id="quoted-and-not-an-integer"),
        pytest.param(MIN_DELAY, "soon", "", id="neither"),
        pytest.param(MIN_DELAY, "yes", "", id="yes-for-a-number"),
        pytest.param(ENABLED, "1", "", id="number-for-a-boolean"),
        pytest.param(ENABLED, "12:30", "", id="base-60-for-a-boolean"),
        pytest.param(("stt",), "5", "", id="number-for-a-section"),
        pytest.param(MIN_DELAY, "1_000", "", id="underscore"),
        pytest.param(MIN_DELAY, "nan", "", id="nan"),
        pytest.param(MIN_DELAY, "Infinity", "", id="infinity"),
    ],
)
def test_fault_91_hint_names_the_likely_slip(
    path: tuple[str, ...], value: object, hint: str
) -> None:
    """A hint is given for the usual slips, and only where following it helps."""
    assert [problem.hint for problem in problems(path, value) if problem.hint] == (
        [hint] if hint else []
    )


def test_every_problem_of_a_document_is_found() -> None:
    """One run finds them all."""
    document = {"sst": {}, "stt": {"engine": "x", "nova": {"no_delay": "?", "model": 5}}}
    assert {problem.at for problem in SCHEMA.document_problems(document)} == {
        ("sst",),
        ("stt", "engine"),
        ("stt", "nova", "no_delay"),
        ("stt", "nova", "model"),
    }


@pytest.mark.parametrize("value", [5, None, True])
def test_value_of_another_type_than_its_enum_is_refused_once(value: object) -> None:
    """The same sentence is not printed twice."""
    assert len(problems(ENGINE, value)) == 1


def test_schema_check_stops_after_100_problems() -> None:
    """The first hundred are named, one says that there are more; a hundred are no more."""
    found = problems(("tts",), {f"k{n}": 1 for n in range(5_000)})
    assert [problem.at for problem in found[:-1]] == [("tts", f"k{n}") for n in range(100)]
    assert found[-1] == refused((), "too-many", "more than 100 problems; checking stopped here")
    assert len(problems(("tts",), {f"k{n}": 1 for n in range(100)})) == 100


def test_message_does_not_grow_with_the_value() -> None:
    """A list of 20,000 numbers, which any caller can send, makes no message of 60,000 letters."""
    boundary = ("turn_handling", "interruption", "backchannel_boundary")
    (problem,) = problems(boundary, [0] * 20_000)
    assert len(problem.message) < 200


def test_integer_beyond_any_float_is_refused() -> None:
    """An integer of 400 digits, which JSON can hold, is out of range and nothing worse."""
    (problem,) = problems(MIN_DELAY, 10**400)
    assert problem.message == f"1{'0' * 56}... is more than the maximum of 10 (s)"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (ENDPOINTING, 800.0),
        (UTTERANCE_END, None),
        (EOT, "auto"),
        (EOT, 0.5),
        (UNLIKELY, {"en": 0, "de": 1}),
        (("stt", "nova", "language"), "no"),
        (("turn_handling", "interruption", "backchannel_boundary"), [0, 0.5]),
        (("turn_handling", "interruption", "backchannel_boundary"), 0.5),
        (("overrides", "allow"), ["*"]),
        (("description",), "yes"),
    ],
)
def test_valid_value_is_accepted(path: tuple[str, ...], value: object) -> None:
    """Bounds are included, and each of a field's types is taken."""
    assert problems(path, value) == []


def test_single_value_is_held_to_its_field() -> None:
    """One value, as metadata sends it, gets the same message as in a file."""
    field = SCHEMA.fields[".".join(MIN_DELAY)]
    assert SCHEMA.value_problem(field, 1.5) is None
    assert SCHEMA.value_problem(field, 800) == refused(
        (), "range", "800 is more than the maximum of 10 (s)", "800 ms is 0.8 s: write 0.8"
    )


@pytest.mark.parametrize(
    ("path", "bound", "value", "message"),
    [
        (ENGINE, {"const": "nova"}, "flux", '"flux" is not nova'),
        (ENDPOINTING, {"const": 400}, 800, "800 is not 400 (ms)"),
        (EOT, {"const": "auto"}, 0.7, "0.7 is not auto (probability)"),
        (LANGUAGE, {"enum": ["de", "en-US"]}, "fr", '"fr" is not de or en-US'),
        (ENDPOINTING, {"enum": [25, 400]}, 800, "800 is not 25 or 400 (ms)"),
        (EOT, {"type": "number"}, "auto", '"auto" is not a number (probability)'),
        (EOT, {"type": ["integer", "string"]}, 0.7, "0.7 is not an integer or auto (probability)"),
        (UNLIKELY, {"type": ["number", "string"]}, {}, "{} is not a number or auto (probability)"),
    ],
)
def test_what_a_tightened_field_takes_is_named(
    path: tuple[str, ...], bound: dict[str, Any], value: object, message: str
) -> None:
    """A team may leave a few values or types; the packaged `errorMessage` has more."""
    schema = json.loads(TEXT)
    part = schema
    for key in path:
        part = part["properties"][key]
    part.update(bound)
    tightened = Schema(json.dumps(schema))
    field = tightened.fields[".".join(path)]
    code = "type" if "type" in bound else "range"
    assert tightened.value_problem(field, value) == refused((), code, message)


@pytest.mark.parametrize(
    ("path", "types", "unit", "live"),
    [
        ("stt.engine", ("string",), "", "silence"),
        ("stt.nova.utterance_end_ms", ("integer", "null"), "ms", "silence"),
        ("vad.deactivation_threshold", ("number", "string"), "probability", "now"),
        ("turn_handling.interruption.mode", ("string",), "", "next-call"),
        ("tts.speed", ("number", "null"), "factor", "next-speech"),
    ],
)
def test_field_has_its_types_unit_and_liveness(
    path: str, types: tuple[str, ...], unit: str, live: str
) -> None:
    """The facts of the schema about a field can be read."""
    field = SCHEMA.fields[path]
    assert (field.path, field.types, field.unit, field.live) == (path, types, unit, live)


def test_field_of_a_bare_schema_has_no_facts() -> None:
    """A schema without facts about a field is not an error."""
    field = Field("x", {})
    assert (field.types, field.unit, field.live) == ((), "", "")


@pytest.mark.parametrize(
    ("path", "value", "normal"),
    [
        pytest.param(ENDPOINTING, 800.0, 800, id="integer"),
        pytest.param(UTTERANCE_END, 1e3, 1000, id="integer-or-null"),
        pytest.param(UTTERANCE_END, None, None, id="null"),
        pytest.param(("stt", "flux", "eot_timeout_ms"), "auto", "auto", id="auto"),
        pytest.param(MIN_DELAY, 2.0, 2.0, id="number"),
        pytest.param(MIN_DELAY, 2, 2, id="integer-for-a-number"),
        pytest.param(ENABLED, True, True, id="boolean"),
    ],
)
def test_whole_number_becomes_an_integer_where_the_field_is_one(
    path: tuple[str, ...], value: object, normal: object
) -> None:
    """Deepgram refuses `800.0`, so an integer field never holds a float."""
    found = SCHEMA.fields[".".join(path)].normal(value)
    assert (found, type(found)) == (normal, type(normal))


def test_fields_of_a_document_are_listed_flat() -> None:
    """What a document says about a call, without what it says about itself."""
    document = {
        "description": "x",
        "extends": "y",
        "overrides": {"allow": []},
        "turn_detector": {"unlikely_threshold": {"en": 0.3}},
        "stt": {"nova": {"endpointing_ms": 4e2}},
        "vad": {},
    }
    assert list(SCHEMA.flat(document)) == [(UNLIKELY, {"en": 0.3}), (ENDPOINTING, 400)]


@pytest.mark.parametrize(
    ("path", "message", "hint"),
    [
        (
            "stt.nowa",
            "unknown field; stt takes engine, nova, flux, assemblyai",
            "did you mean nova?",
        ),
        (
            "turn_handling.endpointing.mindelay.x",
            "unknown field; turn_handling.endpointing takes mode, min_delay, max_delay, alpha",
            "did you mean min_delay?",
        ),
        (
            "vads",
            f"unknown field; a profile takes {SECTIONS}",
            "did you mean vad?",
        ),
        ("tts.speed.x", "unknown field; tts takes speed", "did you mean speed?"),
        ("..", "unknown field; a profile takes " + ", ".join(SCHEMA.children("")), ""),
    ],
)
def test_unknown_path_lists_known_keys(path: str, message: str, hint: str) -> None:
    """A dotted path that is not a field gets the keys of the nearest section."""
    problem = SCHEMA.unknown(path)
    assert (problem.message, problem.hint) == (message, hint)


def test_sections_and_their_children() -> None:
    """Sections are separate from fields, at each depth and in the schema's order."""
    assert SCHEMA.sections == {
        *("stt", "stt.nova", "stt.flux", "stt.assemblyai", "vad", "turn_detector"),
        *("realtime", "tts", "session"),
        *("turn_handling", "turn_handling.endpointing", "turn_handling.interruption"),
        *("turn_handling.preemptive_generation", "turn_handling.user_turn_limit"),
    }
    assert SCHEMA.children("") == [
        *("stt", "vad", "turn_detector", "turn_handling", "realtime", "tts", "session")
    ]
    assert SCHEMA.children("stt.flux")[:2] == ["model", "eot_threshold"]


UNITS = {
    "s": "seconds",
    "ms": "milliseconds",
    "probability": "probability",
    "factor": "factor",
    "words": "words",
    "attempts": "how many early starts",
}
NUMBERS = sorted(path for path, field in SCHEMA.fields.items() if field.unit)


@pytest.mark.parametrize("path", NUMBERS)
def test_number_description_has_unit_and_effects_of_bounds(path: str) -> None:
    """The description of a number has the effect on a caller at both ends."""
    field = SCHEMA.fields[path]
    said = field.schema["description"].lower()
    assert UNITS[field.unit] in said
    assert ("too low" in said and "too high" in said) or "no value" in said


def test_pattern_has_error_message() -> None:
    """No editor answers with a regular expression."""
    silent = [node for node in nodes() if "pattern" in node and "errorMessage" not in node]
    assert silent == []


def test_every_enum_value_has_description() -> None:
    """Editors show it beside the word."""
    enums = [node for node in nodes() if "enum" in node]
    assert [len(node["enumDescriptions"]) for node in enums] == [
        len(node["enum"]) for node in enums
    ]


def test_section_is_titled_with_its_path() -> None:
    """Editors show the title of the section above the text of a field."""
    assert {path: section(path)["title"] for path in SCHEMA.sections} == {
        path: path for path in SCHEMA.sections
    }


def test_policy_offers_every_field_and_section() -> None:
    """The list of fields that metadata may change is complete."""
    items = section("overrides")["properties"]["allow"]["items"]
    offered = [snippet["bodyText"] for snippet in items["defaultSnippets"]]
    assert sorted(offered) == sorted(['"*"', *SCHEMA.sections, *SCHEMA.fields])


def section(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TEXT)
    for key in path.split("."):
        found = found["properties"][key]
    return found


def nodes(schema: Any = None) -> Iterator[dict[str, Any]]:
    """A schema and every schema in it."""
    node = schema or json.loads(TEXT)
    yield node
    inner = [*node.get("properties", {}).values(), node.get("items")]
    for one in [*inner, node.get("additionalProperties")]:
        if one:
            yield from nodes(one)


@pytest.mark.parametrize("section", ["", "turn_handling", "stt"])
@pytest.mark.parametrize("name", FORMER_NAMES)
def test_former_name_gets_the_field_of_today_as_a_hint(name: str, section: str) -> None:
    """Wherever it stands, and not a field that only sounds like it."""
    field = FORMER_NAMES[name]
    if field == f"{section}.{name}":
        return
    document = {section: {name: 1}} if section else {name: 1}
    named = [p for p in SCHEMA.document_problems(document) if p.code == "unknown-field"]
    if f"{section}.{name}".strip(".") in SCHEMA.sections:
        assert named == []  # the section has that name today
        return
    assert [p.hint for p in named] == [f"did you mean {field}?"]
    assert SCHEMA.unknown(f"{section}.{name}".strip(".")).hint == f"did you mean {field}?"
