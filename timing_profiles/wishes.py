"""What a call is asked for, by everybody who may ask, at any moment of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from timing_profiles import request
from timing_profiles.in_force import Pinned
from timing_profiles.request import PROFILE_ATTRIBUTE, Request
from timing_profiles.settings import Settings


class Caller(Protocol):
    """A participant, as far as it asks for something."""

    @property
    def metadata(self) -> str:
        """Its metadata, of now."""

    @property
    def attributes(self) -> Mapping[str, str]:
        """Its attributes, of now."""


class Wishes:
    """The layers of a call, resolved against the profiles that it began with.

    Attributes:
        aloud: The profile that the caller asked for aloud, after everything else; None for none.
    """

    def __init__(self, below: Sequence[Request], caller: Caller | None) -> None:
        """Pin the profiles.

        Args:
            below: What the layers below the caller ask for, the lowest one first.
            caller: The caller; None where there is none to ask.
        """
        self.aloud: str | None = None
        self._below = below
        self._caller = caller
        self._pinned = Pinned()

    def settled(self) -> Settings:
        """What all of them lead to now."""
        return self._pinned.settle([*self._below, *self._asked(), *self._asked_aloud()])

    def lent(self, name: str) -> Mapping[str, Any]:
        """The fields that a profile sets beyond `default`, for a step that borrows it.

        Raises:
            LookupError: There is no profile of that name.
        """
        return self._pinned.sets(name)

    def close(self) -> None:
        """Let go of the profiles."""
        self._pinned.close()

    def _asked(self) -> list[Request]:
        if self._caller is None:
            return []
        return [
            Request("participant", self._caller.attributes.get(PROFILE_ATTRIBUTE) or None),
            request.read(self._caller.metadata, "participant"),
        ]

    def _asked_aloud(self) -> list[Request]:
        return [Request("participant", self.aloud)] if self.aloud else []
