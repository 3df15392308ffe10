"""Read a request of the page: a profile, and overrides of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from timing_profiles.catalog.catalog import Catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.problems import Problem, did_you_mean, unknown_profile
from timing_profiles.profile import DEFAULT
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.settings import Settings


class Refused(ValueError):
    """A request of the page that cannot be answered; the text is one message for people."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A profile, and overrides of it.

    Attributes:
        profile: The name of a valid profile.
        overrides: Nested as in a profile file.
    """

    profile: str
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def metadata(self) -> str:
        """Return the metadata of a caller who asks for this."""
        asked = {"profile": self.profile, "overrides": dict(self.overrides)}
        return json.dumps({request.metadata_key(): asked}, ensure_ascii=False)

    def settings(self, found: Catalog) -> Settings:
        """Resolve the settings as a worker does for such a caller."""
        return settings.resolve(found, request.layers(metadata=self.metadata()))

    def flat(self, schema: Schema) -> dict[str, Any]:
        """Return the overrides of known fields, by dotted path."""
        return {".".join(keys): value for keys, value in schema.flat(self.overrides)}

    def unfit(self, schema: Schema) -> list[Problem]:
        """Return the problems of the overrides that no profile file could hold."""
        return [
            problem.located(".".join(map(str, problem.at)), "")
            for problem in schema.document_problems(self.overrides)
        ]


def read(data: Any, found: Catalog) -> Asked:
    """Read a request of the page.

    Args:
        data: The parsed JSON: `profile` and `overrides`, both optional.
        found: The set to choose from.

    Raises:
        Refused: It is not such an object, or no valid profile has that name.
    """
    if not isinstance(data, Mapping):
        raise Refused('expected an object such as {"profile": "default", "overrides": {}}')
    name, overrides = data.get("profile") or DEFAULT, data.get("overrides") or {}
    if not isinstance(name, str) or name not in found.layers:
        known = found.names()
        hint = did_you_mean(name, known) if isinstance(name, str) else ""
        message = unknown_profile(name, known)
        raise Refused(f"{message}; {hint}" if hint else message)
    if not isinstance(overrides, dict):
        raise Refused("overrides: expected an object nested as in a profile file")
    return Asked(name, overrides)
