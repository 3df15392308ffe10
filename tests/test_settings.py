"""Profiles and metadata -> the settings of a call."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timing_profiles.catalog import catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import rules

ROOT = Path(__file__).parent.parent
SCHEMA = Schema((ROOT / "schema.json").read_text())
FILES = {
    "default": (ROOT / "profiles" / "default.yaml").read_text(),
    "patient": "turn_handling: {endpointing: {min_delay: 1.5, max_delay: 4.0}}",
    "open": "overrides: {allow: ['*']}",
    "closed": "overrides: {allow: []}",
    "narrow": "overrides: {allow: [turn_handling.endpointing, tts.speed]}",
    "narrower": "extends: narrow\ntts: {speed: 0.9}",
    "languages": "extends: open\nturn_detector: {unlikely_threshold: {en: 0.3, de: 0.2}}",
}
PROFILES = catalog.build(
    {f"{name}.yaml": text.encode() for name, text in FILES.items()}, SCHEMA, None, "profiles"
)
NAMES = ", ".join(sorted(FILES))

ENDPOINTING = "stt.nova.endpointing_ms"
MIN_DELAY = "turn_handling.endpointing.min_delay"
MAX_DELAY = "turn_handling.endpointing.max_delay"
DETECTION = "turn_handling.turn_detection"
DELAY_FIELDS = "turn_handling.endpointing takes mode, min_delay, max_delay, alpha"


def resolve(participant: object = None, application: Any = None, **layers: object) -> Settings:
    """Resolve a call; a layer is a JSON object or any text."""
    given = {"metadata": participant, **layers}
    texts: dict[str, Any] = {
        layer: json.dumps(value) if isinstance(value, dict) else value
        for layer, value in given.items()
    }
    return settings.resolve(PROFILES, request.layers(application, **texts))


def overriding(path: str, value: object, profile: str = "default") -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return {"profile": profile, "overrides": value}


def problems(found: Settings) -> list[str]:
    return [str(problem) for problem in found.problems]


def codes(found: Settings) -> list[str]:
    return [problem.code for problem in found.problems]


def test_empty_request_is_the_default_profile() -> None:
    """A caller without metadata gets default, every field of it, without a problem."""
    found = resolve()
    default = PROFILES.profile("default")
    assert default is not None
    assert found == Settings("default", PROFILES.revision, default.values, default.origins)


def test_named_profile_is_in_force() -> None:
    """A caller gets the profile it names, with the place of every value."""
    found = resolve({"profile": "patient"})
    assert (found.profile, found.revision) == ("patient", PROFILES.revision)
    assert found.changed == (MIN_DELAY, MAX_DELAY)
    assert (found.values[MIN_DELAY], found.origins[MIN_DELAY]) == (1.5, "profiles/patient.yaml:1")
    assert found.origins[ENDPOINTING].startswith("profiles/default.yaml:")


def test_override_changes_one_field() -> None:
    """An override wins over the profile, and its origin is the layer that it came from."""
    found = resolve(overriding(MIN_DELAY, 2.0, "patient"))
    assert (found.values[MIN_DELAY], found.origins[MIN_DELAY]) == (2.0, "participant")
    assert (found.values[MAX_DELAY], found.origins[MAX_DELAY]) == (4.0, "profiles/patient.yaml:1")
    assert found.problems == ()


def test_flat_names_and_overrides_apply_together() -> None:
    """Where both set a field, `overrides` wins over the flat name."""
    found = resolve(
        {
            "endpointing_ms": 800,
            "min_endpointing_delay": 0.8,
            "overrides": {"turn_handling": {"endpointing": {"min_delay": 0.9}}},
        }
    )
    assert (found.values[ENDPOINTING], found.values[MIN_DELAY]) == (800, 0.9)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("layers", "delay", "origin"),
    [
        pytest.param({"room": 1.0}, 1.0, "room", id="room"),
        pytest.param({"room": 1.0, "dispatch": 1.1}, 1.1, "dispatch", id="dispatch-over-room"),
        pytest.param(
            {"room": 1.0, "dispatch": 1.1, "participant": 1.2},
            1.2,
            "participant",
            id="participant-over-dispatch",
        ),
        pytest.param({"room": 1.0, "participant": 1.2}, 1.2, "participant", id="over-room"),
    ],
)
def test_later_layer_wins(layers: dict[str, float], delay: float, origin: str) -> None:
    """Room, then dispatch, then participant: the last one that sets a field counts."""
    asked = {layer: {"min_endpointing_delay": value} for layer, value in layers.items()}
    found = resolve(**asked)
    assert (found.values[MIN_DELAY], found.origins[MIN_DELAY]) == (delay, origin)


def test_layers_add_up() -> None:
    """Layers that set different fields all apply, above the profile that one of them names."""
    found = resolve(
        {"min_endpointing_delay": 2.0},
        dispatch={"endpointing_ms": 500},
        room={"profile": "patient", "max_endpointing_delay": 5.0},
    )
    assert found.profile == "patient"
    assert {path: found.origins[path] for path in found.changed} == {
        ENDPOINTING: "dispatch",
        MIN_DELAY: "participant",
        MAX_DELAY: "room",
    }


@pytest.mark.parametrize(
    ("layers", "profile", "endpointing"),
    [
        pytest.param(
            {"room": {"profile": "closed", "endpointing_ms": 9999}, "participant": "patient"},
            "patient",
            25,
            id="participant-over-room",
        ),
        pytest.param(
            {"room": {"endpointing_ms": 600}, "dispatch": {"profile": "patient"}},
            "patient",
            25,
            id="dispatch-discards-room",
        ),
        pytest.param(
            {"dispatch": {"profile": "patient", "endpointing_ms": 700}, "participant": {}},
            "patient",
            700,
            id="its-own-override-stays",
        ),
        pytest.param(
            {"dispatch": {"profile": "patient"}, "participant": {"endpointing_ms": 700}},
            "patient",
            700,
            id="later-override-stays",
        ),
        pytest.param(
            {"room": {"endpointing_ms": 600}, "participant": {"profile": "default"}},
            "default",
            25,
            id="default-named-is-named",
        ),
        pytest.param(
            {"application": "patient", "room": {"endpointing_ms": 600}},
            "patient",
            600,
            id="application-is-lowest",
        ),
        pytest.param(
            {"application": "patient", "participant": {"profile": "open"}},
            "open",
            25,
            id="participant-over-application",
        ),
    ],
)
def test_layer_that_names_a_profile_discards_earlier_overrides(
    layers: dict[str, Any], profile: str, endpointing: int
) -> None:
    """The latest name counts, and overrides below it are dropped without a problem."""
    asked = {
        layer: {"profile": value} if layer == "participant" and isinstance(value, str) else value
        for layer, value in layers.items()
    }
    found = resolve(**asked)
    assert (found.profile, found.values[ENDPOINTING]) == (profile, endpointing)
    assert found.problems == ()


@pytest.mark.parametrize(
    ("name", "shown", "hint"),
    [
        pytest.param("patien", '"patien"', "\n  hint: did you mean patient?", id="near-miss"),
        pytest.param("zzz", '"zzz"', "", id="far"),
        pytest.param("../zzz/x", '"../zzz/x"', "", id="way-out"),
        pytest.param("\x1b[31m", r'"\u001b[31m"', "", id="control-character"),
        pytest.param("\ud800", r'"\ud800"', "", id="lone-surrogate"),
        pytest.param("x" * 60_000, f'"{"x" * 56}...', "", id="endless"),
    ],
)
def test_unknown_profile_is_default_and_a_problem(name: str, shown: str, hint: str) -> None:
    """A call with an unknown profile continues with default, and with its overrides."""
    found = resolve({"profile": name, "endpointing_ms": 700})
    assert (found.profile, found.values[ENDPOINTING]) == ("default", 700)
    assert codes(found) == ["profile-unknown"]
    assert problems(found) == [
        f"participant: profile: unknown profile {shown}; available: {NAMES}{hint}"
    ]


@pytest.mark.parametrize(
    "own",
    [
        pytest.param({"name": "Ann", "email": "ann@example.com"}, id="object"),
        pytest.param("", id="empty"),
        pytest.param(5, id="number"),
        pytest.param(["patient"], id="list"),
        pytest.param(True, id="boolean"),
    ],
)
def test_profile_that_is_the_applications_own_names_none(own: object) -> None:
    """An application's user profile is no request: a lower layer's stands, nothing is reported."""
    resolved = resolve({"profile": own, "endpointing_ms": 700}, dispatch={"profile": "patient"})
    assert (resolved.profile, resolved.values[ENDPOINTING]) == ("patient", 700)
    assert resolved.problems == ()


def test_unknown_profile_of_the_application_is_a_problem() -> None:
    """A name that the application gives is judged like a caller's."""
    assert problems(resolve(application="zzz")) == [
        f'application: profile: unknown profile "zzz"; available: {NAMES}'
    ]


