"""Calls while profiles change every 50 ms: `python -m lab.soak.calls [--calls 200] [--at-once 3]`.

Every call is held to this:

- it is answered, and nothing is left out of what it asks for;
- its revision is that of a state of the folder that was in place before the call began;
- its session has that state active, when it begins and when it ends.

Of all calls together, agents decide as soon as their states say, and callers wait as predicted. A
few may have been answered and not measured: the machine broke their sound into pieces.

Exit status: 0 when all of it held.
"""

import argparse
import ast
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from livekit.agents.voice.remote_session import RemoteSession

from lab.fidelity.turn import SpoiledTurnError, Told, Turn, turn
from lab.soak.edits import PROFILE, Edits, copies, number
from lab.soak.outcome import Outcome, Run, text
from sandbox.caller import Caller, Dial, NotAnsweredError, Script, join
from sandbox.deepgram import Request
from sandbox.ending import end
from sandbox.livekit_binary import LiveKitServerError
from sandbox.polling import eventually
from sandbox.worker import ROOT, Worker, worker
from timing_profiles.turns.fields import MIN_DELAY

_SENTENCE = Script("Yes please.")
_TRIES = 3  # a turn that the machine spoils is reported again
_PATIENCE = 30.0  # seconds
_ENDPOINTING_MS = 25  # of the first of the calls that go on at once; it tells them apart

Progress = Callable[[str], None]


class _NotHeldError(Exception):
    """A check of a call failed."""


@dataclass(frozen=True, slots=True)
class _Session:
    """The settings that an agent reports.

    Attributes:
        attributes: Those of ours.
        options: The session's own, as the SDK tells them.
    """

    attributes: Mapping[str, str]
    options: Mapping[str, Any]


async def run(folder: Path, *, calls: int, at_once: int, progress: Progress) -> Run:
    """Call a worker of its own whose profiles are edited all the time.

    Args:
        folder: For what belongs to the worker.
        calls: How many calls to make.
        at_once: How many of them go on at the same time.
        progress: Gets a line for each call.

    Raises:
        LiveKitServerError: There is no LiveKit server, and none can be built.
    """
    outcomes: list[Outcome] = []

    async def line(running: Worker, edits: Edits, index: int) -> None:
        for _ in range(index, calls, at_once):
            outcomes.append(await _outcome(running, edits, index))
            progress(f"{len(outcomes)} of {calls}: {outcomes[-1]}")

    with copies(ROOT / "profiles", 2) as (source, aside):
        Edits(source, aside)
        async with worker(folder, profiles=source) as running:
            running.llm.reply = "Good."
            edits = Edits(running.profiles, aside)
            with edits.going_on():
                await asyncio.gather(*(line(running, edits, index) for index in range(at_once)))
            return Run(tuple(outcomes), len(edits.written), running.log.count('"profiles changed'))


async def _outcome(running: Worker, edits: Edits, index: int) -> Outcome:
    endpointing_ms = _ENDPOINTING_MS + index
    asked = json.dumps({"profile": PROFILE, "endpointing_ms": endpointing_ms})
    try:
        async with join(running.connection, Dial(metadata=asked, patience=_PATIENCE)) as caller:
            reported, measured = await _talk(running, caller, endpointing_ms)
            began = _began(running, caller)
    except (NotAnsweredError, _NotHeldError, TimeoutError) as error:
        return Outcome(f"{type(error).__name__}: {error}")
    return _judged(reported, measured, began, edits, asked)


async def _talk(
    running: Worker, caller: Caller, endpointing_ms: int
) -> tuple[_Session, Turn | SpoiledTurnError]:
    """One turn, and the active settings before and after it."""
    await caller.agent_listens()
    if not caller.agent:
        raise _NotHeldError("the agent left")
    session = RemoteSession.from_room(caller.room, caller.agent.identity)
    told = Told()
    told.listen(session)
    await session.start()
    try:
        request = _heard_by(running, endpointing_ms)
        began_with = await _reported_by(caller, session)
        measured = await _turn(caller, told, request)
        ended_with = await _reported_by(caller, session)
    finally:
        await session.aclose()
    if began_with != ended_with:
        raise _NotHeldError(f"changed during the call: {began_with} -> {ended_with}")
    return began_with, measured


