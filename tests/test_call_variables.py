"""The variables of `make call`, and the message for an invalid one."""

import json
from pathlib import Path

import pytest

from sandbox.caller import Dial, Script
from sandbox.caller.variables import Calls, read_variables


def test_without_a_variable_one_plain_caller_speaks() -> None:
    """Without metadata; those that are empty are as good as not set."""
    expected = Calls([("", Dial(patience=30.0))], Script(), form="", recording=None)
    assert (
        read_variables({}) == read_variables({"PROFILE": "", "FORMAT": "", "WAIT": ""}) == expected
    )


def test_a_profile_is_named_in_the_metadata() -> None:
    """One call for each name, in the order of the names; spaces do not count."""
    named = read_variables({"PROFILE": "brisk, patient,brisk", "WAIT": "2.5", "KIND": "sip"})
    assert [name for name, _ in named.dials] == ["brisk", "patient", "brisk"]
    assert [json.loads(dial.metadata) for _, dial in named.dials] == [
        {"profile": "brisk"},
        {"profile": "patient"},
        {"profile": "brisk"},
    ]
    assert {(dial.patience, dial.kind) for _, dial in named.dials} == {(2.5, "sip")}


def test_metadata_reaches_the_agent_unchanged() -> None:
    """Broken metadata, too: the call shows how the agent handles it."""
    dial = Dial(metadata="{'profile'", patience=30.0)
    assert read_variables({"METADATA": "{'profile'"}).dials == [("", dial)]


@pytest.mark.parametrize(
    ("profile", "files"),
    [("", ["call.wav"]), ("brisk", ["call.wav"]), ("brisk,patient", ["call-1.wav", "call-2.wav"])],
)
def test_each_call_is_recorded_in_its_own_file(
    profile: str, files: list[str], tmp_path: Path
) -> None:
    """A number is added where there are several."""
    asked = read_variables({"PROFILE": profile, "RECORD": str(tmp_path / "call.wav")})
    assert asked.recordings() == [tmp_path / file for file in files]
    assert read_variables({"PROFILE": profile}).recordings() == [None] * len(files)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"PROFILE": "brisk", "METADATA": "{}"},
            "PROFILE and METADATA are both set: name the profile in METADATA",
        ),
        (
            {"PROFILE": "brisk,,patient"},
            "PROFILE must be names separated by commas, not brisk,,patient",
        ),
        ({"PROFILE": ","}, "PROFILE must be names separated by commas, not ,"),
        ({"KIND": "phone"}, "KIND must be standard or sip, not phone"),
        ({"FORMAT": "yaml"}, "FORMAT must be text or json, not yaml"),
        ({"WAIT": "soon"}, "WAIT must be a number, not soon"),
        ({"WAIT": "nan"}, "WAIT must be a number, not nan"),
        ({"WAIT": "0"}, "WAIT must be a number of seconds above 0, not 0"),
        ({"RATE": "fast"}, "RATE must be a number, not fast"),
        ({"ATTRIBUTES": '{"a": 1}'}, 'ATTRIBUTES must be a JSON object of strings, not {"a": 1}'),
        ({"ATTRIBUTES": "{"}, "ATTRIBUTES must be a JSON object of strings, not {"),
        ({"RECORD": "/nowhere/call.wav"}, "RECORD: no such directory: /nowhere"),
        ({"RECORD": "/"}, "RECORD must be a file, not the directory /"),
    ],
    ids=str,
)
def test_invalid_variable_is_refused(variables: dict[str, str], message: str) -> None:
    """No call is made."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        read_variables(variables)
    assert str(refused.value) == message