NARROW = "not overridable; allowed: turn_handling.endpointing, tts.speed"


@pytest.mark.parametrize(
    ("profile", "path", "value", "refusal"),
    [
        pytest.param("open", "stt.nova.model", "nova-2", "", id="everything"),
        pytest.param("narrow", MIN_DELAY, 1.0, "", id="section"),
        pytest.param("narrow", "tts.speed", 1.1, "", id="field"),
        pytest.param("narrower", "tts.speed", 1.1, "", id="inherited"),
        pytest.param("default", "stt.engine", "flux", "not overridable; allowed: ", id="engine"),
        pytest.param("narrow", ENDPOINTING, 400, NARROW, id="beside-the-section"),
        pytest.param("narrower", ENDPOINTING, 400, NARROW, id="beside-the-inherited"),
        pytest.param("closed", MIN_DELAY, 1.0, "not overridable; allowed: nothing", id="nothing"),
    ],
)
@pytest.mark.parametrize("layer", ["room", "dispatch", "participant"])
def test_policy_of_the_profile_holds_in_every_layer(
    layer: str, profile: str, path: str, value: object, refusal: str
) -> None:
    """Fields that the active profile does not allow are left out, in every layer."""
    found = resolve(**{layer: overriding(path, value, profile)})
    if refusal:
        assert found.origins[path].startswith("profiles/")
        assert codes(found) == ["override-forbidden"]
        assert problems(found)[0].startswith(f"{layer}: {path}: {refusal}")
    else:
        assert (found.values[path], found.origins[path]) == (value, layer)
        assert found.problems == ()


