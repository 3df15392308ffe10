"""Tests that ask for more than every supported release of the SDK has."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.sdk import installed
from timing_profiles.call.sdk_internals import UNSUPPORTED

_LOCK = Path(__file__).parents[2] / "requirements.lock"


def locked() -> Mapping[str, str]:
    """The version of each package of the SDK in the lock: the release that known.yaml describes."""
    pins = dict(
        re.findall(r"^([\w.-]+)==([\w.]+)", _LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    )
    return {package: pins[package] for package in installed.PACKAGES}


def is_locked_release() -> bool:
    """Whether the installed SDK is the one in the lock."""
    return installed.versions() == locked()


def unless_unsupported(fields: Iterable[str]) -> list[Any]:
    """Parameters of a test: a field that the installed SDK has no option for is skipped."""
    return [
        pytest.param(field, marks=pytest.mark.skipif(field in UNSUPPORTED, reason=_reason(field)))
        for field in fields
    ]


def _reason(field: str) -> str:
    return UNSUPPORTED.get(field, "")


needs_pace = pytest.mark.skipif("tts.speed" in UNSUPPORTED, reason=_reason("tts.speed"))
"""For a test that sets the pace of Deepgram's text-to-speech."""

_known, _installed = installed.listed(locked()), installed.listed(installed.versions())

needs_the_locked_release = pytest.mark.skipif(
    not is_locked_release(), reason=f"known.yaml describes {_known}; installed: {_installed}"
)
"""For a test of what known.yaml says of every option, new ones and deprecated ones included."""
