"""What the stand-in remembers of a request."""

from dataclasses import dataclass

from sandbox.deepgram import record


@dataclass(slots=True)
class Request(record.Request):
    """One request, and what became of it so far. Times are `time.time()`.

    Of a completion, `user` is the text of the last user message, None when there is none. Exactly
    one of `completed_at` and `cancelled_at` is set once a completion is over.

    Of a session of speech, `messages` are all but those that carry audio, and `audio` is how much
    of it they carried, in seconds.
    """

    user: str | None = None
    reply: str = ""
    first_token_at: float | None = None
    completed_at: float | None = None
    cancelled_at: float | None = None
