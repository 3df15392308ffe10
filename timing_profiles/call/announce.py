"""Announce the active settings: attributes of the agent, context of the job's log, log lines."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from livekit import rtc
from livekit.agents import JobContext

from timing_profiles.problems import Problem, printable, quoted
from timing_profiles.resolution.request import PROFILE_ATTRIBUTE
from timing_profiles.resolution.settings import Settings
from timing_profiles.turns import dead_settings
from timing_profiles.turns.fields import KnownValues, Values

REVISION_ATTRIBUTE = "timing.revision"
PROBLEMS_ATTRIBUTE = "timing.problems"

_logger = logging.getLogger("timing_profiles")

# The SDK may send two requests in reverse, so a room has one on the way: then the latest values.
_waiting: dict[rtc.Room, dict[str, str]] = {}
_sending: dict[rtc.Room, asyncio.Task[None]] = {}


def announce(ctx: JobContext, settings: Settings) -> None:
    """Announce the active settings in the agent's attributes and in the context of the job's log.

    Everyone in the room can read the attributes: they carry names and codes only.
    """
    ctx.log_context_fields = {
        **ctx.log_context_fields,
        "timing_profile": settings.profile,
        "timing_revision": settings.revision,
    }
    codes = ",".join(dict.fromkeys(problem.code for problem in settings.problems))
    attributes = {
        PROFILE_ATTRIBUTE: settings.profile,
        REVISION_ATTRIBUTE: settings.revision,
        PROBLEMS_ATTRIBUTE: codes,  # an empty value takes an attribute away
    }
    _waiting[ctx.room] = attributes
    if ctx.room not in _sending:
        _sending[ctx.room] = asyncio.create_task(_send(ctx.room))


def log(settings: Settings, known: Values, event: str = "call") -> None:
    """Log one line with the differences from default, and one for each dead setting.

    Args:
        settings: The settings as they act.
        known: Their values, without those that no part of the session reads.
        event: The beginning of the line.
    """
    changes = "; ".join(
        f"{path} {quoted(settings.values[path])} ({printable(settings.origins[path])})"
        for path in settings.changed
    )
    _logger.info(
        "%s with profile %s, revision %s: %s",
        event,
        settings.profile,
        settings.revision,
        changes or "nothing differs from default",
    )
    # An override can make a setting of the profile dead, which no check of the files can find.
    for path, reason in dead_settings.reasons(KnownValues(known), settings.changed).items():
        _logger.warning(
            "dead setting: %s (%s): %s", path, printable(settings.origins[path]), reason
        )


def log_problems(problems: Sequence[Problem]) -> None:
    """Log one line for each problem: the fields that were left out, and why."""
    for problem in problems:
        _logger.warning("left out (%s): %s", problem.code, str(problem).replace("\n  ", "; "))


async def _send(room: rtc.Room) -> None:
    try:
        while attributes := _waiting.pop(room, None):
            await _set_attributes(room, attributes)
    finally:
        del _sending[room]


async def _set_attributes(room: rtc.Room, attributes: dict[str, str]) -> None:
    changed = asyncio.Event()
    # While the room reconnects they would be lost without an error.
    while room.connection_state == rtc.ConnectionState.CONN_RECONNECTING:
        changed.clear()
        room.once("connection_state_changed", lambda *_: changed.set())
        await changed.wait()
    try:
        await room.local_participant.set_attributes(attributes)
    except Exception as error:  # noqa: BLE001 - the SDK raises bare Exceptions; a call continues
        _logger.warning("agent attributes not set: %s; call continues", error)
