"""Detectors of the end of a turn: LiveKit's own, and the plugin's models, which read the words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from timing_profiles.providers.provider import MISSING, Option, Provider

_PLUGIN = "livekit.plugins.turn_detector"
_NOTE = "one number for all languages; its own thresholds are lower than those of LiveKit's"


def _by_language(value: Any) -> Any:
    """Return thresholds as the detector stores them: by language, without a region."""
    if not isinstance(value, Mapping):
        return value
    return {name.partition("-")[0].lower(): float(each) for name, each in value.items()}


def _one_number(value: Any) -> Any:
    return MISSING if isinstance(value, Mapping) else value


def _threshold(name: str, stored: str) -> Option:
    return Option(
        f"turn_detector.{name}",
        name,
        stored=f"thresholds.{stored}",
        is_sparse=True,
        encode=_by_language,
    )


INFERENCE_DETECTOR = Provider(
    "inference.TurnDetector",
    "turn_detector",
    "livekit.agents.inference",
    "TurnDetector",
    (
        _threshold("unlikely_threshold", "overrides"),
        _threshold("backchannel_threshold", "backchannel_overrides"),
    ),
)


def _plugin(class_name: str) -> Provider:
    option = Option(
        "turn_detector.unlikely_threshold", "unlikely_threshold", auto=None, encode=_one_number
    )
    return Provider(
        f"turn_detector.{class_name}",
        "turn_detector",
        _PLUGIN,
        class_name,
        (option,),
        is_private=True,
        note=_NOTE,
    )


MULTILINGUAL = _plugin("MultilingualModel")
ENGLISH = _plugin("EnglishModel")
