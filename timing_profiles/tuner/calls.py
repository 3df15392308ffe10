"""Make the rooms of the page: tokens for one room each, which the first participant creates.

A request for a room costs nothing at the LiveKit server: the room begins when somebody joins it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from livekit import api

from timing_profiles.problems import strerror
from timing_profiles.tuner.livekit_access import Access

MOST_ROOMS = 32
"""The rooms that can still be observed and ended; the oldest one is forgotten."""

_EMPTY_TIMEOUT = 30
_DEPARTURE_TIMEOUT = 2  # seconds; the agent's job ends with the room
_VALID_FOR = timedelta(hours=1)
_NAME = "tune-"


class NotEnded(Exception):
    """A call was not ended; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the page may join.

    Attributes:
        room: The name of its room, which no one can guess.
        url: The address of the LiveKit server.
        token: The token of the caller, for this room only.
        identity: The caller.
        metadata: The caller's metadata, as JSON.
    """

    room: str
    url: str
    token: str
    identity: str
    metadata: str


class Calls:
    """The calls of one server."""

    def __init__(self, access: Access, agent: str) -> None:
        """Make nothing yet.

        Args:
            access: The LiveKit server.
            agent: The agent that is dispatched; empty for the one that takes every call.
        """
        self._access = access
        self._agent = agent
        self._rooms: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, room: str) -> bool:
        """Return whether a room is one of these calls."""
        return room in self._rooms

    def new(self, metadata: str) -> Call:
        """Make a call in a room of its own."""
        room = f"{_NAME}{secrets.token_hex(12)}"
        self._rooms[room] = None
        if len(self._rooms) > MOST_ROOMS:
            self._rooms.popitem(last=False)
        identity = f"caller-{secrets.token_hex(4)}"
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            can_publish=True,
            can_publish_sources=["microphone"],
            can_update_own_metadata=True,
        )
        token = self._token(identity, grants).with_metadata(metadata)
        return Call(room, self._access.url, token.to_jwt(), identity, metadata)

    def observer(self, room: str) -> str:
        """Return a token for an observer of a room: its holder is hidden, and publishes nothing."""
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            can_publish=False,
            can_publish_data=False,
            can_subscribe=False,
            can_update_own_metadata=False,
            hidden=True,
        )
        return self._token(f"observer-{secrets.token_hex(4)}", grants).to_jwt()

    async def end(self, room: str) -> None:
        """End a call for all participants.

        Raises:
            NotEnded: The LiveKit server refused, or cannot be reached.
        """
        self._rooms.pop(room, None)
        access = self._access
        async with api.LiveKitAPI(access.url, access.api_key, access.api_secret) as server:
            try:
                await server.room.delete_room(api.DeleteRoomRequest(room=room))
            except api.TwirpError as error:
                if error.code != api.TwirpErrorCode.NOT_FOUND:
                    raise NotEnded(error.message) from None
            except (OSError, asyncio.TimeoutError) as error:
                reason = strerror(error) if isinstance(error, OSError) else "no answer"
                raise NotEnded(reason) from None

    def _token(self, identity: str, grants: api.VideoGrants) -> api.AccessToken:
        token = api.AccessToken(self._access.api_key, self._access.api_secret)
        dispatches = [api.RoomAgentDispatch(agent_name=self._agent)] if self._agent else []
        room = api.RoomConfiguration(
            agents=dispatches,
            empty_timeout=_EMPTY_TIMEOUT,
            departure_timeout=_DEPARTURE_TIMEOUT,
        )
        return (
            token.with_identity(identity)
            .with_grants(grants)
            .with_room_config(room)
            .with_ttl(_VALID_FOR)
        )
