"""What profiles of a set say together: chains of `extends`, and what a merged profile does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from timing_profiles.catalog.folder import SUFFIX
from timing_profiles.catalog.parsed_file import EXTENDS, Entry
from timing_profiles.catalog.source import Source
from timing_profiles.problems import Problem, did_you_mean, listed, quoted
from timing_profiles.profile import DEFAULT, Layer, overlay
from timing_profiles.turns import advice, dead_settings, rules
from timing_profiles.turns.fields import KnownValues, Values

Entries = Mapping[str, Entry]
Layers = Mapping[str, Layer]


def chain(layers: Layers, name: str) -> list[Layer]:
    """The layers of a profile, `default` first; the chain of `extends` must end there."""
    found: list[Layer] = []
    following: str | None = name
    while following:
        found.append(layers[following])
        following = layers[following].extends
    return found[::-1]


def affected(
    layers: Layers, changed: AbstractSet[str], parents: AbstractSet[str | None]
) -> AbstractSet[str]:
    """The profiles of a set that changed, or that inherit from one that did or that is gone.

    Args:
        layers: What each profile sets itself.
        changed: The profiles that changed or are gone.
        parents: All profiles that others extend; more may be among them.
    """
    if DEFAULT in changed:
        return layers.keys()
    found, fresh = changed, changed & parents
    while fresh:
        fresh = {name for name, layer in layers.items() if layer.extends in fresh} - found
        found = found | fresh
    return {name for name in found if name in layers}


def problems(file: str, entries: Entries, layers: Layers, *, default: bool) -> Sequence[Problem]:
    """What is wrong with a profile together with what it inherits.

    Where a file is broken, nothing is said that depends on what it may mean.

    Args:
        file: The profile's file, one that has a layer.
        entries: Every file of the set, by its name.
        layers: What each profile sets itself.
        default: Whether the profile `default` sets every field.
    """
    entry = entries[file]
    if entry.layer is None:
        return ()
    way, reaches_default = _way(entry, entries)
    values = _values(way, complete=default and reaches_default)
    found = [*_extends_problems(entry, entry.layer, entries, layers)]
    found += _located(entry.source, entry.layer, rules.broken(values))
    # A profile without its default is too incomplete for warnings.
    if reaches_default:
        found += _located(entry.source, entry.layer, _warnings(entry.layer, values))
    return found


def _extends_problems(
    entry: Entry, layer: Layer, entries: Entries, layers: Layers
) -> Iterator[Problem]:
    if layer.extends is None:
        return
    if layer.extends + SUFFIX not in entries and layer.extends != DEFAULT:
        message = f"there is no profile {quoted(layer.extends)}; there are {listed(sorted(layers))}"
        hint = did_you_mean(layer.extends, layers.keys() - {layer.name})
        yield entry.source.locate(Problem("extends", message, hint=hint), (EXTENDS,))
    cycle = _cycle(layers, layer.name)
    if cycle:
        message = f"extends itself: {' <- '.join(cycle[::-1])}"
        yield entry.source.locate(Problem("extends", message), (EXTENDS,))


def _cycle(layers: Layers, name: str) -> list[str]:
    """The way by `extends` from a profile back to itself, or nothing."""
    way = [name]
    while way[-1] in layers and layers[way[-1]].extends:
        way.append(layers[way[-1]].extends or DEFAULT)
        if way[-1] == name:
            return way
        if way[-1] in way[:-1]:
            return []
    return []


def _values(way: Sequence[tuple[Entry, Layer]], *, complete: bool) -> Values:
    """The merged values of a profile, as far as no broken file leaves them open.

    Args:
        way: The profile and what it extends.
        complete: Whether that sets every field.
    """
    values: dict[str, Any] = {}
    unknown: set[str] = set()
    for read, layer in reversed(way):
        overlay(values, layer.sets)
        if unknown or read.unknown:
            unknown = (unknown - layer.sets.keys()) | read.unknown
    if complete and not unknown:
        return values
    return KnownValues((path, value) for path, value in values.items() if path not in unknown)


def _way(entry: Entry, entries: Entries) -> tuple[list[tuple[Entry, Layer]], bool]:
    """A profile and what it extends, as far as that is known; whether that is up to `default`."""
    way: list[tuple[Entry, Layer]] = []
    seen: set[str] = set()
    following: Entry | None = entry
    while following and following.layer and following.layer.name not in seen:
        way.append((following, following.layer))
        seen.add(following.layer.name)
        extends = following.layer.extends
        if extends is None:
            return way, True
        following = None if EXTENDS in following.unknown else entries.get(extends + SUFFIX)
    return way, False


def _located(read: Source, layer: Layer, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield problems of a merged profile, each at the first of its fields that the layer sets.

    A problem of inherited fields only is reported where they are set.
    """
    for problem in problems:
        own = next((path for path in problem.fields if path in layer.sets), None)
        if own:
            at = tuple(own.split("."))
            yield read.locate(problem, at, key=problem.severity == "warning")


def _warnings(layer: Layer, values: Values) -> Iterator[Problem]:
    if layer.name != DEFAULT:
        yield from dead_settings.problems(values, layer.sets)
    yield from advice.problems(values)
