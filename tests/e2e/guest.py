"""Somebody else in a caller's room."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Literal

from livekit import api, rtc

from sandbox.caller import Script
from sandbox.caller.call import STATE
from sandbox.caller.sound import Microphone
from sandbox.connection import Connection
from sandbox.polling import eventually

Kind = Literal["standard", "sip", "egress", "agent"]


class Guest:
    """Somebody who may speak.

    Attributes:
        room: Where they are.
        microphone: What they speak into.
        states: Each state of an agent in the room since they joined it, in order.
    """

    def __init__(self) -> None:
        """Not in a room yet."""
        self.room = rtc.Room()
        self.microphone = Microphone()
        self.states: list[str] = []
        self.room.on("participant_attributes_changed", self._note)

    async def speak(self, text: str) -> None:
        """Say something; returns once it is said."""
        (sounds,) = Script(text).turns()
        for sound in sounds:
            assert isinstance(sound, bytes)
            await self.microphone.play(sound)

    async def is_answered(self, text: str) -> None:
        """Say something, and wait until an agent speaks, however short its answer is."""
        before = len(self.states)
        await self.speak(text)
        await eventually(lambda: "speaking" in self.states[before:], 20, "an agent speaks")

    def _note(self, changed: dict[str, str], _: rtc.Participant) -> None:
        if STATE in changed:
            self.states.append(changed[STATE])


@contextlib.asynccontextmanager
async def guest(
    connection: Connection,
    room: str,
    *,
    identity: str = "guest",
    kind: Kind = "standard",
    metadata: str = "",
    attributes: Mapping[str, str] | None = None,
    can_publish: bool = True,
) -> AsyncGenerator[Guest]:
    """Be in a room by its name, with an open microphone where one may publish."""
    grants = api.VideoGrants(
        room_join=True,
        room=room,
        can_publish=can_publish,
        can_publish_data=True,
        can_update_own_metadata=True,
    )
    token = (
        api.AccessToken(connection.api_key, connection.api_secret)
        .with_identity(identity)
        .with_kind(kind)
        .with_metadata(metadata)
        .with_attributes(dict(attributes or {}))
        .with_grants(grants)
        .to_jwt()
    )
    somebody = Guest()
    await somebody.room.connect(connection.url, token)
    speaking = asyncio.create_task(somebody.microphone.run())
    try:
        if can_publish:
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            track = somebody.microphone.track
            await somebody.room.local_participant.publish_track(track, options)
        yield somebody
    finally:
        speaking.cancel()
        await somebody.room.disconnect()
