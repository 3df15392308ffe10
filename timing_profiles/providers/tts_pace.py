"""The pace of voices of other vendors: `tts.speed` is a factor of the normal one.

Names and bounds: the plugins' 1.8.9 releases; where they name no bounds, those of the schema hold.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping
from typing import Any

from timing_profiles.providers.inference import inverse
from timing_profiles.providers.provider import (
    MISSING,
    NULL_IS_NORMAL,
    Arguments,
    Option,
    Provider,
    Read,
    by_name,
)


def _percent(factor: float) -> int:
    return round((factor - 1) * 100)


def _factor(percent: float) -> float:
    return 1 + percent / 100


def _voice(
    plugin: str,
    option: Option,
    *,
    models: tuple[str, ...] = (),
    arguments: Arguments = by_name,
    note: str = "",
) -> Provider:
    module = f"livekit.plugins.{plugin}"
    return Provider(
        f"{plugin}.TTS",
        "tts",
        module,
        "TTS",
        (option,),
        models=models,
        arguments=arguments,
        note=note,
    )


def _speed(
    name: str = "speed", least: float = -math.inf, most: float = math.inf, stored: str = ""
) -> Option:
    return Option(
        "tts.speed",
        name,
        1.0,
        "next-speech",
        stored=stored,
        least=least,
        most=most,
        null=NULL_IS_NORMAL,
    )


def _voice_settings(options: Mapping[str, Any], _part: Any, read: Read) -> Mapping[str, Any] | None:
    settings: Any = read("voice_settings")
    if settings is MISSING or not dataclasses.is_dataclass(settings):
        return None  # it would need the voice's stability and similarity, which nobody has set
    return {"voice_settings": dataclasses.replace(settings, **options)}  # type: ignore[type-var]  # an instance


def _prosody(options: Mapping[str, Any], part: Any, read: Read) -> Mapping[str, Any] | None:
    prosody: Any = read("prosody")
    if dataclasses.is_dataclass(prosody):
        return {"prosody": dataclasses.replace(prosody, **options)}  # type: ignore[type-var]  # an instance
    module = next(
        sys.modules[cls.__module__]
        for cls in type(part).__mro__
        if cls.__module__.startswith("livekit.plugins.azure")
    )
    return {"prosody": vars(module)["ProsodyConfig"](**options)}


PACES = (
    _voice("cartesia", _speed("speed", 0.6, 2.0), models=("sonic-3",)),
    _voice(
        "elevenlabs",
        _speed("speed", 0.8, 1.2, "voice_settings.speed"),
        arguments=_voice_settings,
        note="only where the agent sets voice_settings",
    ),
    _voice("fishaudio", _speed()),
    _voice("google", _speed("speaking_rate")),
    _voice("hume", _speed("speed", 0.5, 2.0)),
    _voice("inworld", _speed("speaking_rate", 0.5, 1.5)),
    _voice(
        "murf",
        Option(
            "tts.speed",
            "speed",
            0,
            "next-speech",
            least=-50,
            most=50,
            encode=_percent,
            decode=_factor,
            null=NULL_IS_NORMAL,
        ),
        note="whole percents",
    ),
    _voice("neuphonic", _speed()),
    _voice("openai", _speed()),
    _voice(
        "rime",
        dataclasses.replace(
            _speed("speed_alpha", stored="mist_options.speed_alpha"),
            encode=inverse,
            decode=inverse,
        ),
        models=("mist",),
        note="a factor of duration: 1 / speed",
    ),
    _voice("sarvam", _speed("pace", 0.5, 2.0)),
    _voice("slng", _speed()),
    _voice("smallestai", _speed("speed", 0.5, 2.0)),
    _voice("soniox", _speed("speed", 0.7, 1.3)),
    _voice("xai", _speed()),
    _voice(
        "azure",
        _speed("rate", 0.5, 2.0, "prosody.rate"),
        arguments=_prosody,
    ),
)
