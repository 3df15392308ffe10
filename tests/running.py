"""A call that runs: published profiles, a room without a server, and the SDK's own session."""

from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from livekit import rtc
from livekit.agents import Agent, AgentTask, JobContext, ModelSettings
from livekit.agents.stt import SpeechEvent
from livekit.agents.types import NOT_GIVEN

from tests import recorded_parts
from tests.recorded_parts import Arguments
from tests.room import Job, Room
from tests.session import Session
from timing_profiles.call.requests import Requests
from timing_profiles.call.timing import Timing
from timing_profiles.catalog import catalog
from timing_profiles.catalog.schema import Schema
from timing_profiles.handoff import snapshot, variables

ROOT = Path(__file__).parents[1]
SCHEMA = Schema((ROOT / "schema.json").read_text(encoding="utf-8"))

_STARTERS = {path.name: path.read_bytes() for path in (ROOT / "profiles").glob("*.yaml")}
_running: list["Running"] = []
_OPEN = {"open.yaml": b"overrides: {allow: ['*']}"}


def publish(
    folder: Path, environment: pytest.MonkeyPatch, more: Mapping[str, str] | None = None
) -> str:
    """Publish the starter profiles, `open` whose every field metadata may change, and more.

    Args:
        folder: For the published file.
        environment: Gets its path, and a key for Deepgram.
        more: Other profiles: name and text.

    Returns:
        The revision.
    """
    texts = {f"{name}.yaml": text.encode() for name, text in (more or {}).items()}
    found = catalog.build({**_STARTERS, **_OPEN, **texts}, SCHEMA, None, "profiles")
    path = folder / "published.sqlite"
    snapshot.publish(path, found.revision, found.schema, found.layers)
    environment.setenv(variables.PUBLISHED, str(path))
    environment.setenv("DEEPGRAM_API_KEY", "a-key")
    # Whatever is not prevented from connecting does not leave this machine.
    environment.setenv("DEEPGRAM_BASE_URL", "http://127.0.0.1:9")
    recorded_parts.record(environment)
    return found.revision


class Running:
    """A call with a session that is made from its timing.

    Attributes:
        room: Where the caller and the agent are.
        job: The agent's.
        timing: Of the call.
        session: Of the call; it has not started.
    """

    def __init__(
        self,
        metadata: str = "",
        *,
        room_metadata: str = "",
        attributes: Mapping[str, str] | None = None,
        fake: bool = False,
        session: Mapping[str, Any] | None = None,
    ) -> None:
        """Resolve what the call is asked for, and make its session, which needs a running loop.

        Args:
            metadata: The caller's.
            room_metadata: The room's.
            attributes: The caller's.
            fake: Whether it is the console's job: nobody is there to be asked.
            session: Arguments of the session that the application gives itself.
        """
        self.room = Room(metadata, attributes)
        self.job = Job(self.room, fake=fake)
        caller = cast("rtc.RemoteParticipant", self.room.caller)
        self.requests = Requests(None if fake else caller, room=room_metadata)
        self.timing = Timing(cast("JobContext", self.job), caller, self.requests)
        self.session = Session(**self.timing.session_kwargs(**(session or {})))
        _running.append(self)

    def follow(self) -> "Running":
        """Follow the session."""
        self.timing.follow(self.session)
        return self

    @asynccontextmanager
    async def started(self, agent: Agent | None = None) -> "AsyncGenerator[Running]":
        """Have the session run, for as long as the block does; by default with a deaf agent."""
        await self.session.start(agent or Deaf(instructions=""))
        try:
            yield self
        finally:
            await self.session.aclose()

    @property
    def listener(self) -> Any:
        """The speech-to-text that listens now."""
        agent = self.session.current_agent.stt
        return self.session.stt if agent is NOT_GIVEN else agent

    def in_force(self, path: str) -> Any:
        """The value that the session has of a field, as far as it shows it."""
        section, _, key = path.rpartition(".")
        return _LOOKS[section](self.session, key)


def end_all() -> None:
    """Close the profiles of all calls, as their jobs do at their end."""
    while _running:
        _running.pop().requests.close()


class Deaf(Agent):
    """An agent that never connects to its speech-to-text."""

    async def stt_node(
        self,
        audio: AsyncIterable[rtc.AudioFrame],
        model_settings: ModelSettings,  # noqa: ARG002 - LiveKit calls it so
    ) -> AsyncGenerator[SpeechEvent]:
        """Hear nothing."""
        async for _ in audio:
            pass
        nothing: tuple[SpeechEvent, ...] = ()
        for event in nothing:
            yield event


class Step(AgentTask[str], Deaf):
    """A step of the conversation that a test completes."""


class Stepping(Deaf):
    """An agent that takes a step as soon as it is there.

    Attributes:
        step: The step.
    """

    def __init__(self, step: Step) -> None:
        """Take that step."""
        super().__init__(instructions="")
        self.step = step

    async def on_enter(self) -> None:
        """Take it."""
        await self.step


def options_of(part: Any) -> Any:
    """Return the arguments of a part, by name."""
    return Arguments(part)


def detection_of(mode: Any) -> Any:
    """How turns are detected, as a profile says it."""
    return mode if isinstance(mode, str) else "turn_detector"


def _detector(session: Session, key: str) -> Any:
    detector = cast("Any", session.turn_detection)
    if key == "version":
        return detector.model.removeprefix("turn-detector-")
    value = getattr(options_of(detector), key)
    return "auto" if value is NOT_GIVEN else value


def _handling(section: str) -> Any:
    def look(session: Session, key: str) -> Any:
        return cast("Any", session.options.turn_handling)[section][key]

    return look


_LOOKS: Mapping[str, Any] = {
    "stt.nova": lambda session, key: getattr(options_of(session.stt), key),
    "stt.flux": lambda session, key: getattr(options_of(session.stt), key),
    "vad": lambda session, key: getattr(options_of(session.vad), key),
    "tts": lambda session, key: getattr(options_of(session.tts), key),
    "turn_detector": _detector,
    "turn_handling": lambda session, _: detection_of(session.turn_detection),
    "turn_handling.endpointing": _handling("endpointing"),
    "turn_handling.interruption": _handling("interruption"),
    "turn_handling.preemptive_generation": _handling("preemptive_generation"),
    "turn_handling.user_turn_limit": _handling("user_turn_limit"),
    "session": lambda session, key: getattr(session.options, key),
}
