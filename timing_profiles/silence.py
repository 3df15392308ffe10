"""A session -> the moments in which no words are in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from livekit.agents import AgentSession, UserInputTranscribedEvent, UserStateChangedEvent

SETTLED = 1.0
"""Seconds without speech and without news from speech-to-text, beyond its own silence.

Deepgram sends the last words of a turn after its `endpointing_ms`, and needs less than that much
time for itself.
"""

_FORGOTTEN = 5.0  # seconds after which words that never became final are waited for no longer


class Silence:
    """Says when a session has come to rest: nobody speaks, and no transcript is pending."""

    def __init__(self, session: AgentSession[Any], came: Callable[[], None]) -> None:
        """Begin to listen.

        Args:
            session: The session.
            came: Called each time that silence comes.
        """
        self._session = session
        self._came = came
        self._pending = False
        self._timer: asyncio.TimerHandle | None = None
        self.deepgram = 0.0
        """Seconds of silence after which Deepgram calls words final."""
        session.on("user_state_changed", self._heard)
        session.on("user_input_transcribed", self._transcribed)

    @property
    def is_now(self) -> bool:
        """Whether no words are in flight."""
        return self._timer is None and not self._is_speaking()

    def _heard(self, event: UserStateChangedEvent) -> None:
        if event.new_state != "away":
            self._wait()

    def _transcribed(self, event: UserInputTranscribedEvent) -> None:
        self._pending = not event.is_final
        self._wait()

    def _wait(self) -> None:
        """Count the silence anew."""
        if self._timer:
            self._timer.cancel()
        seconds = _FORGOTTEN if self._pending else SETTLED + self.deepgram
        self._timer = asyncio.get_running_loop().call_later(seconds, self._over)

    def _over(self) -> None:
        self._timer = None
        self._pending = False
        if not self._is_speaking():
            self._came()

    def _is_speaking(self) -> bool:
        return self._session.user_state == "speaking"
