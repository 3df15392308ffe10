"""Resolve the settings of a call from profiles and requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, did_you_mean, dotted, listed, quoted, unknown_profile
from timing_profiles.profile import DEFAULT, NAME, Profile, overlay
from timing_profiles.resolution.request import Origin, Request
from timing_profiles.turns import rules
from timing_profiles.turns.fields import DETECTION

_UNKNOWN = "override-unknown"
_FORBIDDEN = "override-forbidden"

# More unknown fields than these are counted, not named.
_MOST_UNKNOWN = 20

# A list or mapping with more entries is refused unchecked.
_MOST_ENTRIES = 100


class Profiles(Protocol):
    """A set of profiles: a catalog, or what is published of one."""

    @property
    def revision(self) -> str:
        """The revision of the set."""

    @property
    def schema(self) -> Schema:
        """The active schema."""

    def names(self) -> list[str]:
        """The names of all profiles, sorted."""

    def profile(self, name: str) -> Profile | None:
        """A profile with everything that it inherits; None where the name is unknown."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one call.

    Attributes:
        profile: The active profile.
        revision: The revision of the set that it came from.
        values: Every field, by dotted path, in the units of the SDK.
        origins: The place of each value: `profiles/x.yaml:4`, or a layer such as `participant`.
        problems: Why parts of the requests were left out.
        changed: The fields whose value is not the default's, by dotted path.
    """

    profile: str
    revision: str
    values: Mapping[str, Any]
    origins: Mapping[str, str]
    problems: tuple[Problem, ...] = ()
    changed: tuple[str, ...] = ()


class _Override:
    """An accepted value of one layer, equal to itself only: its value may be a list."""

    def __init__(self, path: str, value: Any, origin: Origin) -> None:
        self.path = path
        self.value = value
        self.origin = origin


def resolve(profiles: Profiles, requests: Sequence[Request]) -> Settings:
    """Resolve a call.

    Args:
        profiles: The set to choose from.
        requests: The request of each layer; a later one wins. The latest one that names a profile
            discards the overrides of earlier ones.

    Returns:
        The settings, with a problem for each part of a request that is left out.
    """
    first = _naming(requests)
    profile, unknown = _chosen_profile(profiles, requests[first : first + 1])
    judged = [_judged_overrides(request, profile, profiles.schema) for request in requests[first:]]
    accepted = [override for overrides, _ in judged for override in overrides]
    values, origins, conflicts = _merged_overrides(profile, accepted)
    problems = (
        *(problem for request in requests for problem in request.problems),
        *unknown,
        *(problem for _, refused in judged for problem in refused),
        *conflicts,
    )
    default = (profiles.profile(DEFAULT) or profile).values
    changed = tuple(path for path, value in values.items() if value != default.get(path))
    return Settings(profile.name, profiles.revision, values, origins, problems, changed)


def _naming(requests: Sequence[Request]) -> int:
    """Return the index of the latest request that names a profile, else of the first one."""
    naming = [index for index, request in enumerate(requests) if request.profile is not None]
    return naming[-1] if naming else 0


def _chosen_profile(profiles: Profiles, naming: Sequence[Request]) -> tuple[Profile, list[Problem]]:
    """Return the profile that a request names, else `default`, with why it is not the named one."""
    problems: list[Problem] = []
    for request in naming:
        if request.profile is not None:
            named = request.profile
            profile = profiles.profile(named) if NAME.fullmatch(named) else None
            if profile:
                return profile, []
            problems.append(_unknown_profile(profiles, named, request.origin))
    return profiles.profile(DEFAULT) or Profile(DEFAULT), problems


def _unknown_profile(profiles: Profiles, named: str, origin: Origin) -> Problem:
    names = profiles.names()
    message, hint = unknown_profile(named, names), did_you_mean(named, names)
    return Problem("profile-unknown", message, "profile", origin, hint=hint)


def _judged_overrides(
    request: Request, profile: Profile, schema: Schema
) -> tuple[list[_Override], list[Problem]]:
    """Return the overrides that the policy and the schema accept, and why others are left out."""
    unknown: list[tuple[str, ...]] = []
    requested = {**request.flat}
    for keys, value in _leaves(request.overrides, schema):
        path = _path(keys)
        if path in schema.fields or path in schema.sections:
            requested[path] = value
        else:
            unknown.append(keys)
    accepted: list[_Override] = []
    problems = [*_unknown_fields(unknown, schema, request.origin)]
    for path, value in requested.items():
        problem = _problem(path, value, profile, schema)
        if problem:
            problems.append(problem.located(path, request.origin))
        else:
            accepted.append(_Override(path, schema.fields[path].normal(value), request.origin))
    return accepted, problems


def _leaves(
    overrides: Mapping[str, Any], schema: Schema, above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every requested value with its keys; only sections are descended into."""
    for key, value in overrides.items():
        keys = (*above, key)
        if isinstance(value, dict) and _path(keys) in schema.sections:
            yield from _leaves(value, schema, keys)
        else:
            yield keys, value


