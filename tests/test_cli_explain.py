"""`timing-profiles explain` and `metadata-schema`: what a field is, and who may set it."""

import json
from pathlib import Path

import pytest

from tests.command_line import CommandLine
from timing_profiles.authoring import reference
from timing_profiles.authoring.explanation import explain_field
from timing_profiles.catalog import catalog

MAX_DELAY = "turn_handling.endpointing.max_delay"

pytestmark = pytest.mark.usefixtures("starters")


def test_text_has_all_facts_of_a_field(run: CommandLine) -> None:
    """Effect on callers, bounds, default, reasons for no effect, and the values of profiles."""
    status, out, err = run("explain", MAX_DELAY)
    name, description, *facts = out.splitlines()
    schema = catalog.load(Path("profiles")).schema
    assert (status, err) == (0, "")
    assert (name, description) == (MAX_DELAY, schema.fields[MAX_DELAY].schema["description"])
    assert facts == [
        "",
        "takes              a number",
        "bounds             0 to 30",
        "unit               s",
        "default            2.5 s",
        "examples           2.5 s, 4.0 s",
        "in a running call  at once",
        "no effect          used only with the turn detector or in mode dynamic",
        "metadata may set   in every profile",
        "set by             brisk: 0.8 s  (profiles/brisk.yaml:7)",
        "                   courier: 1.28 s  (profiles/courier.yaml:8)",
        "                   default: 2.5 s  (profiles/default.yaml:90)",
        "                   dictation: 4.0 s  (profiles/dictation.yaml:7)",
        "                   elderly: 4.0 s  (profiles/elderly.yaml:21)",
        "                   patient: 4.0 s  (profiles/patient.yaml:13)",
        "                   phone-menu: 5.0 s  (profiles/phone-menu.yaml:7)",
    ]


def test_json_has_the_keys_that_programs_build_on(run: CommandLine) -> None:
    """And more beside them."""
    status, out, err = run("explain", MAX_DELAY, "--format", "json")
    explained = json.loads(out)
    assert (status, err) == (0, "")
    assert explained["description"].startswith("Seconds from the caller's last word")
    assert explained.pop("description")
    assert explained.pop("set_by")[:2] == [
        {"profile": "brisk", "value": 0.8, "origin": "profiles/brisk.yaml:7"},
        {"profile": "courier", "value": 1.28, "origin": "profiles/courier.yaml:8"},
    ]
    assert explained == {
        "field": MAX_DELAY,
        "unit": "s",
        "type": ["number"],
        "minimum": 0,
        "maximum": 30,
        "default": 2.5,
        "live": "now",
        "allowed": "a number",
        "choices": {},
        "range": "0 to 30",
        "examples": [2.5, 4.0],
        "open_in": sorted(path.stem for path in Path("profiles").iterdir()),
        "no_effect_when": [
            "used only with the turn detector or in mode dynamic",
        ],
    }


def test_a_section_is_an_overview_of_its_fields(run: CommandLine) -> None:
    """With the default and the effect of each."""
    status, out, err = run("explain", "turn_handling.user_turn_limit")
    assert (status, err) == (0, "")
    assert [line[:52] for line in out.splitlines()] == [
        "turn_handling.user_turn_limit",
        "  max_words     null  Words after which the agent cu",
        "  max_duration  null  Seconds of talking after which",
    ]


def test_section_includes_its_subsections(run: CommandLine) -> None:
    """`stt` is its engine, nova, flux and assemblyai."""
    out = run("explain", "stt", "--format", "json").out
    sections = {field["field"].rpartition(".")[0] for field in json.loads(out)}
    assert sections == {"stt", "stt.nova", "stt.flux", "stt.assemblyai"}


@pytest.mark.parametrize("form", ["text", "json", "markdown"])
def test_without_a_field_all_are_explained(form: str, run: CommandLine) -> None:
    """Each field of the schema is there."""
    status, out, err = run("explain", "--format", form)
    fields = catalog.load(Path("profiles")).schema.fields
    assert (status, err) == (0, "")
    missing = [path for path in fields if path.rpartition(".")[2] not in out]
    assert missing == []


def test_markdown_is_a_page_about_the_requested_fields(run: CommandLine) -> None:
    """Of all, of a section, or of one."""
    found = catalog.load(Path("profiles"))
    known = [explain_field(found, field) for field in found.schema.fields.values()]
    of_tts = [field for field in known if field.field.startswith("tts.")]
    assert run("explain", "--format", "markdown") == (0, reference.page(found, known), "")
    assert run("explain", "tts", "--format", "markdown") == (0, reference.page(found, of_tts), "")


def test_explanation_of_an_unused_field_states_it(run: CommandLine) -> None:
    """It is kept because the SDK takes it."""
    lines = run("explain", "vad.prefix_padding_duration").out.splitlines()
    assert "no effect          not used by this SDK" in lines


