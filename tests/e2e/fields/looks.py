"""What is looked at in a conversation that was held. Times are in seconds."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from tests.e2e.fields.conversation import Conversation

Look = Callable[[Conversation], Any]

# Seconds that the agent still has to say when the caller talks over it, at least.
_MORE: Final = 1.8


def delay(talk: Conversation) -> float | None:
    """The SDK's own `end_of_turn_delay` of the last turn; None when no turn ended."""
    delays = [delay for _, delay in talk.turns()]
    return delays[-1] if delays else None


def over(talk: Conversation) -> float | None:
    """From the caller's last sound to the end of the last turn; None when no turn ended."""
    ends = [at for at, _ in talk.turns()]
    return ends[-1] - talk.said[-1].end if ends else None


def thought(talk: Conversation) -> float | None:
    """From the caller's last sound to the last request to the LLM; None when there was none."""
    asked = talk.asked()
    return asked[-1] - talk.said[-1].end if asked else None


def thoughts(talk: Conversation) -> int:
    """How many requests to the LLM there were."""
    return len(talk.asked())


def voiced(talk: Conversation) -> float:
    """From the caller's last sound to the text that is to be spoken first."""
    (connection,) = talk.connections("/v1/speak")
    first = min(m.at for m in connection.messages if m.body["type"] == "Speak")
    return first - talk.said[-1].end


def cut_in(talk: Conversation) -> float:
    """From the caller's last sound to the agent's first."""
    return talk.ear.sounds[0].start - talk.said[-1].end


def butted_in(talk: Conversation) -> bool:
    """Whether the agent was heard before the caller had said everything."""
    return any(sound.start < talk.said[-1].end for sound in talk.ear.sounds)


def spoke(talk: Conversation) -> bool:
    """Whether the agent was heard at all."""
    return bool(talk.ear.sounds)


def talked_on(talk: Conversation) -> float:
    """From the caller's first sound to the end of the agent's first."""
    return talk.ear.sounds[0].end - talk.said[0].start


def gave_way(talk: Conversation) -> bool:
    """Whether the agent fell silent while it had more to say."""
    return talked_on(talk) < _MORE


def went_on(talk: Conversation) -> float | None:
    """From the end of the caller's sound to the agent's going on; None when it does not."""
    ((heard, _),) = talk.events("user_state_changed", new_state="listening")
    resumed = [
        at for at, _ in talk.events("agent_state_changed", new_state="speaking") if at > heard
    ]
    return resumed[0] - heard if resumed else None


def first_words(talk: Conversation) -> float:
    """How long the agent's first sound was."""
    return talk.ear.sounds[0].end - talk.ear.sounds[0].start


def words(talk: Conversation) -> float:
    """How long all of the agent's sound was."""
    return talk.ear.sounds[-1].end - talk.ear.sounds[0].start


def pause_between(talk: Conversation) -> float:
    """From the end of the agent's first speech to its second."""
    first, second = (at for at, _ in talk.events("agent_state_changed", new_state="speaking"))
    end = min(
        at for at, _ in talk.events("agent_state_changed", new_state="listening") if at > first
    )
    return max(0.0, second - end)


def was_heard(talk: Conversation) -> bool:
    """Whether any words of the caller were."""
    return bool(talk.events("user_input_transcribed", is_final=True))


def words_heard(talk: Conversation) -> int:
    """How many words of the caller were."""
    finals = talk.events("user_input_transcribed", is_final=True)
    return sum(len(event.transcript.split()) for _, event in finals)


def was_speech(talk: Conversation) -> bool:
    """Whether the caller was ever taken to speak."""
    return bool(talk.events("user_state_changed", new_state="speaking"))


def noticed(talk: Conversation) -> float:
    """From the caller's first sound to the session's notice that the caller speaks."""
    notices = [at for at, _ in talk.events("user_state_changed", new_state="speaking")]
    return notices[0] - talk.said[0].start


def fell_silent(talk: Conversation) -> float:
    """From the caller's first sound to the end of speech, in the VAD's reckoning."""
    ends = [event for _, event in talk.events("user_state_changed", new_state="listening")]
    return float(ends[-1].created_at - talk.said[0].end)


def went_away(talk: Conversation) -> float:
    """From the beginning until the caller counts as away."""
    ((at, _),) = talk.events("user_state_changed", new_state="away")
    (listened,) = _agent(talk, "listening")
    return at - listened


def missed_words(talk: Conversation) -> float | None:
    """From the end of speech to the notice that no words came; None when there was none."""
    notices = talk.events("user_transcription_timeout")
    if not notices:
        return None
    ((_, heard),) = talk.events("user_state_changed", new_state="listening")
    return float(notices[0][0] - heard.created_at)


def stayed(talk: Conversation) -> float:
    """From the caller's going to Deepgram's."""
    (connection,) = talk.connections("/v1/listen")
    gone = [m.at for m in connection.messages if m.body["type"] == "CloseStream"]
    return gone[0] - talk.began


def learned(talk: Conversation) -> float:
    """How much of a pause has gone into the next turn's delay: 0 for nothing, 1 for all."""
    first, second = (delay for _, delay in talk.turns() if delay is not None)
    return (second - first) / (_pause(talk) - first)


def asks_for(path: str) -> Look:
    """Whether the gateway was asked for something."""

    def look(talk: Conversation) -> bool:
        return bool(talk.asked(path))

    return look


def wire(*names: str) -> Look:
    """What Deepgram is asked for to hear the caller: of these names, those in the query."""

    def look(talk: Conversation) -> str:
        (query,) = (one.query for one in talk.deepgram.requests if one.path.endswith("/listen"))
        return urlencode({name: query[name] for name in names if name in query}, doseq=True)

    return look


def _agent(talk: Conversation, state: str) -> list[float]:
    """When the agent came into a state."""
    return [at for at, _ in talk.events("agent_state_changed", new_state=state)]


def _pause(talk: Conversation) -> float:
    """Between the caller's two stretches of speech, in the VAD's reckoning."""
    changes = [event for _, event in talk.events("user_state_changed")]
    ended, resumed = changes[1], changes[2]
    return float(resumed.created_at - ended.created_at)
