"""The JSON Schema of what a client may send, and that a worker agrees with it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema.validators import Draft202012Validator

from timing_profiles.authoring.metadata_schema import metadata_schema
from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem
from timing_profiles.profile import Layer, Profile, overlay
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.request import FLAT_NAMES
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import rules

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "schema.json").read_text()
SCHEMA = Schema(TEXT)
STARTERS = catalog.load(ROOT / "profiles")
DEFAULT_YAML = (ROOT / "profiles" / "default.yaml").read_text()

ENDPOINTING = "stt.nova.endpointing_ms"
UTTERANCE_END = "stt.nova.utterance_end_ms"
ENGINE = "stt.engine"
EOT = "stt.flux.eot_threshold"
EAGER = "stt.flux.eager_eot_threshold"
SILENCE = "vad.min_silence_duration"
ACTIVATION = "vad.activation_threshold"
DEACTIVATION = "vad.deactivation_threshold"
DETECTION = "turn_handling.turn_detection"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
SPEED = "tts.speed"
THRESHOLD = "turn_detector.unlikely_threshold"
HINT = "stt.flux.language_hint"

# What endpointing_ms may not be: neither off nor sensible.
GAP = {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 10}

# What metadata may choose from.
DETECTIONS = ["turn_detector", "stt", "vad", "realtime_llm"]

WITHOUT_STT = ["turn_detector", "vad", "realtime_llm"]

# As the documentation shows them.
DOCUMENTED = (
    '{"profile": "patient", "overrides": {"turn_handling": {"endpointing": {"min_delay": 1.5}}}}',
    '{"profile": "patient", "endpointing_ms": 800, "min_endpointing_delay": 0.8}',
)


Sets = Mapping[str, tuple[Mapping[str, Any], tuple[str, ...]]]
"""What each profile sets, and what metadata may change of it."""


def made_of(sets: Sets, schema: Schema = SCHEMA) -> Catalog:
    """A set of these profiles, and of default."""
    layers = {
        name: Layer(
            name,
            {**STARTERS.layers["default"].sets, **own} if name == "default" else own,
            dict.fromkeys(SCHEMA.fields, f"{name}.yaml"),
            extends=None if name == "default" else "default",
            allow=allow,
        )
        for name, (own, allow) in {"default": ({}, ()), **sets}.items()
    }
    return replace(STARTERS, layers=layers, schema=schema)


def with_policies(policies: Mapping[str, tuple[str, ...]]) -> Catalog:
    """A set of profiles that differ only in what metadata may change."""
    return made_of({name: ({}, allow) for name, allow in policies.items()})


def accepts(schema: Mapping[str, Any], metadata: object) -> bool:
    return bool(Draft202012Validator(schema).is_valid(metadata))


def profile(profiles: Catalog, name: str) -> Profile:
    found = profiles.profile(name)
    assert found is not None
    return found


def allowed(profile: Profile) -> list[str]:
    return [path for path in SCHEMA.fields if profile.allows(path)]


def resolve(profiles: Catalog, metadata: object) -> Settings:
    """What a worker makes of metadata that a participant sends."""
    return settings.resolve(profiles, [request.read(json.dumps(metadata), "participant")])


def overriding(path: str, value: object, **beside: object) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return {**beside, "overrides": value}


def field(schema: Mapping[str, Any], path: str) -> dict[str, Any]:
    """What a schema says of an override."""
    found: Any = schema["properties"]["overrides"]
    for key in path.split("."):
        found = found["properties"][key]
    assert isinstance(found, dict)
    return found


def said(path: str) -> str:
    return str(SCHEMA.fields[path].schema["description"])


def inner(path: str, keyword: str) -> dict[str, Any]:
    """What is said of the items or the entries of a field, without what is said to editors."""
    found = SCHEMA.fields[path].schema[keyword]
    return {key: value for key, value in found.items() if key != "errorMessage"}


def section(name: str) -> str:
    """The description of a section in the schema of a profile."""
    found = json.loads(TEXT)
    for key in name.split("."):
        found = found["properties"][key]
    return str(found["description"])


@pytest.mark.parametrize("metadata", DOCUMENTED)
@pytest.mark.parametrize("name", [None, "patient"])
def test_documented_metadata_is_accepted(metadata: str, name: str | None) -> None:
    """The metadata that the documentation shows fits the schema, and the worker."""
    assert accepts(metadata_schema(STARTERS, name), json.loads(metadata))
    assert resolve(STARTERS, json.loads(metadata)).problems == ()


def test_starter_profiles_need_no_conditions() -> None:
    """They share one policy, and a form generator draws properties without conditions best."""
    schema = metadata_schema(STARTERS)
    assert "allOf" not in schema
    assert schema["properties"]["profile"]["enum"] == STARTERS.names()


HEAD = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Timing of a call",
    "description": "Metadata that a client may send. Keys that are not named here are the "
    "application's own, and are ignored.",
    "type": "object",
}
ONE_FORM = {
    "if": {"properties": {"timing": {"type": "object"}}, "required": ["timing"]},
    "then": {
        "properties": {"timing": {"$ref": "#"}},
        "propertyNames": {"not": {"enum": ["profile", "overrides", *FLAT_NAMES]}},
    },
}
PROFILE = {
    "title": "Profile",
    "description": "The named timing of the call; default where none is named.",
    "type": "string",
}
OVERRIDES = {
    "title": "Overrides",
    "description": "What this call changes on top of its profile.",
    "type": "object",
    "additionalProperties": False,
}
SPEED_SECTION = {
    "tts": {
        "title": "TTS",
        "description": section("tts"),
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "speed": {
                "title": "Speed (factor)",
                "description": said(SPEED),
                "anyOf": [
                    {"title": "Number", "type": "number", "minimum": 0.7, "maximum": 1.5},
                    {"title": "Off", "type": "null", "const": None},
                ],
                "examples": SCHEMA.fields[SPEED].schema["examples"],
            },
        },
    }
}
ENDPOINTING_FIELD = {
    "title": "Endpointing (ms)",
    "description": said(ENDPOINTING),
    "type": "integer",
    "minimum": 0,
    "maximum": 10000,
    "examples": SCHEMA.fields[ENDPOINTING].schema["examples"],
    "not": GAP,
}
ENDPOINTING_SECTION = {
    "stt": {
        "title": "STT",
        "description": section("stt"),
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "nova": {
                "title": "Nova",
                "description": section("stt.nova"),
                "type": "object",
                "additionalProperties": False,
                "properties": {"endpointing_ms": ENDPOINTING_FIELD | {"default": 25}},
            }
        },
    }
}
ENDPOINTING_FLAT = ENDPOINTING_FIELD | {
    "description": "stt.nova.endpointing_ms, for clients that send this name; "
    "overrides win over it.",
    "deprecated": True,
}


def test_profiles_with_one_policy_make_a_plain_schema(tmp_path: Path) -> None:
    """Names as an enum, the allowed fields alone, and a default where the profiles agree."""
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    policy = "overrides: {allow: [tts.speed, stt.nova.endpointing_ms]}\n"
    head, _, tail = DEFAULT_YAML.partition("overrides:\n")
    (profiles / "default.yaml").write_text(head + policy + tail[tail.index("stt:") :])
    (profiles / "slow.yaml").write_text("tts: {speed: 0.9}\n")
    assert metadata_schema(catalog.load(profiles)) == {
        **HEAD,
        **ONE_FORM,
        "properties": {
            "profile": {**PROFILE, "enum": ["default", "slow"], "default": "default"},
            "overrides": {**OVERRIDES, "properties": ENDPOINTING_SECTION | SPEED_SECTION},
            "endpointing_ms": ENDPOINTING_FLAT,
            "endpointingMs": ENDPOINTING_FLAT,
        },
        "propertyNames": {
            "not": {"enum": [name for name, path in FLAT_NAMES.items() if path != ENDPOINTING]}
        },
    }


def test_each_policy_is_a_condition_where_policies_differ() -> None:
    """The fields go with the profile that is named; with none, they are those of default."""
    profiles = with_policies({"default": (SPEED,), "shy": (), "still": (), "talker": ("tts",)})
    speed = {"tts": json.loads(json.dumps(SPEED_SECTION["tts"]))}
    speed["tts"]["properties"]["speed"]["default"] = None
    flat = {"propertyNames": {"not": {"enum": list(FLAT_NAMES)}}}
    assert metadata_schema(profiles) == {
        **HEAD,
        **ONE_FORM,
        "properties": {
            "profile": {
                **PROFILE,
                "enum": ["default", "shy", "still", "talker"],
                "default": "default",
            }
        },
        "allOf": [
            {
                "if": {"properties": {"profile": {"enum": ["default", "talker"]}}},
                "then": {"properties": {"overrides": {**OVERRIDES, "properties": speed}}, **flat},
            },
            {
                "if": {
                    "properties": {"profile": {"enum": ["shy", "still"]}},
                    "required": ["profile"],
                },
                "then": {"properties": {"overrides": {**OVERRIDES, "properties": {}}}, **flat},
            },
        ],
    }


def test_schema_of_one_profile_asks_for_its_name() -> None:
    """Metadata that names no profile would be judged by the policy of default."""
    profiles = with_policies({"closed": (), "talker": (SPEED,)})
    schema = metadata_schema(profiles, "talker")
    talker = Layer("talker", {SPEED: 0.9}, {}, extends="default", allow=(SPEED,))
    assert schema == {
        **HEAD,
        **ONE_FORM,
        "else": {"properties": {"profile": {}}, "required": ["profile"]},
        "properties": {
            "profile": {**PROFILE, "enum": ["talker"], "default": "talker"},
            "overrides": {
                **OVERRIDES,
                "properties": {"tts": schema["properties"]["overrides"]["properties"]["tts"]},
            },
        },
        "propertyNames": {"not": {"enum": list(FLAT_NAMES)}},
    }
    assert field(schema, SPEED)["default"] is None
    slower = replace(profiles, layers={**profiles.layers, "talker": talker})
    assert field(metadata_schema(slower, "talker"), SPEED)["default"] == 0.9


def test_schema_of_default_does_without_its_name() -> None:
    """`default` is in force where none is named."""
    schema = metadata_schema(STARTERS, "default")
    assert "else" not in schema
    assert accepts(schema, {})
    assert accepts(schema, {"profile": "default"})
    assert not accepts(schema, {"profile": "patient"})


def test_unknown_profile_has_no_schema() -> None:
    """The name is the caller's of this function to check."""
    with pytest.raises(KeyError, match="zzz"):
        metadata_schema(STARTERS, "zzz")


