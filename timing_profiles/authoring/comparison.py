"""Compare two profiles, or two sets of them: what changes for callers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.profile import Profile, walk
from timing_profiles.turns import dead_settings, wait
from timing_profiles.turns.wait import Wait

ALLOW = "overrides.allow"
"""The path of a changed policy among the changed fields."""


class Change(NamedTuple):
    """One value that differs; None is `null`, or a field that one side does not have.

    Attributes:
        field: Its dotted path.
        a: The value before.
        b: The value after.
    """

    field: str
    a: Any
    b: Any

    def to_json(self) -> dict[str, Any]:
        """Return the change as `diff --format json` prints it."""
        return self._asdict()


class Comparison(NamedTuple):
    """The changes for the callers of one profile.

    Attributes:
        profile: Its name.
        status: `changed`, `added` or `removed`.
        changes: The values that differ and have an effect; empty where one side has no profile.
        a: The wait before; None where the profile was added.
        b: The wait after; None where the profile was removed.
    """

    profile: str
    status: Literal["changed", "added", "removed"]
    changes: tuple[Change, ...]
    a: Wait | None
    b: Wait | None

    def to_json(self) -> dict[str, Any]:
        """Return the comparison as `diff --git --format json` prints it."""
        waits = {"a": self.a and self.a.to_json(), "b": self.b and self.b.to_json()}
        return {
            "profile": self.profile,
            "status": self.status,
            "changes": [change.to_json() for change in self.changes],
            "wait": waits,
        }


def changes(a: Profile, b: Profile) -> tuple[Change, ...]:
    """Return the values that differ between two merged profiles, in the order of the schema."""
    return tuple(_changes(_comparable(a), _comparable(b)))


def of_sets(a: Catalog, b: Catalog) -> list[Comparison]:
    """Return the profiles of two sets whose callers notice a difference, sorted by name."""
    names = sorted(name for name in {*a.names(), *b.names()} if not _same(name, a, b))
    compared = (_comparison(name, a.profile(name), b.profile(name)) for name in names)
    return [comparison for comparison in compared if comparison]


def _same(name: str, a: Catalog, b: Catalog) -> bool:
    """Return whether a profile has the same layers on both sides, so that none is merged."""
    if name not in a.layers or name not in b.layers:
        return False
    chains = (walk(name, side.layers.get)[0] for side in (a, b))
    one, other = ([(layer.sets, layer.allow) for layer in chain] for chain in chains)
    return one == other


def grouped(comparisons: Iterable[Comparison]) -> list[list[Comparison]]:
    """Group comparisons with the same changes: an edit of `default` changes many profiles."""
    groups: dict[str, list[Comparison]] = {}
    for comparison in comparisons:
        key = repr((comparison.status, comparison.changes))
        groups.setdefault(key, []).append(comparison)
    return list(groups.values())


def _comparison(name: str, a: Profile | None, b: Profile | None) -> Comparison | None:
    waits = [wait.effective(side.values) if side else None for side in (a, b)]
    if a is None or b is None:
        return Comparison(name, "added" if b else "removed", (), *waits)
    effective = tuple(change for change in changes(a, b) if _has_effect(change.field, a, b))
    return Comparison(name, "changed", effective, *waits) if effective else None


def _has_effect(path: str, a: Profile, b: Profile) -> bool:
    """Return whether a field has an effect on at least one side."""
    if path == ALLOW:
        return True
    return any(not dead_settings.reasons(side.values, [path]) for side in (a, b))


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Change]:
    for path in dict.fromkeys([*b, *a]):
        if a.get(path) != b.get(path):
            yield Change(path, a.get(path), b.get(path))


def _comparable(profile: Profile) -> dict[str, Any]:
    return {**profile.values, ALLOW: sorted(profile.allow)}
