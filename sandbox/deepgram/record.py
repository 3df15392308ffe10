"""Records of requests to the stand-in."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Body = dict[str, Any]


class NotUnderstoodError(Exception):
    """The client sent an invalid message; Deepgram closes the connection."""


@dataclass(frozen=True, slots=True)
class Message:
    """One JSON message of a connection.

    `at` is the wall clock (`time.time()`); `audio` the seconds of audio that had been received
    (listen) or sent (speak) by then; `sent` distinguishes Deepgram's messages from the client's.
    """

    at: float
    audio: float
    sent: bool
    body: Body


@dataclass(slots=True)
class Request:
    """One request, and the events of its connection. Times are `time.time()`.

    `last_loud_at` is when the audio with the last sound in it arrived; `status` is the HTTP status,
    101 for a WebSocket that was accepted. The Authorization header is not kept.
    """

    path: str
    query: dict[str, list[str]]
    at: float = field(default_factory=lambda: time.time())  # noqa: PLW0108 - it may be patched
    status: int = 101
    audio: float = 0.0
    last_loud_at: float | None = None
    closed_at: float | None = None
    messages: list[Message] = field(default_factory=list)

    def received(self, body: Body) -> None:
        """Record a message of the client."""
        self.messages.append(Message(time.time(), self.audio, sent=False, body=body))

    def sent(self, body: Body) -> None:
        """Record a message to the client."""
        self.messages.append(Message(time.time(), self.audio, sent=True, body=body))

    def bodies(self, type_: str) -> list[Body]:
        """All messages of one type, such as `Results`, oldest first."""
        return [message.body for message in self.messages if message.body.get("type") == type_]


class Vocabulary(Protocol):
    """The words of transcripts; can be set at any time, also during a call."""

    words: Sequence[str]
    deaf: bool


class Behaviour(Vocabulary, Protocol):
    """Settings of the stand-in; can be set at any time, also during a call."""

    latency: float
    tts_latency: float
    idle_timeout: float
