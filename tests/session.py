"""The SDK's own session without a room: it need not be started, and its caller speaks on cue."""

from typing import Any

from livekit.agents import AgentSession, UserInputTranscribedEvent, UserStateChangedEvent


class Session(AgentSession[None]):
    """A session whose caller does what a test says.

    Attributes:
        state: What the caller does, as `user_state`.
    """

    state: Any = "listening"

    @property
    def user_state(self) -> Any:
        """What the caller does."""
        return self.state

    def becomes(self, state: Any) -> None:
        """The caller speaks, listens, or is away."""
        old, self.state = self.state, state
        self.emit("user_state_changed", UserStateChangedEvent(old_state=old, new_state=state))

    def transcribes(self, *, is_final: bool) -> None:
        """News from speech-to-text."""
        event = UserInputTranscribedEvent(transcript="one", is_final=is_final)
        self.emit("user_input_transcribed", event)