def test_policy_of_the_profile_in_force_judges_all_layers() -> None:
    """A profile that a later layer did not name still judges what that layer overrides."""
    found = resolve({"endpointing_ms": 700}, room={"profile": "closed", "endpointing_ms": 600})
    assert found.values[ENDPOINTING] == 25
    assert problems(found) == [
        f"room: {ENDPOINTING}: not overridable; allowed: nothing",
        f"participant: {ENDPOINTING}: not overridable; allowed: nothing",
    ]


def test_long_policy_is_cut_in_the_message() -> None:
    """A refusal names the first six entries of a long policy."""
    (problem,) = problems(resolve({"turn_detection": "vad"}))
    default = PROFILES.profile("default")
    assert default is not None
    named, more = ", ".join(default.allow[:6]), len(default.allow) - 6
    assert (
        problem == f"participant: {DETECTION}: not overridable; allowed: {named}, and {more} more"
    )


@pytest.mark.parametrize("flat", [False, True], ids=["overrides", "flat-name"])
@pytest.mark.parametrize("profile", ["open", "default"])
def test_manual_is_never_taken_from_metadata(profile: str, *, flat: bool) -> None:
    """A stranger cannot make an agent that never answers, even where everything is allowed."""
    metadata = {"profile": profile, "turn_detection": "manual"}
    found = resolve(metadata if flat else overriding(DETECTION, "manual", profile))
    assert found.values[DETECTION] == "turn_detector"
    assert codes(found) == ["override-forbidden"]


