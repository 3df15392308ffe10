"""Reading one profile in a job process: the number of profiles must not matter."""

import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from lab.bench.inputs import PROFILE, PROFILES
from lab.bench.table import Row
from lab.bench.timing import in_turns, shown
from timing_profiles.catalog import catalog
from timing_profiles.handoff import snapshot
from timing_profiles.handoff.snapshot import Snapshot
from timing_profiles.profile import DEFAULT, Layer

_FEW, _MANY = 10, 10_000
_AT_MOST = 2.0

# Not a divisor of either number: the reads visit all profiles, and no two neighbours in a row.
_STRIDE = 7919


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure reading one profile with its chain, among many and among few."""
    with tempfile.TemporaryDirectory(prefix="timing-profiles-") as folder:
        pair = in_turns(
            _reading(Path(folder), _MANY),
            _reading(Path(folder), _FEW),
            rounds=20 if quick else 200,
            calls=20,
        )
    return [
        Row(
            f"read a profile, {_MANY:,} published",
            shown(pair.ours),
            f"{_FEW} published: {shown(pair.theirs)}",
            f"{pair.ratio:.2f}x",
            f"{_AT_MOST:g}x",
            pair.ratio <= _AT_MOST,
        )
    ]


def _reading(folder: Path, count: int) -> Callable[[], object]:
    """Publish so many profiles; returns what reads one of them, another each time."""
    path = folder / f"{count}.sqlite"
    loaded = catalog.load(PROFILES)
    layers = list(_layers(loaded.layers[DEFAULT], loaded.layers[PROFILE], count))
    by_name = {layer.name: layer for layer in layers}
    snapshot.publish(path, loaded.revision, loaded.schema, by_name)
    names = (layers[place * _STRIDE % count].name for place in itertools.count())

    def read() -> object:
        with closing(Snapshot(path)) as published:
            return published.profile(next(names))

    return read


def _layers(default: Layer, like: Layer, count: int) -> Iterator[Layer]:
    yield default
    for number in range(1, count):
        yield like._replace(name=f"{like.name}-{number}")