def _heard_by(running: Worker, endpointing_ms: int) -> Request:
    """Return Deepgram's record of the call."""
    mine = [
        request
        for request in running.deepgram.requests
        if request.query.get("endpointing") == [str(endpointing_ms)]
    ]
    if not mine:
        raise _NotHeldError("no connection to Deepgram has the requested settings")
    return mine[-1]


async def _reported_by(caller: Caller, session: RemoteSession) -> _Session:
    reported = caller.agent.attributes if caller.agent else {}
    ours = {name: value for name, value in reported.items() if name.startswith("timing.")}
    options = (await session.get_session_state()).options
    return _Session(ours, {name: ast.literal_eval(text) for name, text in options.items()})


async def _turn(caller: Caller, told: Told, request: Request) -> Turn | SpoiledTurnError:
    """A turn that can be measured, or why the last one could not."""
    (sentence,) = _SENTENCE.turns()
    answered, spoiled = False, SpoiledTurnError()
    for _ in range(_TRIES):
        told.clear()
        before = len(request.messages)
        spoken = await caller.say(sentence)
        answered = answered or spoken.wait is not None
        await eventually(lambda: told.agent, _PATIENCE, "the agent's report of its answer")
        try:
            return turn(spoken, told, request, before)
        except SpoiledTurnError as error:
            spoiled = error
        await caller.agent_listens()
    if not answered:
        raise _NotHeldError("the caller heard no answer")
    return spoiled


def _began(running: Worker, caller: Caller) -> float:
    """Return when the call's job logged its settings."""
    for line in running.log.splitlines():
        if '"call with profile' in line and caller.room.name in line:
            return datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
    raise _NotHeldError("its job has logged no settings")


def _judged(
    reported: _Session,
    measured: Turn | SpoiledTurnError,
    began: float,
    edits: Edits,
    asked: str,
) -> Outcome:
    edit = number(reported.options["user_away_timeout"])
    settings = edits.settings(edit, asked)
    revision = reported.attributes.get("timing.revision", "")
    expected = {"timing.profile": PROFILE, "timing.revision": settings.revision}
    superseded = edits.written[edit + 1] if edit + 1 < len(edits.written) else began
    error = ""
    if dict(reported.attributes) != expected:
        error = f"it reports {reported.attributes}, but edit {edit} is active: {expected}"
    elif reported.options["endpointing"]["min_delay"] != settings.values[MIN_DELAY]:
        error = f"edit {edit} has another min_delay than {reported.options['endpointing']}"
    elif edits.written[edit] > began:
        error = f"edit {edit} was not written when the call began"
    behind = max(began - superseded, 0.0)
    if isinstance(measured, SpoiledTurnError):
        return Outcome(error, revision, edit, behind, settings, spoiled=str(measured))
    return Outcome(error, revision, edit, behind, settings, measured)


def main(command_line: Sequence[str] | None = None) -> int:
    """Call, and print what was measured."""
    parser = argparse.ArgumentParser(prog="python -m lab.soak.calls")
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--at-once", type=int, choices=range(1, 5), default=3)
    arguments = parser.parse_args(command_line)
    for name in ("livekit", "aiohttp"):  # what matters of them becomes an error
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        with tempfile.TemporaryDirectory(prefix="soak-") as folder:
            running = run(
                Path(folder), calls=arguments.calls, at_once=arguments.at_once, progress=_say
            )
            found = asyncio.run(running)
    except LiveKitServerError as error:
        _say(f"soak: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    print(text(found))  # noqa: T201 (the command's result)
    for failure in found.failures:
        print(f"FAILED: {failure}")  # noqa: T201 (likewise)
    return 1 if found.failures else 0


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)  # noqa: T201 (progress, for people)


if __name__ == "__main__":
    end(main())