def test_message_about_manual_has_the_reason() -> None:
    """The message does not blame the policy."""
    assert problems(resolve({"profile": "open", "turn_detection": "manual"})) == [
        f"participant: {DETECTION}: manual is never taken from metadata"
    ]


@pytest.mark.parametrize(
    ("path", "value", "code", "message"),
    [
        pytest.param(
            "turn_handling.endpointing.mindelay",
            1.0,
            "override-unknown",
            f"unknown field; {DELAY_FIELDS}\n  hint: did you mean min_delay?",
            id="unknown",
        ),
        pytest.param(
            f"{MIN_DELAY}s",
            1.0,
            "override-unknown",
            f"unknown field; {DELAY_FIELDS}\n  hint: did you mean min_delay?",
            id="plural",
        ),
        pytest.param(
            "turn_handling.alpha",
            0.5,
            "override-unknown",
            (
                "unknown field; turn_handling takes turn_detection, endpointing, interruption,"
                " preemptive_generation, user_turn_limit"
                "\n  hint: did you mean turn_handling.endpointing.alpha?"
            ),
            id="elsewhere",
        ),
        pytest.param(
            ENDPOINTING,
            "800",
            "override-type",
            '"800" is not an integer (ms)\n  hint: write the number without quotes',
            id="number-in-quotes",
        ),
        pytest.param(
            ENDPOINTING, True, "override-type", "true is not an integer (ms)", id="boolean"
        ),
        pytest.param(ENDPOINTING, None, "override-type", "null is not an integer (ms)", id="null"),
        pytest.param(
            MIN_DELAY, {"x": 1}, "override-type", '{"x": 1} is not a number (s)', id="mapping"
        ),
        pytest.param(
            "turn_handling.endpointing",
            1.0,
            "override-type",
            "1.0 is not a mapping of fields",
            id="value-for-a-section",
        ),
        pytest.param(
            "vad", None, "override-type", "null is not a mapping of fields", id="no-section"
        ),
        pytest.param(
            MIN_DELAY,
            800,
            "override-range",
            "800 is more than the maximum of 10 (s)\n  hint: 800 ms is 0.8 s: write 0.8",
            id="range",
        ),
        pytest.param(
            ENDPOINTING,
            1e308,
            "override-range",
            "1e+308 is more than the maximum of 10000 (ms)",
            id="huge",
        ),
        pytest.param(
            ENDPOINTING,
            5,
            "override-range",
            "5 is neither 0 (off) nor at least 10 (ms)",
            id="range-by-rule",
        ),
        pytest.param(
            "turn_handling.interruption.min_duration",
            0,
            "override-range",
            "0 is less than the minimum of 0.03 (s)",
            id="mutes-the-agent",
        ),
        pytest.param(
            "turn_handling.endpointing.alpha",
            0,
            "override-range",
            "0 is not more than 0 (factor)",
            id="makes-the-sdk-raise",
        ),
        pytest.param(
            MIN_DELAY,
            9,
            "override-conflict",
            "min_delay 9 is more than max_delay 2.5 (s)",
            id="against-the-profile",
        ),
        pytest.param(
            "vad.min_silence_duration",
            0.1,
            "override-conflict",
            "0.1 is less than the 0.25 (s) that the turn detector needs",
            id="against-the-detector",
        ),
        pytest.param("stt.engine", "flux", "override-forbidden", None, id="forbidden"),
    ],
)
def test_bad_override_is_left_out_and_the_others_apply(
    path: str, value: object, code: str, message: str | None
) -> None:
    """One bad override affects only itself; its problem has place, value and what is allowed."""
    found = resolve({"min_interruption_words": 2, **overriding(path, value)})
    assert found.values["turn_handling.interruption.min_words"] == 2
    assert found.changed == ("turn_handling.interruption.min_words",)
    assert codes(found) == [code]
    if message:
        assert problems(found) == [f"participant: {path}: {message}"]


def test_infinity_is_out_of_range() -> None:
    """`1e999` is JSON, and no bound lets it pass."""
    found = resolve('{"min_endpointing_delay": 1e999}')
    assert problems(found) == [
        f"participant: {MIN_DELAY}: Infinity is more than the maximum of 10 (s)"
    ]


