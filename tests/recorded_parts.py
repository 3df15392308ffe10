"""The SDK's own parts, which keep the arguments that they were given last."""

import inspect
from typing import Any

import pytest
from livekit.agents import inference
from livekit.agents.types import NOT_GIVEN
from livekit.plugins import deepgram

_PARTS: tuple[tuple[Any, str], ...] = (
    *((deepgram, name) for name in ("STT", "STTv2", "TTS")),
    *((inference, name) for name in ("VAD", "TurnDetector")),
)


def record(environment: pytest.MonkeyPatch) -> None:
    """Record the arguments of each part that is made from now on."""
    for module, name in _PARTS:
        environment.setattr(module, name, _recording(getattr(module, name)))


def _recording(part: Any) -> Any:
    class Recorded(part):  # type: ignore[misc]  # the class is not known to mypy
        def __init__(self, **arguments: Any) -> None:
            super().__init__(**arguments)
            self.arguments = arguments

        def update_options(self, **changes: Any) -> None:
            super().update_options(**changes)
            self.arguments = {**self.arguments, **changes}

    Recorded.__name__ = part.__name__
    Recorded.__signature__ = inspect.signature(part)
    return Recorded


class Arguments:
    """The arguments of a part by name, as given last, else the SDK's defaults."""

    def __init__(self, part: Any) -> None:
        """Take a part that was made while arguments are recorded."""
        self._part = part

    def __getattr__(self, name: str) -> Any:
        """Return an argument; a deactivation threshold that is left out is 0.15 lower."""
        default = inspect.signature(type(self._part)).parameters[name].default
        value = self._part.arguments.get(name, default)
        if name == "deactivation_threshold" and value is NOT_GIVEN:
            return max(self.activation_threshold - 0.15, 0.01)
        return value
