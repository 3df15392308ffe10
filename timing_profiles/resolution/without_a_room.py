"""Resolve settings without a room, for an application's own tests and for the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from timing_profiles.catalog import catalog, location
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.settings import Settings

Metadata = str | Mapping[str, Any] | None


def resolve(
    metadata: Metadata = None,
    *,
    profiles_dir: str | Path | None = None,
    room: Metadata = None,
    dispatch: Metadata = None,
    attributes: Mapping[str, str] | None = None,
    profile: str | None = None,
) -> Settings:
    """Resolve the settings of a call with this metadata.

    Args:
        metadata: The participant's metadata, as JSON or as a mapping.
        profiles_dir: The directory of profiles; `PROFILES_DIR` of the environment, else `profiles`.
            A relative path is looked up as by a worker.
        room: The room's metadata.
        dispatch: The metadata of the dispatch (the job).
        attributes: The participant's attributes.
        profile: The profile for callers who request none, as in `for_call`.

    Raises:
        ProfilesError: The profiles or `TIMING_METADATA_KEY` are invalid; a worker would not start
            with them.
    """
    request.check_metadata_key()
    found = catalog.load(location.find(profiles_dir))
    requests = request.layers(profile, _text(room), _text(dispatch), attributes, _text(metadata))
    return settings.resolve(found, requests)


def _text(metadata: Metadata) -> str | None:
    return json.dumps(metadata, default=dict) if isinstance(metadata, Mapping) else metadata
