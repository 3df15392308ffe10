"""The two sides of a change, for people."""

from __future__ import annotations

from collections.abc import Sequence

from timing_profiles.authoring.comparison import ALLOW, Change
from timing_profiles.catalog.schema import Schema
from timing_profiles.cli.output import with_unit
from timing_profiles.problems import listed


def both_sides(schema: Schema, change: Change) -> tuple[str, str]:
    """The two values of a change for people; of a policy, what one side allows beyond the other."""
    if change.field == ALLOW:
        return _beyond(change.a, change.b), _beyond(change.b, change.a)
    return with_unit(schema, change.field, change.a), with_unit(schema, change.field, change.b)


def _beyond(these: Sequence[str], those: Sequence[str]) -> str:
    more = listed(item for item in these if item not in those)
    return f"also {more}" if more else ""