@pytest.mark.parametrize("key", ["timing", "voice"])
@pytest.mark.parametrize("name", [None, "patient"])
def test_request_under_a_key_is_judged(
    key: str, name: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fits the same schema; beside it, nothing of ours may stand, which would not be read."""
    monkeypatch.setenv("TIMING_METADATA_KEY", key)
    schema = metadata_schema(STARTERS, name)
    request = overriding("turn_handling.endpointing.min_delay", 1.5, profile="patient")
    assert accepts(schema, {key: request, "customer": {"name": "Ann"}})
    assert resolve(STARTERS, {key: request}).problems == ()
    assert not accepts(schema, {key: {**request, "profile": "ptient"}})
    assert not accepts(
        schema, {key: overriding("turn_handling.endpointing.min_delay", 99, profile="patient")}
    )
    for ours in (request, {"profile": "patient"}, {"endpointing_ms": 400}):
        assert not accepts(schema, {key: request, **ours})
    assert accepts(schema, {key: "no object", "profile": "patient"})


def test_request_under_a_key_of_two_policies_is_judged_by_its_own() -> None:
    """The conditions hold within the object."""
    schema = metadata_schema(with_policies({"default": (), "talker": (SPEED,)}))
    assert accepts(schema, {"timing": overriding(SPEED, 0.9, profile="talker")})
    assert not accepts(schema, {"timing": overriding(SPEED, 0.9)})


def test_keys_of_the_application_are_accepted() -> None:
    """Applications keep their own data beside ours; within `overrides` all is ours."""
    schema = metadata_schema(STARTERS)
    assert accepts(schema, {"customer": {"endpointing_ms": 9}, "name": "Ann", "Profile": 5})
    assert not accepts(schema, {"overrides": {"customer": 1}})


@pytest.mark.parametrize("name", [None, *STARTERS.names()])
def test_schema_is_one(name: str | None) -> None:
    """It is a valid schema of draft 2020-12, and JSON."""
    schema = metadata_schema(STARTERS, name)
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema, allow_nan=False)) == schema


def test_schema_holds_no_keyword_of_ours_or_of_an_editor() -> None:
    """A strict validator refuses a schema with keywords that it does not know."""
    everything = with_policies({"default": ("*",)})
    assert keywords(metadata_schema(everything)) == {
        *("$schema", "title", "description", "default", "examples", "deprecated"),
        *("type", "enum", "const", "anyOf", "not", "properties", "additionalProperties"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("pattern", "items", "minItems", "maxItems"),
        *("if", "then", "required", "propertyNames", "$ref"),
    }


def keywords(schema: Any) -> set[str]:
    found: set[str] = set()
    for keyword, inner in schema.items() if isinstance(schema, dict) else ():
        found.add(keyword)
        if keyword in {"items", "additionalProperties", "not", "if", "then", "propertyNames"}:
            found |= keywords(inner)
        if keyword in {"properties", "anyOf"}:
            for each in inner.values() if isinstance(inner, dict) else inner:
                found |= keywords(each)
    return found


def test_schema_is_the_callers_own() -> None:
    """Whoever changes it changes neither the profiles nor the next schema."""
    first = metadata_schema(STARTERS, "default")
    before = json.dumps(first)
    boundary = "turn_handling.interruption.backchannel_boundary"
    for path in (boundary, SILENCE):
        field(first, path)["examples"].append("changed")
    field(first, boundary)["default"].append("changed")
    field(first, boundary)["anyOf"][1]["items"]["minimum"] = "changed"
    assert json.dumps(metadata_schema(STARTERS, "default")) == before


def test_policies_that_are_spelled_differently_are_one() -> None:
    """A section is the same policy as all of its fields."""
    vad = tuple(path for path in SCHEMA.fields if path.startswith("vad."))
    schema = metadata_schema(with_policies({"default": ("vad",), "same": vad[::-1]}))
    assert "allOf" not in schema
    assert schema["properties"]["profile"]["enum"] == ["default", "same"]


def test_section_shows_only_the_fields_that_are_allowed() -> None:
    """A section without any is left out, and so is everything where nothing is allowed."""
    schema = metadata_schema(with_policies({"default": (SILENCE, "session.user_away_timeout")}))
    sections = schema["properties"]["overrides"]["properties"]
    assert {name: list(inner["properties"]) for name, inner in sections.items()} == {
        "vad": ["min_silence_duration"],
        "session": ["user_away_timeout"],
    }
    closed = metadata_schema(with_policies({}))
    assert closed["properties"]["overrides"]["properties"] == {}


def test_manual_is_never_offered() -> None:
    """Metadata cannot ask for an agent that never answers, also where a profile has one."""
    profiles = made_of({"default": ({DETECTION: "manual"}, (DETECTION,))})
    schema = metadata_schema(profiles)
    assert field(schema, DETECTION)["enum"] == DETECTIONS
    assert "default" not in field(schema, DETECTION)
    assert schema["properties"]["turn_detection"]["enum"] == field(schema, DETECTION)["enum"]


NUMBER = {"title": "Number", "type": "number"}
AUTOMATIC = {"title": "Automatic", "type": "string", "const": "auto"}
OFF = {"title": "Off", "type": "null", "const": None}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param(
            "session.aec_warmup_duration",
            {
                "title": "AEC warmup duration (s)",
                "anyOf": [NUMBER | {"minimum": 0, "maximum": 30}, OFF, AUTOMATIC],
                "default": "auto",
            },
            id="number-off-automatic",
        ),
        pytest.param(
            THRESHOLD,
            {
                "title": "Unlikely threshold (probability)",
                "anyOf": [
                    NUMBER | {"minimum": 0, "maximum": 1},
                    {
                        "title": "Mapping",
                        "type": "object",
                        "additionalProperties": inner(THRESHOLD, "additionalProperties"),
                    },
                    AUTOMATIC,
                ],
                "default": "auto",
            },
            id="mapping",
        ),
        pytest.param(
            HINT,
            {
                "title": "Language hint",
                "anyOf": [
                    {
                        "title": "List",
                        "type": "array",
                        "items": inner(HINT, "items"),
                        "minItems": 1,
                    },
                    AUTOMATIC,
                ],
                "default": "auto",
            },
            id="list",
        ),
        pytest.param(
            "turn_handling.user_turn_limit.max_words",
            {
                "title": "Max words",
                "anyOf": [
                    {"title": "Number", "type": "integer", "minimum": 1, "maximum": 10000},
                    OFF,
                ],
                "default": None,
            },
            id="integer",
        ),
        pytest.param(
            "turn_handling.preemptive_generation.preemptive_tts",
            {"title": "Preemptive TTS", "type": "boolean", "default": False},
            id="boolean",
        ),
        pytest.param(
            "stt.nova.language",
            {
                "title": "Language",
                "type": "string",
                "pattern": "^(multi|[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)$",
                "default": "en-US",
            },
            id="text",
        ),
        pytest.param(
            "stt.flux.eot_timeout_ms",
            {
                "title": "EOT timeout (ms)",
                "anyOf": [
                    {"title": "Number", "type": "integer", "minimum": 500, "maximum": 10000},
                    AUTOMATIC,
                ],
                "default": "auto",
            },
            id="milliseconds",
        ),
    ],
)
def test_field_has_the_data_of_a_settings_page(path: str, expected: Mapping[str, Any]) -> None:
    """A title from name and unit, the text, one control for each kind of value, the default."""
    found = field(metadata_schema(with_policies({"default": ("*",)})), path)
    facts = SCHEMA.fields[path].schema
    assert found == {**expected, **{key: facts[key] for key in ("description", "examples")}}


@pytest.mark.parametrize(
    ("sets", "allow", "path", "expected"),
    [
        pytest.param({}, MIN_DELAY, MIN_DELAY, {"maximum": 2.5}, id="min-delay"),
        pytest.param({}, MAX_DELAY, MAX_DELAY, {"minimum": 0.3}, id="max-delay"),
        pytest.param({}, SILENCE, SILENCE, {"minimum": 0.25}, id="silence"),
        pytest.param({DETECTION: "vad"}, SILENCE, SILENCE, {"minimum": 0.05}, id="no-detector"),
        pytest.param({}, ACTIVATION, ACTIVATION, {"minimum": 0.05}, id="automatic"),
        pytest.param(
            {DEACTIVATION: 0.4}, ACTIVATION, ACTIVATION, {"minimum": 0.4}, id="activation"
        ),
        pytest.param(
            {},
            DEACTIVATION,
            DEACTIVATION,
            {"anyOf": [NUMBER | {"minimum": 0.01, "maximum": 0.5}, AUTOMATIC]},
            id="deactivation",
        ),
        pytest.param(
            {},
            EAGER,
            EAGER,
            {"anyOf": [NUMBER | {"minimum": 0.3, "maximum": 0.7}, OFF]},
            id="eager",
        ),
        pytest.param(
            {EAGER: 0.6},
            EOT,
            EOT,
            {"anyOf": [NUMBER | {"minimum": 0.6, "maximum": 0.9}, AUTOMATIC]},
            id="end-of-turn",
        ),
        pytest.param(
            {EAGER: 0.8, EOT: 0.9},
            EOT,
            EOT,
            {"anyOf": [NUMBER | {"minimum": 0.8, "maximum": 0.9}]},
            id="end-of-turn-not-automatic",
        ),
        pytest.param(
            {SILENCE: 0.1, DETECTION: "vad"},
            DETECTION,
            DETECTION,
            {"enum": ["stt", "vad", "realtime_llm"]},
            id="no-silence-for-the-detector",
        ),
        pytest.param({DETECTION: "stt"}, ENDPOINTING, ENDPOINTING, {"minimum": 10}, id="never-off"),
        pytest.param(
            {DETECTION: "stt", ENDPOINTING: 0, UTTERANCE_END: 1000},
            UTTERANCE_END,
            UTTERANCE_END,
            {"anyOf": [{"title": "Number", "type": "integer", "minimum": 1000, "maximum": 10000}]},
            id="something-ends-a-turn",
        ),
        pytest.param(
            {DETECTION: "stt", ENDPOINTING: 0, ENGINE: "flux"},
            ENGINE,
            ENGINE,
            {"enum": ["flux"]},
            id="engine",
        ),
    ],
)
def test_rule_with_one_field_to_change_is_a_bound(
    sets: Mapping[str, Any], allow: str, path: str, expected: Mapping[str, Any]
) -> None:
    """The profile's value on one side of a rule bounds the other side."""
    found = field(metadata_schema(made_of({"default": (sets, (allow,))})), path)
    assert {keyword: found[keyword] for keyword in expected} == expected


def test_choice_that_another_field_makes_good_is_offered() -> None:
    """Off alone would be refused; with the other field of the same metadata it is fine."""
    profiles = made_of({"default": ({DETECTION: "stt"}, (ENDPOINTING, UTTERANCE_END))})
    schema = metadata_schema(profiles)
    metadata = overriding(UTTERANCE_END, 1000, endpointing_ms=0)
    assert field(schema, ENDPOINTING)["minimum"] == 0
    assert accepts(schema, metadata)
    assert resolve(profiles, metadata).problems == ()


def test_rule_with_two_fields_to_change_bounds_neither() -> None:
    """A schema cannot compare two values; the worker leaves such overrides out together."""
    schema = metadata_schema(STARTERS)
    both = {"min_endpointing_delay": 2, "max_endpointing_delay": 1}
    assert (field(schema, MIN_DELAY)["maximum"], field(schema, MAX_DELAY)["minimum"]) == (10, 0)
    assert accepts(schema, both)
    assert [problem.code for problem in resolve(STARTERS, both).problems] == [
        "override-conflict",
        "override-conflict",
    ]


@pytest.mark.parametrize(
    ("fixed", "values", "path", "keyword", "expected"),
    [
        pytest.param(MAX_DELAY, (1, 2, 6), MIN_DELAY, "maximum", [6, 1, 2, 6], id="maximum"),
        pytest.param(MIN_DELAY, (1, 0.5, 2), MAX_DELAY, "minimum", [0.5, 1, 0.5, 2], id="minimum"),
        pytest.param(
            DETECTION,
            ("turn_detector", "vad", "turn_detector"),
            SILENCE,
            "minimum",
            [0.05, 0.25, 0.05, 0.25],
            id="silence",
        ),
        pytest.param(
            ENGINE,
            ("flux", "nova", "nova"),
            DETECTION,
            "enum",
            [DETECTIONS, DETECTIONS, WITHOUT_STT, WITHOUT_STT],
            id="enum",
        ),
    ],
)
def test_profiles_that_share_a_schema_share_the_loosest_bound(
    fixed: str, values: tuple[Any, ...], path: str, keyword: str, expected: list[Any]
) -> None:
    """None of them is held to what only another one needs; by itself, each has its own."""
    beside = {ENDPOINTING: 0} if path == DETECTION else {}
    names = ("default", "second", "third")
    sets = dict(zip(names, values, strict=True))
    profiles = made_of({name: ({fixed: sets[name], **beside}, (path,)) for name in names})
    found = [field(metadata_schema(profiles, name), path)[keyword] for name in (None, *names)]
    assert found == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param('{"endpointing_ms": 5, "endpointing_ms": 800}', "invalid", id="key-twice"),
        pytest.param('{"customer": NaN}', "invalid", id="nan"),
        pytest.param('{"customer": ' + "[" * 32 + "]" * 32 + "}", "invalid", id="too-deep"),
        pytest.param('{"customer": "' + "x" * 65_536 + '"}', "too-large", id="too-large"),
    ],
)
def test_text_is_beyond_a_schema(text: str, code: str) -> None:
    """A schema judges data; the worker reports mistakes in its text, and its size."""
    assert accepts(metadata_schema(STARTERS), json.loads(text))
    problems = settings.resolve(STARTERS, [request.read(text, "participant")]).problems
    assert [problem.code for problem in problems] == [f"metadata-{code}"]


