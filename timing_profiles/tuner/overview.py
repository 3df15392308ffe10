"""Describe a set of profiles for the page: each profile, its wait, and the problems."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.problems import Problem
from timing_profiles.tuner import fields
from timing_profiles.tuner.profile_set import ProfileSet
from timing_profiles.turns import dead_settings, summary, wait
from timing_profiles.turns.fields import Values


def of_set(profiles: ProfileSet) -> dict[str, Any]:
    """Return the page's data of a set in its present state."""
    found = profiles.read()
    return {
        "revision": found.revision,
        "profiles": [_profile(found, name) for name in found.names()],
        "fields": fields.described(found),
        "problems": as_json(profiles.problems),
        "broken": profiles.broken or None,
    }


def of_values(values: Values) -> dict[str, Any]:
    """Return the effect of merged values on callers, in numbers and sentences."""
    return {
        "wait": wait.effective(values).to_json(),
        "dead": dead_settings.reasons(values, values),
        "summary": summary.sentences(values),
    }


def as_json(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    """Return problems as `check --format json` prints them."""
    return [problem.to_json() for problem in problems]


def _profile(found: Catalog, name: str) -> dict[str, Any]:
    layer, profile = found.layers[name], found.profile(name)
    if profile is None:
        raise KeyError(name)
    return {
        "name": name,
        "description": layer.description,
        "extends": layer.extends,
        "values": dict(profile.values),
        "origins": dict(profile.origins),
        "allowed": [path for path in found.schema.fields if profile.allows(path)],
        **of_values(profile.values),
    }
