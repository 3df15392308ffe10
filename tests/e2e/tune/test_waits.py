"""What the page measures, against the settings' prediction and against another participant."""

import asyncio
import contextlib
import statistics
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from livekit import api, rtc

from sandbox.caller.sound import Ear
from sandbox.connection import Connection
from tests.e2e.tune.browser import Page
from tests.e2e.tune.conftest import Stack

pytestmark = pytest.mark.measured

Record = Callable[[str, object], None]

MIN_DELAY = "turn_handling.endpointing.min_delay"


class Observer:
    """A hidden participant who hears both sides.

    Attributes:
        caller: The caller's sound.
        agent: The agent's sound.
    """

    def __init__(self) -> None:
        self.caller, self.agent = Ear(), Ear()
        self.tasks: list[asyncio.Task[None]] = []

    def hear(
        self, track: rtc.Track, _: rtc.RemoteTrackPublication, who: rtc.RemoteParticipant
    ) -> None:
        """Listen to a track."""
        is_agent = who.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT
        ear = self.agent if is_agent else self.caller
        self.tasks.append(asyncio.create_task(ear.listen(track)))

    @property
    def wait(self) -> float:
        """Return the seconds from the caller's last sound to the agent's next one."""
        last = self.caller.sounds[-1].end
        return next(sound.start for sound in self.agent.sounds if sound.start > last) - last


@contextlib.asynccontextmanager
async def observing(connection: Connection, name: str) -> AsyncGenerator[Observer]:
    """Listen in a room."""
    grants = api.VideoGrants(room_join=True, room=name, can_publish=False, hidden=True)
    token = api.AccessToken(connection.api_key, connection.api_secret)
    room, observer = rtc.Room(), Observer()
    room.on("track_subscribed", observer.hear)
    await room.connect(connection.url, token.with_identity("ear").with_grants(grants).to_jwt())
    try:
        yield observer
    finally:
        await room.disconnect()
        for task in observer.tasks:
            task.cancel()


@dataclass(frozen=True, slots=True)
class Answered:
    """A call with one turn that goes on.

    Attributes:
        page: of the call.
        turn: as the page has it.
        heard: its wait in seconds, as another participant heard it.
    """

    page: Page
    turn: dict[str, Any]
    heard: float


@pytest.fixture(scope="module")
async def answered(stack: Stack) -> AsyncGenerator[Answered]:
    """A sentence that was played to `patient`."""
    page = await stack.browser.open(stack.tune.address, reduced_motion="no-preference")
    await page.play("patient", "order")
    await page.until("tuner.talk.room && tuner.talk.state !== 'joining'", 90)
    room = await page.value("tuner.talk.room")
    async with observing(stack.worker.connection, room) as observer:
        turn = (await page.turns(1))[0]
        heard = observer.wait
    yield Answered(page, turn, heard)
    await page.close()


def test_wait_on_the_page_matches_the_wait_of_a_participant(
    answered: Answered, record_property: Record
) -> None:
    """The decision comes when it is predicted, and the drawn wait is the one that is heard."""
    turn, heard = answered.turn, answered.heard
    record_property("waits", {**turn, "observed": heard})
    # The page counts from the sound that leaves it, the other participant from its arrival: what
    # lies between is the way there, and on a busy machine the browser's own delay.
    assert heard - 0.1 <= turn["heard"] <= heard + 0.6
    assert turn["difference"] is not None
    assert -0.1 <= turn["difference"] <= 0.3  # 0.1 when nothing else runs


async def test_slider_is_active_at_once(
    stack: Stack, answered: Answered, record_property: Record
) -> None:
    """From the change on the page to the worker's line that it is in force: 0.3 s when idle."""
    page = answered.page
    # What types for a person takes its time before the page has the change.
    await page.value("addEventListener('change', () => { window.changed = Date.now(); }, true)")
    took: list[float] = []
    for value in (1.6, 1.7, 1.8, 1.9, 2.1, 2.2, 2.3, 2.4):
        after = len(stack.worker.log)
        await page.move(MIN_DELAY, value)
        wanted = f"{MIN_DELAY} {value} (participant)"
        log = await stack.worker.logs(wanted, after=after)
        line = next(line for line in log.splitlines() if wanted in line)
        moment = line[: len("2026-01-31 12:00:00,000")]
        written = datetime.strptime(moment, "%Y-%m-%d %H:%M:%S,%f").astimezone()
        took.append(written.timestamp() - await page.value("changed") / 1000)
    record_property("in force after", took)
    assert statistics.median(took) < 0.5  # 0.15 when nothing else runs
