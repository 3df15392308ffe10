"""The starter profiles and `schema.json`: complete, valid, and true to the SDK's defaults."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from livekit.agents import NOT_GIVEN, AgentSession, inference
from livekit.plugins import deepgram

from tests.sdk.release import needs_pace

ROOT = Path(__file__).parent.parent
SCHEMA: dict[str, Any] = json.loads((ROOT / "schema.json").read_text())
FILES: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text()) for path in sorted((ROOT / "profiles").iterdir())
}
DEFAULT = FILES["default"]
STARTERS = sorted(set(FILES) - {"default"})

# What the schema may say: plain keywords, so that each refusal has a plain message.
KEYWORDS = {
    *("$schema", "$id", "title", "description", "examples", "x-unit", "x-live"),
    *("type", "enum", "pattern", "items", "minItems", "maxItems"),
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    *("properties", "additionalProperties"),
    # What editors know beside the standard.
    *("enumDescriptions", "errorMessage", "defaultSnippets"),
}
ABOUT_THE_FILE = {"description", "extends", "overrides.allow"}


def fields_of(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for key, node in schema["properties"].items():
        if "properties" in node:
            yield from fields_of(node, f"{prefix}{key}.")
        else:
            yield prefix + key, node


FIELDS = dict(fields_of(SCHEMA))
TIMING_FIELDS = sorted(set(FIELDS) - ABOUT_THE_FILE)


def test_schema_is_valid() -> None:
    """`schema.json` is a JSON Schema of draft 2020-12."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_schema_uses_plain_keywords() -> None:
    """No `oneOf`, no `$ref`, no condition: nothing whose refusal a person could not read."""
    assert {keyword for node in nodes(SCHEMA) for keyword in node} <= KEYWORDS


def test_schema_refuses_unknown_keys_in_every_section() -> None:
    """A misspelled key is refused wherever it stands."""
    sections = [node for node in nodes(SCHEMA) if "properties" in node]
    assert [
        section for section in sections if section.get("additionalProperties") is not False
    ] == []


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_field_has_a_description_and_valid_examples(field: str) -> None:
    """An editor shows for every field its effect and valid values."""
    assert FIELDS[field]["description"].endswith(".")
    assert FIELDS[field]["examples"]
    assert [problems(nested(field, example)) for example in FIELDS[field]["examples"]] == [
        [] for _ in FIELDS[field]["examples"]
    ]


@pytest.mark.parametrize("field", TIMING_FIELDS)
def test_description_of_a_field_states_when_a_change_takes_effect(field: str) -> None:
    """Every timing field states whether, and when, it can change during a call."""
    assert FIELDS[field]["x-live"] in {"now", "silence", "next-speech", "next-call"}


@pytest.mark.parametrize("field", TIMING_FIELDS)
def test_number_has_a_unit_and_bounds(field: str) -> None:
    """Every number has a unit, a least and a greatest value; nothing else has a unit."""
    node = FIELDS[field]
    bounds = {"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"} & set(node)
    is_number = {"number", "integer"} & {*as_list(node["type"])} != set()
    assert ("x-unit" in node, len(bounds)) == ((True, 2) if is_number else (False, 0))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("stt.nova.language", "detect_language"),
        ("stt.nova.language", None),
        ("stt.nova.model", "flux-general-en"),
        ("stt.nova.endpointing_ms", "800"),
        ("stt.nova.utterance_end_ms", 999),
        ("stt.flux.eot_threshold", None),
        ("stt.flux.eager_eot_threshold", "auto"),
        ("vad.activation_threshold", 1.0),
        ("vad.deactivation_threshold", 0),
        ("vad.deactivation_threshold", None),
        ("turn_detector.unlikely_threshold", None),
        ("turn_detector.unlikely_threshold", {"en": 1.1}),
        ("turn_handling.turn_detection", "auto"),
        ("turn_handling.endpointing.min_delay", None),
        ("turn_handling.endpointing.min_delay", -0.1),
        ("turn_handling.endpointing.alpha", 0),
        ("turn_handling.interruption.mode", None),
        ("turn_handling.interruption.min_duration", 0),
        ("turn_handling.interruption.backchannel_boundary", [1.0, -1.0]),
        ("turn_handling.interruption.backchannel_boundary", [1.0]),
        ("turn_handling.user_turn_limit.max_duration", 0),
        ("tts.speed", 1.6),
        ("session.aec_warmup_duration", "automatic"),
    ],
)
def test_value_that_would_cost_the_call_is_refused(field: str, value: object) -> None:
    """What the SDK raises on, Deepgram refuses or the caller never gets over is no valid value."""
    assert [path for path, _ in problems(nested(field, value))] != []


