"""Preview a call with a profile and overrides, before it is made."""

from __future__ import annotations

from typing import Any

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.profile import Profile
from timing_profiles.tuner import overview, profile_text
from timing_profiles.tuner.asked import Asked
from timing_profiles.tuner.fields import NEXT_CALL
from timing_profiles.turns import advice, dead_settings


def of(asked: Asked, found: Catalog) -> dict[str, Any]:
    """Return the settings that a worker would use, the refused overrides, and the difference.

    Args:
        asked: A profile and overrides.
        found: The set.
    """
    shown = asked.settings(found)
    fields, overridden = found.schema.fields, asked.flat(found.schema)
    profile = found.profile(asked.profile) or Profile(asked.profile)
    allowed = [path for path in fields if profile.allows(path)]
    warnings = [*dead_settings.problems(shown.values, overridden), *advice.problems(shown.values)]
    located = [problem.located(problem.fields[0], "") for problem in warnings]
    return {
        "profile": shown.profile,
        "revision": shown.revision,
        "values": dict(shown.values),
        "origins": dict(shown.origins),
        **overview.of_values(shown.values),
        "problems": overview.as_json(shown.problems),
        "warnings": overview.as_json(located),
        "allowed": allowed,
        "live": [path for path in allowed if fields[path].live != NEXT_CALL],
        "next_call": [path for path in overridden if fields[path].live == NEXT_CALL],
        "metadata": asked.metadata(),
        "yaml": profile_text.new(asked, found),
    }
