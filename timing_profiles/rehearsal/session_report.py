"""Read the session report that LiveKit writes beside a recording of its own, `audio.ogg`.

The recording has the caller on the left and the agent on the right. The report has the moment at
which it began, and the times at which the session heard the caller speak.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from timing_profiles.problems import quoted, strerror
from timing_profiles.rehearsal.interval import Interval, overlap

NAME: Final = "session_report.json"
"""The file's name; it lies in the directory of the recording."""

_EARLIER: Final = 1.0  # seconds after which a session has noticed that a caller speaks
_SLACK: Final = 1.0  # seconds by which a recording may be longer than in its report
_AGREES: Final = 0.7  # share of the speech that a session heard, whichever VAD it had


class ReportError(Exception):
    """A report cannot be used for the recording; the text is the reason, with the file's name."""


@dataclass(frozen=True, slots=True)
class SessionReport:
    """The facts of a report about a recording.

    Attributes:
        seconds: How long it is at most; None where that is unknown.
        spoken: When the session heard the caller speak, in seconds of the recording; None where
            the report has no event of that.
    """

    seconds: float | None
    spoken: Sequence[Interval] | None

    def check(self, seconds: float, caller: Sequence[Interval]) -> None:
        """Check that the report is of a recording.

        Args:
            seconds: The duration of the recording.
            caller: The caller's speech in it.

        Raises:
            ReportError: It is of another one.
        """
        if self.seconds is not None and seconds > self.seconds + _SLACK:
            raise ReportError(
                f"{NAME} beside it is of another call: that one lasts {self.seconds:.1f} s, the"
                f" recording {seconds:.1f} s"
            )
        total = sum(one.seconds for one in caller)
        if self.spoken is None or not total:
            return
        heard = overlap(caller, self.spoken)
        if heard < _AGREES * total:
            raise ReportError(
                f"{NAME} beside it is of another call: its session heard the caller in"
                f" {heard / total:.0%} of the caller's speech"
            )


def beside(recording: Path) -> SessionReport | None:
    """Return the report of a recording; None where the directory has none.

    Raises:
        ReportError: It cannot be read, or is not a report of a recording.
    """
    path = recording.with_name(NAME)
    try:
        if not path.is_file():
            return None
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise ReportError(f"{NAME} beside it cannot be read: {strerror(error)}") from None
    except (ValueError, RecursionError):
        raise ReportError(f"{NAME} beside it is not JSON") from None
    if not isinstance(found, dict):
        raise ReportError(f"{NAME} beside it is not a session report: found {quoted(found)}")
    recorded = found.get("audio_recording_path")
    if isinstance(recorded, str) and _file_name(recorded) != recording.name:
        return None  # the report of another file of the directory
    began = _number(found.get("audio_recording_started_at"))
    if began is None:
        value = quoted(found.get("audio_recording_started_at"))
        raise ReportError(f"{NAME} beside it has no recording: audio_recording_started_at {value}")
    milliseconds = _number(found.get("duration_ms"))
    seconds = None if milliseconds is None else milliseconds / 1000
    return SessionReport(seconds, _spoken(found.get("events"), began))


def _file_name(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None


def _spoken(events: Any, began: float) -> list[Interval] | None:
    """Return when the caller speaks by the events of a session; None where it heard no speech.

    A session without a VAD and with speech-to-text that sends no start of speech hears no speech.
    """
    found, start = [], None
    for at, is_speaking in _changes(events):
        if is_speaking and start is None:
            start = at - began - _EARLIER
        elif not is_speaking and start is not None:
            found.append(Interval(start, at - began))
            start = None
    if start is not None:  # the call ends
        found.append(Interval(start, math.inf))
    # Stretches that overlap once they begin earlier would count twice.
    clear = [
        Interval(max(one.start, before), one.end)
        for before, one in zip([0.0, *(one.end for one in found)], found, strict=False)
    ]
    return clear or None


def _changes(events: Any) -> Iterator[tuple[float, bool]]:
    """Yield when the caller begins (True) or stops to speak, in seconds of the machine's clock."""
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("type") == "user_state_changed":
            at = _number(event.get("created_at"))
            if at is not None:
                yield at, event.get("new_state") == "speaking"
