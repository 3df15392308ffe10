"""Problems of a profile together with what it inherits: chains of `extends`, rules, advice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from timing_profiles.catalog.folder import SUFFIX
from timing_profiles.catalog.parsed_file import EXTENDS, ParsedFile
from timing_profiles.catalog.source import Source
from timing_profiles.problems import Problem, did_you_mean, unknown_profile
from timing_profiles.profile import DEFAULT, MAX_CHAIN, Layer, overlay, walk
from timing_profiles.turns import advice, dead_settings, rules
from timing_profiles.turns.fields import KnownValues, Values

ParsedFiles = Mapping[str, ParsedFile]
Layers = Mapping[str, Layer]

CYCLE = "extends itself: "
"""How the message of a cycle begins; the names of its profiles follow."""

_TOO_LONG = f"more than {MAX_CHAIN} profiles in the chain of `extends`, {DEFAULT} included"


def cycles(layers: Layers) -> dict[str, list[str]]:
    """Find the profiles that extend themselves.

    Returns:
        The names of each cycle, by the first of them in the alphabet, which stands at both ends;
        each is extended by the next.
    """
    found: dict[str, list[str]] = {}
    unvisited = dict(layers)
    while unvisited:
        chain, end = walk(next(iter(unvisited)), unvisited.get, most=len(layers))
        names = [layer.name for layer in chain]
        for name in names:
            del unvisited[name]
        if end in names:
            cycle = names[names.index(end) :][::-1]
            first = cycle.index(min(cycle))
            found[cycle[first]] = [*cycle[first:], *cycle[: first + 1]]
    return found


def affected(layers: Layers, changed: AbstractSet[str]) -> AbstractSet[str]:
    """Find the profiles of a set that changed, or that inherit from one that did or is gone.

    Args:
        layers: What each profile sets itself.
        changed: The profiles that changed or are gone.
    """
    if DEFAULT in changed:
        return layers.keys()
    found = fresh = changed
    while fresh:
        fresh = {name for name, layer in layers.items() if layer.extends in fresh} - found
        found = found | fresh
    return found & layers.keys()


def problems(
    file: str,
    files: ParsedFiles,
    layers: Layers,
    in_cycles: Mapping[str, Sequence[str]],
    *,
    default: bool,
) -> Sequence[Problem]:
    """Check a profile together with what it inherits.

    What depends on the meaning of a broken file is not checked.

    Args:
        file: The profile's file, one that has a layer.
        files: Every file of the set, by its name.
        layers: What each profile sets itself.
        in_cycles: What `cycles` finds in the layers.
        default: Whether the profile `default` sets every field.
    """
    entry = files[file]
    if entry.layer is None:
        return ()
    chain, reaches_default = _chain(entry, entry.layer, files)
    values = _values(chain, complete=default and reaches_default)
    extends = [*_extends_problems(entry.layer, files, layers, in_cycles)]
    if reaches_default and len(chain) > MAX_CHAIN:
        extends.append(Problem("extends", _TOO_LONG))
    found = [entry.source.locate(problem, (EXTENDS,)) for problem in extends]
    found += _located(entry.source, entry.layer, rules.broken(values))
    # A profile without its default is too incomplete for warnings.
    if reaches_default:
        found += _located(entry.source, entry.layer, _warnings(entry.layer, values))
    return found


def _extends_problems(
    layer: Layer, files: ParsedFiles, layers: Layers, in_cycles: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    extends = layer.extends
    if extends and extends + SUFFIX not in files and extends != DEFAULT:
        hint = did_you_mean(extends, layers.keys() - {layer.name})
        yield Problem("extends", unknown_profile(extends, sorted(layers)), hint=hint)
    if layer.name in in_cycles:
        yield Problem("extends", CYCLE + " <- ".join(in_cycles[layer.name]))


def _chain(entry: ParsedFile, layer: Layer, files: ParsedFiles) -> tuple[list[ParsedFile], bool]:
    """Return a profile and what it extends, as far as known; whether that is down to `default`."""
    chain: list[ParsedFile] = []

    def layer_of(name: str) -> Layer | None:
        following = entry if name == layer.name else files.get(name + SUFFIX)
        if following is None or (chain and EXTENDS in chain[-1].unknown):
            return None
        if following.layer:
            chain.append(following)
        return following.layer

    _, end = walk(layer.name, layer_of)
    return chain, end is None


def _values(chain: Sequence[ParsedFile], *, complete: bool) -> Values:
    """Merge the values of a profile, without those that a broken file leaves open.

    Args:
        chain: The profile and what it extends.
        complete: Whether that sets every field.
    """
    values: dict[str, Any] = {}
    unknown: set[str] = set()
    for entry in reversed(chain):
        sets = entry.layer.sets if entry.layer else {}
        overlay(values, sets)
        if unknown or entry.unknown:
            unknown = (unknown - sets.keys()) | entry.unknown
    if complete and not unknown:
        return values
    return KnownValues((path, value) for path, value in values.items() if path not in unknown)


def _located(text: Source, layer: Layer, problems: Iterable[Problem]) -> Iterator[Problem]:
    """Yield problems of a merged profile, each at the first of its fields that the layer sets.

    A problem of inherited fields only is reported where they are set.
    """
    for problem in problems:
        own = next((path for path in problem.fields if path in layer.sets), None)
        if own:
            at = tuple(own.split("."))
            yield text.locate(problem, at, key=problem.severity == "warning")


def _warnings(layer: Layer, values: Values) -> Iterator[Problem]:
    if layer.name != DEFAULT:
        yield from dead_settings.problems(values, layer.sets)
    yield from advice.problems(values)
