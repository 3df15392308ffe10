"""The SDK that is installed, held to what is known of it, and our fields held to the SDK.

`tests/sdk/known.yaml` is what is known, and says how to read it. `make drift` holds the newest
release of the SDK to the same file.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.sdk import fields, installed, known
from tests.sdk.drift import drift
from tests.sdk.options import Listing, listing
from tests.sdk.release import needs_the_locked_release
from timing_profiles.call import sdk_arguments
from timing_profiles.call.sdk_internals import UNSUPPORTED
from timing_profiles.catalog import catalog

ROOT = Path(__file__).parents[1]
PROFILES = catalog.load(ROOT / "profiles")
OURS = PROFILES.schema.fields
KNOWN = known.load(known.PATH.read_text(encoding="utf-8"))

# What of it holds for the installed release, which may be an older one.
HERE = replace(
    KNOWN,
    fields={path: of for path, of in KNOWN.fields.items() if path not in UNSUPPORTED},
    live={path: of for path, of in KNOWN.live.items() if path not in UNSUPPORTED},
)

# Their changes go through `update_options`; those of other fields through `session.options`.
RETUNED = (
    *("stt.nova.", "stt.flux.", "vad.", "turn_detector.", "tts."),
    *("turn_handling.endpointing.", "turn_handling.turn_detection"),
)

# The session is given another detector.
REPLACED = {"turn_detector.version"}


@pytest.fixture(scope="module")
def found() -> Listing:
    """What the SDK takes where the environment decides nothing."""
    return listing(installed.SOURCES)


def given() -> dict[str, Any]:
    """What default.yaml gives to the SDK, by field; a field that is left out is not there."""
    default = PROFILES.profile("default")
    assert default
    sections = {field.rpartition(".")[0] for field in KNOWN.fields}
    arguments = {section: sdk_arguments.section(default.values, section) for section in sections}
    arguments["turn_handling"] = sdk_arguments.turn_handling(default.values, {}, realtime=False)
    flat = {
        f"{at}.{name}": value for at, taken in arguments.items() for name, value in taken.items()
    }
    return {field: tuple(of) if isinstance(of, list) else of for field, of in flat.items()}


def hold(complaint: str) -> None:
    """Fail with a text that is all there is to say."""
    if complaint:
        pytest.fail(f"\n{complaint}", pytrace=False)


@needs_the_locked_release
def test_known_options_match_the_sdk(found: Listing) -> None:
    """No option has come or gone, changed its type or its default, or become deprecated."""
    now = {option.name: str(option) for option in found.options}
    hold(drift(KNOWN.options, now, found.unreadable))


def test_option_names_are_unique(found: Listing) -> None:
    """None hides another one."""
    names = [option.name for option in found.options]
    assert len(names) == len(set(names))


def test_every_field_is_an_option_of_the_sdk(found: Listing) -> None:
    """But for those that a guard knows; and no option counts as a field that there is not."""
    ours = OURS.keys() - UNSUPPORTED.keys()
    hold(fields.mismatches(HERE, ours, {option.name for option in found.options}))


def test_default_yaml_has_the_defaults_of_the_sdk(found: Listing) -> None:
    """But for those that are pinned, each with its reason."""
    options = {option.name: option for option in found.options}
    hold(fields.differences(HERE, given(), options))


def test_live_fields_match_the_sdk() -> None:
    """Fields that the schema calls live are those that `update_options` takes."""
    said = {path for path, field in OURS.items() if field.live != "next-call"}
    assert KNOWN.live.keys() == {path for path in said if path.startswith(RETUNED)} - REPLACED


def test_known_options_are_in_alphabetical_order() -> None:
    """So that a new option has one place, and a diff shows nothing else."""
    owners = yaml.safe_load(known.PATH.read_text(encoding="utf-8"))["options"]
    assert list(owners) == sorted(owners)
    for taken in owners.values():
        reasons = (*taken.get("left out", {}).values(), *taken.get("by name", {}).values())
        for names in (taken.get("fields", ()), *reasons):
            assert list(names) == sorted(names)