def test_default_sets_every_field() -> None:
    """A changed default of the SDK changes no call: default.yaml leaves no field to it."""
    assert set(values(DEFAULT)) == set(FIELDS) - {"extends"}


@pytest.mark.parametrize(
    ("section", "constructor", "pinned"),
    [
        ("stt.nova", deepgram.STT, {}),
        # Its "off" is to leave the keyword out, which a profile writes as null.
        ("stt.flux", deepgram.STTv2, {"eager_eot_threshold": None}),
        ("vad", inference.VAD, {}),
        ("turn_detector", inference.TurnDetector, {"version": "v1-mini"}),
        pytest.param("tts", deepgram.TTS, {}, marks=needs_pace),
        ("session", AgentSession, {}),
    ],
)
def test_default_equals_the_arguments_of_the_sdk(
    section: str, constructor: Callable[..., Any], pinned: dict[str, Any]
) -> None:
    """default.yaml holds the default of each constructor, except for the pinned values."""
    ours = {
        field.removeprefix(f"{section}."): value
        for field, value in values(DEFAULT).items()
        if field.startswith(f"{section}.")
    }
    parameters = inspect.signature(constructor).parameters
    defaults = {name: parameters[name].default for name in ours}
    theirs = {name: "auto" if value is NOT_GIVEN else value for name, value in defaults.items()}
    assert ours == theirs | pinned


async def test_default_equals_the_turn_handling_of_the_sdk() -> None:
    """A session without arguments has the turn handling of default.yaml, except the pinned mode."""
    theirs = dict(AgentSession[None]().options.turn_handling)
    interruption = dict(theirs["interruption"])  # type: ignore[call-overload]  # a TypedDict
    interruption["backchannel_boundary"] = list(interruption["backchannel_boundary"])
    assert isinstance(theirs["turn_detection"], inference.TurnDetector)
    assert DEFAULT["turn_handling"] == theirs | {
        "turn_detection": "turn_detector",
        "interruption": interruption | {"mode": "vad"},
    }


@pytest.mark.parametrize(
    "field",
    [
        "stt.engine",
        "stt.nova.model",
        "stt.nova.language",
        "stt.nova.smart_format",
        "stt.nova.no_delay",
        "stt.nova.filler_words",
        "stt.flux.model",
        "stt.flux.language_hint",
        "turn_detector.version",
        "turn_handling.turn_detection",
        "turn_handling.interruption.mode",
    ],
)
def test_default_keeps_models_and_detection_from_metadata(field: str) -> None:
    """Metadata may change times, but not models, languages, the engine or how turns are found."""
    assert not is_allowed(field)


@pytest.mark.parametrize(
    "field",
    [
        "stt.nova.endpointing_ms",
        "turn_handling.endpointing.min_delay",
        "turn_handling.endpointing.max_delay",
        "turn_handling.interruption.enabled",
        "turn_handling.interruption.discard_audio_if_uninterruptible",
        "turn_handling.interruption.min_duration",
        "turn_handling.interruption.min_words",
        "turn_handling.interruption.false_interruption_timeout",
        "turn_handling.interruption.resume_false_interruption",
        "turn_handling.preemptive_generation.enabled",
    ],
)
def test_default_allows_the_fields_of_existing_clients(field: str) -> None:
    """Every flat name that clients know from AgentSession, but turn_detection, is allowed."""
    assert is_allowed(field)


