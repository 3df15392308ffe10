"""What profiles of a set say together: chains of `extends`, and what a merged profile does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from timing_profiles import doubts, no_effect, rules
from timing_profiles.entry import Entry
from timing_profiles.folder import SUFFIX
from timing_profiles.problems import Problem, did_you_mean, listed, quoted
from timing_profiles.profile import DEFAULT, Layer, merged
from timing_profiles.source import Source

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


def problems(name: str, entries: Entries, layers: Layers, *, default: bool) -> Sequence[Problem]:
    """What is wrong with a profile together with what it inherits.

    Args:
        name: The profile.
        entries: Every file of the set, by its name.
        layers: What each profile sets itself.
        default: Whether there is a complete default: without one nothing can be merged.
    """
    entry, layer = entries[name + SUFFIX], layers[name]
    astray = tuple(_extends_problems(entry, layer, entries, layers))
    if astray or not default or not _reaches_default(layers, layer):
        return astray
    return tuple(_merged_problems(entry, layer, layers))


def _extends_problems(
    entry: Entry, layer: Layer, entries: Entries, layers: Layers
) -> Iterator[Problem]:
    if layer.extends is None:
        return
    at_extends = entry.source.problem_at_value
    if layer.extends + SUFFIX not in entries and layer.extends != DEFAULT:
        message = f"there is no profile {quoted(layer.extends)}; there are {listed(sorted(layers))}"
        hint = did_you_mean(layer.extends, layers.keys() - {layer.name})
        yield at_extends(("extends",), "extends", message, hint)
    cycle = _cycle(layers, layer.name)
    if cycle:
        yield at_extends(("extends",), "extends", f"extends itself: {' <- '.join(cycle[::-1])}")


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


def _reaches_default(layers: Layers, layer: Layer) -> bool:
    seen: set[str] = set()
    while layer.extends and layer.name not in seen and layer.extends in layers:
        seen.add(layer.name)
        layer = layers[layer.extends]
    return layer.name == DEFAULT


def _merged_problems(entry: Entry, layer: Layer, layers: Layers) -> Iterator[Problem]:
    values = merged(chain(layers, layer.name)).values
    for rule in rules.broken(values):
        # What a profile inherits is reported where it is set.
        own = [path for path in rule.fields if path in layer.sets]
        if own:
            yield entry.source.problem_at_value(tuple(own[0].split(".")), rule.code, rule.message)
    for dead in no_effect.dead(values, layer.sets) if layer.name != DEFAULT else ():
        message = f"has no effect: {dead.because}"
        yield _warning(entry.source, "no-effect", dead.field, message)
    for doubt in doubts.doubts(values):
        own = [path for path in doubt.fields if path in layer.sets]
        if own:
            yield _warning(entry.source, "doubtful", own[0], doubt.message)


def _warning(read: Source, code: str, path: str, message: str) -> Problem:
    place = read.keys[tuple(path.split("."))]
    return Problem(code, message, path, read.file, place.line, place.column, "warning")