def _path(keys: tuple[str, ...]) -> str:
    """Return the dotted path of keys; empty where a key contains a dot.

    Each field has one spelling, so that none is given twice.
    """
    path = ".".join(keys)
    return path if path.count(".") == len(keys) - 1 else ""


def _unknown_fields(
    paths: list[tuple[str, ...]], schema: Schema, origin: Origin
) -> Iterator[Problem]:
    for keys in paths[:_MOST_UNKNOWN]:
        if any("." in key for key in keys):
            problem = Problem(_UNKNOWN, "unknown field; sections are nested, not joined by dots")
        else:
            problem = replace(schema.unknown(_path(keys)), code=_UNKNOWN)
        yield problem.located(dotted(keys), origin)
    uncounted = len(paths) - _MOST_UNKNOWN
    if uncounted > 0:
        yield Problem(_UNKNOWN, f"and {uncounted} more unknown fields", "", origin)


def _problem(path: str, value: Any, profile: Profile, schema: Schema) -> Problem | None:
    """Return why an override is left out, without its place; None where it is valid."""
    if path in schema.sections:
        return Problem("override-type", f"{quoted(value)} is not a mapping of fields")
    if not profile.allows(path):
        allowed = listed(profile.allow, most=6) or "nothing"
        return Problem(_FORBIDDEN, f"not overridable; allowed: {allowed}")
    if path == DETECTION and value == "manual":
        return Problem(_FORBIDDEN, "manual is never taken from metadata")
    if isinstance(value, list | dict) and len(value) > _MOST_ENTRIES:
        return Problem("override-range", f"{quoted(value)} has more than {_MOST_ENTRIES} entries")
    problem = schema.value_problem(schema.fields[path], value)
    if problem:
        return replace(problem, code=f"override-{problem.code.removesuffix('-field')}")
    return None


def _merged_overrides(
    profile: Profile, overrides: list[_Override]
) -> tuple[dict[str, Any], dict[str, str], list[Problem]]:
    """Return values and origins with the overrides that break no rule, and why others are out."""
    problems: list[Problem] = []
    while True:
        values, origins = dict(profile.values), dict(profile.origins)
        for override in overrides:
            overlay(values, {override.path: override.value})
            origins[override.path] = override.origin
        refused = _conflicts(values, overrides) if overrides else {}
        if not refused:
            return values, origins, problems
        problems += refused.values()
        overrides = [override for override in overrides if override not in refused]


def _conflicts(
    values: Mapping[str, Any], overrides: Sequence[_Override]
) -> dict[_Override, Problem]:
    """Return the active overrides that take part in a broken rule."""
    latest = {override.path: override for override in overrides}
    return {
        latest[path]: Problem(f"override-{rule.code}", rule.message, path, latest[path].origin)
        for rule in rules.broken(values)
        for path in rule.fields
        if path in latest
    }
