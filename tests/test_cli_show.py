"""`timing-profiles show`: one merged profile, for people, programs and as a file."""

import json
from pathlib import Path

import pytest

from tests.command_line import ROOT, CommandLine
from timing_profiles.catalog import catalog

NAMES = sorted(path.stem for path in (ROOT / "profiles").glob("*.yaml"))
ENDPOINTING = "stt.nova.endpointing_ms"
MIN_DELAY = "turn_handling.endpointing.min_delay"

pytestmark = pytest.mark.usefixtures("starters")


def test_json_has_values_origins_wait_and_problems(run: CommandLine) -> None:
    """For programs; the problems of metadata are in it, not beside it."""
    metadata = '{"endpointing_ms": 500, "min_endpointing_delay": "1"}'
    status, out, err = run("show", "patient", "--metadata", metadata, "--format", "json")
    shown = json.loads(out)
    found = catalog.load(Path("profiles"))
    assert (status, err) == (0, "")
    keys = ["profile", "revision", "values", "origins", "wait", "notices", "problems"]
    assert list(shown) == keys
    assert (shown["profile"], shown["revision"]) == ("patient", found.revision)
    assert list(shown["values"]) == list(shown["origins"])
    assert sorted(shown["values"]) == sorted(found.schema.fields)
    assert (shown["values"][ENDPOINTING], shown["origins"][ENDPOINTING]) == (500, "participant")
    assert shown["origins"][MIN_DELAY] == "profiles/patient.yaml:12"
    assert shown["wait"] == {
        "seconds": [1.59, 4.09],
        "formula": "max(0.09 + max((1.5 to 4), 0.256, 0.3), 0.5 + deepgram)",
        "unknown": ["deepgram"],
    }
    assert shown["problems"] == [
        {
            "code": "override-type",
            "message": '"1" is not a number (s)',
            "path": MIN_DELAY,
            "file": "participant",
            "line": 0,
            "column": 0,
            "severity": "error",
            "hint": "write the number without quotes",
        }
    ]


def test_text_has_effects_for_callers_and_the_place_of_each_value(run: CommandLine) -> None:
    """In words and numbers; then the values by section, the unusual and the idle ones marked."""
    status, out, err = run("show", "patient")
    head, _, values = out.partition("\nValues ")
    revision = catalog.load(Path("profiles")).revision
    assert (status, err) == (0, "")
    assert head == (
        f"patient, revision {revision}\n"
        "Callers who pause to think or to look something up.\n"
        "\n"
        "What a caller notices\n"
        "- answers after 1.59 s when the sentence sounds finished,"
        " after 4.09 s when more seems to come\n"
        "- stops for 0.5 s of speech, or as soon as a word is final (400 ms after it)\n"
        "- after a sound without words it goes on, 2 s later\n"
        "- the LLM begins while the agent still waits\n"
        "\n"
        "The wait\n"
        "1.59 to 4.09 s = max(0.09 + max((1.5 to 4), 0.256, 0.3), 0.4 + deepgram)\n"
        "from the caller's last sound to the decision to answer;"
        " the time of Deepgram, the network, the LLM and the voice comes on top\n"
    )
    assert values.startswith(
        "(* not the default's, - no effect here)\n"
        "stt\n"
        "   engine  nova  profiles/default.yaml:40\n"
        "stt.nova\n"
        "   model             nova-3  profiles/default.yaml:44\n"
        "   language          en-US   profiles/default.yaml:45\n"
        "*  endpointing_ms    400 ms  profiles/patient.yaml:8\n"
        " - utterance_end_ms  null    profiles/default.yaml:47\n"
    )
    assert (
        "turn_handling.endpointing\n"
        "   mode       fixed  profiles/default.yaml:88\n"
        "*  min_delay  1.5 s  profiles/patient.yaml:12\n"
        "*  max_delay  4.0 s  profiles/patient.yaml:13\n"
        " - alpha      0.9    profiles/default.yaml:91\n"
        "turn_handling.interruption\n"
    ) in values


def test_every_field_has_a_line(run: CommandLine) -> None:
    """Each one under the heading of its section."""
    _, _, values = run("show", "patient").out.partition("here)\n")
    lines = values.splitlines()
    fields = catalog.load(Path("profiles")).schema.fields
    sections = {path.rpartition(".")[0] for path in fields}
    assert {line for line in lines if not line.startswith((" ", "*"))} == sections
    assert len(lines) == len(fields) + len(sections)


