"""Runs a program with only what Python has on Windows, as far as another system can do without.

python bare_system.py SCRIPT WORDS...    # `cli` stands for the command line
"""

import importlib
import os
import pathlib  # noqa: F401 - that of Python 3.10 makes methods of functions that replace those of os
import runpy
import signal
import sys
from typing import Any

_MODULES = ("fcntl", "grp", "pwd", "resource", "termios", "tty", "pty", "syslog")
_NAMES = {
    os: (
        *("O_DIRECTORY", "O_NONBLOCK", "O_NOFOLLOW", "O_CLOEXEC", "O_NOCTTY", "O_SYNC"),
        *("getuid", "geteuid", "getgid", "getegid", "mkfifo", "setsid", "getpgid", "killpg"),
    ),
    signal: ("SIGALRM", "SIGPIPE", "SIGURG"),
}


def _take_away() -> None:
    sys.modules.update(dict.fromkeys(_MODULES))  # type: ignore[arg-type] # None: not to be found
    for module, names in _NAMES.items():
        for name in names:
            delattr(module, name)
    os.supports_dir_fd.clear()
    os.supports_fd.clear()
    os.open = _by_path_alone(os.open)
    os.listdir = _by_path_alone(os.listdir)
    os.stat = _by_path_alone(os.stat)
    os.lstat = _by_path_alone(os.lstat)


def _by_path_alone(function: Any) -> Any:
    def narrower(*args: Any, dir_fd: int | None = None, **kwargs: Any) -> Any:
        if dir_fd is not None:
            raise NotImplementedError("dir_fd unavailable on this platform")
        if args and isinstance(args[0], int):
            raise TypeError(f"{function.__name__}: path should be string, bytes or os.PathLike")
        return function(*args, **kwargs)

    return narrower


def _run(script: str, words: list[str]) -> None:
    if script != "cli":
        # The SDK's half for this system needs what the one for Windows does without.
        importlib.import_module("livekit.agents")
        _take_away()
        sys.argv = [script, *words]
        runpy.run_path(script, run_name="__main__")
        return
    _take_away()
    cli = importlib.import_module("timing_profiles.cli")
    terminal: Any = importlib.import_module("timing_profiles.cli.terminal")
    terminal.WINDOWS = True
    # What Windows makes of a file or a pipe.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="cp1252", newline="\r\n")  # type: ignore[union-attr]
    sys.exit(cli.main(words))


if __name__ == "__main__":
    _run(sys.argv[1], sys.argv[2:])
