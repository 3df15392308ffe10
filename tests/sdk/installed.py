"""The options of the SDK that is installed.

`python -m tests.sdk.installed` prints them as JSON. Neither this file nor what it imports needs
anything beside the SDK itself.
"""

import asyncio
import contextlib
import dataclasses
import importlib.metadata
import json
import sys
from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Any

from tests.sdk.options import InForce, Source, Values, listing

PACKAGES = ("livekit-agents", "livekit-plugins-deepgram")
"""What is installed, by the names of its packages."""

_AGENTS = "livekit.agents"
_DEEPGRAM = "livekit.plugins.deepgram"


def versions() -> dict[str, str]:
    """The version of each package."""
    return {package: importlib.metadata.version(package) for package in PACKAGES}


def listed(versions: Mapping[str, str]) -> str:
    """Packages with their versions, for people."""
    return ", ".join(f"{package} {version}" for package, version in versions.items())


def _session() -> InForce:
    usual = _session_options()
    handling = _session_options(turn_handling={"turn_detection": "vad"})["turn_handling"]
    other = {"turn_handling": {"endpointing": handling["endpointing"]}}
    return {"": usual, "with turn_detection='vad'": other}


def _session_options(**given: Any) -> Values:
    with _loop() as loop:
        options = resolve_name(f"{_AGENTS}:AgentSession")(loop=loop, **given).options
        return {key.name: getattr(options, key.name) for key in dataclasses.fields(options)}


def _vad() -> InForce:
    # It shows them nowhere else.
    return {"": vars(vars(resolve_name(f"{_AGENTS}:inference.VAD")())["_opts"])}


def _turn_detector() -> InForce:
    detector = resolve_name(f"{_AGENTS}:inference.TurnDetector")(version="v1-mini")
    english = resolve_name(f"{_AGENTS}:LanguageCode")("en")
    with _loop() as loop:
        threshold = loop.run_until_complete(detector.unlikely_threshold(english))
    return {"": {"unlikely_threshold": threshold}}


def _loop() -> contextlib.closing[asyncio.AbstractEventLoop]:
    # Unlike asyncio.run, it leaves the loop of this thread as it is.
    return contextlib.closing(asyncio.new_event_loop())


SOURCES = (
    Source("AgentSession", f"{_AGENTS}:AgentSession", _session),
    Source("AgentSession.update_options", f"{_AGENTS}:AgentSession.update_options"),
    Source("Agent.update_options", f"{_AGENTS}:Agent.update_options"),
    Source("inference.VAD", f"{_AGENTS}:inference.VAD", _vad),
    Source("inference.VAD.update_options", f"{_AGENTS}:inference.VAD.update_options"),
    Source("inference.TurnDetector", f"{_AGENTS}:inference.TurnDetector", _turn_detector),
    Source(
        "inference.TurnDetector.update_options",
        f"{_AGENTS}:inference.TurnDetector.update_options",
    ),
    *(
        source
        for name in ("STT", "STTv2", "TTS")
        for source in (
            Source(f"deepgram.{name}", f"{_DEEPGRAM}:{name}"),
            Source(f"deepgram.{name}.update_options", f"{_DEEPGRAM}:{name}.update_options"),
        )
    ),
)
"""What a profile reaches: when a call begins, and while it runs."""


def main() -> None:
    """Print the versions, every option, and what could not be listed."""
    found = listing(SOURCES)
    json.dump(
        {
            "versions": versions(),
            "options": {option.name: str(option) for option in found.options},
            "unreadable": found.unreadable,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
