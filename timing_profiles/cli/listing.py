"""`list`: print the profiles of a set with their waits."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.cli import chosen, terminal
from timing_profiles.cli.output import print_json, print_text
from timing_profiles.cli.terminal import Style
from timing_profiles.profile import Profile
from timing_profiles.turns import wait


def run(form: str) -> int:
    """Print the profiles of the set, as `text` or `json`; return 0."""
    found = chosen.profiles()
    profiles = {name: chosen.profile(found, name) for name in found.names()}
    twins = _twins(profiles)
    if form == "json":
        print_json([_row(found, profile, twins) for profile in profiles.values()])
        return 0
    for line in _lines(found, profiles, terminal.style(sys.stdout)):
        print_text(line)
    for names in sorted(set(twins.values())):
        print_text(f"identical for callers: {', '.join(names)}")
    return 0


def _twins(profiles: Mapping[str, Profile]) -> dict[str, tuple[str, ...]]:
    """Group profiles with the same values and policy; return each group by its names."""
    groups: dict[str, list[str]] = {}
    for name, profile in profiles.items():
        same = json.dumps([profile.values, sorted(profile.allow)], sort_keys=True)
        groups.setdefault(same, []).append(name)
    return {name: tuple(group) for group in groups.values() if group[1:] for name in group}


def _row(found: Catalog, profile: Profile, twins: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    layer = found.layers[profile.name]
    return {
        "name": profile.name,
        "description": layer.description,
        "extends": layer.extends,
        "sets": len(layer.sets),
        "wait": wait.effective(profile.values).to_json(),
        "identical": [name for name in twins.get(profile.name, ()) if name != profile.name],
    }


def _lines(found: Catalog, profiles: Mapping[str, Profile], look: Style) -> Iterator[str]:
    head = ("profile", "answers after", "extends", "sets")
    rows = [head, *(_cells(found, profile) for profile in profiles.values())]
    descriptions = ["description", *(found.layers[name].description for name in profiles)]
    aligned = list(terminal.lines((*row, "") for row in rows))
    width = max(map(len, aligned)) + 2
    for at, (line, description) in enumerate(zip(aligned, descriptions, strict=True)):
        text = f"{line:{width}}{look.cut(description, width)}".rstrip()
        yield look.dim(text) if at == 0 else text


def _cells(found: Catalog, profile: Profile) -> tuple[str, ...]:
    layer = found.layers[profile.name]
    return (
        profile.name,
        str(wait.effective(profile.values)),
        layer.extends or "",
        str(len(layer.sets)),
    )