def test_layer_below_is_beyond_a_schema() -> None:
    """Where a room names the profile, its policy judges what a participant sends without one."""
    profiles = with_policies({"default": (SPEED,), "closed": ()})
    texts = {"room": '{"profile": "closed"}', "participant": json.dumps(overriding(SPEED, 0.9))}
    assert accepts(metadata_schema(profiles), overriding(SPEED, 0.9))
    requests = [
        request.read(texts["room"], "room"),
        request.read(texts["participant"], "participant"),
    ]
    problems = settings.resolve(profiles, requests).problems
    assert [problem.code for problem in problems] == ["override-forbidden"]


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"profile": None}, id="no-profile"),
        pytest.param({"overrides": None}, id="no-overrides"),
        pytest.param({"overrides": {"stt": {}}}, id="empty-section"),
        pytest.param(overriding(MIN_DELAY, 0.3, min_endpointing_delay="x"), id="shadowed"),
    ],
)
def test_schema_is_stricter_for_metadata_without_a_request(metadata: dict[str, Any]) -> None:
    """The worker lets such metadata pass, which a client does better to leave out."""
    profiles = with_policies({"default": ("vad", MIN_DELAY)})
    assert not accepts(metadata_schema(profiles), metadata)
    assert resolve(profiles, metadata).problems == ()


