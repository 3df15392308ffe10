"""Resolving one call, against a merge of the same data that checks nothing."""

from collections.abc import Sequence
from typing import Any

import yaml
from omegaconf import OmegaConf

from lab.bench.inputs import METADATA, OVERRIDES, PROFILE, PROFILES
from lab.bench.table import Row
from lab.bench.timing import in_turns, shown
from timing_profiles.catalog import catalog
from timing_profiles.resolution import request, settings

_AT_MOST = 1 / 20


def rows(*, quick: bool) -> Sequence[Row]:
    """Measure the resolution of metadata with three overrides."""
    loaded = catalog.load(PROFILES)
    layers = [OmegaConf.create(data) for data in (_data("default"), _data(PROFILE), OVERRIDES)]
    pair = in_turns(
        lambda: settings.resolve(loaded, [request.read(METADATA, "participant")]),
        lambda: OmegaConf.merge(*layers),
        rounds=20 if quick else 100,
        calls=5,
    )
    return [
        Row(
            "resolve a call with 3 overrides",
            shown(pair.ours),
            f"OmegaConf.merge, unchecked: {shown(pair.theirs)}",
            f"1/{1 / pair.ratio:.0f}",
            f"1/{1 / _AT_MOST:.0f}",
            pair.ratio <= _AT_MOST,
        )
    ]


def _data(name: str) -> dict[str, Any]:
    """The sections of a profile file, without what is about the file itself."""
    document = yaml.safe_load((PROFILES / f"{name}.yaml").read_text(encoding="utf-8"))
    about_the_file = {"description", "extends", "overrides"}
    return {key: value for key, value in document.items() if key not in about_the_file}
