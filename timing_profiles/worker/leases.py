"""Whether a process has a file open for writing, as far as the kernel tells."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path


def is_open_for_writing(path: Path) -> bool | None:
    """Return whether a process has a file open for writing; None where the kernel does not tell.

    Linux grants a read lease only on a file that no process has open for writing, and only to the
    owner of the file or with CAP_LEASE; some file systems grant none.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # A writer that opens the file during the lease makes the kernel send a signal: SIGIO would
        # end the process, SIGURG is ignored.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except (OSError, AttributeError):
        return None
    finally:
        os.close(descriptor)
    return False
