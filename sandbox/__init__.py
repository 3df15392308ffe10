"""Stand-ins for LiveKit, Deepgram and the LLM on this machine; the library never imports them."""

import sys
from types import TracebackType


def _without_interrupts(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if not issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)


if sys.argv[:1] == ["-m"]:
    # One of the programs in here starts: Ctrl-C during its imports is not a crash.
    sys.excepthook = _without_interrupts
