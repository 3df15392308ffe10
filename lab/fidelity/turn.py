"""One turn of a call, as caller, agent and Deepgram report it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp
from livekit.agents.voice.remote_session import RemoteSession
from livekit.protocol.agent_pb import agent_session

from sandbox.caller.measure import Turn as Spoken
from sandbox.deepgram import Message, Request


class SpoiledTurnError(Exception):
    """A turn that cannot be measured: the agent took it for two, or the machine stalled."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The durations of a turn, in seconds.

    Attributes:
        decision: From the end of speech, as the agent has it, to its decision.
        wait: From the caller's last sound sent to the first one heard.
        path_in: From the caller's last sound sent until Deepgram has it.
        path_out: From the agent's first sound played until the caller hears it.
        words: From the last sound at Deepgram until it sends the last final transcript.
        early: Likewise to the first transcript that the LLM may start from.
        words_late: From the end of speech, as the agent has it, until it has the words.
        detector: Likewise to the turn detector's verdict; 0 without one.
        llm: From the request to the LLM to its first text.
        tts: From the first text to the first sound.
    """

    decision: float
    wait: float
    path_in: float
    path_out: float
    words: float
    early: float
    words_late: float
    detector: float
    llm: float
    tts: float


@dataclass(slots=True)
class Told:
    """The agent's reports of one turn to the room.

    Attributes:
        user: The metrics of what the caller said.
        agent: The metrics of the answer.
        verdicts: Of the turn detector.
    """

    user: list[agent_session.MetricsReport] = field(default_factory=list)
    agent: list[agent_session.MetricsReport] = field(default_factory=list)
    verdicts: list[agent_session.AgentSessionEvent.EotPrediction] = field(default_factory=list)

    def listen(self, session: RemoteSession) -> None:
        """Record the session's reports from now on."""
        verdict: Any = "eot_prediction"  # emitted, and missing in the type of its events
        session.on("conversation_item_added", self._added)
        session.on(verdict, lambda event: self.verdicts.append(event.eot_prediction))

    def clear(self) -> None:
        """Forget the turn before."""
        for said in (self.user, self.agent, self.verdicts):
            said.clear()

    def _added(self, event: Any) -> None:
        message = event.conversation_item_added.item.message
        said = self.user if message.role == agent_session.USER else self.agent
        said.append(message.metrics)


def turn(spoken: Spoken, told: Told, request: Request, before: int) -> Turn:
    """Combine the reports of a turn.

    Args:
        spoken: What the caller measured.
        told: What the agent told.
        request: Deepgram's side of the call.
        before: How many messages it had when the turn began.

    Raises:
        SpoiledTurnError: It is no turn to measure.
    """
    user, agent = _only(told.user), _only(told.agent)
    if spoken.wait is None or spoken.cut_in or request.last_loud_at is None:
        raise SpoiledTurnError("it is not one sentence with one answer")
    wall = time.time() - time.monotonic()
    heard = spoken.parts[-1].end + spoken.wait + wall
    words = list(_sent(request.messages[before:], "EndOfTurn", since=request.last_loud_at))
    early = list(_sent(request.messages[before:], "EagerEndOfTurn", since=request.last_loud_at))
    if not words:
        raise SpoiledTurnError("Deepgram sent no words after the last sound")
    return Turn(
        decision=user.end_of_turn_delay,
        wait=spoken.wait,
        path_in=request.last_loud_at - spoken.parts[-1].end - wall,
        path_out=heard - _seconds(agent.started_speaking_at),
        words=words[-1],
        early=(early or words)[-1],
        words_late=user.transcription_delay,
        detector=told.verdicts[-1].delay.ToNanoseconds() / 1e9 if told.verdicts else 0.0,
        llm=agent.llm_node_ttft,
        tts=agent.tts_node_ttfb,
    )


def _only(reports: Sequence[agent_session.MetricsReport]) -> agent_session.MetricsReport:
    if len(reports) != 1:
        raise SpoiledTurnError(f"it became {len(reports)} turns")
    return reports[0]


def _sent(messages: Sequence[Message], event: str, *, since: float) -> Iterator[float]:
    """When Deepgram sent a Flux event, or nova the final that stands for the end of a turn."""
    for message in messages:
        of_nova = event == "EndOfTurn" and message.body.get("is_final")
        if message.sent and message.at > since and (of_nova or message.body.get("event") == event):
            yield message.at - since


def _seconds(at: Timestamp) -> float:
    return at.ToNanoseconds() / 1e9