def test_integer_beyond_any_float_is_out_of_range() -> None:
    """An integer of 400 digits costs the override, not the call."""
    found = resolve(overriding(MIN_DELAY, 10**400))
    assert codes(found) == ["override-range"]


@pytest.mark.parametrize("number", [800, 800.0])
def test_whole_number_is_an_integer(number: float) -> None:
    """`800.0` reaches Deepgram as `800`."""
    value = resolve({"endpointing_ms": number}).values[ENDPOINTING]
    assert (value, type(value)) == (800, int)


def test_overrides_that_conflict_are_left_out_together() -> None:
    """Neither of two that exclude each other is preferred; others of the same layer apply."""
    found = resolve({"min_endpointing_delay": 2, "max_endpointing_delay": 1, "endpointing_ms": 700})
    assert found.changed == (ENDPOINTING,)
    assert problems(found) == [
        f"participant: {MIN_DELAY}: min_delay 2 is more than max_delay 1 (s)",
        f"participant: {MAX_DELAY}: min_delay 2 is more than max_delay 1 (s)",
    ]
    assert codes(found) == ["override-conflict", "override-conflict"]


def test_overrides_that_are_good_only_together_apply() -> None:
    """A delay above the profile's ceiling is fine where the ceiling is raised with it."""
    found = resolve({"min_endpointing_delay": 3, "max_endpointing_delay": 5})
    assert (found.values[MIN_DELAY], found.values[MAX_DELAY]) == (3, 5)
    assert found.problems == ()


def test_conflict_found_later_is_left_out_too() -> None:
    """An override that was only good beside one that is refused is refused with it."""
    found = resolve(
        {
            "profile": "open",
            "endpointing_ms": 0,
            "turn_detection": "stt",
            "overrides": {"stt": {"nova": {"utterance_end_ms": 5}}},
        }
    )
    assert found.changed == ()
    assert codes(found) == ["override-range", "override-conflict", "override-conflict"]


def test_conflict_of_one_layer_costs_no_other_layer_its_override() -> None:
    """What the room asked for stands, and is not blamed, where the caller asks for too much."""
    found = resolve({"min_endpointing_delay": 9}, room={"min_endpointing_delay": 1.0})
    assert problems(found) == [
        f"participant: {MIN_DELAY}: min_delay 9 is more than max_delay 2.5 (s)"
    ]
    assert (found.values[MIN_DELAY], found.origins[MIN_DELAY]) == (1.0, "room")


def test_thresholds_merge_language_by_language() -> None:
    """An override for one language leaves the profile's other languages."""
    path = "turn_detector.unlikely_threshold"
    found = resolve(overriding(path, {"de": 0.4, "fr": 0.1}, "languages"))
    assert found.values[path] == {"en": 0.3, "de": 0.4, "fr": 0.1}
    profile = PROFILES.profile("languages")
    assert profile is not None
    assert profile.values[path] == {"en": 0.3, "de": 0.2}


LANGUAGES = "turn_detector.unlikely_threshold"
HINTS = "stt.flux.language_hint"
LONG: dict[str, tuple[str, Any, str]] = {
    "mapping": (LANGUAGES, {f"l{n}": 0.5 for n in range(101)}, '{"l0": 0.5, '),
    "list": (HINTS, ["en"] * 101, '["en", '),
}


@pytest.mark.parametrize(("path", "value", "begins"), LONG.values(), ids=LONG)
def test_value_of_more_than_100_entries_is_left_out(path: str, value: Any, begins: str) -> None:
    """Thousands of languages would cost the call time, or Deepgram's refusal."""
    found = resolve(overriding(path, value, "open"))
    (problem,) = found.problems
    assert (problem.code, problem.path, found.changed) == ("override-range", path, ())
    assert problem.message.startswith(begins)
    assert problem.message.endswith("... has more than 100 entries")


def test_value_of_100_entries_is_taken() -> None:
    """A hundred languages are more than anybody has."""
    value = {f"l{n}": 0.5 for n in range(100)}
    assert resolve(overriding(LANGUAGES, value, "open")).values[LANGUAGES] == value


