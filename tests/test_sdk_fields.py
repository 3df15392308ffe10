"""Fields and options that do not match, shown on a small schema made up here."""

from typing import Any

from tests.sdk import fields, known
from tests.sdk.options import ABSENT, Option

KNOWN = known.load("""
ours:
  engine: it chooses what hears

pinned:
  stt.version: it differs between development and production

options:
  STT:
    section: stt
    fields:
      endpointing_ms: int = 25
      hint: NotGivenOr[str] = NOT_GIVEN
      version: str = 'v1'
    left out:
      nobody asks for it:
        punctuate: bool = True
    by name:
      credentials:
        - api_key

  STT.update_options:
    section: stt
    fields:
      endpointing_ms: int
""")

FIELDS = {"engine", "stt.endpointing_ms", "stt.hint", "stt.version"}

GIVEN = {"stt.endpointing_ms": 25, "stt.version": "v2"}
"""What default.yaml gives: it leaves the hint to the SDK."""


class NotGiven:
    """As the SDK has it."""

    def __repr__(self) -> str:
        """The name by which it is known."""
        return "NOT_GIVEN"


def options(**changes: Any) -> dict[str, Option]:
    """The options of the constructor, with these defaults."""
    defaults = {"endpointing_ms": 25, "hint": NotGiven(), "version": "v1", **changes}
    return {
        f"STT.{name}": Option(f"STT.{name}", "", default, notes=(), deprecated=False)
        for name, default in defaults.items()
    }


def differences(given: dict[str, Any], **changes: Any) -> str:
    return fields.differences(KNOWN, given, options(**changes))


def test_file_lists_known_options() -> None:
    """Each option, and where it went."""
    said = known.Known(
        options={
            "STT.endpointing_ms": "int = 25",
            "STT.hint": "NotGivenOr[str] = NOT_GIVEN",
            "STT.version": "str = 'v1'",
            "STT.punctuate": "bool = True",
            "STT.api_key": None,
            "STT.update_options.endpointing_ms": "int",
        },
        fields={
            "stt.endpointing_ms": "STT.endpointing_ms",
            "stt.hint": "STT.hint",
            "stt.version": "STT.version",
        },
        live={"stt.endpointing_ms": "STT.update_options.endpointing_ms"},
        ours={"engine": "it chooses what hears"},
        pinned={"stt.version": "it differs between development and production"},
    )
    assert said == KNOWN


def test_fields_and_options_that_match_are_not_mentioned() -> None:
    """There is nothing to say."""
    assert fields.mismatches(KNOWN, FIELDS, KNOWN.options) == ""
    assert differences(GIVEN) == ""


def test_mismatches_are_a_table() -> None:
    """A field without an option, an option without a field, and an option that is gone."""
    ours = FIELDS - {"engine", "stt.hint"} | {"stt.patience"}
    theirs = KNOWN.options.keys() - {"STT.update_options.endpointing_ms"}
    assert (
        fields.mismatches(KNOWN, ours, theirs)
        == """\
field               option                             what is wrong
engine              -                                  schema.json has no such field
stt.endpointing_ms  STT.update_options.endpointing_ms  the SDK has no such option any more
stt.hint            STT.hint                           schema.json has no such field
stt.patience        -                                  tests/sdk/known.yaml has no option for it"""
    )


def test_defaults_that_differ_are_a_table() -> None:
    """A value for another, and a value for what is left out."""
    given = {"stt.endpointing_ms": 400, "stt.hint": "de", "stt.version": "v2"}
    assert (
        differences(given)
        == """\
field               default.yaml  the SDK
stt.endpointing_ms  400           25
stt.hint            'de'          left out"""
    )


def test_option_left_to_the_sdk_has_no_default_there() -> None:
    """Otherwise leaving it out is a choice without a reason."""
    assert (
        differences(GIVEN, hint="en")
        == """\
field     default.yaml  the SDK
stt.hint  left out      'en'"""
    )
    assert differences(GIVEN, hint=ABSENT) == ""


def test_pinned_value_differs() -> None:
    """A pin without a reason is removed."""
    assert (
        differences({**GIVEN, "stt.version": "v1"})
        == """\
field        default.yaml  the SDK
stt.version  'v1'          'v1': no longer pinned"""
    )
