"""What it costs to look at the tracks of a room; which ones are subscribed to is an e2e test."""

from typing import Any

import pytest
from livekit import rtc

from timing_profiles.call import sdk_internals
from timing_profiles.call.early_audio import Recordings
from timing_profiles.call.subscriptions import Subscriptions

TRACKS = 500


class Track:
    """A track that a stranger publishes; a real one needs a server."""

    kind = rtc.TrackKind.KIND_AUDIO
    source = rtc.TrackSource.SOURCE_MICROPHONE
    audio_features = ()
    subscribed = False

    def set_subscribed(self, wanted: bool) -> None:  # noqa: FBT001 - as the SDK calls it
        self.subscribed = wanted


class Somebody:
    """A participant."""

    def __init__(self, identity: str) -> None:
        self.identity = identity


async def test_fault_86_each_of_many_tracks_is_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stranger who publishes thousands must not take the time of the caller's audio."""
    room: Any = rtc.Room()
    subscriptions = Subscriptions(room, Recordings(room))
    room._connection_state = rtc.ConnectionState.CONN_CONNECTED  # noqa: SLF001
    people = {name: Somebody(name) for name in ("caller", "stranger")}
    room._remote_participants.update(people)  # noqa: SLF001
    monkeypatch.setattr(room, "isconnected", lambda: True)
    subscriptions.listen_to("caller")
    room.on("track_subscribed", Stream("caller").taken)
    looked: list[object] = []
    monkeypatch.setattr(sdk_internals, "is_recorded", looked.append)
    strangers = [Track() for _ in range(TRACKS)]
    for track in strangers:
        room.emit("track_published", track, people["stranger"])
    callers = Track()
    room.emit("track_published", callers, people["caller"])
    assert looked == [callers]
    assert callers.subscribed
    assert not any(track.subscribed for track in strangers)


class Stream:
    """What a session reads a participant's audio with."""

    _accepted_sources = frozenset({rtc.TrackSource.SOURCE_MICROPHONE})

    def __init__(self, identity: str) -> None:
        self._participant_identity = identity

    def taken(self) -> None:
        """The session's handler."""
