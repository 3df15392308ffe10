"""Keep what a caller says before the session listens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

from livekit import rtc

from timing_profiles.call import sdk_internals

MOST_SECONDS = 60
"""Seconds of a recording that are kept: the first ones."""

MOST_SENDERS = 4
"""Participants of whom a recording is kept until the caller is known."""

# Bytes of a second: of PCM at most, 48 kHz with 16 bits; of Opus, which clients send with less.
_PCM_SECOND = 96_000
_OPUS_SECOND = 16_000

_logger = logging.getLogger("timing_profiles")


class _Recording:
    """A stream of bytes, read at once and kept up to a limit; it reads like a stream of the SDK."""

    def __init__(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        self.info = reader.info
        self.identity = identity
        is_opus = "opus" in (reader.info.mime_type or "")
        self._left = MOST_SECONDS * (_OPUS_SECOND if is_opus else _PCM_SECOND)
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read(reader))

    @property
    def track(self) -> str:
        """The track that was recorded, as the sender has it."""
        return str((self.info.attributes or {}).get("trackId", ""))

    def discard(self) -> None:
        """Discard the audio; later audio is read and discarded, since the SDK would keep it."""
        self._left = 0
        while not self._chunks.empty():
            self._chunks.get_nowait()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._chunks.get()
        if chunk is None:
            self._chunks.put_nowait(None)
            raise StopAsyncIteration
        return chunk

    async def _read(self, reader: rtc.ByteStreamReader) -> None:
        try:
            async for chunk in reader:
                if self._left:
                    self._chunks.put_nowait(chunk[: self._left])
                    self._left -= min(len(chunk), self._left)
        except ConnectionError as error:  # the stream was broken off
            _logger.debug("pre-connect audio ended early: %s", error)
        finally:
            self._chunks.put_nowait(None)


class Recordings:
    """Hands the caller's recordings of the caller's own tracks to the session, and no others.

    Any sender of data could otherwise speak for the caller: the session looks at the track
    that a recording names, not at its sender. Until the caller is known, one recording of each of a
    few participants is kept.

    Args:
        room: The room.
    """

    def __init__(self, room: rtc.Room) -> None:
        self.on_taken: Callable[[], None] | None = None
        self._room = room
        self._kept: dict[str, _Recording] = {}
        self._is_caller: Callable[[str], bool] = lambda _: True
        sdk_internals.intercept_recordings(room, self._keep, self._hand_over)

    def only_of(self, is_caller: Callable[[str], bool]) -> None:
        """Take recordings of some participants alone from now on, by their identity."""
        self._is_caller = is_caller
        for identity in [identity for identity in self._kept if not is_caller(identity)]:
            self._kept.pop(identity).discard()

    def _keep(self, reader: rtc.ByteStreamReader, identity: str) -> None:
        recording = self._callers(reader, identity)
        if recording is None:
            return
        former = self._kept.pop(identity, None)
        if former:
            former.discard()
        self._kept[identity] = recording
        if len(self._kept) > MOST_SENDERS:
            self._kept.pop(max(self._kept, key=self._joined_at)).discard()

    def _hand_over(self, handler: sdk_internals.Stream) -> sdk_internals.Stream:
        take: Callable[[Any, str], None] = handler  # reads it like a stream of the SDK

        def take_callers(reader: rtc.ByteStreamReader, identity: str) -> None:
            recording = self._callers(reader, identity)
            if recording:
                take(recording, identity)

        for identity, recording in self._kept.items():
            take(recording, identity)
        self._kept.clear()
        if self.on_taken:
            # Once the session, which is registering just now, has linked its caller.
            asyncio.get_running_loop().call_soon(self.on_taken)
        return take_callers

    def _callers(self, reader: rtc.ByteStreamReader, identity: str) -> _Recording | None:
        """Return a recording by the caller of a track of the caller; any other one is discarded."""
        recording = _Recording(reader, identity)
        sender = self._room.remote_participants.get(identity)
        if sender and recording.track in sender.track_publications and self._is_caller(identity):
            return recording
        recording.discard()
        _logger.debug("discarded pre-connect audio that is not the caller's own")
        return None

    def _joined_at(self, identity: str) -> float:
        sender = self._room.remote_participants.get(identity)
        joined = sender.joined_at if sender else None
        return joined.timestamp() if joined else float("inf")
