"""Two profiles, or two sets of them -> what changes for callers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.profile import Profile, walk
from timing_profiles.turns import dead_settings, wait
from timing_profiles.turns.wait import Wait

ALLOW = "overrides.allow"
"""The path under which a changed policy stands among the changed fields."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs; None is `null`, or a field that one side does not know.

    Attributes:
        field: Its dotted path.
        a: What it was.
        b: What it is.
    """

    field: str
    a: Any
    b: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes for the callers of one profile.

    Attributes:
        profile: Its name.
        status: `changed`, `added` or `removed`.
        changes: The values that differ and act; empty where the profile is on one side only.
        a: The wait that was; None where there was no such profile.
        b: The wait that is; None where there is no such profile any more.
    """

    profile: str
    status: Literal["changed", "added", "removed"]
    changes: tuple[Change, ...]
    a: Wait | None
    b: Wait | None

    def to_json(self) -> dict[str, Any]:
        """The comparison as `diff --git --format json` prints it."""
        waits = {"a": self.a and self.a.to_json(), "b": self.b and self.b.to_json()}
        return {
            "profile": self.profile,
            "status": self.status,
            "changes": [changed_to_json(change) for change in self.changes],
            "wait": waits,
        }


def changed_to_json(change: Change) -> dict[str, Any]:
    """A change as `diff` prints it."""
    return {"field": change.field, "a": change.a, "b": change.b}


def changes(a: Profile, b: Profile) -> tuple[Change, ...]:
    """The values that differ between two merged profiles, in the order of the schema."""
    return tuple(_changes(_comparable(a), _comparable(b)))


def of_sets(a: Catalog, b: Catalog) -> list[Comparison]:
    """The profiles whose callers notice a difference between two sets, by name."""
    names = sorted(name for name in {*a.names(), *b.names()} if not _same(name, a, b))
    compared = (_comparison(name, a.profile(name), b.profile(name)) for name in names)
    return [found for found in compared if found]


def _same(name: str, a: Catalog, b: Catalog) -> bool:
    """Whether a profile is made of the same layers on both sides: nothing is to be merged."""
    if name not in a.layers or name not in b.layers:
        return False
    chains = (walk(name, side.layers.get)[0] for side in (a, b))
    one, other = ([(layer.sets, layer.allow) for layer in chain] for chain in chains)
    return one == other


def grouped(comparisons: Iterable[Comparison]) -> list[list[Comparison]]:
    """Comparisons of equal changes together: an edit of `default` moves many profiles alike."""
    groups: dict[str, list[Comparison]] = {}
    for compared in comparisons:
        same = repr((compared.status, compared.changes))
        groups.setdefault(same, []).append(compared)
    return list(groups.values())


def _comparison(name: str, a: Profile | None, b: Profile | None) -> Comparison | None:
    was = wait.effective(a.values) if a else None
    now = wait.effective(b.values) if b else None
    if a is None or b is None:
        return Comparison(name, "added" if b else "removed", (), was, now)
    found = tuple(change for change in changes(a, b) if _acts(change.field, a, b))
    return Comparison(name, "changed", found, was, now) if found else None


def _acts(path: str, a: Profile, b: Profile) -> bool:
    """Whether a field has an effect on one side at least."""
    if path == ALLOW:
        return True
    return any(not dead_settings.reasons(side.values, [path]) for side in (a, b))


def _changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[Change]:
    for path in dict.fromkeys([*b, *a]):
        was, now = a.get(path), b.get(path)
        if was != now:
            yield Change(path, was, now)


def _comparable(profile: Profile) -> dict[str, Any]:
    return {**profile.values, ALLOW: sorted(profile.allow)}
