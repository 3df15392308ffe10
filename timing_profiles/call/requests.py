"""What a call is asked for, by everybody who may ask, at any moment of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, Protocol

from timing_profiles.call import sdk_internals
from timing_profiles.call.pinned import Pinned
from timing_profiles.problems import Problem, quoted
from timing_profiles.resolution import request
from timing_profiles.resolution.request import Request
from timing_profiles.resolution.settings import Settings


class Caller(Protocol):
    """A participant, as far as it asks for something."""

    @property
    def metadata(self) -> str:
        """Its metadata, of now."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Its attributes, of now."""


_UNREAD = frozenset({"metadata-invalid", "metadata-too-large", "profile-unknown"})
_CALLER: Final = "participant"


class Wishes:
    """The layers of a call, resolved against the profiles that it began with.

    While the call runs, a request of the caller that cannot be read, or names no profile, leaves
    the one before it standing.

    Attributes:
        caller: Who is asked; None where there is nobody to ask.
    """

    def __init__(
        self,
        caller: Caller | None,
        profile: str | None = None,
        room: str | None = None,
        dispatch: str | None = None,
    ) -> None:
        """Pin the profiles.

        Args:
            caller: The caller; None where there is nobody to ask.
            profile: The application's profile for callers who request none.
            room: The room's metadata.
            dispatch: The metadata of the dispatch (the job).
        """
        self.caller = caller
        self._layers = partial(request.layers, profile, room, dispatch)
        self._pinned = Pinned()
        self._seen: Sequence[Request] | None = None
        self._standing: Sequence[Request] = ()
        self._aloud: Sequence[Request] = ()
        self._unread: tuple[Problem, ...] = ()

    def settled(self) -> Settings:
        """What all of them lead to now."""
        asked, seen = self._asked(), self._seen
        self._seen = asked
        if asked != seen:
            found = self._settle(asked)
            unread = tuple(p for p in found.problems if p.code in _UNREAD and p.file == _CALLER)
            if seen is None or not unread:
                self._standing, self._aloud, self._unread = asked, (), ()
                return found
            self._unread = unread
        found = self._settle([*self._standing, *self._aloud])
        return replace(found, problems=(*found.problems, *self._unread))

    def ask_aloud(self, name: str) -> bool:
        """Put a profile above everything, until the caller's client says something new.

        Returns:
            Whether there is such a profile; if not, all stays as it is.
        """
        try:
            self.lent(name)
        except LookupError:
            return False
        self._aloud = [Request(_CALLER, name)]
        return True

    def lent(self, name: str) -> Mapping[str, Any]:
        """The fields that a profile sets beyond `default`, for a step that borrows it.

        What the installed SDK has no option for is not among them.

        Raises:
            LookupError: There is no profile of that name.
        """
        sets, unsupported = self._pinned.sets(name), sdk_internals.UNSUPPORTED
        return {path: value for path, value in sets.items() if path not in unsupported}

    def close(self) -> None:
        """Let go of the profiles."""
        self._pinned.close()

    def _settle(self, asked: Sequence[Request]) -> Settings:
        return _supported(self._pinned.settle(asked))

    def _asked(self) -> Sequence[Request]:
        if self.caller is None:
            return self._layers()
        return self._layers(self.caller.attributes, self.caller.metadata)


def _supported(settings: Settings) -> Settings:
    """Switch off the fields that the installed SDK has no option for.

    Returns:
        The settings, with a problem `not-applied` for each field that would have been on.
    """
    unsupported = sdk_internals.UNSUPPORTED
    lost = {path: why for path, why in unsupported.items() if settings.values.get(path) is not None}
    if not lost:
        return settings
    return replace(
        settings,
        values={**settings.values, **dict.fromkeys(lost)},
        problems=(*settings.problems, *(_not_applied(settings, *each) for each in lost.items())),
        changed=tuple(path for path in settings.changed if path not in lost),
    )


def _not_applied(settings: Settings, path: str, why: str) -> Problem:
    message = f"{quoted(settings.values[path])} is not applied: {why}"
    return Problem("not-applied", message, path, settings.origins[path])