def test_line_break_at_the_end_is_pythons() -> None:
    """`$` of a pattern stands before it in Python alone; for `auto` there is no pattern."""
    profiles = with_policies({"default": ("stt",)})
    language, hint = overriding("stt.nova.language", "de\n"), overriding(HINT, "auto\n")
    schema = metadata_schema(profiles)
    assert [accepts(schema, metadata) for metadata in (language, hint)] == [True, False]
    for metadata in (language, hint):
        assert len(resolve(profiles, metadata).problems) == 1


def tightened(path: str, **keywords: Any) -> Schema:
    """The schema of a team that narrows one field."""
    schema = json.loads(TEXT)
    found = schema
    for key in path.split("."):
        found = found["properties"][key]
    found |= keywords
    return Schema(json.dumps(schema))


@pytest.mark.parametrize(
    ("path", "keywords", "expected"),
    [
        pytest.param(
            MIN_DELAY,
            {"minimum": 0.2, "maximum": 1.0},
            {"type": "number", "minimum": 0.2, "maximum": 1.0, "examples": [0.3]},
            id="bounds",
        ),
        pytest.param(
            MIN_DELAY,
            {"enum": [0.3, 1.0, 4.0]},
            {
                "type": "number",
                "enum": [0.3, 1.0],
                "minimum": 0,
                "maximum": 2.5,
                "examples": [0.3],
            },
            id="enum",
        ),
        pytest.param(
            SPEED,
            {"enum": [None, 0.9], "title": "tts.speed", "format": "x", "errorMessage": "no"},
            {
                "type": ["number", "null"],
                "enum": [None, 0.9],
                "minimum": 0.7,
                "maximum": 1.5,
                "examples": [0.9, None],
            },
            id="enum-of-several-types",
        ),
        pytest.param(
            ENDPOINTING,
            {"minimum": 20},
            {"type": "integer", "minimum": 20, "maximum": 10000, "examples": [25, 400]},
            id="above-the-gap",
        ),
        pytest.param(
            ENDPOINTING,
            {"not": {"const": 25}},
            {
                "type": "integer",
                "minimum": 0,
                "maximum": 10000,
                "examples": [400, 0],
                "not": {"anyOf": [{"const": 25}, GAP]},
            },
            id="not",
        ),
    ],
)
def test_team_that_narrows_the_schema_narrows_this_one(
    path: str, keywords: Mapping[str, Any], expected: Mapping[str, Any]
) -> None:
    """The active schema decides the content of metadata; examples that it refuses are dropped."""
    schema = tightened(path, **keywords, examples=SCHEMA.fields[path].schema["examples"])
    found = field(metadata_schema(made_of({"default": ({}, (path,))}, schema)), path)
    dropped = {"title", "description", "default"}
    assert {key: found[key] for key in found if key not in dropped} == expected
    assert found["title"] in {"Min delay (s)", "Speed (factor)", "Endpointing (ms)"}


