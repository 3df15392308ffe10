"""Our fields, held to the options of the SDK that they are."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tests.sdk.drift import KNOWN, table
from tests.sdk.known import Known
from tests.sdk.options import ABSENT, Option, written


def mismatches(known: Known, fields: Collection[str], options: Collection[str]) -> str:
    """Fields that are no option, and options that are no field; empty where all match.

    Args:
        known: Which field is which option.
        fields: Every field of ours.
        options: Every option of the SDK.
    """
    return _table(("field", "option", "what is wrong"), _mismatches(known, fields, options))


def differences(known: Known, given: Mapping[str, Any], options: Mapping[str, Option]) -> str:
    """Fields whose default is not the SDK's, though they are not pinned, and the reverse.

    Args:
        known: Which field is which option, and which are pinned.
        given: Field -> what default.yaml gives to the SDK; none where it leaves the option out.
        options: The options of the SDK.
    """
    return _table(("field", "default.yaml", "the SDK"), _differences(known, given, options))


def _mismatches(
    known: Known, fields: Collection[str], options: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    for field in fields:
        if field not in known.fields and field not in known.ours:
            yield field, "-", f"{KNOWN} has no option for it"
    for field in known.ours:
        if field not in fields:
            yield field, "-", "schema.json has no such field"
    for field, option in (*known.fields.items(), *known.live.items()):
        if field not in fields:
            yield field, option, "schema.json has no such field"
        if option not in options:
            yield field, option, "the SDK has no such option any more"


def _differences(
    known: Known, given: Mapping[str, Any], options: Mapping[str, Option]
) -> Iterator[tuple[str, str, str]]:
    for field, name in known.fields.items():
        value = written(given[field]) if field in given else "left out"
        default = _default(options[name]) if name in options else "-"
        if value != default and field not in known.pinned:
            yield field, value, default
        if value == default and field in known.pinned:
            yield field, value, f"{default}: no longer pinned"


def _default(option: Option) -> str:
    left_out = option.default is ABSENT or written(option.default) == "NOT_GIVEN"
    return "left out" if left_out else written(option.default)


def _table(headings: tuple[str, str, str], rows: Iterator[tuple[str, str, str]]) -> str:
    found = sorted(rows)
    return table(headings, found) if found else ""
