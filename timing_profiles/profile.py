"""Merge layers of settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

DEFAULT = "default"
"""The profile that every other one extends."""

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A valid profile name: at most 63 characters, and never a path."""

EVERYTHING = "*"
"""The item of `overrides.allow` that stands for every field."""

MAX_CHAIN = 32
"""The most profiles in a chain of `extends`, `default` included."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Layer(NamedTuple):
    """The settings of one file.

    Attributes:
        name: The profile's name.
        sets: The fields that the file sets, by dotted path.
        origins: The place of each of them, such as `profiles/patient.yaml:4`.
        description: The text that is shown where a profile is chosen.
        extends: The profile below this one; None for `default` alone.
        allow: The fields and sections that metadata may change; None where the file has no list.
    """

    name: str
    sets: Mapping[str, Any]
    origins: Mapping[str, str]
    description: str = ""
    extends: str | None = None
    allow: tuple[str, ...] | None = None


class Profile(NamedTuple):
    """A profile with everything that it inherits.

    Attributes:
        name: Its name.
        values: Every field, by dotted path.
        origins: The place of each value.
        allow: The fields and sections that metadata may change.
    """

    name: str
    values: Mapping[str, Any] = _NOTHING
    origins: Mapping[str, str] = _NOTHING
    allow: tuple[str, ...] = ()

    def allows(self, path: str) -> bool:
        """Return whether metadata may change the field at a dotted path."""
        return any(item in {EVERYTHING, path} or path.startswith(f"{item}.") for item in self.allow)


def walk(
    name: str, layer_of: Callable[[str], Layer | None], most: int = MAX_CHAIN + 1
) -> tuple[list[Layer], str | None]:
    """Follow `extends` from a profile down to `default`.

    Args:
        name: The profile.
        layer_of: Returns the layer of a profile; None where the walk ends.
        most: The number of layers after which it ends.

    Returns:
        The layers, that of the profile first, and the name at which the walk ended: None below
        `default`, one of the layers' own in a cycle.
    """
    chain: dict[str, Layer] = {}
    following: str | None = name
    while following and following not in chain and len(chain) < most:
        layer = layer_of(following)
        if layer is None:
            break
        chain[following] = layer
        following = layer.extends
    return list(chain.values()), following


def merged(chain: Iterable[Layer]) -> Profile:
    """Merge layers, `default` first: a later one wins, and the name is the last one's."""
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    name = DEFAULT
    allow: tuple[str, ...] = ()
    for layer in chain:
        overlay(values, layer.sets)
        origins.update(layer.origins)
        name = layer.name
        allow = allow if layer.allow is None else layer.allow
    return Profile(name, values, origins, allow)


def overlay(values: dict[str, Any], sets: Mapping[str, Any]) -> None:
    """Lay settings over values: mappings merge key by key, everything else replaces."""
    joined = {
        path: {**values[path], **value}
        for path, value in sets.items()
        if isinstance(value, dict) and isinstance(values.get(path), dict)
    }
    values.update(sets)
    values.update(joined)
