"""Metadata: what it asks for, whatever it is."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

import timing_profiles
from timing_profiles.problems import Problem, ProfilesError, quoted
from timing_profiles.resolution import request
from timing_profiles.resolution.request import FLAT_NAMES, MAX_BYTES, Request

CLIENTS = Path(__file__).parents[1] / "docs" / "clients.md"

TOO_LARGE = "participant: metadata: is longer than 65536 bytes"
NOT_JSON = "participant: metadata: is not JSON: "
UNTERMINATED = f"{NOT_JSON}Unterminated string starting at character"
TOO_DEEP = "participant: metadata: is nested deeper than 32"


def read(metadata: object) -> Request:
    text = json.dumps(metadata) if isinstance(metadata, Mapping) else metadata
    return request.read(text, "participant")


def problems(metadata: object) -> list[tuple[str, str]]:
    return [(problem.code, str(problem)) for problem in read(metadata).problems]


def test_profile_and_overrides_are_read() -> None:
    """The form of the README: a name, and values nested as in a profile file."""
    overrides = {"turn_handling": {"endpointing": {"min_delay": 1.5}}}
    assert read({"profile": "patient", "overrides": overrides}) == Request(
        "participant", "patient", {}, overrides
    )


def test_flat_names_are_read() -> None:
    """The form of clients that exist already."""
    metadata = {"profile": "patient", "endpointing_ms": 800, "min_endpointing_delay": 0.8}
    assert read(metadata) == Request(
        "participant",
        "patient",
        {"stt.nova.endpointing_ms": 800, "turn_handling.endpointing.min_delay": 0.8},
    )


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("endpointing_ms", "stt.nova.endpointing_ms"),
        ("min_endpointing_delay", "turn_handling.endpointing.min_delay"),
        ("max_endpointing_delay", "turn_handling.endpointing.max_delay"),
        ("allow_interruptions", "turn_handling.interruption.enabled"),
        (
            "discard_audio_if_uninterruptible",
            "turn_handling.interruption.discard_audio_if_uninterruptible",
        ),
        ("min_interruption_duration", "turn_handling.interruption.min_duration"),
        ("min_interruption_words", "turn_handling.interruption.min_words"),
        ("false_interruption_timeout", "turn_handling.interruption.false_interruption_timeout"),
        (
            "agent_false_interruption_timeout",
            "turn_handling.interruption.false_interruption_timeout",
        ),
        ("resume_false_interruption", "turn_handling.interruption.resume_false_interruption"),
        ("preemptive_generation", "turn_handling.preemptive_generation.enabled"),
        ("turn_detection", "turn_handling.turn_detection"),
        ("eot_threshold", "stt.flux.eot_threshold"),
        ("eager_eot_threshold", "stt.flux.eager_eot_threshold"),
        ("eot_timeout_ms", "stt.flux.eot_timeout_ms"),
        ("user_away_timeout", "session.user_away_timeout"),
        ("aec_warmup_duration", "session.aec_warmup_duration"),
        ("min_consecutive_speech_delay", "session.min_consecutive_speech_delay"),
        ("transcription_timeout", "session.transcription_timeout"),
        ("session_close_transcript_timeout", "session.session_close_transcript_timeout"),
        ("endpointingMs", "stt.nova.endpointing_ms"),
        ("minEndpointingDelay", "turn_handling.endpointing.min_delay"),
        ("allowInterruptions", "turn_handling.interruption.enabled"),
        ("eagerEotThreshold", "stt.flux.eager_eot_threshold"),
        ("userAwayTimeout", "session.user_away_timeout"),
    ],
)
def test_flat_name_means_todays_field(name: str, path: str) -> None:
    """Each keyword that clients send reaches its field, unjudged."""
    assert FLAT_NAMES[name] == path
    assert read({name: ["any", {"value": None}]}).flat == {path: ["any", {"value": None}]}


def test_documentation_lists_the_flat_names() -> None:
    """The table has exactly what is read: no other key is taken from an application."""
    section = (
        CLIENTS.read_text(encoding="utf-8").partition("## Flat names")[2].partition("\n## ")[0]
    )
    rows = [re.findall(r"`([^`]+)`", row) for row in section.splitlines() if row.startswith("| `")]
    assert {name: field for *names, field in rows for name in names} == dict(FLAT_NAMES)
    assert sum(len(names) for *names, _ in rows) == len(FLAT_NAMES)


@pytest.mark.parametrize("name", [name for name in FLAT_NAMES if "_" in name])
def test_snake_case_wins_over_camel_case(name: str) -> None:
    """In whichever order they come."""
    first, *others = name.split("_")
    metadata = {name: 1, first + "".join(map(str.title, others)): 2}
    assert read(metadata).flat == read(dict(reversed(metadata.items()))).flat
    assert read(metadata).flat == {FLAT_NAMES[name]: 1}


@pytest.mark.parametrize("newer", ["false_interruption_timeout", "falseInterruptionTimeout"])
def test_newer_of_two_former_names_wins(newer: str) -> None:
    """`agent_false_interruption_timeout` was renamed; the newer name counts."""
    metadata = {newer: 1, "agent_false_interruption_timeout": 2}
    path = "turn_handling.interruption.false_interruption_timeout"
    assert read(metadata).flat == read(dict(reversed(metadata.items()))).flat == {path: 1}


def test_request_under_timing_is_all_that_is_read() -> None:
    """An application whose own keys are called as ours keeps the request under `timing`."""
    own = {"profile": "a name of its own", "overrides": [1], "endpointing_ms": "soon"}
    request = {"profile": "patient", "overrides": {"tts": {"speed": 0.9}}, "endpointing_ms": 800}
    assert read({**own, "timing": request}) == read(request)
    assert read({**own, "timing": {}}) == Request("participant")


@pytest.mark.parametrize("own", [None, "fast", 5, True, ["patient"]])
def test_timing_that_is_not_an_object_is_ignored(own: object) -> None:
    """It is the application's own: the keys beside it are read."""
    assert read({"timing": own, "profile": "patient"}) == Request("participant", "patient")