def test_changes_of_metadata_are_marked_and_refused_ones_go_to_stderr(
    run: CommandLine,
) -> None:
    """Stdout holds the profile alone, so that it can be kept."""
    metadata = {
        "endpointing_ms": 99999,
        "overrides": {
            "stt": {"nova": {"language": "de"}},
            "turn_handling": {"endpointing": {"alpha": 0.5}},
        },
    }
    status, out, err = run("show", "patient", "--metadata", json.dumps(metadata))
    assert status == 0
    assert "*- alpha      0.5    participant\n" in out
    assert err == (
        f"participant: {ENDPOINTING}: 99999 is more than the maximum of 10000 (ms)\n"
        "participant: stt.nova.language: not overridable; allowed: stt.nova.endpointing_ms,"
        " stt.nova.utterance_end_ms, stt.flux.eot_threshold, stt.flux.eager_eot_threshold,"
        " stt.flux.eot_timeout_ms, stt.assemblyai, and 19 more\n"
    )


def test_metadata_chooses_another_profile(run: CommandLine) -> None:
    """As a call would: the name on the command line is the lowest layer."""
    assert run("show", "patient", "--metadata", '{"profile": "brisk"}') == run("show", "brisk")
    status, out, err = run("show", "patient", "--metadata", '{"profile": "brsk"}')
    assert (status, out) == (0, run("show", "default").out)
    assert err == (
        'participant: profile: unknown profile "brsk"; available: brisk, courier, default,'
        " dictation, elderly, flux-conversation, noisy-line, patient, phone-menu\n"
        "  hint: did you mean brisk?\n"
    )


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ("", ""),
        ("tenant-7", ""),
        ("[1]", ""),
        (
            '{"profile"',
            "participant: metadata: is not JSON: Expecting ':' delimiter at character 11\n",
        ),
        ("{" * 100_000, "participant: metadata: is longer than 65536 bytes\n"),
        ('{"a": ' * 1000, "participant: metadata: is nested deeper than 32\n"),
        ('{"overrides": 5}', "participant: overrides: 5 is not a mapping of fields\n"),
        (
            '{"overrides": {"\\u001b[31m": 1}}',
            (
                "participant: \\u001b[31m: unknown field; a profile takes stt, vad, turn_detector,"
                " turn_handling, realtime, tts, session\n"
            ),
        ),
    ],
    ids=["empty", "text", "list", "cut", "long", "deep", "no-mapping", "escape-sequence"],
)
def test_invalid_metadata_keeps_the_profile(metadata: str, problem: str, run: CommandLine) -> None:
    """The profile is shown as the call would have it; the problem is one printable line."""
    assert run("show", "brisk", "--metadata", metadata) == (0, run("show", "brisk").out, problem)


@pytest.mark.parametrize("form", ["text", "json", "yaml"])
def test_a_name_may_be_that_of_the_file(form: str, run: CommandLine) -> None:
    """As the shell completes it."""
    assert run("show", "brisk.yaml", "--format", form) == run("show", "brisk", "--format", form)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "metadata",
    ["", '{"min_interruption_words": 2, "overrides": {"session": {"user_away_timeout": null}}}'],
    ids=["as-it-is", "with-metadata"],
)
def test_yaml_is_a_complete_profile_to_paste(name: str, metadata: str, run: CommandLine) -> None:
    """As a file of the set it gives the same values and policy, and has no warnings."""
    words = ["show", name, "--metadata", metadata, "--format"]
    status, text, err = run(*words, "yaml")
    assert (status, err) == (0, "")
    values = json.loads(run(*words, "json").out)["values"]
    Path("profiles/pasted.yaml").write_text(text)
    assert run("check", "--strict") == (0, "", "")
    assert json.loads(run("show", "pasted", "--format", "json").out)["values"] == values


@pytest.mark.parametrize(
    ("name", "hint"),
    [("patint", "; did you mean patient?"), ("nobody", ""), ("", ""), ("../profiles/brisk", "")],
)
def test_unknown_name_is_answered_with_the_known_ones(
    name: str, hint: str, run: CommandLine
) -> None:
    """A wrong command line: exit 2, one line, nothing on stdout."""
    assert run("show", name) == (
        2,
        "",
        (
            f'timing-profiles: unknown profile "{name}"; available: brisk, courier, default,'
            f" dictation, elderly, flux-conversation, noisy-line, patient, phone-menu{hint}\n"
        ),
    )


def test_a_hostile_name_is_quoted_and_cut(run: CommandLine) -> None:
    """No control character reaches the terminal, and no wall of text."""
    status, out, err = run("show", f"\x1b[31m\n{'x' * 100_000}")
    assert (status, out) == (2, "")
    assert err.startswith('timing-profiles: unknown profile "\\u001b[31m\\nxxx')
    assert err.isascii()
    assert len(err) < 300