def test_exclusive_bound_is_shown_as_exclusive(run: CommandLine) -> None:
    """`alpha: 0` would raise in the SDK; `1` is fine."""
    lines = run("explain", "turn_handling.endpointing.alpha").out.splitlines()
    assert "bounds             above 0, at most 1" in lines


def test_explanation_lists_the_policies_that_allow_a_field(run: CommandLine) -> None:
    """In every profile, in some, or never."""
    Path("profiles/free.yaml").write_text("overrides: {allow: ['*']}\n")
    Path("profiles/shut.yaml").write_text("overrides: {allow: []}\n")
    lines = run("explain", "stt.nova.model").out.splitlines()
    assert "metadata may set   free" in lines
    field = run("explain", MAX_DELAY).out
    assert (
        "metadata may set   brisk, courier, default, dictation, elderly, flux-conversation, free,"
        " noisy-line, patient, phone-menu\n"
    ) in field
    Path("profiles/free.yaml").unlink()
    assert "metadata may set   never\n" in run("explain", "stt.nova.model").out


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tts.sped", '"tts.sped": unknown field; tts takes speed; did you mean tts.speed?'),
        (
            "min_delay",
            (
                '"min_delay": unknown field;'
                " a profile takes stt, vad, turn_detector, turn_handling, realtime, tts, session;"
                " did you mean turn_handling.endpointing.min_delay?"
            ),
        ),
        (
            "turn_handling.endpointing.min_delai.x",
            (
                '"turn_handling.endpointing.min_delai.x": unknown field;'
                " turn_handling.endpointing takes mode, min_delay, max_delay, alpha;"
                " did you mean turn_handling.endpointing.min_delay?"
            ),
        ),
        (
            "\x1b[31m\n",
            (
                '"\\u001b[31m\\n": unknown field;'
                " a profile takes stt, vad, turn_detector, turn_handling, realtime, tts, session"
            ),
        ),
        (
            "x" * 100_000,
            (
                f'"{"x" * 56}...: unknown field;'
                " a profile takes stt, vad, turn_detector, turn_handling, realtime, tts, session"
            ),
        ),
    ],
    ids=["near-miss", "no-path", "too-deep", "escape-sequence", "long"],
)
def test_an_unknown_field_is_answered_with_its_neighbours(
    path: str, message: str, run: CommandLine
) -> None:
    """A wrong command line: exit 2, one line, nothing on stdout."""
    assert run("explain", path) == (2, "", f"timing-profiles: {message}\n")


def test_metadata_schema_is_one_for_all_profiles_or_for_one(run: CommandLine) -> None:
    """JSON Schema, draft 2020-12; its content has tests of its own."""
    status, out, err = run("metadata-schema")
    assert (status, err) == (0, "")
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert run("metadata-schema", "brisk").status == 0
    assert run("metadata-schema", "brsk").status == 2


def test_metadata_schema_as_text_lists_the_fields_of_clients(run: CommandLine) -> None:
    """By section; a field that only some profiles open names them."""
    Path("profiles/free.yaml").write_text("overrides: {allow: [tts, stt.nova.smart_format]}\n")
    status, out, err = run("metadata-schema", "--format", "text")
    others = "brisk, courier, default, dictation, elderly, flux-conversation"
    assert (status, err) == (0, "")
    assert out.startswith(
        f"profile: {others}, free, noisy-line, patient, phone-menu\n"
        "overrides:\n"
        "stt.nova\n"
        f"  endpointing_ms    an integer, 0 to 10000 (ms)             in {others}, noisy-line"
    )
    assert "  smart_format      true or false                           in free\n" in out
    assert "tts\n  speed  a number or null, 0.7 to 1.5 (factor)\n" in out
    assert run("metadata-schema", "free", "--format", "text").out == (
        "profile: free\n"
        "overrides:\n"
        "stt.nova\n"
        "  smart_format  true or false\n"
        "tts\n"
        "  speed  a number or null, 0.7 to 1.5 (factor)\n"
    )


def test_metadata_schema_of_a_closed_profile_has_no_overrides(run: CommandLine) -> None:
    """Only a profile may then be chosen."""
    Path("profiles/shut.yaml").write_text("overrides: {allow: []}\n")
    assert run("metadata-schema", "shut", "--format", "text") == (
        0,
        "profile: shut\noverrides: none allowed\n",
        "",
    )


@pytest.mark.parametrize("command", [["metadata-schema"], ["show", "default", "--metadata", "{}"]])
def test_invalid_key_of_metadata_is_reported(
    command: list[str], run: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`TIMING_METADATA_KEY`, where metadata is judged; a worker refuses it at its start."""
    monkeypatch.setenv("TIMING_METADATA_KEY", "overrides")
    reason = "is a key of a request; name a key that only holds requests"
    assert run(*command) == (1, "", f'TIMING_METADATA_KEY: "overrides" {reason}\n')