def test_request_within_a_request_is_ignored() -> None:
    """Only the outer object is ours."""
    assert read({"timing": {"timing": {"profile": "patient"}}}) == Request("participant")


def test_environment_names_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """In every layer; `timing` is then the application's own."""
    monkeypatch.setenv("TIMING_METADATA_KEY", "voice.timing")
    metadata = json.dumps({"timing": {"profile": "x"}, "voice.timing": {"profile": "patient"}})
    found = request.layers(None, metadata, metadata, None, metadata)
    assert [layer.profile for layer in found] == [None, "patient", "patient", None, "patient"]


@pytest.mark.parametrize("key", ["profile", "overrides", "endpointing_ms", " timing", "timing\n"])
def test_key_that_holds_no_request_is_reported(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker does not start with it; where one runs nevertheless, `timing` is read."""
    monkeypatch.setenv("TIMING_METADATA_KEY", key)
    reasons = {
        True: "is a key of a request; name a key that only holds requests",
        False: "begins or ends with a space",
    }
    message = f"TIMING_METADATA_KEY: {quoted(key)} {reasons[key == key.strip()]}"
    assert [str(problem) for problem in request.metadata_key_problems()] == [message]
    with pytest.raises(ProfilesError) as raised:
        timing_profiles.resolve("{}")
    assert str(raised.value) == message
    assert read({"timing": {"profile": "patient"}}) == Request("participant", "patient")


def test_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with every variable of this library."""
    monkeypatch.setenv("TIMING_METADATA_KEY", "")
    assert list(request.metadata_key_problems()) == []
    assert read({"timing": {"profile": "patient"}}).profile == "patient"


def test_keys_of_the_application_are_ignored() -> None:
    """Applications keep their own data beside ours, of any shape."""
    assert read({"customer": {"endpointing_ms": 9}, "name": "Ann", "Profile": "x"}) == Request(
        "participant"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "patient",
        "[1, 2]",
        '"{}"',
        "null",
        "<xml/>",
        "\ufeff{}",
        "\u00a0{}",
        "a{",
        "[" * 100_000,
        "x" * (MAX_BYTES + 1),
    ],
    ids=lambda text: text[:8] or "empty",
)
def test_text_that_does_not_begin_with_a_brace_is_not_ours(text: str) -> None:
    """Metadata in another format belongs to the application: no profile, and no problem."""
    assert read(text) == Request("participant")


