"""The profiles that a call uses: the published ones, else the folder, else the packaged default."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from timing_profiles.catalog import schema_file
from timing_profiles.catalog.folder import profiles_dir
from timing_profiles.catalog.schema import Schema
from timing_profiles.handoff.snapshot import Snapshot, SnapshotError
from timing_profiles.handoff.variables import PUBLISHED
from timing_profiles.problems import Problem, ProfilesError, listed, quoted
from timing_profiles.profile import DEFAULT
from timing_profiles.resolution import settings
from timing_profiles.resolution.request import Request
from timing_profiles.resolution.settings import Profiles, Settings

_UNAVAILABLE = Problem("profiles-unavailable", "the published profiles cannot be read")

_Found = TypeVar("_Found")

_logger = logging.getLogger("timing_profiles")


class Pinned:
    """The profiles that a call begins with, and keeps to its end."""

    def __init__(self) -> None:
        """Pin what is published; where that cannot be read, the folder or the packaged default."""
        self._published = _published()
        self._instead: Profiles | None = None

    def settle(self, requests: Sequence[Request]) -> Settings:
        """Resolve what the call asks for.

        Args:
            requests: What each layer asks for, the lowest one first.

        Returns:
            The settings, with the problem `profiles-unavailable` where the published profiles could
            not be read.
        """
        found = self._of(lambda profiles: settings.resolve(profiles, requests))
        unavailable = () if self._published else (_UNAVAILABLE,)
        return replace(found, problems=(*unavailable, *found.problems))

    def sets(self, name: str) -> Mapping[str, Any]:
        """The fields that a profile and those that it extends set themselves, beyond `default`.

        Raises:
            LookupError: There is no profile of that name; the text says which there are.
        """
        return self._of(lambda profiles: _beyond_default(profiles, name))

    def _of(self, read: Callable[[Profiles], _Found]) -> _Found:
        try:
            if self._published:
                with self._published.reading():
                    return read(self._published)
        except SnapshotError as error:
            _logger.error("the published profiles cannot be read: %s", error)
            self.close()
        self._instead = self._instead or _folder_or_default()
        return read(self._instead)

    def close(self) -> None:
        """Let go of the published file."""
        if self._published:
            self._published.close()
            self._published = None


def _beyond_default(profiles: Profiles, name: str) -> Mapping[str, Any]:
    profile, default = profiles.profile(name), profiles.profile(DEFAULT)
    if profile is None or default is None:
        names = profiles.names()
        raise LookupError(f"there is no profile {quoted(name)}; there are {listed(names)}")
    return {
        path: value
        for path, value in profile.values.items()
        if profile.origins[path] != default.origins.get(path)
    }


def settle(requests: Sequence[Request]) -> Settings:
    """Resolve a call against the profiles in force, and let go of them."""
    with closing(Pinned()) as pinned:
        return pinned.settle(requests)


def _published() -> Snapshot | None:
    published = os.environ.get(PUBLISHED)
    try:
        if published:
            return Snapshot(Path(published))
        _logger.error("nothing is published: was timing_profiles.attach(server) called?")
    except SnapshotError as error:
        _logger.error("the published profiles cannot be read: %s", error)
    return None


def _folder_or_default() -> Profiles:
    # Imported here: only the rare job that finds nothing published reads YAML.
    from timing_profiles.catalog import catalog  # noqa: PLC0415

    try:
        return catalog.load(profiles_dir())
    except ProfilesError as error:
        _logger.error("the profiles folder cannot be used either:\n%s", error)
    packaged = schema_file.packaged("default.yaml")
    text = schema_file.packaged(schema_file.FILE_NAME).read_text(encoding="utf-8")
    files = {packaged.name: packaged.read_bytes()}
    return catalog.build(files, Schema(text), None, "packaged")
