"""What callers do in the conversations that prove fields."""

import asyncio
import time
from typing import Any, Final

import numpy as np

from sandbox.caller import Script
from tests.e2e.fields.conversation import Conversation, Scene

SENTENCE: Final = "I would like to book a table for two."

# Without a pause of a quarter of a second, in which the VAD would hear the end of speech.
QUESTION: Final = "I have a question for you and it is important."

_SPEECH: Final = (
    "Let me tell you about our opening hours, our prices, our staff and our parking lot."
)
"""The agent's own, five seconds of it."""


def saying(text: str, after: float, **stand_ins: Any) -> Scene:
    """Say something, and listen for so many seconds."""

    async def act(talk: Conversation) -> None:
        await talk.say(text)
        await asyncio.sleep(after)

    return Scene(act, **stand_ins)


def talking_over(text: str, at: float, after: float, **stand_ins: Any) -> Scene:
    """Say something so many seconds into the agent's speech, and listen for some more."""

    async def act(talk: Conversation) -> None:
        talk.session.say(_SPEECH)
        heard = await talk.hear()
        await asyncio.sleep((heard.start if heard else time.time()) + at - time.time())
        await talk.say(text)
        await asyncio.sleep(after)

    return Scene(act, **stand_ins)


def committing(after: float) -> Scene:
    """Say something; the application takes the turn to be over as soon as it is."""

    async def act(talk: Conversation) -> None:
        await talk.say(SENTENCE)
        talk.session.commit_user_turn()
        await asyncio.sleep(after)

    return Scene(act)


def adding(second: str, after: float, **stand_ins: Any) -> Scene:
    """Say something, and when the application has taken the turn to be over, something else."""

    async def act(talk: Conversation) -> None:
        await talk.say(SENTENCE)
        talk.session.commit_user_turn()
        await asyncio.sleep(0.5)
        await talk.say(second)
        await asyncio.sleep(after)

    return Scene(act, **stand_ins)


def whispering(after: float) -> Scene:
    """Say something so low that the VAD takes it for speech with 0.3 to 0.7."""

    async def act(talk: Conversation) -> None:
        await talk.say(_low(0.003))
        await asyncio.sleep(after)

    return Scene(act)


def fading(after: float) -> Scene:
    """Say something, and again in a low voice: 0.04 to 0.6 to the VAD."""

    async def act(talk: Conversation) -> None:
        await talk.say(SENTENCE, _low(0.015))
        await asyncio.sleep(after)

    return Scene(act)


def listening_to(*messages: str) -> Scene:
    """Hear what the agent has to say, in one speech for each message."""

    async def act(talk: Conversation) -> None:
        for speech in [talk.session.say(message) for message in messages]:
            await speech

    return Scene(act)


def being_silent(seconds: float) -> Scene:
    """Say nothing."""

    async def act(_: Conversation) -> None:
        await asyncio.sleep(seconds)

    return Scene(act)


def hanging_up() -> Scene:
    """Go without a word."""

    async def act(talk: Conversation) -> None:
        await talk.session.aclose()

    return Scene(act)


def _low(volume: float) -> bytes:
    ((samples),) = Script(SENTENCE).turns()[0]
    assert isinstance(samples, bytes)
    return (np.frombuffer(samples, "<i2") * volume).astype("<i2").tobytes()
