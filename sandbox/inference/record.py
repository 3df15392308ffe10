"""Records of requests to the stand-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.deepgram import record


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function tool.

    Attributes:
        name: Of the tool.
        arguments: By name.
    """

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Request(record.Request):
    """One request and its results. Times are `time.time()`.

    Of a completion, `user` is the text of the last user message, None when there is none, and
    `results` what tools have returned so far. The answer is `call` where there is one, else
    `reply`. Exactly one of `completed_at` and `cancelled_at` is set once a completion
    is over.

    Of a session of speech, `messages` are all but those that carry audio, and `audio` is how much
    of it they carried, in seconds.
    """

    user: str | None = None
    results: tuple[str, ...] = ()
    call: ToolCall | None = None
    reply: str = ""
    first_token_at: float | None = None
    completed_at: float | None = None
    cancelled_at: float | None = None
