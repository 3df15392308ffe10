"""What the variables of `make call` ask for, and what is said when one makes no sense."""

import json
from pathlib import Path

import pytest

from sandbox.caller import Dial, Script
from sandbox.caller.wish import Wish, wish


def test_without_a_variable_one_plain_caller_speaks() -> None:
    """Without metadata; those that are empty are as good as not set."""
    expected = Wish([("", Dial())], Script(), form="", recording=None)
    assert wish({}) == wish({"PROFILE": "", "FORMAT": "", "WAIT": ""}) == expected


def test_a_profile_is_named_in_the_metadata() -> None:
    """One call for each name, in the order of the names; spaces do not count."""
    named = wish({"PROFILE": "brisk, patient,brisk", "WAIT": "2.5", "KIND": "sip"})
    assert [name for name, _ in named.dials] == ["brisk", "patient", "brisk"]
    assert [json.loads(dial.metadata) for _, dial in named.dials] == [
        {"profile": "brisk"},
        {"profile": "patient"},
        {"profile": "brisk"},
    ]
    assert {(dial.patience, dial.kind) for _, dial in named.dials} == {(2.5, "sip")}


def test_metadata_goes_to_the_agent_as_it_is() -> None:
    """Also when it is broken: what the agent makes of it is seen in the call."""
    assert wish({"METADATA": "{'profile'"}).dials == [("", Dial(metadata="{'profile'"))]


@pytest.mark.parametrize(
    ("profile", "files"),
    [("", ["call.wav"]), ("brisk", ["call.wav"]), ("brisk,patient", ["call-1.wav", "call-2.wav"])],
)
def test_each_call_is_recorded_in_its_own_file(
    profile: str, files: list[str], tmp_path: Path
) -> None:
    """A number is added where there are several."""
    asked = wish({"PROFILE": profile, "RECORD": str(tmp_path / "call.wav")})
    assert asked.recordings() == [tmp_path / file for file in files]
    assert wish({"PROFILE": profile}).recordings() == [None] * len(files)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"PROFILE": "brisk", "METADATA": "{}"},
            "PROFILE and METADATA are both set: name the profile in METADATA",
        ),
        ({"PROFILE": "brisk,,patient"}, "PROFILE is names with commas between, not brisk,,patient"),
        ({"PROFILE": ","}, "PROFILE is names with commas between, not ,"),
        ({"KIND": "phone"}, "KIND is standard or sip, not phone"),
        ({"FORMAT": "yaml"}, "FORMAT is text or json, not yaml"),
        ({"WAIT": "soon"}, "WAIT is a number, not soon"),
        ({"WAIT": "nan"}, "WAIT is a number, not nan"),
        ({"WAIT": "0"}, "WAIT is a number of seconds above 0, not 0"),
        ({"RATE": "fast"}, "RATE is a number, not fast"),
        ({"ATTRIBUTES": '{"a": 1}'}, 'ATTRIBUTES is a JSON object of strings, not {"a": 1}'),
        ({"ATTRIBUTES": "{"}, "ATTRIBUTES is a JSON object of strings, not {"),
        ({"RECORD": "/nowhere/call.wav"}, "RECORD: there is no folder /nowhere"),
        ({"RECORD": "/"}, "RECORD is a file, and / is a folder"),
    ],
    ids=str,
)
def test_a_variable_that_makes_no_sense_is_refused(variables: dict[str, str], message: str) -> None:
    """Before anybody is called."""
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - the whole message is compared
        wish(variables)
    assert str(refused.value) == message