# The other fields of every rule that a field takes part in.
PARTNERS = {
    MIN_DELAY: {MAX_DELAY},
    MAX_DELAY: {MIN_DELAY},
    EAGER: {EOT},
    EOT: {EAGER},
    DEACTIVATION: {ACTIVATION},
    ACTIVATION: {DEACTIVATION},
    SILENCE: {DETECTION},
    DETECTION: {SILENCE, ENDPOINTING, UTTERANCE_END, ENGINE},
    ENDPOINTING: {UTTERANCE_END, DETECTION, ENGINE},
    UTTERANCE_END: {ENDPOINTING, DETECTION, ENGINE},
    ENGINE: {ENDPOINTING, UTTERANCE_END, DETECTION},
}

# What a profile may set, close to what its rules forbid.
SETS: tuple[dict[str, Any], ...] = (
    {},
    {MIN_DELAY: 1.0, MAX_DELAY: 1.0, THRESHOLD: {"en": 0.3}},
    {ENGINE: "flux", DETECTION: "stt", EAGER: 0.6, EOT: 0.65},
    {ENGINE: "flux", EAGER: 0.8, EOT: 0.9, DEACTIVATION: 0.4},
    {DETECTION: "stt", ENDPOINTING: 10},
    {DETECTION: "stt", ENDPOINTING: 0, UTTERANCE_END: 1000},
    {DETECTION: "vad", SILENCE: 0.1, ENDPOINTING: 0},
    {DETECTION: "manual", SILENCE: 0.1},
)

