"""The profiles that a call uses: the published ones, else the folder, else the packaged default."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from timing_profiles import schema_file, settings, snapshot
from timing_profiles.folder import profiles_dir
from timing_profiles.problems import Problem, ProfilesError
from timing_profiles.request import Request
from timing_profiles.schema import Schema
from timing_profiles.settings import Profiles, Settings
from timing_profiles.snapshot import SnapshotError

PUBLISHED = "TIMING_PROFILES_PUBLISHED"
"""The environment variable by which a worker hands the published file's path to its jobs."""

_UNAVAILABLE = Problem("profiles-unavailable", "the published profiles cannot be read")

_logger = logging.getLogger("timing_profiles")


def settle(requests: Sequence[Request]) -> Settings:
    """Resolve a call against the profiles in force.

    Args:
        requests: What each layer asks for, the lowest one first.

    Returns:
        The settings, with the problem `profiles-unavailable` where the published profiles could
        not be read.
    """
    published = os.environ.get(PUBLISHED)
    try:
        if published:
            with snapshot.opened(Path(published)) as found:
                return settings.settle(found, requests)
        _logger.error("nothing is published: was timing_profiles.attach(server) called?")
    except SnapshotError as error:
        _logger.error("the published profiles cannot be read: %s", error)
    found_instead = settings.settle(_folder_or_default(), requests)
    return replace(found_instead, problems=(_UNAVAILABLE, *found_instead.problems))


def _folder_or_default() -> Profiles:
    # Imported here: only the rare job that finds nothing published reads YAML.
    from timing_profiles import catalog  # noqa: PLC0415

    try:
        return catalog.load(profiles_dir())
    except ProfilesError as error:
        _logger.error("the profiles folder cannot be used either:\n%s", error)
    packaged = schema_file.packaged("default.yaml")
    text = schema_file.packaged(schema_file.FILE_NAME).read_text(encoding="utf-8")
    files = {packaged.name: packaged.read_bytes()}
    return catalog.build(files, Schema(text), None, "packaged")
