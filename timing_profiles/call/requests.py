"""The requests of a call, resolved against the profiles that it began with.

These are the published ones, else the directory, else the packaged default.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from timing_profiles.call import sdk_internals
from timing_profiles.catalog import schema_file
from timing_profiles.catalog.folder import profiles_dir
from timing_profiles.catalog.schema import Schema
from timing_profiles.handoff.snapshot import Snapshot, SnapshotError
from timing_profiles.handoff.variables import PUBLISHED
from timing_profiles.problems import Problem, ProfilesError, quoted, unknown_profile
from timing_profiles.profile import DEFAULT
from timing_profiles.resolution import request, settings
from timing_profiles.resolution.request import Request
from timing_profiles.resolution.settings import Profiles, Settings

LOOKS = 1.0
"""Seconds between two looks whether the published file was replaced."""

_UNAVAILABLE = Problem("profiles-unavailable", "the published profiles cannot be read")
_UNREAD = frozenset({"metadata-invalid", "metadata-too-large", "profile-unknown"})
_CALLER: Final = "participant"
_APPLICATION: Final = "application"

_Read = TypeVar("_Read")

_logger = logging.getLogger("timing_profiles")


class Caller(Protocol):
    """A participant, as far as it requests something."""

    @property
    def metadata(self) -> str:
        """Its metadata, of now."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Its attributes, of now."""