def test_default_allows_only_names_that_exist() -> None:
    """No entry of the policy is misspelled: each one covers a field of the schema."""
    allow = DEFAULT["overrides"]["allow"]
    assert [name for name in allow if not any(covers(name, field) for field in FIELDS)] == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_starter_profile_is_valid(name: str) -> None:
    """Every profile that comes with the project passes the schema."""
    assert problems(FILES[name]) == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_description_of_a_starter_profile_names_its_callers(name: str) -> None:
    """Every profile has a description of its own and the line that gives editors the schema."""
    first_line = (ROOT / "profiles" / f"{name}.yaml").read_text().partition("\n")[0]
    assert first_line == "# yaml-language-server: $schema=../schema.json"
    assert FILES[name]["description"]


@pytest.mark.parametrize("name", STARTERS)
def test_starter_profile_can_be_answered(name: str) -> None:
    """No starter profile combines fields so that the SDK raises or the wait turns round."""
    merged = values(merged_profile(name))
    endpointing = "turn_handling.endpointing."
    assert merged[f"{endpointing}min_delay"] <= merged[f"{endpointing}max_delay"]
    assert merged["vad.min_silence_duration"] >= 0.25
    assert merged["vad.deactivation_threshold"] == "auto"


def test_brisk_waits_at_most_0_8_seconds() -> None:
    """`brisk` keeps the turn detector, and waits 0.3 to 0.8 s with any of its answers."""
    brisk = merged_profile("brisk")["turn_handling"]
    assert brisk["turn_detection"] == "turn_detector"
    assert brisk["endpointing"] == {
        **DEFAULT["turn_handling"]["endpointing"],
        "min_delay": 0.3,
        "max_delay": 0.8,
    }


def test_patient_leaves_time_to_think() -> None:
    """`patient` waits at least 1.5 s, and never more than 6 s."""
    endpointing = merged_profile("patient")["turn_handling"]["endpointing"]
    assert endpointing["min_delay"] >= 1.5
    assert endpointing["max_delay"] <= 6.0


def test_flux_conversation_adds_no_delay_to_flux() -> None:
    """Under Flux, Deepgram ends the turn and nothing is waited on top."""
    merged = values(merged_profile("flux-conversation"))
    assert {
        field: merged[field]
        for field in (
            "stt.engine",
            "turn_handling.turn_detection",
            "turn_handling.endpointing.min_delay",
        )
    } == {
        "stt.engine": "flux",
        "turn_handling.turn_detection": "stt",
        "turn_handling.endpointing.min_delay": 0.0,
    }


def nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    children = [*schema.get("properties", {}).values(), schema.get("items")]
    for child in [*children, schema.get("additionalProperties")]:
        if isinstance(child, dict):
            yield from nodes(child)


def problems(profile: object) -> list[tuple[str, str]]:
    found = jsonschema.Draft202012Validator(SCHEMA).iter_errors(profile)
    return [(error.json_path, error.message) for error in found]


def nested(field: str, value: object) -> object:
    for key in reversed(field.split(".")):
        value = {key: value}
    return value


def as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def values(profile: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in profile.items():
        if isinstance(value, dict) and prefix + key not in FIELDS:
            found |= values(value, f"{prefix}{key}.")
        else:
            found[prefix + key] = value
    return found


def covers(name: str, field: str) -> bool:
    return field == name or field.startswith(f"{name}.")


def is_allowed(field: str) -> bool:
    return any(covers(name, field) for name in DEFAULT["overrides"]["allow"])


def merged_profile(name: str) -> dict[str, Any]:
    if name == "default":
        return DEFAULT
    own = FILES[name]
    return merge(merged_profile(own.get("extends", "default")), own)


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return base | {
        key: merge(base[key], value)
        if isinstance(value, dict) and isinstance(base.get(key), dict)
        else value
        for key, value in over.items()
    }
