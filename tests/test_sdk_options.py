"""Whatever a new release changes about its options is found: shown on small SDKs made up here."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sdk.drift import drift, table
from tests.sdk.options import InForce, Listing, Source, listing

SDK = '''\
from __future__ import annotations

import logging
from typing import Literal

from typing_extensions import TypedDict, deprecated

class NotGiven:
    def __repr__(self) -> str:
        return "NOT_GIVEN"

NOT_GIVEN = NotGiven()
Versions = Literal["v1", "v2"]

def deprecate_params(names):
    return lambda function: function

class EndpointingOptions(TypedDict, total=False):
    """How a turn ends."""

    mode: Literal["fixed", "dynamic"]
    """Defaults to fixed."""
    min_delay: float
    """Seconds; replaces the deprecated keyword."""

class TurnHandlingOptions(TypedDict, total=False):
    endpointing: EndpointingOptions

class Session:
    def __init__(
        self,
        *,
        turn_handling: TurnHandlingOptions | NotGiven = NOT_GIVEN,
        warmup: float | NotGiven = NOT_GIVEN,
        away: float | None = 15.0,
    ) -> None:
        """Create a session.

        Args:
            turn_handling: How turns are taken.
            away (float, optional): Seconds. The same as the deprecated `idle`.
        """
        self.options = {
            "turn_handling": {"endpointing": {"mode": "fixed", "min_delay": 0.3}},
            "warmup": 3.0,
        }

    @staticmethod
    def without_detector():
        return {"turn_handling": {"endpointing": {"mode": "fixed", "min_delay": 0.5}}}

class STT:
    def __init__(
        self,
        model: str = "nova",
        *,
        # in milliseconds
        endpointing_ms: int = 25,
        version: Versions = "v1",
        api_key: str = "",
    ) -> None:
        pass

    def update_options(self, *, endpointing_ms: int | NotGiven = NOT_GIVEN) -> None:
        if endpointing_ms:
            logging.warning("`endpointing_ms` reconnects")
'''
"""What was released before."""

BY_NAME = "STT.api_key"

Made = Callable[[str], Listing]


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    """Write the text of an SDK into a module, import it, and list it."""
    monkeypatch.syspath_prepend(tmp_path)
    modules: list[str] = []

    def make(text: str) -> Listing:
        name = f"made_up_sdk_{len(modules)}"
        modules.append(name)
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        return listing(sources(name))

    yield make
    for name in modules:
        sys.modules.pop(name, None)


def sources(module: str) -> list[Source]:
    def in_force() -> InForce:
        session = importlib.import_module(module).Session()
        return {"": session.options, "without a detector": session.without_detector()}

    return [
        Source("Session", f"{module}:Session", in_force),
        Source("STT", f"{module}:STT"),
        Source("STT.update_options", f"{module}:STT.update_options"),
    ]


def options(found: Listing) -> dict[str, str]:
    return {option.name: str(option) for option in found.options}


def change(*replacements: tuple[str, str]) -> str:
    """The next release."""
    text = SDK
    for old, new in replacements:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def test_options_are_listed_as_written(made: Made) -> None:
    """With the keys of TypedDicts, what holds without an option, and the words that it takes."""
    found = made(SDK)
    assert options(found) == {
        "Session.turn_handling": "TurnHandlingOptions | NotGiven = NOT_GIVEN",
        "Session.turn_handling.endpointing": "EndpointingOptions",
        "Session.turn_handling.endpointing.mode": "Literal['fixed', 'dynamic'] = 'fixed'",
        "Session.turn_handling.endpointing.min_delay": "float = 0.3 (0.5 without a detector)",
        "Session.warmup": "float | NotGiven = NOT_GIVEN (3.0)",
        "Session.away": "float | None = 15.0",
        "STT.model": "str = 'nova'",
        "STT.endpointing_ms": "int = 25",
        "STT.version": "Versions['v1', 'v2'] = 'v1'",
        "STT.api_key": "str = ''",
        "STT.update_options.endpointing_ms": "int | NotGiven = NOT_GIVEN",
    }
    assert found.unreadable == {}


ROW = tuple[str, str, str]

WHAT_TO_DO = """\
Put what is there now into tests/sdk/known.yaml; what has moved, into tests/sdk/installed.py. A new
option becomes a field of schema.json too, or is left out with a reason; the field of an option
that is gone goes as well."""


def drifted(before: Listing, after: Listing) -> str:
    """What is found when the first is known, one option of it by its name alone."""
    expected = {name: None if name == BY_NAME else of for name, of in options(before).items()}
    return drift(expected, options(after), after.unreadable)


def message(rows: list[ROW]) -> str:
    """What people are told of these changes."""
    changes = table(("option", "known", "now"), rows)
    return f"The SDK is not as tests/sdk/known.yaml has it:\n\n{changes}\n\n{WHAT_TO_DO}"


CHANGES: dict[str, tuple[tuple[str, str], list[ROW]]] = {
    "an option appears": (
        ("away: float", "patience: float = 1.0,\n        away: float"),
        [("Session.patience", "-", "float = 1.0")],
    ),
    "an option disappears": (
        ('version: Versions = "v1",', ""),
        [("STT.version", "Versions['v1', 'v2'] = 'v1'", "-")],
    ),
    "an option is renamed": (
        ("endpointing_ms: int = 25", "silence_ms: int = 25"),
        [("STT.endpointing_ms", "int = 25", "-"), ("STT.silence_ms", "-", "int = 25")],
    ),
    "a default changes": (
        ("endpointing_ms: int = 25", "endpointing_ms: int = 40"),
        [("STT.endpointing_ms", "int = 25", "int = 40")],
    ),
    "what holds without an option changes": (
        ('"warmup": 3.0', '"warmup": 2.0'),
        [
            (
                "Session.warmup",
                "float | NotGiven = NOT_GIVEN (3.0)",
                "float | NotGiven = NOT_GIVEN (2.0)",
            )
        ],
    ),
    "what holds without a key changes": (
        ('"min_delay": 0.3', '"min_delay": 0.4'),
        [
            (
                "Session.turn_handling.endpointing.min_delay",
                "float = 0.3 (0.5 without a detector)",
                "float = 0.4 (0.5 without a detector)",
            )
        ],
    ),
    "what holds without a key changes in another situation": (
        ('"min_delay": 0.5', '"min_delay": 0.3'),
        [
            (
                "Session.turn_handling.endpointing.min_delay",
                "float = 0.3 (0.5 without a detector)",
                "float = 0.3",
            )
        ],
    ),
    "a type changes": (
        ("away: float | None", "away: float"),
        [("Session.away", "float | None = 15.0", "float = 15.0")],
    ),
    "a word is added to those that an option takes": (
        ('["v1", "v2"]', '["v1", "v2", "v3"]'),
        [("STT.version", "Versions['v1', 'v2'] = 'v1'", "Versions['v1', 'v2', 'v3'] = 'v1'")],
    ),
    "a key is added to a TypedDict": (
        ("    min_delay: float\n", "    min_delay: float\n    alpha: float\n"),
        [("Session.turn_handling.endpointing.alpha", "-", "float")],
    ),
    "a TypedDict is added": (
        (
            "    endpointing: EndpointingOptions\n",
            "    endpointing: EndpointingOptions\n    backchannel: EndpointingOptions | None\n",
        ),
        [
            ("Session.turn_handling.backchannel", "-", "EndpointingOptions | None"),
            ("Session.turn_handling.backchannel.min_delay", "-", "float"),
            ("Session.turn_handling.backchannel.mode", "-", "Literal['fixed', 'dynamic']"),
        ],
    ),
    "what can change during a call no longer can": (
        ("(self, *, endpointing_ms: int | NotGiven = NOT_GIVEN)", "(self)"),
        [("STT.update_options.endpointing_ms", "int | NotGiven = NOT_GIVEN", "-")],
    ),
    "what matters by its name disappears": (
        ('api_key: str = "",', ""),
        [("STT.api_key", "(its name)", "-")],
    ),
}


def test_the_same_options_are_not_drift(made: Made) -> None:
    """Nor is another default where only the name matters."""
    after = change(('api_key: str = ""', "api_key: str | None = None"))
    assert drifted(made(SDK), made(after)) == ""


def test_text_is_a_table(made: Made) -> None:
    """With the remedy."""
    after = change(("endpointing_ms: int = 25", "silence_ms: float = 0.025"))
    assert (
        drifted(made(SDK), made(after))
        == """\