class Requests:
    """The layers of a call, resolved against the profiles that it began with.

    While the call runs, a request of the caller that cannot be read, or names no profile, leaves
    the one before it standing.

    Args:
        caller: The caller; None where there is none.
        profile: The application's profile for callers who request none.
        room: The room's metadata.
        dispatch: The metadata of the dispatch (the job).

    Attributes:
        caller: The present caller; None where there is none.
    """

    def __init__(
        self,
        caller: Caller | None,
        profile: str | None = None,
        room: str | None = None,
        dispatch: str | None = None,
    ) -> None:
        self.caller = caller
        self._layers = partial(request.layers, profile, room, dispatch)
        self._published = _published()
        self._instead: Profiles | None = None
        self._seen: Sequence[Request] | None = None
        self._standing: Sequence[Request] = ()
        self._aloud: Sequence[Request] = ()
        self._changed: Sequence[Request] = ()
        self._unread: tuple[Problem, ...] = ()
        self._timer: asyncio.TimerHandle | None = None

    def outlive_replacement(self) -> None:
        """Copy the profiles once others are published, which is looked for from now on.

        A file that was replaced takes up the disk for as long as a call has it open.
        """
        if self._published is None:
            return
        if not self._published.is_replaced():
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(LOOKS, self.outlive_replacement)
            return
        try:
            self._published.copy()
        except SnapshotError as error:
            self._give_up(error)

    def resolve(self, *, is_followed: bool = True) -> Settings:
        """Resolve the present requests of all layers.

        Args:
            is_followed: Whether the caller's metadata is that of now; else that of the last time.

        Returns:
            The settings, with the problem `profiles-unavailable` where the published profiles
            cannot be read, and `not-applied` for each field that the installed SDK does not have.
        """
        seen = self._seen
        layers = seen if seen is not None and not is_followed else self._read_layers()
        self._seen = layers
        if layers != seen:
            resolved = self._resolve([*layers, *self._changed])
            unread = tuple(p for p in resolved.problems if p.code in _UNREAD and p.file == _CALLER)
            if seen is None or not unread:
                self._standing, self._aloud, self._unread = layers, (), ()
                return resolved
            self._unread = unread
        resolved = self._resolve([*self._standing, *self._aloud, *self._changed])
        return replace(resolved, problems=(*resolved.problems, *self._unread))

    def request_aloud(self, name: str) -> bool:
        """Put a profile above everything, until the caller's client requests something new.

        Returns:
            Whether there is such a profile; if not, all stays as it is.
        """
        try:
            self.sets(name)
        except LookupError:
            return False
        self._aloud = [Request(_CALLER, name)]
        return True

    def change(self, profile: str | None, overrides: Mapping[str, Any]) -> None:
        """Put a request of the application above everything, in the place of its former one.

        Raises:
            LookupError: Unknown profile.
        """
        if profile is not None:
            self.sets(profile)
        request = Request(_APPLICATION, profile, overrides=overrides)
        self._changed = [request] if profile or overrides else ()

    def sets(self, name: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Return the fields that a profile and those that it extends set beyond `default`.

        Fields without an option in the installed SDK are left out.

        Returns:
            The values, and the place of each value.

        Raises:
            LookupError: Unknown profile; the text lists the profiles.
        """
        sets, origins = self._read(lambda profiles: _beyond_default(profiles, name))
        return {p: sets[p] for p in sets if p not in sdk_internals.UNSUPPORTED}, origins

    def default(self) -> Mapping[str, Any]:
        """Return the values of the profile `default`."""
        profile = self._read(lambda profiles: profiles.profile(DEFAULT))
        return profile.values if profile else {}

    def close(self) -> None:
        """Close the published file."""
        if self._timer:
            self._timer.cancel()
        if self._published:
            self._published.close()
            self._published = None

    def _read_layers(self) -> Sequence[Request]:
        if self.caller is None:
            return self._layers()
        return self._layers(self.caller.attributes, self.caller.metadata)

    def _resolve(self, layers: Sequence[Request]) -> Settings:
        resolved = self._read(lambda profiles: settings.resolve(profiles, layers))
        unavailable = () if self._published else (_UNAVAILABLE,)
        problems = (*unavailable, *resolved.problems)
        return _supported(replace(resolved, problems=problems))

    def _read(self, read: Callable[[Profiles], _Read]) -> _Read:
        try:
            if self._published:
                with self._published.reading():
                    return read(self._published)
        except SnapshotError as error:
            self._give_up(error)
        self._instead = self._instead or _directory_or_default()
        return read(self._instead)

    def _give_up(self, error: SnapshotError) -> None:
        _log_unreadable(error)
        self.close()


def _beyond_default(profiles: Profiles, name: str) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    profile, default = profiles.profile(name), profiles.profile(DEFAULT)
    if profile is None or default is None:
        raise LookupError(unknown_profile(name, profiles.names()))
    sets = {
        path: value
        for path, value in profile.values.items()
        if profile.origins[path] != default.origins.get(path)
    }
    return sets, profile.origins


def _published() -> Snapshot | None:
    published = os.environ.get(PUBLISHED)
    try:
        if published:
            return Snapshot(Path(published))
        _logger.error(
            "published profiles not found: was timing_profiles.attach(server) called?"
            " reading the profiles directory"
        )
    except SnapshotError as error:
        _log_unreadable(error)
    return None


def _log_unreadable(error: SnapshotError) -> None:
    _logger.error("published profiles unreadable: %s; reading the profiles directory", error)


def _directory_or_default() -> Profiles:
    # Imported here: only the rare job that finds nothing published reads YAML.
    from timing_profiles.catalog import catalog  # noqa: PLC0415

    try:
        return catalog.load(profiles_dir())
    except ProfilesError as error:
        _logger.error("profiles directory unusable: using the packaged default profile\n%s", error)
    packaged = schema_file.packaged("default.yaml")
    files = {packaged.name: packaged.read_bytes()}
    return catalog.build(files, Schema(schema_file.packaged_text()), None, "packaged")


def _supported(resolved: Settings) -> Settings:
    """Switch off the fields that the installed SDK has no option for."""
    unsupported = sdk_internals.UNSUPPORTED
    lost = {path: why for path, why in unsupported.items() if resolved.values.get(path) is not None}
    if not lost:
        return resolved
    return replace(
        resolved,
        values={**resolved.values, **dict.fromkeys(lost)},
        problems=(*resolved.problems, *(_not_applied(resolved, *each) for each in lost.items())),
        changed=tuple(path for path in resolved.changed if path not in lost),
    )


def _not_applied(resolved: Settings, path: str, why: str) -> Problem:
    message = f"{quoted(resolved.values[path])} is not applied: {why}"
    return Problem("not-applied", message, path, resolved.origins[path])
