"""Report calls from job processes to the main process: one datagram each, best effort."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from timing_profiles.handoff.variables import REPORTS
from timing_profiles.problems import Problem
from timing_profiles.profile import NAME

_CODE = re.compile(r"[a-z]+(-[a-z]+)*")
_MOST_CODES = 20
_MOST_BYTES = 4096

_logger = logging.getLogger("timing_profiles")


@dataclass(frozen=True, slots=True)
class CallReport:
    """The parts of a call that metrics count.

    Attributes:
        profile: The active profile at its start; None where the call was reported already.
        codes: The codes of the problems of its requests, or of what was found later.
    """

    profile: str | None
    codes: tuple[str, ...] = ()


def report(profile: str, problems: Sequence[Problem]) -> None:
    """Report a call to the main process. Never raises, never blocks."""
    _send(profile, [problem.code for problem in problems])


def report_found(code: str) -> None:
    """Report a code that was found in a call after it was reported. Never raises, never blocks."""
    _send(None, [code])


def _send(profile: str | None, codes: Sequence[str]) -> None:
    path = os.environ.get(REPORTS)
    if not path:
        return
    datagram = json.dumps({"profile": profile, "codes": codes[:_MOST_CODES]}).encode()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            sender.sendto(datagram, path)
    except OSError as error:
        _logger.debug("the call is not counted: %s", error)


class Reports:
    """Receive the reports of a worker's jobs."""

    def __init__(self, path: Path, take: Callable[[CallReport], None]) -> None:
        """Listen at a path that does not exist; to be called in a running loop.

        Raises:
            OSError: The socket cannot be opened.
        """
        self._take = take
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        try:
            self._socket.bind(str(path))
        except OSError:
            self._socket.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)

    def close(self) -> None:
        """Stop listening."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        try:
            report = _parsed(self._socket.recv(_MOST_BYTES))
        except OSError:
            return
        if report:
            self._take(report)


def _parsed(datagram: bytes) -> CallReport | None:
    """Parse a datagram; None for an invalid one. Labels of metrics must be few."""
    try:
        data = json.loads(datagram)
        profile, codes = data["profile"], data["codes"]
        is_named = profile is None or NAME.fullmatch(profile)
        if is_named and all(_CODE.fullmatch(code) for code in codes):
            return CallReport(profile, tuple(codes))
    except (ValueError, TypeError, KeyError):
        pass
    return None
