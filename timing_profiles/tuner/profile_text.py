"""Write the differences from a profile as the text of another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from timing_profiles.authoring import yaml_edit
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.problems import printable, prose
from timing_profiles.profile import DEFAULT, Profile
from timing_profiles.tuner.asked import Asked

_MODELINE = "# yaml-language-server: $schema=../schema.json"


def new(asked: Asked, found: Catalog, description: str = "") -> str:
    """Write a new profile that extends the tuned one, and has only the differences.

    Each value has a comment with the former value, and where that was set.

    Args:
        asked: The profile and the overrides.
        found: The set.
        description: What the new profile is for; that of the tuned one by default.
    """
    base = found.profile(asked.profile) or Profile(asked.profile)
    text = prose(description).strip() or f"As {asked.profile}, tuned by ear."
    lines = [_MODELINE, f"description: {yaml_edit.scalar(text)}"]
    if asked.profile != DEFAULT:
        lines.append(f"extends: {asked.profile}")
    lines += _sections(differences(asked, found), base)
    return "\n".join(map(printable, lines)) + "\n"


def differences(asked: Asked, found: Catalog) -> dict[str, Any]:
    """Return the overrides that differ from the profile, by dotted path, in the schema's order."""
    base, overrides = found.profile(asked.profile), asked.flat(found.schema)
    values = base.values if base else {}
    return {
        path: overrides[path]
        for path in found.schema.fields
        if path in overrides and (path not in values or values[path] != overrides[path])
    }


def was(path: str, base: Profile) -> str:
    """Return a former value, and where it was set, for a comment."""
    return f"was {yaml_edit.scalar(base.values.get(path))} ({base.origins.get(path, 'not set')})"


def _sections(changed: Mapping[str, Any], base: Profile) -> Iterator[str]:
    above: list[str] = []
    for path, value in changed.items():
        *sections, name = path.split(".")
        for depth, section in enumerate(sections):
            if sections[: depth + 1] != above[: depth + 1]:
                if not depth:
                    yield ""
                yield f"{'  ' * depth}{section}:"
        above = sections
        yield f"{'  ' * len(sections)}{name}: {yaml_edit.scalar(value)} # {was(path, base)}"