@pytest.mark.parametrize(
    "key", ["allow", "extends", "description", "overrides", "__class__", "profile", "", "stt.", "."]
)
def test_key_that_is_not_a_field_is_unknown(key: str) -> None:
    """File metadata, and names of Python's object model, are not settings."""
    found = resolve({"profile": "closed", "overrides": {key: ["*"]}})
    assert found.profile == "closed"
    assert (codes(found), found.changed) == (["override-unknown"], ())


DOTTED = {
    "whole-path": {ENDPOINTING: 800},
    "section": {"stt.nova": {"endpointing_ms": 800}},
    "within-a-section": {"stt": {"nova.endpointing_ms": 800}},
}


@pytest.mark.parametrize("overrides", DOTTED.values(), ids=DOTTED)
def test_key_with_dots_is_unknown(overrides: dict[str, Any]) -> None:
    """Each field has one spelling, the nested one of a file, so that none is given twice."""
    nested = {"stt": {"nova": {"endpointing_ms": 700}}}
    alone, beside = resolve({"overrides": overrides}), resolve({"overrides": nested | overrides})
    assert (codes(alone), alone.changed) == (["override-unknown"], ())
    assert "override-unknown" in codes(beside)
    assert beside.values[ENDPOINTING] != 800


def test_key_with_dots_gets_no_identical_suggestion() -> None:
    """The hint for a field that is spelled with dots is not that same spelling."""
    (problem,) = resolve({"overrides": DOTTED["whole-path"]}).problems
    assert problem.path == ENDPOINTING
    assert problem.message == "unknown field; sections are nested, not joined by dots"
    assert problem.hint == ""


def test_policy_cannot_be_widened_by_metadata() -> None:
    """A caller who sends a policy of its own still has the profile's."""
    overrides = {"overrides": {"allow": ["*"]}, "allow": ["*"], "stt": {"engine": "flux"}}
    found = resolve({"profile": "closed", "overrides": overrides})
    assert codes(found) == ["override-unknown", "override-unknown", "override-forbidden"]
    assert found.changed == ()


HOSTILE = {
    "endless": "x" * 60_000,
    "endless-path": "x." * 30_000,
    "line-break": "a\nERROR everything is lost",
    "escape": "\x1b[2J",
    "right-to-left": "a\u202eb",
    "lone-surrogate": "\ud800",
    "nul": "\x00",
}


@pytest.mark.parametrize("key", HOSTILE.values(), ids=HOSTILE)
def test_hostile_key_makes_a_short_printable_line(key: str) -> None:
    """A caller's key can neither fill the log nor forge a line of it."""
    (problem,) = problems(resolve({"overrides": {key: 1}}))
    assert len(problem) < 400
    assert problem.isprintable()
    assert problem.isascii()


def test_thousands_of_hostile_keys_make_few_problems() -> None:
    """64 KiB of metadata do not become a megabyte of log: after 20, unknown fields are counted."""
    overrides = {"turn_handling": {"interruption": {f"k{n}": 1 for n in range(6_000)}}}
    found = resolve(json.dumps({"overrides": overrides}, separators=(",", ":")))
    assert set(codes(found)) == {"override-unknown"}
    assert len(problems(found)) == 21
    assert problems(found)[-1] == "participant: and 5980 more unknown fields"


def test_twenty_unknown_fields_of_each_layer_are_named() -> None:
    """Each layer is counted alone, and known fields beside the unknown ones still apply."""
    unknown = {f"k{n}": 1 for n in range(20)}
    vad = {"vad": {"min_silence_duration": 0.7}}
    found = resolve({"overrides": {**unknown, **vad}}, room={"overrides": unknown})
    named = [(layer, key) for layer in ("room", "participant") for key in unknown]
    assert [(problem.file, problem.path) for problem in found.problems] == named
    assert found.changed == ("vad.min_silence_duration",)


