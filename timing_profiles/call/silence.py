"""Detect the moments of a session in which no words are in flight."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from livekit.agents import AgentSession, UserInputTranscribedEvent, UserStateChangedEvent

from timing_profiles.turns.fields import (
    ENGINE,
    FLUX_EOT_TIMEOUT,
    NOVA_ENDPOINTING,
    NOVA_UTTERANCE_END,
    Values,
    number,
)

SETTLED = 1.0
"""Seconds without speech and without news from speech-to-text, beyond its own silence.

Deepgram sends the last words of a turn after its `endpointing_ms`, and needs less than that much
time for itself.
"""

FORGOTTEN = 5.0
"""Seconds after which words that never became final are given up."""


class Silence:
    """Detects the silence of a session: the caller is silent, and no transcript is pending.

    Args:
        session: The session.
        came: Called each time that silence begins.
    """

    def __init__(self, session: AgentSession[Any], came: Callable[[], None]) -> None:
        self._session = session
        self._came = came
        self._pending = False
        self._timer: asyncio.TimerHandle | None = None
        self._settled, self._forgotten = SETTLED, FORGOTTEN
        session.on("user_state_changed", self._heard)
        session.on("user_input_transcribed", self._transcribed)

    @property
    def is_now(self) -> bool:
        """Return whether no words are in flight."""
        return self._timer is None and not self._is_speaking()

    def listens_with(self, values: Values) -> None:
        """Set the time-outs by the speech-to-text's own silence.

        Args:
            values: The settings that are active in it.
        """
        final = _final_after(values)
        # Flux reports words within a quarter of a second; nova can be silent until its final ones.
        self._settled = SETTLED + (final if values[ENGINE] == "nova" else 0.0)
        self._forgotten = FORGOTTEN + final

    def postpone(self) -> None:
        """Restart the time-out, as if the caller had spoken just now."""
        if self._timer:
            self._timer.cancel()
        seconds = self._forgotten if self._pending else self._settled
        self._timer = asyncio.get_running_loop().call_later(seconds, self._over)

    def close(self) -> None:
        """Detect no more."""
        self._session.off("user_state_changed", self._heard)
        self._session.off("user_input_transcribed", self._transcribed)
        if self._timer:
            self._timer.cancel()

    def _heard(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            self._pending = True  # until its words come, however slow speech-to-text may be
        if event.new_state != "away":
            self.postpone()

    def _transcribed(self, event: UserInputTranscribedEvent) -> None:
        self._pending = not event.is_final
        self.postpone()

    def _over(self) -> None:
        self._timer = None
        self._pending = False
        if not self._is_speaking():
            self._came()

    def _is_speaking(self) -> bool:
        return self._session.user_state == "speaking"


def _final_after(values: Values) -> float:
    """Return the seconds of silence after which Deepgram sends the last words of a turn."""
    if values[ENGINE] == "flux":
        return number(values, FLUX_EOT_TIMEOUT) / 1000
    return float(values[NOVA_ENDPOINTING] or values[NOVA_UTTERANCE_END] or 0) / 1000
