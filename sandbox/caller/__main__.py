"""`make call`: what was measured to standard output, progress to standard error."""

import asyncio
import contextlib
import io
import logging
import os
import sys
from collections.abc import Sequence

from dotenv import load_dotenv

from sandbox import connection
from sandbox.caller.call import NotAnsweredError, call
from sandbox.caller.page import Answered, answered, page
from sandbox.caller.picture import symbols
from sandbox.caller.progress import Progress
from sandbox.caller.report import as_text, report
from sandbox.caller.sound import write_wav
from sandbox.caller.variables import Calls, read_variables
from sandbox.connection import ConnectionUnknownError
from sandbox.ending import end
from timing_profiles.cli import terminal
from timing_profiles.tuner import livekit_access

_PIPED = 80  # columns of a picture where no terminal reports its width


def main() -> int:
    """Exit status: 0 answered, 1 not answered, 2 a variable is invalid, 130 interrupted."""
    load_dotenv(".env.local")
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # its relevant messages become an error
    try:
        return _main(read_variables(os.environ))
    except (NotAnsweredError, ConnectionUnknownError) as error:
        return _fail(1, str(error))
    except ValueError as error:
        return _fail(2, str(error))
    except KeyboardInterrupt:
        return _fail(130, "interrupted")
    except BrokenPipeError:  # whoever reads has seen enough
        sys.stderr.close()
        return 0


def _main(asked: Calls) -> int:
    form = asked.form or ("text" if sys.stdout.isatty() else "json")
    calls: list[Answered] = []
    try:
        with contextlib.closing(Progress(sys.stderr)) as progress:
            asyncio.run(_make(asked, progress, calls))
    except NotAnsweredError:
        if form == "text":
            _print_page(calls)  # nothing of those that were answered is lost
        raise
    status = _record(asked, calls)
    if form == "text":
        _print_page(calls)
    else:
        _print_json(calls)
    return status


async def _make(asked: Calls, progress: Progress, calls: list[Answered]) -> None:
    """Make one call after the other, and add each as soon as it has ended."""
    where = connection.find()
    livekit_access.bypass_proxies(where.url)
    for name, dial in asked.dials:
        progress.begin(name, alone=len(asked.dials) == 1)
        result = await call(where, dial, asked.script, progress.show)
        calls.append(answered(dial, result))


def _print_page(calls: Sequence[Answered]) -> None:
    if calls:
        style = terminal.style(sys.stdout)
        if not sys.stdout.isatty():
            style = style._replace(width=_PIPED)
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        _print(page(calls, symbols(sys.stdout.encoding), style))


def _print_json(calls: Sequence[Answered]) -> None:
    """An object for one call, a list for several."""
    objects = [as_text(report(one.call, one.settings)) for one in calls]
    several = ",\n".join(objects)
    _print(objects[0] if len(objects) == 1 else f"[\n{several}\n]")


def _record(asked: Calls, calls: Sequence[Answered]) -> int:
    for one, file in zip(calls, asked.recordings(), strict=True):
        if file is not None:
            try:
                write_wav(file, one.call.said, one.call.heard)
            except OSError as error:
                return _fail(1, f"{file} cannot be written: {error.strerror}")
            _say(f"recorded in {file}")
    return 0


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201 (the command's result)


def _say(message: str) -> None:
    lines = terminal.style(sys.stderr).wrapped(message, later="    ")
    print(lines, file=sys.stderr, flush=True)  # noqa: T201 (for people)


def _fail(status: int, message: str) -> int:
    _say(f"call: {message}")
    return status


if __name__ == "__main__":
    end(main())