@pytest.mark.parametrize(
    "metadata",
    [None, MagicMock(), 5, b'{"profile": "x"}', ["profile"]],
    ids=["none", "mock-of-the-console", "number", "bytes", "list"],
)
def test_metadata_that_is_not_text_is_ignored(metadata: object) -> None:
    """A console session has a mock for its metadata."""
    assert request.read(metadata, "room") == Request("room")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "{",
            "is not JSON: Expecting property name enclosed in double quotes at character 2",
            id="cut",
        ),
        pytest.param('{"a": 1} x', "is not JSON: Extra data at character 10", id="extra"),
        pytest.param(
            '{"a": \x01}', "is not JSON: Expecting value at character 7", id="control-character"
        ),
        pytest.param(
            '{"a": "\n"}',
            "is not JSON: Invalid control character at character 8",
            id="line-break",
        ),
        pytest.param(
            '{"a": "b}',
            "is not JSON: Unterminated string starting at character 7",
            id="open-quote",
        ),
        pytest.param('{"a": NaN}', "is not JSON: NaN is not a JSON number", id="nan"),
        pytest.param(
            '{"a": -Infinity}', "is not JSON: -Infinity is not a JSON number", id="infinity"
        ),
        pytest.param('{"a": 1, "a": 2}', "gives a key twice", id="duplicate-key"),
        pytest.param('{"x": [{"a": 1, "a": 2}]}', "gives a key twice", id="nested-duplicate-key"),
        pytest.param(
            '{"a": ' + "9" * 5000 + "}", "is not JSON: a number is too long", id="huge-number"
        ),
        pytest.param(
            '{"a": ' + "[" * 32 + "]" * 32 + "}", "is nested deeper than 32", id="33-levels"
        ),
    ],
)
def test_unreadable_text_is_a_problem(text: str, message: str) -> None:
    """The problem has the reason, and nothing of the metadata is used."""
    problem = Problem("metadata-invalid", message, "metadata", "participant")
    assert read(text) == Request("participant", problems=(problem,))


def test_nesting_of_32_is_read() -> None:
    """An application's own data may nest, and brackets in its texts do not count."""
    text = '{"profile": "x", "a": ' + "[" * 31 + "]" * 31 + ', "b": "' + r"[{\"" * 100 + '"}'
    assert read(text) == Request("participant", "x")


def test_data_may_be_broad() -> None:
    """A list of a thousand small objects is not deep."""
    rows = [{"row": [n]} for n in range(1_000)]
    assert read({"profile": "x", "rows": rows}) == Request("participant", "x")


