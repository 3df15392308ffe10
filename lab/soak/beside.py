"""Work in a thread of its own, for as long as a block runs."""

import contextlib
import threading
from collections.abc import Callable, Generator


@contextlib.contextmanager
def beside(work: Callable[[threading.Event], None]) -> Generator[None]:
    """Run it meanwhile, however busy this process is.

    Args:
        work: What is done; it returns soon after the event is set, at the end of the block.
    """
    ended = threading.Event()
    working = threading.Thread(target=work, args=(ended,))
    working.start()
    try:
        yield
    finally:
        ended.set()
        working.join()
