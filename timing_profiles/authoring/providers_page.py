"""All providers -> a page for people, in Markdown."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator

from timing_profiles.problems import quoted
from timing_profiles.providers import registry
from timing_profiles.providers.provider import Kind, Option, Provider

_HEADINGS: dict[Kind, str] = {
    "stt": "Speech-to-text",
    "vad": "Voice activity detection",
    "turn_detector": "Turn detection",
    "realtime": "Realtime models",
    "tts": "Text-to-speech",
}

_LIVE = {
    "now": "at once",
    "silence": "in the caller's next silence, over a new connection",
    "next-speech": "from the agent's next speech",
    "start": "not at all: only before its session starts",
}


def page() -> str:
    """Write a page of the parts that settings reach, with their fields."""
    return "\n".join([*_head(), *(line for kind in _HEADINGS for line in _kind(kind))])


def _head() -> Iterator[str]:
    yield "# Providers"
    yield ""
    yield (
        "Which settings of a profile reach which part of an agent, made from"
        " `timing_profiles/providers/` by `make docs`."
    )
    yield ""
    yield (
        "A part that an agent brings is tuned, on its session, on its `Agent` and inside a"
        " `FallbackAdapter` or `StreamAdapter`. What the agent has set on it stays: an argument"
        " with another value than the part's default, and each key of `extra_kwargs`. The model and"
        " the language of a part that the agent brings stay, too."
    )
    yield ""
    yield (
        "Every other part keeps its own timing. A setting that nothing takes has the problem"
        " `not-applied`. Settings of `turn_handling` and `session` belong to the session, and act"
        " with any part."
    )
    yield ""


def _kind(kind: Kind) -> Iterator[str]:
    yield f"## {_HEADINGS[kind]}"
    yield ""
    yield "| part | field | argument | changes in a call | note |"
    yield "|---|---|---|---|---|"
    providers = [provider for provider in registry.ALL if provider.kind == kind]
    for provider in providers:
        yield from _rows(provider)
    yield ""
    if kind == "stt":
        able = [_name(provider) for provider in providers if provider.ends_turns]
        yield (
            f"With `turn_detection: stt`, these end turns: {', '.join(able)}. Deepgram Nova does so"
            " with a profile for `stt.engine: nova`. Beside any other speech-to-text, such a"
            " profile gets the turn detection and the delays of `default`, with a problem."
        )
        yield ""


def _rows(provider: Provider) -> Iterator[str]:
    options = [option for option in provider.options if not option.only_built]
    if not options:
        yield f"| {_name(provider)} | none | | | {provider.note} |"
    for option in options:
        cells = (_name(provider), f"`{option.field}`", _argument(option), _LIVE[option.live])
        yield f"| {' | '.join(cells)} | {provider.note} |"


def _name(provider: Provider) -> str:
    models = ", ".join(f"`{model}...`" for model in provider.models)
    return f"`{provider.name}`" + (f" with {models}" if models else "")


def _argument(option: Option) -> str:
    name = f"`{option.stored if option.stored.endswith(option.name) else option.name}`"
    if math.isinf(option.most):
        return name
    return f"{name}, {quoted(option.least)} to {quoted(option.most)}"


if __name__ == "__main__":
    sys.stdout.write(page())