@pytest.mark.parametrize("filler", ["x", "ä"])
def test_64_kib_is_the_most_that_is_read(filler: str) -> None:
    """The limit counts bytes: 65,536 are read, one more is not."""
    head, tail = '{"profile": "p", "a": "', '"}'
    room = MAX_BYTES - len(head) - len(tail)
    fits = f"{head}{(filler * room).encode()[: room // 2 * 2].decode()}{tail}"
    fits += " " * (MAX_BYTES - len(fits.encode()))
    assert read(fits) == Request("participant", "p")
    assert problems(f"{fits} ") == [("metadata-too-large", TOO_LARGE)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{"a":' * 100_000, ("metadata-too-large", TOO_LARGE), id="100000-levels"),
        pytest.param('{"a": "' + "x" * 524_288, ("metadata-too-large", TOO_LARGE), id="512-kib"),
        pytest.param('{"a":' * 13_000, ("metadata-invalid", TOO_DEEP), id="objects"),
        pytest.param('{"a":' + "[" * 65_000, ("metadata-invalid", TOO_DEEP), id="brackets"),
        pytest.param('{"a":[[]' + (",[]" * 20_000) + "]}", None, id="lists"),
        pytest.param('{"a":[{}' + (",{}" * 20_000) + "]}", None, id="empty-objects"),
        pytest.param(
            '{"a":"' + '\\"' * 32_000 + "[", ("metadata-invalid", f"{UNTERMINATED} 6"), id="escapes"
        ),
        pytest.param(
            '{"' + "{" * 65_000, ("metadata-invalid", f"{UNTERMINATED} 2"), id="braces-in-a-key"
        ),
        pytest.param(
            '{"a":' + "1" * 65_000 + "}",
            ("metadata-invalid", f"{NOT_JSON}a number is too long"),
            id="digits",
        ),
        pytest.param('{"a":0.' + "1" * 65_000 + "}", None, id="decimals"),
    ],
)
def test_hostile_text_is_refused_or_ignored(text: str, expected: tuple[str, str] | None) -> None:
    """However it is built; `make fuzz` holds what it may cost."""
    assert problems(text) == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "[] is not a mapping of fields"),
        ("vad", '"vad" is not a mapping of fields'),
        (5, "5 is not a mapping of fields"),
        (False, "false is not a mapping of fields"),
    ],
)
def test_overrides_that_are_not_a_mapping_are_a_problem(overrides: object, message: str) -> None:
    """All other metadata applies."""
    problem = Problem("override-type", message, "overrides", "participant")
    found = read({"profile": "p", "endpointing_ms": 9, "overrides": overrides})
    assert found == Request("participant", "p", {"stt.nova.endpointing_ms": 9}, {}, (problem,))


def test_null_is_not_a_request() -> None:
    """A client may send null for a field that it does not set, without a problem."""
    assert read({"profile": None, "overrides": None}) == Request("participant")


def test_infinity_by_way_of_an_exponent_is_read() -> None:
    """`1e999` is JSON; the bounds of its field refuse it."""
    assert read('{"endpointing_ms": 1e999}').flat == {"stt.nova.endpointing_ms": float("inf")}


@pytest.mark.parametrize("origin", ["application", "room", "dispatch", "participant"])
def test_problem_names_its_layer(origin: request.Origin) -> None:
    """The log shows which metadata has the problem."""
    (problem,) = request.read("{", origin).problems
    assert problem.file == origin


def test_layers_are_in_order_of_precedence() -> None:
    """Application, room, dispatch, participant; its attribute is below its metadata."""
    attributes = {"timing.profile": "from-sip", "other": "x"}
    found = request.layers("brisk", "{}", '{"profile": "patient"}', attributes, "{")
    assert [(layer.origin, layer.profile) for layer in found] == [
        ("application", "brisk"),
        ("room", None),
        ("dispatch", "patient"),
        ("participant", "from-sip"),
        ("participant", None),
    ]
    assert [problem.file for layer in found for problem in layer.problems] == ["participant"]
    assert request.layers(attributes={"timing.profile": ""}) == request.layers()


@pytest.mark.parametrize("key", ["endpointing_ms", "overrides"])
def test_true_is_another_request_than_1(key: str) -> None:
    """A client that corrects `true` to `1` has requested something else (Python: True == 1)."""
    wrong, right = (read({key: {"stt": value}}) for value in (True, 1))
    assert wrong != right
    assert wrong == read({key: {"stt": True}, "customer": "Ann"})
    assert read({}) != {}


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
OURS = st.dictionaries(st.sampled_from(["profile", "overrides", *FLAT_NAMES]), JSON)


@given(st.one_of(st.text(), st.text().map("{{{}".format), OURS.map(json.dumps), JSON))
def test_any_metadata_is_a_request(metadata: object) -> None:
    """Any text, and any other type, is a request; a refused text requests nothing."""
    found = request.read(metadata, "participant")
    assert isinstance(found, Request)
    if any(problem.path == "metadata" for problem in found.problems):
        assert found == Request("participant", problems=found.problems)