POLICIES: st.SearchStrategy[tuple[str, ...]] = st.one_of(
    st.lists(st.sampled_from(sorted(PARTNERS)), min_size=1, max_size=3).map(tuple),
    st.lists(st.sampled_from(sorted({*SCHEMA.fields, *SCHEMA.sections})), max_size=4).map(tuple),
    st.sampled_from([("*",), STARTERS.layers["default"].allow or ()]),
)


def some_profiles(policies: list[tuple[str, ...]]) -> st.SearchStrategy[Sets]:
    one = st.tuples(st.sampled_from(SETS), st.sampled_from(policies))
    return st.fixed_dictionaries({"default": one}, optional={"a": one, "b-2": one})


# Some of them share a policy.
PROFILES = st.lists(POLICIES, min_size=1, max_size=2).flatmap(some_profiles)

SCHEMAS = st.sampled_from(
    [
        SCHEMA,
        tightened(MIN_DELAY, enum=[0.3, 1.0, 1.5, 4.0]),
        tightened(SPEED, enum=[None, 0.9]),
        tightened(ENDPOINTING, **{"not": {"const": 25}}),
        tightened(THRESHOLD, maximum=0.5, format="x"),
    ]
)


@given(PROFILES, SCHEMAS)
def test_schema_of_any_profiles_is_one(sets: Sets, schema: Schema) -> None:
    """With any policies, it is a valid schema of draft 2020-12, the same one each time."""
    profiles = made_of(sets, schema)
    for name in (None, *profiles.names()):
        Draft202012Validator.check_schema(metadata_schema(profiles, name))
        assert not list(rules.broken(profile(profiles, name or "default").values))
    texts = {json.dumps(metadata_schema(profiles)) for _ in range(2)}
    assert len(texts) == 1


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 50) | st.floats(-1, 50) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=4,
)


