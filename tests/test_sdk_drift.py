"""The SDK that is installed, held to what is known of it, and our fields held to the SDK.

What is known is in `tests/sdk/known.yaml`, which says how to read it. `make drift` holds the newest
release of the SDK to the same file.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.sdk import installed, known
from tests.sdk.drift import KNOWN, drift, table
from tests.sdk.options import ABSENT, Listing, Option, listing
from timing_profiles import catalog, parts
from timing_profiles.catalog import Catalog

ROOT = Path(__file__).parents[1]
EXPECTED = known.load(known.PATH.read_text(encoding="utf-8"))

# A change of these goes through `update_options` of the same object, but for that of `version`,
# which takes a new object.
RETUNED = ("stt.nova.", "stt.flux.", "vad.", "turn_detector.", "tts.")
REPLACED = {"turn_detector.version"}


@pytest.fixture(scope="module")
def found() -> Iterator[Listing]:
    """The options of the SDK, as it is without an environment that decides otherwise."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LIVEKIT_DEV_MODE", "LIVEKIT_INFERENCE_URL", "LIVEKIT_REMOTE_EOT_URL"):
            patch.delenv(name, raising=False)
        yield listing(installed.SOURCES)


@pytest.fixture(scope="module")
def profiles() -> Catalog:
    """The starter profiles."""
    return catalog.load(ROOT / "profiles")


def test_the_sdk_takes_what_is_known_of_it(found: Listing) -> None:
    """No option has come, gone, changed its type or default, or gone out of use."""
    now = {option.name: str(option) for option in found.options}
    if drifted := drift(EXPECTED.options, now, found.unreadable):
        pytest.fail(drifted, pytrace=False)


def test_every_option_is_listed_once(found: Listing) -> None:
    """None hides another one."""
    names = [option.name for option in found.options]
    assert len(names) == len(set(names))