def test_problem_holds_no_other_value_of_the_metadata() -> None:
    """The log shows the refused value, and nothing else that the caller sent."""
    own = "4111-1111"
    metadata = {
        "card": own,
        "profile": "zzz",
        "endpointing_ms": "fast",
        "overrides": {"sst": {"card": own}, "stt": {"engine": "flux"}, "vad": [], "tts": {}},
        "order": {"endpointing_ms": own},
    }
    found = resolve(
        metadata, room='{"card": "4111-1111"', dispatch='{"4111-1111": 1, "4111-1111": 2}'
    )
    assert len(found.problems) == 7
    assert not [problem for problem in problems(found) if own in problem]


def test_request_that_cannot_be_read_is_a_problem_of_its_layer() -> None:
    """The other layers still count."""
    found = resolve({"profile": "patient"}, room='{"a": }', dispatch='{"a":' * 100)
    assert found.profile == "patient"
    assert problems(found) == [
        "room: metadata: is not JSON: Expecting value at character 7",
        "dispatch: metadata: is nested deeper than 32",
    ]


def test_set_is_not_changed() -> None:
    """A call's overrides do not reach the next call."""
    before = resolve({"profile": "languages"})
    resolve(overriding("turn_detector.unlikely_threshold", {"en": 0.9}, "languages"))
    resolve(overriding(MIN_DELAY, 0.1, "languages"))
    assert resolve({"profile": "languages"}) == before


def leaves(field: str) -> st.SearchStrategy[Any]:
    """Values near what a field takes: its examples and bounds, and what it refuses."""
    facts = SCHEMA.fields[field].schema
    bounds = [facts[name] for name in ("minimum", "maximum", "exclusiveMinimum") if name in facts]
    near = [*facts["examples"], *facts.get("enum", ()), *bounds, *(2 * bound for bound in bounds)]
    numbers = st.floats(-1, 40, allow_nan=False) | st.integers(-1, 20_000)
    return st.sampled_from([*near, None, True, "auto", "800", [], {}]) | numbers


NEAR = st.dictionaries(st.sampled_from(sorted(SCHEMA.fields)), st.none(), max_size=12).flatmap(
    lambda chosen: st.fixed_dictionaries({field: leaves(field) for field in chosen})
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(sorted(SCHEMA.sections)), inner)
    ),
    max_leaves=8,
)


def nest(flat: dict[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        *outer, last = path.split(".")
        inner = nested
        for key in outer:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return nested


METADATA = st.fixed_dictionaries(
    {},
    optional={
        "profile": st.sampled_from(sorted(FILES)) | JSON,
        "overrides": NEAR.map(nest) | JSON,
        "endpointing_ms": leaves(ENDPOINTING) | JSON,
        "min_endpointing_delay": leaves(MIN_DELAY) | JSON,
        "turn_detection": leaves(DETECTION) | JSON,
    },
)
ANY_PROFILE = METADATA.map(lambda metadata: {"profile": "open", **metadata})


@given(ANY_PROFILE, METADATA, METADATA)
def test_any_metadata_leads_to_valid_settings(
    room: dict[str, Any], dispatch: dict[str, Any], participant: dict[str, Any]
) -> None:
    """With any JSON: every field is set and valid, no rule is broken, no code is unknown."""
    found = resolve(participant, room=room, dispatch=dispatch)
    assert set(found.values) == set(found.origins) == set(SCHEMA.fields)
    assert [p for p, v in found.values.items() if SCHEMA.value_problem(SCHEMA.fields[p], v)] == []
    assert list(rules.broken(found.values)) == []
    assert set(codes(found)) <= {
        *("metadata-invalid", "profile-unknown", "override-unknown", "override-type"),
        *("override-range", "override-forbidden", "override-conflict"),
    }


@given(ANY_PROFILE)
def test_every_value_is_an_override_or_the_profiles(metadata: dict[str, Any]) -> None:
    """A value that no layer set is the profile's own, with its place."""
    found = resolve(metadata)
    profile = PROFILES.profile(found.profile)
    assert profile is not None
    for path, origin in found.origins.items():
        if origin != "participant":
            assert (found.values[path], origin) == (profile.values[path], profile.origins[path])