def fitting(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a field takes."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([of_type(kind, schema) for kind in types])


def of_type(kind: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "integer":
        whole = st.integers(schema["minimum"], schema["maximum"])
        return whole | whole.map(float)
    if kind == "number":
        low, open_ended = schema.get("minimum", 0), "exclusiveMinimum" in schema
        return st.floats(low, schema["maximum"], exclude_min=open_ended)
    if kind == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        return st.lists(fitting(schema["items"]), min_size=least, max_size=most)
    if kind == "object":
        languages = st.sampled_from(["en", "de", "x-y"])
        return st.dictionaries(languages, fitting(schema["additionalProperties"]))
    if kind == "string":
        # Python's $ would stand before a line break, too.
        return st.from_regex(schema["pattern"].replace("$", r"\Z"))
    return st.booleans() if kind == "boolean" else st.none()


# Close to a bound of some field, or to what a rule compares it with.
CLOSE = (
    *(0, 0.05, 0.1, 0.25, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.8, 0.9, 1, 1.5, 2.5, 5, 9, 10, 25),
    *(1000, "auto", None),
)
ODD = (
    -1,
    -0.0,
    0.2499,
    0.4999,
    9.5,
    10001,
    1e308,
    "manual",
    "5",
    True,
    {"en": 0.6},
    [1, 1],
    ["en"],
)


def value_of(path: str) -> st.SearchStrategy[Any]:
    """Values that a field takes."""
    field = SCHEMA.fields[path]
    close = [value for value in CLOSE if not SCHEMA.value_problem(field, value)]
    return st.one_of(fitting(field.schema), *([st.sampled_from(close)] if close else []))


def anything(path: str) -> st.SearchStrategy[Any]:
    """Values that a field takes, and others."""
    return value_of(path) | st.sampled_from([*CLOSE, *ODD]) | JSON


@pytest.mark.parametrize("sets", SETS, ids=str)
@pytest.mark.parametrize("path", PARTNERS)
def test_schema_and_worker_agree_close_to_every_rule(path: str, sets: Mapping[str, Any]) -> None:
    """With one field to change, the schema accepts exactly the values that the worker accepts."""
    profiles = made_of({"default": (sets, (path,))})
    validator = Draft202012Validator(metadata_schema(profiles))
    for keys in spellings(path):
        for value in (*CLOSE, *ODD, *SCHEMA.fields[path].schema.get("enum", ())):
            metadata: dict[str, Any] = {}
            put(metadata, keys, value)
            taken = not resolve(profiles, metadata).problems
            assert (metadata, validator.is_valid(metadata)) == (metadata, taken)


@dataclass(frozen=True)
class Case:
    """Metadata for a set of profiles.

    Attributes:
        sets: What each profile sets, and what metadata may change of it.
        schema: The schema in force.
        name: The profile whose schema it is held to; None for the schema of all.
        metadata: What a client sends.
        asked: The fields that it sets, by dotted path.
    """

    sets: Sets
    schema: Schema
    name: str | None
    metadata: dict[str, Any]
    asked: Mapping[str, Any]

    @property
    def profiles(self) -> Catalog:
        return made_of(self.sets, self.schema)

    def accepted(self) -> bool:
        return accepts(metadata_schema(self.profiles, self.name), self.metadata)

    def resolved(self) -> Settings:
        return resolve(self.profiles, self.metadata)

    def is_excused(self, problem: Problem) -> bool:
        """Whether it is a conflict that no schema can say."""
        if problem.code != "override-conflict":
            return False
        in_force = profile(self.profiles, self.resolved().profile)
        shared = [
            name
            for name in self.profiles.names()
            if allowed(profile(self.profiles, name)) == allowed(in_force)
        ]
        loosest = self.name is None and len(shared) > 1
        return loosest or not PARTNERS[problem.path].isdisjoint(allowed(in_force))


@st.composite
def cases(
    draw: st.DrawFn, values: Callable[[str], st.SearchStrategy[Any]], *, faults: int = 0
) -> Case:
    """Metadata that sets fields which its profile allows, with some faults."""
    sets, schema = draw(PROFILES), draw(SCHEMAS)
    profiles = made_of(sets, schema)
    named = draw(st.sampled_from([None, *profiles.names()]))
    in_force = profile(profiles, named or "default")
    ruled = [path for path in allowed(in_force) if path in PARTNERS]
    paths = draw(some_of(allowed(in_force))) | draw(some_of(ruled))
    asked = {path: draw(values(path)) for path in sorted(paths)}
    metadata: dict[str, Any] = {"customer": {"endpointing_ms": 9}} | (
        {"profile": named} if named else {}
    )
    for path, value in asked.items():
        put(metadata, draw(st.sampled_from(spellings(path))), value)
    for _ in range(faults):
        put(metadata, *draw(FAULTS))
    return Case(sets, schema, draw(st.sampled_from([None, in_force.name])), metadata, asked)


def some_of(paths: list[str]) -> st.SearchStrategy[set[str]]:
    return st.sets(st.sampled_from(paths), max_size=3) if paths else st.just(set())


def spellings(path: str) -> list[tuple[str, ...]]:
    """The keys under which metadata may set a field."""
    flat = [(name,) for name, field in FLAT_NAMES.items() if field == path]
    return [("overrides", *path.split(".")), *flat]


def put(metadata: dict[str, Any], keys: tuple[str, ...], value: Any) -> None:
    *above, last = keys
    for key in above:
        if not isinstance(metadata.get(key), dict):
            metadata[key] = {}
        metadata = metadata[key]
    metadata[last] = value


# Keys and what stands there, good or bad.
FAULTS: st.SearchStrategy[tuple[tuple[str, ...], Any]] = st.one_of(
    st.tuples(st.sampled_from([("profile",), ("overrides",)]), JSON),
    st.tuples(
        st.sampled_from(sorted(SCHEMA.sections)).map(lambda name: ("overrides", *name.split("."))),
        JSON,
    ),
    st.tuples(
        st.sampled_from(sorted(SCHEMA.sections)).map(
            lambda name: ("overrides", *name.split("."), "nonsense")
        ),
        JSON,
    ),
    st.tuples(st.sampled_from(sorted(SCHEMA.fields)).map(lambda path: ("overrides", path)), JSON),
    st.sampled_from([*SCHEMA.fields, *FLAT_NAMES.values()]).flatmap(
        lambda path: st.tuples(st.sampled_from(spellings(path)), anything(path))
    ),
)


@given(cases(value_of))
def test_worker_applies_metadata_that_the_schema_accepts(case: Case) -> None:
    """Without a problem, except conflicts between fields that metadata may change."""
    assume(case.accepted())
    resolved = case.resolved()
    assert [problem for problem in resolved.problems if not case.is_excused(problem)] == []
    assert resolved.profile == case.metadata.get("profile", "default")
    left_out = {problem.path for problem in resolved.problems}
    below = profile(case.profiles, resolved.profile).values
    for path in case.asked.keys() - left_out:
        values = {path: below[path]}
        overlay(values, {path: case.asked[path]})
        assert (resolved.values[path], resolved.origins[path]) == (values[path], "participant")


@given(cases(anything, faults=1))
def test_schema_rejects_metadata_that_the_worker_refuses(case: Case) -> None:
    """Every problem of the worker, except such conflicts."""
    problems = case.resolved().problems
    assume(any(not case.is_excused(problem) for problem in problems))
    assert not case.accepted()


@given(cases(anything))
def test_schema_accepts_metadata_that_the_worker_accepts(case: Case) -> None:
    """It is not stricter than the worker with fields that the policy allows."""
    assume(not case.resolved().problems)
    assert case.accepted()