The SDK is not as tests/sdk/known.yaml has it:

option              known     now
STT.endpointing_ms  int = 25  -
STT.silence_ms      -         float = 0.025

Put what is there now into tests/sdk/known.yaml; what has moved, into tests/sdk/installed.py. A new
option becomes a field of schema.json too, or is left out with a reason; the field of an option
that is gone goes as well."""
    )


@pytest.mark.parametrize(("changed", "rows"), CHANGES.values(), ids=CHANGES)
def test_a_change_is_found(made: Made, changed: tuple[str, str], rows: list[ROW]) -> None:
    """The message has the option, its known form and its present one."""
    assert drifted(made(SDK), made(change(changed))) == message(rows)


DOCSTRING = '''\
"""Create it.

        Args:
            endpointing_ms (int): Silence that ends a turn.
                Deprecated, use version instead.
        """'''

DEPRECATIONS = {
    "a comment beside it": ("int = 25,", "int = 25,  # Deprecated: use silence_ms"),
    "the docstring": ("pass", DOCSTRING),
    "a warning": ("pass", 'logging.warning("`endpointing_ms` is deprecated, use `version`")'),
    "a decorator with a mapping": (
        "class STT:\n",
        'class STT:\n    @deprecate_params({"endpointing_ms": "Use version instead"})\n',
    ),
}


@pytest.mark.parametrize("changed", DEPRECATIONS.values(), ids=DEPRECATIONS)
def test_an_option_is_deprecated_by(made: Made, changed: tuple[str, str]) -> None:
    """In every form of the source, and no other option with it."""
    rows = [("STT.endpointing_ms", "int = 25", "int = 25 (deprecated)")]
    assert drifted(made(SDK), made(change(changed))) == message(rows)


def test_comment_deprecates_the_options_below_it(made: Made) -> None:
    """Up to the next comment."""
    changed = change(
        ("# in milliseconds", "# deprecated"),
        ("api_key: str", "# credentials\n        api_key: str"),
    )
    versions = "Versions['v1', 'v2'] = 'v1'"
    rows = [
        ("STT.endpointing_ms", "int = 25", "int = 25 (deprecated)"),
        ("STT.version", versions, f"{versions} (deprecated)"),
    ]
    assert drifted(made(SDK), made(changed)) == message(rows)


def test_a_key_is_deprecated_by_the_text_below_it(made: Made) -> None:
    """The others are not."""
    mode = "Literal['fixed', 'dynamic'] = 'fixed'"
    rows = [("Session.turn_handling.endpointing.mode", mode, f"{mode} (deprecated)")]
    changed = change(("Defaults to fixed.", "Defaults to fixed. Deprecated."))
    assert drifted(made(SDK), made(changed)) == message(rows)


WHOLE = {
    "its summary": ("class STT:\n", 'class STT:\n    """Deprecated: use STTv2."""\n'),
    "a directive": (
        "class STT:\n",
        'class STT:\n    """Hears.\n\n    .. deprecated:: 2.0\n    """\n',
    ),
    "a decorator": ("class STT:\n", '@deprecated("Use STTv2")\nclass STT:\n'),
}


@pytest.mark.parametrize("changed", WHOLE.values(), ids=WHOLE)
def test_class_is_deprecated_with_all_its_options(made: Made, changed: tuple[str, str]) -> None:
    """Those of a running call, too."""
    before = made(SDK)
    rows = [
        (name, of, f"{of} (deprecated)")
        for name, of in sorted(options(before).items())
        if name.startswith("STT.") and name != BY_NAME
    ]
    assert drifted(before, made(change(changed))) == message(rows)


def test_the_keys_of_a_deprecated_option_are_not_listed(made: Made) -> None:
    """They are those of another option by now."""
    changed = change(
        (
            "turn_handling: TurnHandlingOptions",
            "# deprecated\n        turn_handling: TurnHandlingOptions",
        ),
        ("warmup: float | NotGiven", "# in use\n        warmup: float | NotGiven"),
    )
    now = options(made(changed))
    assert [name for name in now if name.startswith("Session.turn")] == ["Session.turn_handling"]


def test_removed_option_is_reported_once(made: Made) -> None:
    """With the reason, and without a row for each of its options."""
    after = change(("class STT:", "class STTv3:"))
    assert (
        drifted(made(SDK), made(after))
        == f"""\
The SDK is not as tests/sdk/known.yaml has it:

Cannot be read: STT, STT.update_options.
AttributeError: module 'made_up_sdk_1' has no attribute 'STT'

{WHAT_TO_DO}"""
    )


def test_unreadable_sdk_is_not_reported_as_without_defaults(made: Made) -> None:
    """What can be seen without asking is compared all the same."""
    after = made(change(("self.options = {", "self.choices = {")))
    told = drifted(made(SDK), after)
    assert "Session.warmup" in told
    assert after.unreadable == {
        "defaults of Session": "AttributeError: 'Session' object has no attribute 'options'"
    }
