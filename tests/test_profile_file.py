"""Settings as the text of a complete profile."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.command_line import ROOT
from timing_profiles.authoring import profile_file
from timing_profiles.catalog import catalog, folder
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.resolution.request import Request
from timing_profiles.resolution.settings import resolve
from timing_profiles.turns import dead_settings

CATALOG = catalog.load(ROOT / "profiles")


def text(found: Catalog, name: str, overrides: dict[str, Any] | None = None) -> str:
    """The text of a profile, as a call with some overrides would have it."""
    settings = resolve(found, [Request("application", name, overrides=overrides or {})])
    profile, default = found.profile(settings.profile), found.profile("default")
    assert profile
    assert default
    return profile_file.text(settings, profile.allow, default)


def pasted(found: Catalog, content: str) -> Catalog:
    """A set with one profile more."""
    files = {name: entry.content for name, entry in found.files.items()}
    files["pasted.yaml"] = content.encode()
    return catalog.build(files, found.schema, found, "profiles")


def test_every_value_has_its_origin() -> None:
    """In the order of default.yaml, with the line that gives editors the schema."""
    lines = text(CATALOG, "patient", {"session": {"user_away_timeout": None}}).splitlines()
    assert lines[:9] == [
        "# yaml-language-server: $schema=../schema.json",
        "description: As patient, complete.",
        "",
        "stt:",
        "  engine: nova # profiles/default.yaml:40",
        "  nova:",
        "    model: nova-3 # profiles/default.yaml:44",
        "    language: en-US # profiles/default.yaml:45",
        "    endpointing_ms: 400 # profiles/patient.yaml:8",
    ]
    assert "  user_away_timeout: null # application" in lines


def test_dead_setting_is_a_comment_with_the_reason() -> None:
    """Also the heading of a section in which nothing is left."""
    lines = text(CATALOG, "patient").splitlines()
    at = lines.index("  # flux:")
    assert lines[at + 1 : at + 3] == [
        "    # model: flux-general-en # no effect: stt.engine is nova",
        "    # eot_threshold: auto # no effect: stt.engine is nova",
    ]


def test_own_value_stays_even_without_effect(starters: Path) -> None:
    """The text has the value of the profile."""
    (starters / "odd.yaml").write_text("turn_handling: {endpointing: {alpha: 0.5}}\n")
    found = catalog.load(starters)
    assert "    alpha: 0.5 # profiles/odd.yaml:1\n" in text(found, "odd")


def test_own_policy_is_included(starters: Path) -> None:
    """The inherited one is left out."""
    (starters / "open.yaml").write_text("overrides: {allow: [tts.speed, '*']}\n")
    found = catalog.load(starters)
    assert "\noverrides:\n  allow: [tts.speed, '*']\n" in text(found, "open")
    copy = pasted(found, text(found, "open")).profile("pasted")
    assert copy
    assert copy.allow == ("tts.speed", "*")
    assert "overrides" not in text(found, "brisk")


@pytest.mark.parametrize("name", CATALOG.names())
def test_starter_profile_is_the_same_as_a_file(name: str) -> None:
    """Values and policy, and it warns of nothing."""
    after = pasted(CATALOG, text(CATALOG, name))
    profile, copy = CATALOG.profile(name), after.profile("pasted")
    assert profile
    assert copy
    assert (copy.values, copy.allow) == (profile.values, profile.allow)
    assert after.warnings == ()


def numbers(field: str) -> st.SearchStrategy[Any]:
    """Numbers that a field takes."""
    schema = CATALOG.schema.fields[field].schema
    return st.floats(schema["minimum"], schema["maximum"])


OVERRIDES = st.fixed_dictionaries(
    {},
    optional={
        "turn_detection": st.sampled_from(["turn_detector", "stt", "vad", "realtime_llm"]),
        "endpointing": st.fixed_dictionaries(
            {},
            optional={
                "mode": st.sampled_from(["fixed", "dynamic"]),
                "min_delay": numbers("turn_handling.endpointing.min_delay"),
                "max_delay": numbers("turn_handling.endpointing.max_delay"),
                "alpha": st.floats(0.001, 1.0),
            },
        ),
        "interruption": st.fixed_dictionaries(
            {},
            optional={
                "enabled": st.booleans(),
                "mode": st.sampled_from(["vad", "adaptive", "auto"]),
                "min_words": st.integers(0, 50),
                "false_interruption_timeout": st.none() | st.floats(0.0, 30.0),
                "backchannel_boundary": st.none() | st.floats(0.0, 30.0),
            },
        ),
    },
)


@given(st.sampled_from(CATALOG.names()), OVERRIDES)
def test_any_settings_are_the_same_as_a_file(name: str, overrides: dict[str, Any]) -> None:
    """The file has all settings of a call, and only idle ones are left to `default`."""
    free = pasted_policy(name)
    settings = resolve(free, [Request("application", name, overrides={"turn_handling": overrides})])
    default = free.profile("default")
    assert default
    after = pasted(free, profile_file.text(settings, ("*",), default))
    copy = after.profile("pasted")
    assert copy
    assert copy.values == settings.values
    idle = dead_settings.reasons(copy.values, copy.values).keys()
    assert {*settings.values} - {*after.layers["pasted"].sets} <= idle


def pasted_policy(name: str) -> Catalog:
    """The starter set, where metadata may change everything in one profile."""
    files = {file: entry.content for file, entry in CATALOG.files.items()}
    file = f"{name}{folder.SUFFIX}"
    content = files[file]
    assert isinstance(content, bytes)
    if name == "default":
        head, _, tail = content.partition(b"overrides:")
        _, _, tail = tail.partition(b"\nstt:")
        files[file] = head + b"overrides: {allow: ['*']}\nstt:" + tail
    else:
        files[file] = content + b"\noverrides: {allow: ['*']}\n"
    return catalog.build(files, CATALOG.schema, CATALOG, "profiles")
