"""What is known of the SDK's options, and where each went: `known.yaml`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("known.yaml")

_LIVE = ".update_options"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known.

    Attributes:
        options: Each option as it is written, or None where only its name matters.
        fields: Field of ours -> the option that it is when a call begins.
        live: Field of ours -> the option that changes it during a call, so far as there is one.
        ours: Field of ours that is no option -> what it is.
        pinned: Field of ours whose default is not the SDK's -> why.
    """

    options: Mapping[str, str | None]
    fields: Mapping[str, str]
    live: Mapping[str, str]
    ours: Mapping[str, str]
    pinned: Mapping[str, str]


def load(text: str) -> Known:
    """What the text of such a file says."""
    data = yaml.safe_load(text)
    options: dict[str, str | None] = {}
    fields: dict[str, str] = {}
    live: dict[str, str] = {}
    for owner, taken in data["options"].items():
        options |= {f"{owner}.{name}": written for name, written in _options(taken)}
        ours = live if _LIVE in owner else fields
        ours |= {
            f"{taken['section']}.{name}": f"{owner}.{name}" for name in taken.get("fields", ())
        }
    return Known(options, fields, live, data.get("ours", {}), data.get("pinned", {}))


def _options(taken: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    yield from taken.get("fields", {}).items()
    for options in taken.get("left out", {}).values():
        yield from options.items()
    for names in taken.get("by name", {}).values():
        yield from ((name, None) for name in names)
