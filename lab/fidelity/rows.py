"""Starter profiles, each under every way to end a turn."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from timing_profiles.catalog import catalog
from timing_profiles.catalog.catalog import Catalog
from timing_profiles.profile import overlay
from timing_profiles.rehearsal import outcome
from timing_profiles.turns import rules
from timing_profiles.turns.fields import MAX_DELAY, MIN_DELAY, Values
from timing_profiles.turns.wait import effective

Document = Mapping[str, Any]

_MORE = "detector-more"


def _detector(threshold: float) -> Document:
    return {
        "turn_detector": {"unlikely_threshold": threshold},
        "turn_handling": {"turn_detection": "turn_detector"},
    }


MODES: Mapping[str, Document] = MappingProxyType(
    {
        "vad": {"turn_handling": {"turn_detection": "vad"}},
        "detector-done": _detector(0.0),
        _MORE: _detector(1.0),
        "flux": {"stt": {"engine": "flux"}, "turn_handling": {"turn_detection": "stt"}},
        "stt": {"turn_handling": {"turn_detection": "stt"}},
    }
)
"""What each mode lays over a profile."""

REHEARSED: Mapping[str, Document] = MappingProxyType(
    {
        "turn_detector": {"turn_handling": {"turn_detection": "turn_detector"}},
        **{mode: MODES[mode] for mode in ("vad", "flux", "stt")},
    }
)
"""The same of calls that are compared with rehearsals: the turn detector has its own threshold."""


@dataclass(frozen=True, slots=True)
class Row:
    """A profile under a mode.

    Attributes:
        profile: The profile.
        mode: The mode.
        values: Every field of the two together, by its dotted path.
    """

    profile: str
    mode: str
    values: Values

    @property
    def name(self) -> str:
        """The name on the command line."""
        return f"{self.profile}/{self.mode}"

    @property
    def asks_for(self) -> str:
        """The name of the two together, as a profile."""
        return f"{self.profile}--{self.mode}".replace("_", "-")

    @property
    def delay(self) -> float:
        """Return the endpointing delay that acts, in seconds."""
        return float(self.values[MAX_DELAY if self.mode == _MORE else MIN_DELAY])

    @property
    def shortest(self) -> float:
        """Return the seconds from the last sound to the decision, by the settings alone."""
        return effective({**self.values, MIN_DELAY: self.delay}).seconds[0]


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows to call.

    Attributes:
        rows: What a caller can tell apart.
        left_out: The name of each other combination, and why it is not called.
    """

    rows: tuple[Row, ...]
    left_out: Mapping[str, str]


def plan(profiles: Path) -> Plan:
    """Plan every profile of a directory in every mode.

    Raises:
        ProfilesError: The profiles are broken.
    """
    found = catalog.load(profiles)
    rows: list[Row] = []
    left_out: dict[str, str] = {}
    for row in _combinations(found, MODES):
        why = _why_not(row, rows)
        if why:
            left_out[row.name] = why
        else:
            rows.append(row)
    return Plan(tuple(rows), left_out)


def plan_of_rehearsals(profiles: Path) -> list[Row]:
    """Return the rows that a rehearsal knows, with words where they decide.

    Raises:
        ProfilesError: The profiles are broken.
    """
    rows: list[Row] = []
    for row in _combinations(catalog.load(profiles), REHEARSED):
        is_known = outcome.unknown_with_words(row.values) is None
        if is_known and not _why_not(row, rows):
            rows.append(row)
    return rows


def write(rows: Sequence[Row], profiles: Path, folder: Path) -> None:
    """Copy a folder of profiles to a new one, and add a profile for each row."""
    shutil.copytree(profiles, folder)
    for row in rows:
        document = {"extends": row.profile, **{**MODES, **REHEARSED}[row.mode]}
        (folder / f"{row.asks_for}.yaml").write_text(json.dumps(document), encoding="utf-8")


def _combinations(found: Catalog, modes: Mapping[str, Document]) -> Iterator[Row]:
    for name in found.names():
        profile = found.profile(name)
        for mode, document in modes.items():
            values = dict(profile.values) if profile else {}
            sets = {".".join(path): value for path, value in found.schema.flat(document)}
            overlay(values, sets)
            yield Row(name, mode, values)


def _why_not(row: Row, before: Sequence[Row]) -> str | None:
    broken = next(rules.broken(row.values), None)
    if broken:
        return f"refused: {broken.message}"
    same = (other for other in before if other.profile == row.profile)
    twin = next((other for other in same if other.values == row.values), None)
    return f"the same as {twin.name}" if twin else None
